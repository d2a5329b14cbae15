"""Holding all mail back after a restore: what the lost installation had sent already is not sent again.

A backup is older than the loss. What had come due in between was sent, and the restored database does not know it.
"""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from amls.core.doorbell import ring
from amls.core.hooks import Hook
from amls.mail.announcements import mail_announcements
from amls.mail.changes import tell_changes
from amls.mail.health import HELD
from amls.mail.models import Notice, Pulse
from amls.mail.outbox import DELIVER
from amls.mail.reminders import plan_reminders
from amls.mail.sealing import SEALED

# Does what had come due until a moment, and so was done by the lost installation, mails and all.
CatchUp = Callable[[datetime], object]
catch_up: Hook[CatchUp] = Hook("what the lost installation had done")
# Of when the backup is that was restored.
_AS_OF = "held as of"


def hold_mail(*, as_of: datetime | None = None, now: datetime) -> None:
    """Let no mail leave, and none be planned, until it is released.

    Args:
        as_of: until when the database knows what was sent, which is when the backup was made; None if nobody knows.
        now: the database's time.
    """
    Pulse.objects.update_or_create(name=HELD, defaults={"at": now})
    if as_of is not None:
        Pulse.objects.update_or_create(name=_AS_OF, defaults={"at": as_of})


def is_held() -> bool:
    """Return whether mail is held back: 1 query."""
    return Pulse.objects.filter(name=HELD).exists()


def held_as_of() -> datetime | None:
    """Return of when the backup is after whose restoring mail is held back, if that is known: 1 query."""
    return Pulse.objects.filter(name=_AS_OF).values_list("at", flat=True).first()


def release_mail(*, lost_at: datetime | None, now: datetime) -> int:
    """Let mail leave again; return how many mails were dropped because they had been sent before the loss.

    Args:
        lost_at: when the installation was lost from which the backup is: what had come due until then is written as
            dropped, such as reminders. None: nothing was sent after the backup, so that all of it leaves.
        now: the database's time.
    """
    with transaction.atomic():
        dropped = 0 if lost_at is None else _drop_until(lost_at)
        Pulse.objects.filter(name__in=[HELD, _AS_OF]).delete()
        ring(DELIVER)
    return dropped


def _drop_until(moment: datetime) -> int:
    # What the lost installation had done and put into its outbox since the backup.
    for do in catch_up:
        do(moment)
    plan_reminders(now=moment)
    tell_changes(now=moment)
    mail_announcements(now=moment)
    waiting = Notice.objects.filter(state__in=[Notice.State.DUE, Notice.State.SENDING], not_before__lte=moment)
    count = 0
    for notice in waiting.select_for_update():
        notice.state, notice.leased_until = Notice.State.DROPPED, None
        notice.references.pop(SEALED, None)
        notice.save(update_fields=["state", "leased_until", "references"])
        count += 1
    return count
