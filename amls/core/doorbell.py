"""Telling the broker that there is work. The broker is a doorbell, the database is the truth."""

import logging
import os
import threading
from collections.abc import Collection
from contextvars import copy_context
from dataclasses import dataclass, field
from time import monotonic

from celery import current_app
from django.db import connection, transaction
from kombu import Connection
from kombu.exceptions import OperationalError
from kombu.pools import producers

logger = logging.getLogger(__name__)

# While the broker does not answer nobody's request waits for it.
PAUSE_SECONDS = 5.0
# A broker that takes longer to hear is away: somebody waits for the page. Workers wait longer, for messages.
ANSWER_SECONDS = 1
# How long a task that was rung for is not rung for again: a thousand who sign up within seconds are a few tasks.
GAP_SECONDS = 0.25
_rings_again_at = 0.0


@dataclass(slots=True)
class _Bell:
    """What this process has rung of one task.

    Attributes:
        rang_at: when, by the stopwatch.
        keys: of those that the next ring tells of.
        is_waiting: whether a next ring is certain.
    """

    rang_at: float = float("-inf")
    keys: set[int] = field(default_factory=set)
    is_waiting: bool = False


_bells: dict[str, _Bell] = {}
_lock = threading.Lock()


def _begin_anew() -> None:
    """Forget, in a process that was forked off, what its parent is still to ring for: the parent does."""
    global _lock  # noqa: PLW0603 - as it was taken, nobody here would give it back
    _lock = threading.Lock()
    _bells.clear()


os.register_at_fork(after_in_child=_begin_anew)


def ring(task: str, keys: Collection[int] = ()) -> None:
    """Have a task run once the transaction is committed: at once, or with what others of this process ring for soon after.

    Beat sweeps in any case: a broker that is down, and a process that ends within the quarter of a second, cost time,
    nothing else, and take nothing back. A broker that does not answer is left alone for a few seconds.

    Args:
        task: its name; it is of an app above, which is not known here.
        keys: of the rows that it is to look at, where it takes such a list; without any it is called with nothing.
    """
    wanted = (task, frozenset(keys))

    def call() -> None:
        _gather(*wanted)

    call.wanted = wanted  # type: ignore[attr-defined]
    if not any(getattr(waiting[1], "wanted", None) == wanted for waiting in connection.run_on_commit):
        transaction.on_commit(call, robust=True)


def broker_to_ask() -> Connection:
    """Return a connection to the broker for requests: one that hangs is given up after `ANSWER_SECONDS`, not as late as by a worker."""
    patience = {"socket_connect_timeout": ANSWER_SECONDS, "socket_timeout": ANSWER_SECONDS}
    return current_app.connection_for_write(transport_options=patience)


def forget() -> None:
    """Forget that the broker did not answer, and what was rung for; what is still to be rung for is."""
    global _rings_again_at  # noqa: PLW0603 - what this process knows of the broker
    _rings_again_at = 0.0
    with _lock:
        for bell in _bells.values():
            bell.rang_at = float("-inf")


def _gather(task: str, keys: frozenset[int]) -> None:
    with _lock:
        bell = _bells.setdefault(task, _Bell())
        bell.keys |= keys
        if bell.is_waiting:
            return
        bell.is_waiting = True
        pause = bell.rang_at + GAP_SECONDS - monotonic()
    if pause > 0:
        try:
            # With the number of the first one's request. The process waits for it when it ends by itself.
            threading.Timer(pause, copy_context().run, [_send, task]).start()
        except RuntimeError:
            # The system gives no further thread.
            _send(task)
    else:
        _send(task)


def _send(task: str) -> None:
    global _rings_again_at  # noqa: PLW0603 - as above
    with _lock:
        bell = _bells[task]
        keys, bell.keys = sorted(bell.keys), set()
        bell.is_waiting, bell.rang_at = False, monotonic()
    if bell.rang_at < _rings_again_at:
        return
    try:
        # Tried once more: a connection that was kept may have ended meanwhile.
        with producers[broker_to_ask()].acquire(block=True) as producer:
            current_app.send_task(
                task,
                args=[keys] if keys else [],
                ignore_result=True,
                producer=producer,
                retry_policy={"max_retries": 1},
            )
    except (OperationalError, OSError) as error:
        _rings_again_at = monotonic() + PAUSE_SECONDS
        logger.warning("The broker did not hear the ring for %s: %s", task, error)
