"""The workshop's rounds."""

from typing import Any

from celery import shared_task
from celery.signals import celeryd_after_setup, worker_process_init, worker_process_shutdown

from amls.core import clock
from amls.exports.cleaning import purge_everything
from amls.exports.jobs import EXPORTS, work_once
from amls.exports.pdf import load, unload, warm_up


@shared_task
def work() -> int:
    """Make exports until nothing waits; return how many were handled. Rung by an order, and swept by beat."""
    return EXPORTS.work_off(work_once)


@shared_task
def purge() -> int:
    """Delete whatever has been kept long enough, exports among it; return how many rows."""
    return purge_everything(now=clock.now())


_serves_exports = False


@celeryd_after_setup.connect
def _note_queues(instance: Any, **_kwargs: Any) -> None:
    global _serves_exports  # noqa: PLW0603 - set once, before the processes fork
    _serves_exports = "exports" in instance.app.amqp.queues.consume_from
    if _serves_exports:
        load()


@worker_process_init.connect
def _warm_up(**_kwargs: Any) -> None:
    # A slip or a receipt is to be there within a second of the click.
    if _serves_exports:
        warm_up()


@worker_process_shutdown.connect
def _clear_away(**_kwargs: Any) -> None:
    unload()
