"""What people do at the same moment, and what goes on beside it: real threads, each on a connection of its own."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any

from django.db import connections

from amls.core.violations import RuleViolation
from tests.patience import SECONDS

Act = Callable[[], Any]


def at_once(acts: Sequence[Act], *, threads: int | None = None) -> list[Any]:
    """Do all of it at the same moment; return what each returned, or the refusal, in their order.

    Anything but a refusal, such as a deadlock that PostgreSQL reports, is raised.

    Args:
        acts: what is done; the test's own connection is not theirs, so it needs `django_db(transaction=True)`.
        threads: how many do it, each taking the next act that is left; by default one for each act.
    """
    count = threads or len(acts)
    start, outcomes, broken = threading.Barrier(count), [None] * len(acts), list[BaseException]()
    left: SimpleQueue[int] = SimpleQueue()
    for index in range(count, len(acts)):
        left.put(index)

    def do(index: int) -> None:
        try:
            outcomes[index] = acts[index]()
        except RuleViolation as violation:
            outcomes[index] = violation  # type: ignore[call-overload]

    def work(index: int) -> None:
        try:
            start.wait(SECONDS)
            do(index)
            while True:
                do(left.get_nowait())
        except Empty:
            pass
        except BaseException as error:
            broken.append(error)
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work, args=[index], daemon=True) for index in range(count)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(SECONDS)
    assert not any(worker.is_alive() for worker in workers)
    if broken:
        raise broken[0]
    return outcomes


def refusals(outcomes: Iterable[object]) -> Counter[str]:
    """Return how often what was refused, by its code."""
    return Counter(outcome.code for outcome in outcomes if isinstance(outcome, RuleViolation))


@contextmanager
def beside(act: Act) -> Iterator[None]:
    """Do something beside the block, which ends when both have; what it raises is raised there."""
    raised = list[BaseException]()

    def work() -> None:
        try:
            act()
        except BaseException as error:
            raised.append(error)
        finally:
            connections.close_all()

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    try:
        yield
    finally:
        worker.join(SECONDS)
    assert not worker.is_alive()
    if raised:
        raise raised[0]
