"""How workers and beat say that they live: in the database, whatever becomes of the broker.

It knows neither models nor apps: beat has loaded none (`amls.core.beat`).
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from django.conf import settings
from django.db import DatabaseError, connection

logger = logging.getLogger(__name__)

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
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM core_runningprocess WHERE name = %s", [name])


class SignsOfLife(threading.Thread):
    """Says every few seconds that this process lives, with a connection of its own for a moment.

    Args:
        name: of the process.
        queues: that it serves; empty for a beat.
        first: done once before, in the thread.
    """

    def __init__(self, *, name: str, queues: Sequence[str], first: Callable[[], None] | None = None) -> None:
        super().__init__(name=f"signs of life of {name}", daemon=True)
        self._process, self._queues, self._first = name, queues, first
        self._ended = threading.Event()

    def run(self) -> None:
        """Go on until the end; a database that is away is tried again."""
        if self._first is not None:
            _try(self._first)
        while True:
            _try(lambda: note_pulse(name=self._process, queues=self._queues))
            if self._ended.wait(settings.PULSE_SECONDS):
                _try(lambda: note_end(name=self._process))
                return

    def end(self) -> None:
        """Take the process off the list."""
        self._ended.set()
        self.join(timeout=5)


def _try(write: Callable[[], None]) -> None:
    try:
        write()
    except DatabaseError as error:
        logger.warning("The database did not hear that this process lives: %s", error)
    finally:
        connection.close()
