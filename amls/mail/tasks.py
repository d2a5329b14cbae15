"""The postman's rounds."""

import time

from celery import shared_task
from django.utils import timezone

from amls.core.doorbell import ring
from amls.mail.announcements import mail_announcements
from amls.mail.changes import tell_changes
from amls.mail.connection import Postman
from amls.mail.health import beat_seen
from amls.mail.outbox import DELIVER
from amls.mail.reminders import plan_reminders
from amls.mail.send import BATCH, deliver_due

# A round ends well before the task's time limit, and the next one goes on.
LONGEST_ROUND_SECONDS = 600.0


@shared_task
def deliver() -> int:
    """Send what is due until nothing is left or the round took long; return how many notices were handled.

    Rung after a commit, and swept by beat in any case. Where more than a batch is due it calls
    the next of the worker's processes, which does the same: mail servers take their time.
    """
    handled, postman, started = 0, Postman(), time.monotonic()
    try:
        while count := deliver_due(now=timezone.now(), postman=postman):
            handled += count
            is_over = time.monotonic() - started > LONGEST_ROUND_SECONDS
            if is_over or handled == count >= BATCH:
                ring(DELIVER)
            if is_over:
                break
    finally:
        postman.close()
    return handled


@shared_task
def sweep(*, is_beat: bool = False) -> int:
    """Fill the outbox with what has come due: reminders, changes, announcements; return how many mails."""
    now = timezone.now()
    if is_beat:
        beat_seen(now=now)
    return plan_reminders(now=now) + tell_changes(now=now) + mail_announcements(now=now)
