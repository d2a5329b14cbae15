"""The postman's rounds."""

from celery import shared_task
from django.utils import timezone

from amls.notifications.announcements import mail_announcements
from amls.notifications.changes import tell_changes
from amls.notifications.delivery import deliver_due
from amls.notifications.postman import Postman
from amls.notifications.pulse import beat_seen
from amls.notifications.reminders import plan_reminders


@shared_task
def deliver() -> int:
    """Send what is due until nothing is left; return how many notices were handled.

    Rung after a commit, and swept by beat in any case.
    """
    handled, postman = 0, Postman()
    try:
        while count := deliver_due(now=timezone.now(), postman=postman):
            handled += count
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
