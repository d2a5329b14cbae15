"""Telling the broker that a sweep has something to do."""

import logging

from celery import current_app
from django.db import connection, transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)
SWEEP = "amls.notifications.tasks.sweep"


def ring_sweep_after_commit() -> None:
    """Have reminders, changes and announcements looked at, once per transaction; beat does it in any case."""
    if not any(waiting[1] is _ring for waiting in connection.run_on_commit):
        transaction.on_commit(_ring, robust=True)


def _ring() -> None:
    try:
        current_app.send_task(SWEEP, ignore_result=True)
    except (OperationalError, OSError) as error:
        logger.warning("The broker did not hear the ring for a sweep: %s", error)
