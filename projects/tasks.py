"""What the worker does for projects."""

from celery import shared_task
from django.utils import timezone

from projects.services.switching import release_slots


@shared_task
def release_held_slots() -> int:
    """Give back the slots that were held for teams for a day; return how many."""
    return release_slots(now=timezone.now())
