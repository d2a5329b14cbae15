"""Telling the broker that there is work. The broker is a doorbell, the database is the truth."""

import logging
from time import monotonic
from typing import Any

from celery import current_app
from django.db import connection, transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

# While the broker does not answer nobody's request waits for it.
PAUSE_SECONDS = 5.0
_rings_again_at = 0.0


def ring(task: str, *arguments: Any) -> None:
    """Have a task run once the transaction is committed; the same one with the same arguments once per transaction.

    Beat sweeps in any case: a broker that is down costs time, nothing else, and takes nothing back. It is left alone
    for a few seconds then.

    Args:
        task: its name; it is of an app above, which is not known here.
        arguments: what it is called with.
    """
    wanted = (task, arguments)

    def call() -> None:
        global _rings_again_at  # noqa: PLW0603 - what this process knows of the broker
        if monotonic() < _rings_again_at:
            return
        try:
            # Tried once more: a connection that was kept may have ended meanwhile.
            current_app.send_task(task, args=arguments, ignore_result=True, retry_policy={"max_retries": 1})
        except (OperationalError, OSError) as error:
            _rings_again_at = monotonic() + PAUSE_SECONDS
            logger.warning("The broker did not hear the ring for %s: %s", task, error)

    call.wanted = wanted  # type: ignore[attr-defined]
    if not any(getattr(waiting[1], "wanted", None) == wanted for waiting in connection.run_on_commit):
        transaction.on_commit(call, robust=True)


def forget() -> None:
    """Forget that the broker did not answer."""
    global _rings_again_at  # noqa: PLW0603 - what this process knows of the broker
    _rings_again_at = 0.0
