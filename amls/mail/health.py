"""Whether mail flows: for /readyz and the staff's page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q

from amls.courses.models import Course
from amls.mail.managers import has_failed_since, is_waiting
from amls.mail.models import Notice, Pulse

_BEAT = "beat"
# Since when all mail is held back (`amls/mail/hold.py`).
HELD = "held"
# Mail that should have gone out is late after this; beat comes twice a minute.
_LATE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class MailHealth:
    """What is known of the mail's flow.

    Attributes:
        waiting: mails that should be on their way.
        oldest_due_at: since when the oldest of them should be.
        last_beat_at: when beat last swept.
        failed: mails given up within the last day.
        held_since: since when all mail is held back after a restore, if it is.
    """

    waiting: int
    oldest_due_at: datetime | None
    last_beat_at: datetime | None
    failed: int
    now: datetime
    held_since: datetime | None = None

    @property
    def is_late(self) -> bool:
        """Whether mail that should have gone out is waiting for long."""
        return self.oldest_due_at is not None and self.now - self.oldest_due_at > _LATE

    @property
    def is_beat_missing(self) -> bool:
        """Whether beat has not swept for long."""
        return self.last_beat_at is None or self.now - self.last_beat_at > _LATE


def beat_seen(*, now: datetime) -> None:
    """Note that beat swept."""
    Pulse.objects.update_or_create(name=_BEAT, defaults={"at": now})


def health(*, now: datetime, courses: Sequence[Course] | None = None) -> MailHealth:
    """Return whether mail flows, in two queries.

    Args:
        now: aware.
        courses: whose failed mails are counted; all without it.
    """
    waiting, failed = is_waiting(now), has_failed_since(now - timedelta(days=1))
    if courses is not None:
        failed &= Q(course__in=courses)
    # One look at both, by the indexes of the states.
    counted = Notice.objects.filter(waiting | failed).aggregate(
        waiting=Count("pk", filter=waiting), oldest=Min("not_before", filter=waiting), failed=Count("pk", filter=failed)
    )
    pulses = dict(Pulse.objects.filter(name__in=[_BEAT, HELD]).values_list("name", "at"))
    return MailHealth(
        waiting=counted["waiting"],
        oldest_due_at=counted["oldest"],
        last_beat_at=pulses.get(_BEAT),
        held_since=pulses.get(HELD),
        failed=counted["failed"],
        now=now,
    )
