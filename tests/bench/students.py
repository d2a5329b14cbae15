"""Pages of a student who is signed in, beside a bare view of the same bytes: kept ones as they are served, and first ones.

In two courses, of 12 lectures and 24 topics and of 200 and 500. A page that was kept is asked for over and over of a web
server; the first after a write that concerns everybody in a process as a web process is once it has begun.
"""

import os
import statistics
from functools import partial
from pathlib import Path
from typing import Any

from tests.bench.desk import get_content, in_turn, queries_of
from tests.bench.projects import _signed_in
from tests.bench.serving import queries, rate, serve
from tests.bench.stage import VAR, stage

ROUNDS = 5
KEPT_AIM, FIRST_AIM = "≥ 0.5, ≤ 6 queries", "≤ 6 queries, ≤ 6 ms"
# Of each course: lectures, topics, teams, people.
SIZES = {"small": (12, 24, 12, 60), "large": (200, 500, 180, 600)}


def measure() -> list[dict[str, Any]]:
    """Return a row for each page: of the kept ones answers a second, of the first ones milliseconds of CPU, and these to bare."""
    os.environ["AMLS_DB_POOL"] = "1"
    with stage():
        return _measure()


def _measure() -> list[dict[str, Any]]:
    from django.conf import settings
    from django.test import Client
    from django.utils import timezone

    from amls.agenda.services import reconcile
    from amls.core.preloading import collect_seldom, keep_what_is_loaded, load_in_common
    from tests.bench.answers import ANSWERS
    from tests.large_course import make_large

    settings.ROOT_URLCONF = "tests.bench.urls"
    now = timezone.now()
    cases: dict[str, tuple[str, Any, int]] = {}
    for slug, (lectures, topics, teams, people) in SIZES.items():
        large = make_large(slug, now=now, lectures=lectures, topics=topics, teams=teams, people=people)
        reconcile(large.course, now=now)
        lecture = large.course.lectures.all()[lectures // 2]
        for name, path in {
            "home": "", "me": "me/", "schedule": "schedule/", "lecture": f"lectures/{lecture.ref}/", "topics": "projects/",
            "exams": "exams/",
        }.items():  # fmt: skip
            cases[f"{name}-{slug}"] = (f"/{slug}/{path}", large.people[0].user, large.course.pk)
    folder = VAR / "answers"
    folder.mkdir(exist_ok=True)
    clients = {user: Client(headers={"host": "localhost"}) for _path, user, _course in cases.values()}
    for user, client in clients.items():
        client.force_login(user, backend="amls.courses.accounts.AccountBackend")
    for name, (path, user, _course) in cases.items():
        ANSWERS[name] = get_content(clients[user], path)
        (folder / name).write_bytes(ANSWERS[name])
    kept = _kept(folder, {name: (path, _signed_in(user)) for name, (path, user, _course) in cases.items()})
    load_in_common()
    keep_what_is_loaded()
    collect_seldom()
    first = [_first(name, clients[user], path, course) for name, (path, user, course) in cases.items()]
    return [*kept, *first]


def _kept(folder: Path, cases: dict[str, tuple[str, str]]) -> list[dict[str, Any]]:
    """Return how often a second each page that is kept is served, and the bare view by the same server, in turn."""
    times: dict[tuple[str, str], list[float]] = {}
    rows = []
    with serve("tests.bench.wsgi:application", {"BENCH_ANSWERS": str(folder), "AMLS_DB_POOL": "1"}) as port:
        for turn in range(ROUNDS + 1):
            for name, (path, cookie) in cases.items():
                for kind, address in (("site", path), ("bare", f"/signed-in/{name}/")):
                    value = rate(port, address, {"Cookie": cookie}, 200)
                    if turn:
                        times.setdefault((name, kind), []).append(value)
        for name, (path, cookie) in cases.items():
            site, bare = (statistics.median(times[name, kind]) for kind in ("site", "bare"))
            rows.append(
                {
                    "case": f"{name}, kept",
                    "queries": queries(port, path, {"Cookie": cookie}, 200),
                    "per_second": round(site),
                    "ms": None,
                    "to_bare": round(site / bare, 2),
                    "aim": KEPT_AIM,
                }
            )
    return rows


def _first(name: str, client: Any, path: str, course: int) -> dict[str, Any]:
    """Return what a page takes after a write that concerns everybody of its course."""
    from amls.courses.models import Invalidation

    def ask() -> bytes:
        return get_content(client, path)

    def write() -> None:
        Invalidation.objects.create(course_id=course, user_id=0)

    write()
    asked = queries_of(ask)
    page, bare = in_turn(ask, partial(get_content, client, f"/signed-in/{name}/"), before=write)
    return {
        "case": f"{name}, first", "queries": asked, "per_second": None, "ms": round(page, 1),
        "to_bare": round(bare / page, 2), "aim": FIRST_AIM,
    }  # fmt: skip


def show(rows: list[dict[str, Any]]) -> None:
    """Print the table."""
    print(f"{'signed in':24} {'queries':>8} {'1/s':>6} {'ms':>6} {'to bare':>8}")
    for row in rows:
        values = (row["queries"], row["per_second"] or "", "" if row["ms"] is None else row["ms"], row["to_bare"])
        print(f"{row['case']:24} {values[0]:>8} {values[1]:>6} {values[2]:>6} {values[3]:>8}  {row['aim']}")


if __name__ == "__main__":
    show(measure())
