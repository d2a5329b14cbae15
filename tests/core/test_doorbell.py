"""The doorbell rings after the commit, once, and harms nothing where nobody hears it."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from amls.core import doorbell
from amls.core.doorbell import ring
from amls.portal.health.state import is_broker_up
from tests.patience import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_same_ring_is_heard_once_per_transaction_after_its_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[str, Any]] = []
    monkeypatch.setattr("celery.current_app.send_task", lambda name, args, **_options: heard.append((name, args)))
    with transaction.atomic():
        for task, keys in (("a", []), ("a", []), ("a", [2, 1]), ("a", [1, 2]), ("a", [3]), ("b", [])):
            ring(task, keys)
        assert heard == []
    assert heard == [("a", []), ("a", [[1, 2]]), ("a", [[3]]), ("b", [])]
    ring("a")
    assert heard[-1] == ("a", [])


def test_what_many_ring_for_within_a_moment_is_told_together_and_nobody_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard: list[tuple[str, Any]] = []
    monkeypatch.setattr("celery.current_app.send_task", lambda name, args, **_options: heard.append((name, args)))
    monkeypatch.setattr(doorbell, "GAP_SECONDS", 1.0)
    ring("follow", [0])
    ring("deliver")
    # Where it is quiet nobody waits.
    assert heard == [("follow", [[0]]), ("deliver", [])]
    keys = set(range(1, 101))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: doorbell._gather("follow", frozenset([key])), sorted(keys)))
    for _each in range(100):
        ring("deliver")
    wait_until(lambda: {key for name, args in heard[1:] if name == "follow" for key in args[0]} == keys)
    wait_until(lambda: ("deliver", []) in heard[2:])
    assert len(heard) < 100


def test_a_ring_that_comes_while_another_is_sent_is_no_part_of_it_and_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Any] = []

    def send(_name: str, args: list[Any], **_options: Any) -> None:
        heard.extend(args[0])
        if args == [[1]]:
            ring("a", [2])

    monkeypatch.setattr("celery.current_app.send_task", send)
    monkeypatch.setattr(doorbell, "GAP_SECONDS", 0.1)
    ring("a", [1])
    wait_until(lambda: heard == [1, 2])


def test_where_the_system_gives_no_thread_each_ring_is_heard_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Any] = []
    monkeypatch.setattr("celery.current_app.send_task", lambda _name, args, **_options: heard.append(args))
    monkeypatch.setattr(doorbell, "GAP_SECONDS", 3600.0)

    def refuse(_timer: threading.Thread) -> None:
        message = "can't start new thread"
        raise RuntimeError(message)

    monkeypatch.setattr("threading.Thread.start", refuse)
    for key in (1, 2, 3):
        ring("a", [key])
    assert heard == [[[1]], [[2]], [[3]]]


def test_a_process_that_is_forked_off_rings_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Any] = []
    monkeypatch.setattr("celery.current_app.send_task", lambda _name, args, **_options: heard.append(args))
    monkeypatch.setattr(doorbell, "GAP_SECONDS", 3600.0)
    ring("a")
    ring("a", [1])
    for timer in threading.enumerate():
        if isinstance(timer, threading.Timer):
            timer.cancel()
    assert heard == [[]]
    # What Python calls in the child. What its parent waits with is not its own.
    doorbell._begin_anew()
    ring("a", [2])
    assert heard == [[], [[2]]]


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


def test_a_broker_that_hangs_keeps_nobody_for_as_long_as_a_worker_waits_for_messages(
    time: list[float], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hung:
        address = f"redis://127.0.0.1:{hung.getsockname()[1]}/0"
        # A worker's patience never ends here: neither would the test's.
        monkeypatch.setitem(current_app.conf.broker_transport_options, "socket_timeout", None)
        monkeypatch.setattr(current_app.conf, "broker_url", address)
        monkeypatch.setattr(current_app.conf, "broker_write_url", address)
        for name in ("a", "b"):
            ring(name)
        assert not is_broker_up()
    assert [record.getMessage().split(":")[0] for record in caplog.records] == [
        "The broker did not hear the ring for a"
    ]
