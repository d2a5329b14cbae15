"""Work that rows of the database stand for: claimed by one worker, leased, prolonged, finished or given up.

Any number of workers may do it at once. A claim is committed before the work begins and ends with its lease, which a
living worker prolongs: what a killed one left is claimed again. How often a row was claimed tells one claim from the
next, so that who lost a row to another worker marks nothing. The broker is only a doorbell (`ring`).

All times are the database's (`amls/core/clock.py`): a worker whose own clock is wrong claims nothing too early.
"""

import logging
import threading
import time
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Generic, TypeVar

from django.db import DatabaseError, connection, models, transaction
from django.db.models import Count, F, Min

from amls.core import clock
from amls.core.clock import Clock
from amls.core.doorbell import ring

logger = logging.getLogger(__name__)

Row = TypeVar("Row", bound=models.Model)

# Well below the limit on a task's time, so that a long queue never ends in the middle of a row.
LONGEST_ROUND_SECONDS = 600.0
# While this share of the lease is left nobody else can have claimed the row.
_SAFE_SHARE = 0.6
# A beat is missed, and another: the lease outlives them.
_BEATS_PER_LEASE = 3.6


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in a queue.

    Attributes:
        task: the name of the task that works it off.
        count: how many rows wait for a worker, or are being worked on where that can't be told apart.
        oldest_since: since when the oldest of them waits; None where none does.
    """

    task: str
    count: int
    oldest_since: datetime | None


class LostClaimError(Exception):
    """The row is gone, or another worker has it: nothing of this work counts."""


class Queue(ABC, Generic[Row]):
    """The rows of a table that are work, and how they are claimed.

    The lease's field is empty in every row that nobody works on, unless it says as well from when on a row is due.

    Attributes:
        model: the table.
        task: the name of the task that works it off, which is rung.
        lease: how long a row stays with a worker that says nothing.
        claimed: what is written into a row by a claim, beside its lease.
        most_attempts: so often a row is claimed before it is given up; None: without end.
        lease_field, attempts_field: where a row keeps until when, and how often, it was claimed.
        since_field: where a row keeps from when on it waits.
    """

    model: type[Row]
    task: ClassVar[str]
    lease: ClassVar[timedelta]
    claimed: ClassVar[Mapping[str, Any]] = {}
    most_attempts: ClassVar[int | None] = None
    lease_field: ClassVar[str] = "leased_until"
    attempts_field: ClassVar[str] = "attempts"
    since_field: ClassVar[str] = "not_before"

    @abstractmethod
    def waiting(self, *, now: datetime) -> "models.QuerySet[Row]":
        """Return the rows that should be worked on by now."""

    def backlog(self, *, now: datetime) -> Backlog:
        """Return how many rows wait, and how long: 1 query."""
        figures = self.waiting(now=now).order_by().aggregate(count=Count("pk"), oldest=Min(self.since_field))
        return Backlog(self.task, figures["count"], figures["oldest"])

    @abstractmethod
    def choose(self, *, now: datetime, limit: int) -> Iterable[Row]:
        """Return the rows to claim, the most urgent first, each locked by `free`. One worker chooses at a time."""

    @staticmethod
    def free(rows: "models.QuerySet[Row]") -> "models.QuerySet[Row]":
        """Return those of some rows that no transaction holds, locked."""
        return rows.select_for_update(skip_locked=True, of=("self",))

    def claim(self, *, now: datetime, limit: int = 1) -> "list[Claim[Row]]":
        """Return rows that this worker has from now on, as long as it prolongs their leases.

        Args:
            now: the database's time, by which rows are due and leases run.
            limit: how many are wanted.
        """
        time_of_claim, until = Clock(now), now + self.lease
        with transaction.atomic():
            with connection.cursor() as cursor:
                # For milliseconds: so that what belongs together is claimed together, and no limit is passed.
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [zlib.crc32(self.task.encode())])
            rows = list(self.choose(now=now, limit=limit))
            values = {**self.claimed, self.lease_field: until}
            for row in rows:
                setattr(row, self.attempts_field, getattr(row, self.attempts_field) + 1)
                for name, value in values.items():
                    setattr(row, name, value)
            if rows:
                counted = {self.attempts_field: F(self.attempts_field) + 1}
                models.QuerySet(self.model).filter(pk__in=[row.pk for row in rows]).update(**values, **counted)
        return [Claim(self, row, time_of_claim, until) for row in rows]

    def ring(self) -> None:
        """Tell the workers, after the commit, that there is something to do."""
        ring(self.task)

    def work_off(self, step: Callable[[datetime], int], *, batch: int = 0) -> int:
        """Go on until nothing waits, or the round took long; return how many rows were handled.

        Args:
            step: handles some rows, given the database's time, and returns how many.
            batch: where the first step handles so many there is more: another process is called, which does the same.
        """
        handled, started = 0, time.monotonic()
        while count := step(clock.now()):
            handled += count
            is_over = time.monotonic() - started > LONGEST_ROUND_SECONDS
            if is_over or handled == count >= batch > 0:
                self.ring()
            if is_over:
                break
        return handled


@dataclass(slots=True)
class Claim(Generic[Row]):
    """A row that a worker has, until its lease ends."""

    queue: Queue[Row]
    row: Row
    clock: Clock
    leased_until: datetime

    @property
    def attempt(self) -> int:
        """The how manieth claim of the row this is."""
        return int(getattr(self.row, self.queue.attempts_field))

    @property
    def is_one_too_many(self) -> bool:
        """Whether the row was claimed as often as it may be before, and never came to an end."""
        return self.queue.most_attempts is not None and self.attempt > self.queue.most_attempts

    def held(self) -> "models.QuerySet[Row]":
        """Return the row if this claim holds."""
        rows: models.QuerySet[Row] = models.QuerySet(self.queue.model).filter(pk=self.row.pk)
        return rows.filter(**{self.queue.attempts_field: self.attempt, f"{self.queue.lease_field}__isnull": False})

    def prolong(self, **noted: Any) -> bool:
        """Let the lease begin anew, and note progress in the row; return whether the claim holds."""
        until = self.clock.now() + self.queue.lease
        is_held = self.held().update(**{self.queue.lease_field: until}, **noted) == 1
        if is_held:
            self.leased_until = until
        return is_held

    def is_held(self) -> bool:
        """Return whether the row is still this worker's; where much of the lease is used up, prolong it."""
        return self.leased_until - self.clock.now() > self.queue.lease * _SAFE_SHARE or self.prolong()

    def finish(self, **values: Any) -> bool:
        """Give the row back with these values, if the claim holds; return whether it did."""
        return self.held().update(**{self.queue.lease_field: None, **values}) == 1

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Prolong the lease while the block runs, for work that can't do so itself: only a worker that died loses it."""
        stopped = threading.Event()
        beat = threading.Thread(target=self._beat, args=[stopped], daemon=True)
        beat.start()
        try:
            yield
        finally:
            stopped.set()
            beat.join()

    def _beat(self, stopped: threading.Event) -> None:
        is_used = False
        while not stopped.wait(self.queue.lease.total_seconds() / _BEATS_PER_LEASE):
            is_used = True
            try:
                self.prolong()
            except DatabaseError as error:
                # Tried again with the next beat.
                logger.warning("claim not prolonged task=%s row=%s: %s", self.queue.task, self.row.pk, error)
                connection.close()
        if is_used:
            connection.close()
