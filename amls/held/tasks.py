"""The rounds in which held acts are done."""

from celery import shared_task

from amls.held.services import ACTS, apply_next


@shared_task
def apply_held() -> int:
    """Do the acts whose time has come, until none waits; return how many. Swept by beat."""
    return ACTS.work_off(apply_next)
