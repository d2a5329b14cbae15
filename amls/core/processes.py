"""Which workers and beats live: each says so in the database, whatever becomes of the broker.

A process that ends in order takes itself off the list; one that was killed, or hangs, falls silent.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, connection

from amls.core import clock
from amls.core.batches import delete_in_batches
from amls.core.keyprint import WRONG_KEY, note_key
from amls.core.models import RunningProcess

logger = logging.getLogger(__name__)

# After four signs that are missing somebody is told: within two minutes.
SILENT_AFTER = timedelta(seconds=5 * settings.PULSE_SECONDS)
_KEPT = timedelta(days=1)

# The database's clock says when, and how far this machine's own is off.
_PULSE = """
INSERT INTO core_runningprocess (name, queues, seen_at, skew)
VALUES (%(name)s, %(queues)s, clock_timestamp(), %(local)s - extract(epoch FROM clock_timestamp()))
ON CONFLICT (name) DO UPDATE SET queues = EXCLUDED.queues, seen_at = EXCLUDED.seen_at, skew = EXCLUDED.skew
"""


def note_pulse(*, name: str, queues: Sequence[str]) -> None:
    """Write down that a process lives, and what its clock says: 1 query.

    Args:
        name: of the process, the same at each of its pulses.
        queues: that it serves; empty for a beat.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")  # so that opening a connection counts as no skew
        cursor.execute(_PULSE, {"name": name, "queues": list(queues), "local": time.time()})


def note_end(*, name: str) -> None:
    """Take a process that ends in order off the list."""
    RunningProcess.objects.filter(name=name).delete()


@dataclass(frozen=True, slots=True)
class Attendance:
    """Which processes are there.

    Attributes:
        alive: that said so within the last seconds.
        silent: that neither said so nor ended in order.
    """

    alive: tuple[RunningProcess, ...]
    silent: tuple[RunningProcess, ...]

    @property
    def workers(self) -> tuple[RunningProcess, ...]:
        """Those alive that serve a queue."""
        return tuple(process for process in self.alive if process.queues)

    @property
    def beats(self) -> tuple[RunningProcess, ...]:
        """Those alive that send what is due."""
        return tuple(process for process in self.alive if not process.queues)

    def unserved(self) -> tuple[str, ...]:
        """Return the queues that no living worker serves."""
        served = {queue for process in self.workers for queue in process.queues}
        return tuple(queue for queue in queues() if queue not in served)


def queues() -> tuple[str, ...]:
    """Return the queues of this installation, by the settings."""
    routed = {str(route["queue"]) for route in settings.CELERY_TASK_ROUTES.values()}
    return tuple(sorted({settings.CELERY_TASK_DEFAULT_QUEUE, *routed}))


def presence(*, now: datetime) -> Attendance:
    """Return which processes are there at `now`, the database's time: 1 query."""
    rows = list(RunningProcess.objects.order_by("name"))
    since = now - SILENT_AFTER
    return Attendance(
        tuple(process for process in rows if process.seen_at > since),
        tuple(process for process in rows if process.seen_at <= since),
    )


def purge_silent(now: datetime, dry_run: bool) -> int:
    """Forget processes that have been silent for a day (or only count them); return how many."""
    return delete_in_batches(RunningProcess.objects.filter(seen_at__lte=now - _KEPT), dry_run=dry_run)


class SignsOfLife(threading.Thread):
    """Says every few seconds that this process lives, with a connection of its own for a moment."""

    def __init__(self, *, name: str, queues: Sequence[str]) -> None:
        super().__init__(name=f"signs of life of {name}", daemon=True)
        self._process, self._queues = name, queues
        self._ended = threading.Event()

    def run(self) -> None:
        """Go on until the end; a database that is away is tried again."""
        _try(_look_at_key)
        while True:
            _try(lambda: note_pulse(name=self._process, queues=self._queues))
            if self._ended.wait(settings.PULSE_SECONDS):
                _try(lambda: note_end(name=self._process))
                return

    def end(self) -> None:
        """Take the process off the list."""
        self._ended.set()
        self.join(timeout=5)


def _look_at_key() -> None:
    if not note_key(now=clock.now()):
        logger.error("%s", WRONG_KEY)


def _try(write: Callable[[], None]) -> None:
    try:
        write()
    except DatabaseError as error:
        logger.warning("The database did not hear that this process lives: %s", error)
    finally:
        connection.close()
