"""Local wall-clock time at the edges; aware UTC inside."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from amls.core.times import say_moment
from amls.core.violations import RuleViolation


def from_wall_clock(naive: datetime, zone: ZoneInfo) -> datetime:
    """Return the UTC instant of a wall-clock time in `zone`.

    Raises:
        RuleViolation: the clock skips this time (a change to summer time). A time that
            comes twice in autumn means the first of the two.
    """
    instant = naive.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != naive:
        raise RuleViolation(
            _("%(time)s does not exist in %(zone)s: the clocks go forward over it. Choose another time.")
            % {"time": say_moment(naive), "zone": zone.key},
            code="time-does-not-exist",
        )
    return instant


def to_wall_clock(instant: datetime, zone: ZoneInfo) -> datetime:
    """Return the naive wall-clock time of an aware `instant` in `zone`."""
    return instant.astimezone(zone).replace(tzinfo=None)


def next_midnight(now: datetime, zone: ZoneInfo) -> datetime:
    """Return the UTC instant at which the next local day begins."""
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return start_of_day(tomorrow, zone)


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """Return the UTC instant at which `day` begins in `zone`."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def deadline_closes_at(due_at: datetime) -> datetime:
    """Return when a deadline typed as e.g. 23:59 is over: the whole minute counts."""
    return due_at + timedelta(minutes=1)


def is_open_until(due_at: datetime, now: datetime) -> bool:
    """Return whether a deadline is still open: `now < typed + 1 minute`."""
    return now < deadline_closes_at(due_at)
