"""Whether mail flows: for /readyz and the staff's page."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Case, Count, Min, Q, Value, When

from amls.courses.models import Course
from amls.mail.managers import REFUSED_MAILBOX, SENDER, SERVER, has_failed_since, is_put_off_for, is_waiting
from amls.mail.models import Notice, Pulse

# What is seen in one look, beside mails that wait because of a setting: two of mails, two of pulses.
_WAITING, _FAILED, _BEAT = "waiting", "failed", "beat"
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
        refused: how many mails of the whole installation wait because the mail server is away or refuses what comes from
            here, by the setting that says where it is or who writes.
    """

    waiting: int
    oldest_due_at: datetime | None
    last_beat_at: datetime | None
    failed: int
    now: datetime
    held_since: datetime | None = None
    refused: Mapping[str, int] = field(default_factory=dict)

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
    """Return whether mail flows: 1 query.

    Args:
        now: aware.
        courses: whose failed mails are counted; all without it.
    """
    waiting, failed = is_waiting(now), has_failed_since(now - timedelta(days=1))
    if courses is not None:
        failed &= Q(course__in=courses)
    else:
        # A mailbox that is none, which any stranger may type, is listed with the others, and for nobody here to mend.
        failed &= ~Q(last_error__regex=REFUSED_MAILBOX)
    # No mail both waits and has failed. One look at both, by the indexes of the states.
    mails = Notice.objects.filter(waiting | failed).annotate(
        name=Case(When(waiting, then=Value(_WAITING)), default=Value(_FAILED))
    )
    counted = mails.order_by().values_list("name").annotate(count=Count("pk"), since=Min("not_before"))
    # Whichever courses are asked for: a server that refuses the installation refuses all of them.
    by_setting = {setting: is_put_off_for(setting, now) for setting in (SERVER, SENDER)}
    names = Case(*(When(condition, then=Value(setting)) for setting, condition in by_setting.items()))
    refused = Notice.objects.filter(by_setting[SERVER] | by_setting[SENDER]).annotate(name=names)
    put_off = refused.order_by().values_list("name").annotate(count=Count("pk"), since=Min("not_before"))
    pulses = Pulse.objects.filter(name__in=[_BEAT, HELD]).values_list("name", Value(0), "at")
    seen = defaultdict[str, tuple[int, datetime | None]](
        lambda: (0, None), {name: (count, at) for name, count, at in counted.union(put_off, pulses, all=True)}
    )
    return MailHealth(
        waiting=seen[_WAITING][0],
        oldest_due_at=seen[_WAITING][1],
        last_beat_at=seen[_BEAT][1],
        held_since=seen[HELD][1],
        failed=seen[_FAILED][0],
        refused={setting: seen[setting][0] for setting in by_setting if setting in seen},
        now=now,
    )
