"""Whether mail flows: for /readyz and the staff's page."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Min

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


def health(*, now: datetime) -> MailHealth:
    """Return whether mail flows, in three queries."""
    waiting = Notice.objects.waiting_at(now)
    pulses = dict(Pulse.objects.filter(name__in=[_BEAT, HELD]).values_list("name", "at"))
    return MailHealth(
        waiting=waiting.count(),
        oldest_due_at=waiting.aggregate(oldest=Min("not_before"))["oldest"],
        last_beat_at=pulses.get(_BEAT),
        held_since=pulses.get(HELD),
        failed=Notice.objects.failed_since(now - timedelta(days=1)).count(),
        now=now,
    )
