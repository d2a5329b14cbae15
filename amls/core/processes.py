"""Which workers and beats live: each says so in the database (`amls.core.pulse`).

A process that ends in order takes itself off the list; one that was killed, or hangs, falls silent.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from amls.core import clock
from amls.core.batches import delete_in_batches
from amls.core.keyprint import WRONG_KEY, note_key
from amls.core.models import RunningProcess

logger = logging.getLogger(__name__)

# After four signs that are missing somebody is told: within two minutes.
SILENT_AFTER = timedelta(seconds=5 * settings.PULSE_SECONDS)
_KEPT = timedelta(days=1)


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


def look_at_key() -> None:
    """Say what to do where this process has another key than the database was written with: 1 query, 2 where it is new."""
    if not note_key(now=clock.now()):
        logger.error("%s", WRONG_KEY)
