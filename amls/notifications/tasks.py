"""The postman's rounds."""

from celery import shared_task
from django.utils import timezone

from amls.notifications.delivery import deliver_due
from amls.notifications.postman import Postman


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
