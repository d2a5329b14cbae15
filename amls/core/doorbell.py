"""Telling the broker that there is work. The broker is a doorbell, the database is the truth."""

import logging
from typing import Any

from celery import current_app
from django.db import connection, transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def ring(task: str, *arguments: Any) -> None:
    """Have a task run once the transaction is committed; the same one with the same arguments once per transaction.

    Beat sweeps in any case: a broker that is down costs time, nothing else, and takes nothing back.

    Args:
        task: its name; it is of an app above, which is not known here.
        arguments: what it is called with.
    """
    wanted = (task, arguments)

    def call() -> None:
        try:
            current_app.send_task(task, args=arguments, ignore_result=True)
        except (OperationalError, OSError) as error:
            logger.warning("The broker did not hear the ring for %s: %s", task, error)

    call.wanted = wanted  # type: ignore[attr-defined]
    if not any(getattr(waiting[1], "wanted", None) == wanted for waiting in connection.run_on_commit):
        transaction.on_commit(call, robust=True)
