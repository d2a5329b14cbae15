"""The desk's pages in a course of 100 lectures, 180 teams and 600 people: queries, bytes, and CPU beside a bare view's.

All in a process as a web process is once it has begun, and one action on all teams, which is shown before it is done.
"""

import re
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.bench.stage import stage

ROUNDS = 5
# What lists show at once is measured as it is; at 100 rows they have these many bytes and milliseconds at most.
FIRST_PAGE_AIM, LIST_AIM, BOOK_AIM, ACTION_AIM = (
    "≤ 15 queries, ≤ 60 ms", "≤ 150 kB, ≤ 100 ms", "≤ 150 ms", "≤ 30 queries",
)  # fmt: skip

_TRANSACTION = re.compile(r"\b(BEGIN|COMMIT|ROLLBACK|SAVEPOINT)\b")


def measure() -> list[dict[str, Any]]:
    """Return a row for each page: queries, kB, milliseconds of CPU, and these as a ratio to a bare signed-in view."""
    with stage():
        return _measure()


def _measure() -> list[dict[str, Any]]:
    from django.conf import settings
    from django.core.management import call_command
    from django.test import Client
    from django.utils import timezone

    from amls.core.preloading import collect_seldom, keep_what_is_loaded, load_in_common
    from tests.bench.answers import ANSWERS
    from tests.large_course import desk_pages, make_large

    settings.ROOT_URLCONF = "tests.bench.urls"
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    call_command("createcachetable", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    large = make_large("bench", now=timezone.now())
    client = Client(headers={"host": "localhost"})
    client.force_login(large.assistant.user, backend="amls.courses.accounts.AccountBackend")
    more_time: dict[str, Any] = {
        "action": "extend_all", "_selected_action": [team.pk for team in large.projects], "_confirmed": "1", "days": "1",
        "reason": "Outage",
    }  # fmt: skip
    pages = desk_pages(large)
    cases = {name: (partial(get_content, client, path), _aim_of(path)) for name, path in pages.items()}
    cases["more time for all teams, shown"] = (partial(_post, client, pages["projects"], more_time), ACTION_AIM)
    for number, (ask, _aim) in enumerate(cases.values()):
        ANSWERS[f"desk-{number}"] = ask()
    load_in_common()
    keep_what_is_loaded()
    collect_seldom()
    rows = []
    for number, (name, (ask, aim)) in enumerate(cases.items()):
        page, bare = in_turn(ask, partial(get_content, client, f"/signed-in/desk-{number}/"))
        rows.append(
            {
                "case": name,
                "queries": queries_of(ask),
                "kB": round(len(ANSWERS[f"desk-{number}"]) / 1000),
                "ms": round(page, 1),
                "to_bare": round(page / bare, 1),
                "aim": aim,
            }
        )
    return rows


def _aim_of(path: str) -> str:
    if path.endswith("/gradebook/"):
        return BOOK_AIM
    return FIRST_PAGE_AIM if path == "/admin/" else LIST_AIM


def get_content(client: Any, path: str) -> bytes:
    """Return the bytes of a page; an error when it is none."""
    return _content(path, client.get(path))


def _post(client: Any, path: str, data: dict[str, Any]) -> bytes:
    return _content(path, client.post(path, data))


def _content(path: str, answer: Any) -> bytes:
    if answer.status_code != 200:
        raise RuntimeError(f"{path}: {answer.status_code}")
    return bytes(answer.content)


def queries_of(ask: Callable[[], bytes]) -> int:
    """Return how many queries a page takes, where a transaction begins and ends not counted."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        ask()
    return sum(_TRANSACTION.search(query["sql"]) is None for query in queries.captured_queries)


def in_turn(
    page: Callable[[], bytes], bare: Callable[[], bytes], before: Callable[[], object] = lambda: None
) -> tuple[float, float]:
    """Return the milliseconds of CPU that each takes: medians of rounds in turn, after one that warms both.

    What is done before each page, such as a write, does not count.
    """
    taken: dict[Callable[[], bytes], list[float]] = {page: [], bare: []}
    for turn in range(ROUNDS + 1):
        for work, times in taken.items():
            before()
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
