"""What time it is, by the database's clock; local wall-clock time at the edges, aware UTC inside.

Several machines judge one deadline and share one outbox: none of their own clocks has a say.
"""

import logging
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from time import monotonic
from zoneinfo import ZoneInfo

from django.db import Error, connection
from django.utils import timezone
from django.utils.translation import gettext as _

from amls.core.times import say_moment
from amls.core.violations import RuleViolation

logger = logging.getLogger(__name__)

# A stopwatch that goes wrong by 500 ppm, which is much, is 15 ms off after this.
_READ_AGAIN_SECONDS = 30.0
# While the database does not answer it is not asked for every page.
_PAUSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Clock:
    """A time that was read once and goes on by this machine's stopwatch.

    Attributes:
        at: the time, aware.
        read_at: the stopwatch when it was read, in seconds.
    """

    at: datetime
    read_at: float = field(default_factory=monotonic)

    def now(self) -> datetime:
        """Return what time it is by this clock."""
        return self.at + timedelta(seconds=monotonic() - self.read_at)


def now() -> datetime:
    """Return the database's time: 1 query.

    Tasks and commands take it once per batch; what a request decides goes by `request.now`.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0].astimezone(UTC)  # type: ignore[no-any-return]


class DatabaseClock:
    """The database's clock, as a process that answers requests carries it: it is asked twice a minute."""

    def __init__(self) -> None:
        self._clock: Clock | None = None
        self._ask_at = float("-inf")

    def now(self) -> datetime:
        """Return the database's time; by this machine's clock only if the database has never answered."""
        if monotonic() >= self._ask_at:
            try:
                self.set(now())
            except Error as error:
                self._ask_at = monotonic() + _PAUSE_SECONDS
                logger.warning("The database does not say what time it is: %s", error)
        return timezone.now() if self._clock is None else self._clock.now()

    def set(self, moment: datetime) -> None:
        """Go on from `moment`, which is the database's time."""
        self._clock, self._ask_at = Clock(moment), monotonic() + _READ_AGAIN_SECONDS


database_clock = DatabaseClock()


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
