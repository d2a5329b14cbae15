"""The desk's pages in a course of 100 lectures, 180 teams and 600 people: queries, bytes, and CPU beside a bare view's."""

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.bench.stage import stage

ROUNDS = 5
# What lists show at once is measured as it is; at 100 rows they have these many bytes and milliseconds at most.
FIRST_PAGE_AIM, LIST_AIM = "≤ 15 queries, ≤ 60 ms", "≤ 150 kB, ≤ 100 ms"


def measure() -> list[dict[str, Any]]:
    """Return a row for each page: queries, kB, milliseconds of CPU, and these as a ratio to a bare signed-in view."""
    with stage():
        return _measure()


def _measure() -> list[dict[str, Any]]:
    from django.conf import settings
    from django.core.management import call_command
    from django.test import Client
    from django.utils import timezone

    from tests.bench.answers import ANSWERS
    from tests.large_course import desk_pages, make_large

    settings.ROOT_URLCONF = "tests.bench.urls"
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    call_command("createcachetable", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    large = make_large("bench", now=timezone.now())
    client = Client(headers={"host": "localhost"})
    client.force_login(large.assistant.user, backend="amls.courses.accounts.AccountBackend")
    rows = []
    for number, (name, path) in enumerate(desk_pages(large).items()):
        body = _get(client, path)
        ANSWERS[f"desk-{number}"] = body
        page, bare = _in_turn(partial(_get, client, path), partial(_get, client, f"/signed-in/desk-{number}/"))
        rows.append(
            {
                "case": name,
                "queries": _queries(client, path),
                "kB": round(len(body) / 1000),
                "ms": round(page, 1),
                "to_bare": round(page / bare, 1),
                "aim": FIRST_PAGE_AIM if path == "/admin/" else LIST_AIM if path.endswith("/") else "",
            }
        )
    return rows


def _get(client: Any, path: str) -> bytes:
    answer = client.get(path)
    if answer.status_code != 200:
        raise RuntimeError(f"{path}: {answer.status_code}")
    return bytes(answer.content)


def _queries(client: Any, path: str) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        _get(client, path)
    return len(queries)


def _in_turn(page: Callable[[], bytes], bare: Callable[[], bytes]) -> tuple[float, float]:
    """Return the milliseconds of CPU that each takes: medians of rounds in turn, after one that warms both."""
    taken: dict[Callable[[], bytes], list[float]] = {page: [], bare: []}
    for turn in range(ROUNDS + 1):
        for work, times in taken.items():
            began = time.process_time()
            work()
            if turn:
                times.append(1000 * (time.process_time() - began))
    return statistics.median(taken[page]), statistics.median(taken[bare])


def show(rows: list[dict[str, Any]]) -> None:
    """Print the table."""
    print(f"{'the desk':34} {'queries':>8} {'kB':>6} {'ms':>8} {'to bare':>8}")
    for row in rows:
        print(f"{row['case']:34} {row['queries']:>8} {row['kB']:>6} {row['ms']:>8} {row['to_bare']:>8}  {row['aim']}")


if __name__ == "__main__":
    show(measure())
