"""What the worker does for projects."""

import time

from celery import shared_task
from django.utils import timezone

from projects.services.checking import check_next
from projects.services.switching import release_slots

# Below the limit on a task's time, so that a long queue never ends in the middle of a file.
_ROUND_SECONDS = 600


@shared_task
def release_held_slots() -> int:
    """Give back the slots that were held for teams for a day; return how many."""
    return release_slots(now=timezone.now())


@shared_task
def check_attempts() -> int:
    """Judge the files of attempts for which a request had no time, until none waits; return how many attempts.

    Rung after a hand-in, and swept by beat in any case.
    """
    count, started = 0, time.monotonic()
    while time.monotonic() - started < _ROUND_SECONDS and check_next(now=timezone.now()):
        count += 1
    return count
