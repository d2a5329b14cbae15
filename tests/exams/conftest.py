"""What the tests of exams share."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from exams import tasks
from exams.following import FOLLOW

Rings = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def rings(django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch) -> Rings:
    """Run a block as if committed, and do at once what a worker is rung for."""

    def ring(name: str, arguments: list[Any] | None = None, **_options: Any) -> None:
        if name == FOLLOW:
            tasks.follow(*(arguments or []))

    monkeypatch.setattr("celery.current_app.send_task", ring)

    @contextmanager
    def run() -> Iterator[None]:
        with django_capture_on_commit_callbacks(execute=True):
            yield

    return run
