"""What beat sees to: the safety net of the ledger, and the counts of feed fetches."""

from celery import shared_task

from amls.agenda.fetches import flush_fetches
from amls.agenda.services import reconcile
from amls.core import clock
from amls.courses.models import Course


@shared_task
def reconcile_running_courses() -> int:
    """Reconcile every running course; return how many changes a write had failed to bring about."""
    return sum(len(reconcile(course, now=clock.now())) for course in Course.objects.filter(state=Course.State.RUNNING))


@shared_task
def flush_feed_fetches() -> int:
    """Write down what the cache counted of feed fetches; return for how many people."""
    return flush_fetches()
