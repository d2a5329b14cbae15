"""The cache goes on in the database while Redis is away, and goes back to Redis when that answers again."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock
from urllib.parse import urlsplit

import psutil
import pytest
from django.core.cache import cache, caches
from django.core.management import call_command
from pytest_django import Settings

from amls.core import fallback
from amls.core.redis_url import cache_settings
from tests.ports import free_port

pytestmark = [pytest.mark.django_db, pytest.mark.real]


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    """Let nothing that another test found out about a server count."""
    fallback.forget()
    yield
    fallback.forget()


def use(settings: Settings, url: str) -> None:
    settings.CACHES = cache_settings(url)
    call_command("createcachetable", verbosity=0)


def test_everything_that_a_cache_does_is_done_without_redis(settings: Settings) -> None:
    use(settings, f"redis://127.0.0.1:{free_port()}/0")
    assert cache.add("count", 1, 60) is True
    assert cache.add("count", 1, 60) is False
    assert cache.incr("count") == 2
    cache.set_many({"a": [1.5], "b": "Größe"}, 60)
    assert cache.get_many(["a", "b", "c"]) == {"a": [1.5], "b": "Größe"}
    assert cache.has_key("a") is True
    assert cache.touch("a", 90) is True
    cache.delete_many(["a"])
    assert cache.get("a", "gone") == "gone"
    assert cache.get_or_set("d", "once", 60) == "once"
    assert cache.delete("d") is True
    assert caches["database"].get("count") == 2
    cache.clear()
    assert cache.get("count") is None


def test_what_is_kept_is_in_redis_while_it_answers(settings: Settings) -> None:
    use(settings, os.environ["TEST_REDIS_URL"])
    cache.set("where-it-is", "here", 60)
    assert (caches["redis"].get("where-it-is"), caches["database"].get("where-it-is")) == ("here", None)
    cache.delete("where-it-is")


def test_redis_is_left_alone_for_a_while_and_then_asked_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(settings, f"redis://127.0.0.1:{free_port()}/0")
    time = [1000.0]
    monkeypatch.setattr(fallback, "monotonic", lambda: time[0])
    # Of a name of its own: other tests use the same Redis at the same time.
    cache.set("where-it-was", "in the database", 60)
    settings.CACHES = cache_settings(os.environ["TEST_REDIS_URL"])
    time[0] += fallback.PAUSE_SECONDS - 1
    assert cache.get("where-it-was") == "in the database"
    time[0] += 2
    assert cache.get("where-it-was") is None


def test_the_table_of_the_cache_has_room_for_a_large_course(settings: Settings) -> None:
    use(settings, "")
    for number in range(700):
        cache.set(f"feed:{number}", number, 60)
    assert len(cache.get_many([f"feed:{number}" for number in range(700)])) == 700


def connections_to(port: int) -> int:
    """Return how many this process has: others use the same Redis at the same time."""
    opened = psutil.Process().net_connections("tcp")
    return sum(1 for connection in opened if connection.raddr and connection.raddr.port == port)


def test_the_threads_of_a_process_share_their_connections(settings: Settings) -> None:
    use(settings, os.environ["TEST_REDIS_URL"])
    port = urlsplit(os.environ["TEST_REDIS_URL"]).port or 6379
    cache.set("where", "here", 60)
    before = connections_to(port)
    assert before > 0
    with ThreadPoolExecutor(20) as threads:
        begun, one_at_a_time = Barrier(20), Lock()

        def ask(_number: int) -> str:
            begun.wait()
            with one_at_a_time:
                return str(cache.get("where"))

        assert set(threads.map(ask, range(20))) == {"here"}
    assert connections_to(port) == before
