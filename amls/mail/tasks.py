"""The postman's rounds."""

from functools import partial

from celery import shared_task

from amls.core import clock
from amls.mail.announcements import mail_announcements
from amls.mail.changes import tell_changes
from amls.mail.connection import Postman
from amls.mail.health import beat_seen
from amls.mail.hold import is_held
from amls.mail.push.queue import PUSHES
from amls.mail.push.sending import BATCH as PUSH_BATCH
from amls.mail.push.sending import push_due
from amls.mail.reminders import plan_reminders
from amls.mail.send import BATCH, OUTBOX, deliver_due


@shared_task
def deliver() -> int:
    """Send what is due until nothing is left or the round took long; return how many notices were handled.

    Rung after a commit, and swept by beat in any case. Where more than a batch is due it calls
    the next of the worker's processes, which does the same: mail servers take their time.
    """
    if is_held():
        return 0
    postman = Postman()
    try:
        return OUTBOX.work_off(partial(deliver_due, postman=postman), batch=BATCH)
    finally:
        postman.close()


@shared_task
def sweep(*, is_beat: bool = False) -> int:
    """Fill the outbox with what has come due: reminders, changes, announcements; return how many mails."""
    now = clock.now()
    if is_beat:
        beat_seen(now=now)
    if is_held():
        return 0
    return plan_reminders(now=now) + tell_changes(now=now) + mail_announcements(now=now)


@shared_task
def push() -> int:
    """Say on people's devices what mails have told them, until nothing is left; return how much was tried."""
    return 0 if is_held() else PUSHES.work_off(push_due, batch=PUSH_BATCH)
