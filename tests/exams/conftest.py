"""What the tests of exams share."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from django.db import connection

from exams import tasks
from exams.services.calendars import FOLLOW

Rings = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def rings(django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch) -> Rings:
    """Run a block as if committed, and do at once what a worker is rung for."""

    def ring(name: str, args: Sequence[Any] = (), **_options: Any) -> None:
        if name == FOLLOW:
            tasks.follow(*args)

    monkeypatch.setattr("celery.current_app.send_task", ring)

    @contextmanager
    def run() -> Iterator[None]:
        # As after a commit: what came before the block waits no longer, nor does what was called in it.
        connection.run_on_commit.clear()
        with django_capture_on_commit_callbacks(execute=True):
            yield
        connection.run_on_commit.clear()

    return run
