"""What beat sees to."""

from celery import shared_task

from amls.core import clock
from amls.signin.locking import lock_unknown


@shared_task
def lock_accounts() -> int:
    """Lock accounts that no provider knows any more; return how many."""
    return lock_unknown(now=clock.now())
