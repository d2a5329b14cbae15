"""How workers begin, and what they say of themselves while they run; beat does so in `amls.core.beat`."""

from typing import Any

from billiard.util import get_pdeathsig  # type: ignore[attr-defined] # its stubs lack it
from celery.signals import celeryd_after_setup, worker_before_create_process, worker_ready, worker_shutdown

from amls.core.preloading import keep_what_is_loaded, load_in_common
from amls.core.processes import look_at_key
from amls.core.pulse import SignsOfLife

# Of this process; celery asks for its queues before it is ready.
_served: list[str] = []
_said: list[SignsOfLife] = []


@celeryd_after_setup.connect
def _note_queues(instance: Any, **_kwargs: Any) -> None:
    _served[:] = sorted(instance.app.amqp.queues.consume_from)


@worker_before_create_process.connect
def _keep_in_common_what_is_loaded(**_kwargs: Any) -> None:
    """Load it before, and keep the collector from writing to it, which would copy it for each of the worker's processes."""
    load_in_common()
    # Each of them asks the system in C to end with this one, for which a parser of C is loaded, too.
    get_pdeathsig()
    keep_what_is_loaded()


@worker_ready.connect
def _worker_lives(sender: Any, **_kwargs: Any) -> None:
    # Once, although a worker is ready again whenever the broker was away.
    if not _said:
        _said.append(SignsOfLife(name=sender.hostname, queues=_served, first=look_at_key))
        _said[0].start()


@worker_shutdown.connect
def _worker_ends(**_kwargs: Any) -> None:
    for signs in _said:
        signs.end()
