"""The doorbell rings after the commit, once, and harms nothing where nobody hears it."""

from typing import Any

import pytest
from django.db import transaction
from kombu.exceptions import OperationalError

from amls.core import doorbell
from amls.core.doorbell import ring

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_same_ring_is_heard_once_per_transaction_after_its_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[str, Any]] = []
    monkeypatch.setattr("celery.current_app.send_task", lambda name, args, **_options: heard.append((name, args)))
    with transaction.atomic():
        for task, arguments in (("a", []), ("a", []), ("a", [[1, 2]]), ("a", [[1, 2]]), ("a", [[3]]), ("b", [])):
            ring(task, *arguments)
        assert heard == []
    assert heard == [("a", ()), ("a", ([1, 2],)), ("a", ([3],)), ("b", ())]
    ring("a")
    assert heard[-1] == ("a", ())


def test_what_is_rolled_back_rings_for_nothing_and_keeps_no_later_ring_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []
    monkeypatch.setattr("celery.current_app.send_task", lambda name, **_options: heard.append(name))
    with transaction.atomic():
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            ring("a")
            raise ZeroDivisionError
        ring("a")
    assert heard == ["a"]


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the stopwatch shows."""
    shown = [1000.0]
    monkeypatch.setattr(doorbell, "monotonic", lambda: shown[0])
    monkeypatch.setattr(doorbell, "_rings_again_at", 0.0)
    return shown


@pytest.mark.parametrize("error", [OperationalError(), ConnectionRefusedError(), RuntimeError()])
def test_a_broker_that_does_not_hear_fails_nobody(
    error: Exception, time: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []

    def refuse(name: str, **_options: Any) -> None:
        heard.append(name)
        raise error

    monkeypatch.setattr("celery.current_app.send_task", refuse)
    with transaction.atomic():
        ring("a")
        ring("b")
    # Whatever it was: after a while it is tried again.
    time[0] += doorbell.PAUSE_SECONDS
    ring("c")
    assert [name for name in heard if name != "b"] == ["a", "c"]


def test_a_broker_that_is_away_is_left_alone_for_a_while(time: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []

    def refuse(name: str, **_options: Any) -> None:
        heard.append(name)
        raise OperationalError

    monkeypatch.setattr("celery.current_app.send_task", refuse)
    for name in ("a", "b", "c"):
        ring(name)
    time[0] += doorbell.PAUSE_SECONDS
    ring("d")
    assert heard == ["a", "d"]
