"""What workers and beat say of themselves while they run."""

import atexit
import socket
from typing import Any

from celery.signals import beat_init, celeryd_after_setup, worker_ready, worker_shutdown

from amls.core.processes import SignsOfLife

# Of this process; celery asks for its queues before it is ready.
_served: list[str] = []
_said: list[SignsOfLife] = []


@celeryd_after_setup.connect
def _note_queues(instance: Any, **_kwargs: Any) -> None:
    _served[:] = sorted(instance.app.amqp.queues.consume_from)


@worker_ready.connect
def _worker_lives(sender: Any, **_kwargs: Any) -> None:
    # Once, although a worker is ready again whenever the broker was away.
    if not _said:
        _begin(SignsOfLife(name=sender.hostname, queues=_served))


@beat_init.connect
def _beat_lives(**_kwargs: Any) -> None:
    if not _said:
        _begin(SignsOfLife(name=f"beat@{socket.gethostname()}", queues=[]))
        atexit.register(_end)


@worker_shutdown.connect
def _worker_ends(**_kwargs: Any) -> None:
    _end()


def _begin(signs: SignsOfLife) -> None:
    _said.append(signs)
    signs.start()


def _end() -> None:
    for signs in _said:
        signs.end()
