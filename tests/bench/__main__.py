"""`make bench`: what the site costs, as ratios to what is bare on the same server, in one run; `ONLY=desk` measures one part."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path

from amls.embedded import running
from tests.bench import desk, projects, signups, students
from tests.bench.serving import fetch, queries, rate, serve

ROOT = Path(__file__).resolve().parent.parent.parent
VAR = ROOT / "var" / "bench-server"
RESULTS = ROOT / "var" / "bench"
ROUNDS = 4


def main() -> int:
    """Measure the parts named by the arguments, all of them without any; print tables, and write them to var/bench."""
    wanted = sys.argv[1:] or list(PARTS)
    if unknown := set(wanted) - set(PARTS):
        print(f"There is no {', '.join(sorted(unknown))}: choose of {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    os.environ |= {"AMLS_VAR_DIR": str(VAR), "DEBUG": "0", "DJANGO_SETTINGS_MODULE": "amls.settings"}
    # Hundreds come too late for a slot, as they should: none of them is worth a line.
    os.environ["LOG_LEVEL"] = "ERROR"
    for folder in (RESULTS, VAR / "queue", VAR / "queue-control", VAR / "media"):
        folder.mkdir(parents=True, exist_ok=True)
    for part in wanted:
        for work in PARTS[part]:
            work()
    return 0


def pages() -> None:
    """Measure pages and feeds of visitors."""
    with ExitStack() as stack:
        stack.enter_context(running(VAR))
        paths = prepare()
        close_connections()
        port = stack.enter_context(serve("tests.bench.wsgi:application", {}))
        answers = keep_answers(port, page_cases(port, paths))
    with ExitStack() as stack:
        stack.enter_context(running(VAR))
        port = stack.enter_context(serve("tests.bench.wsgi:application", {**answers, "AMLS_DB_POOL": "1"}))
        bare_port = stack.enter_context(serve("tests.bench.bare:application", answers))
        write(measure(port, bare_port, page_cases(port, paths)))


def project_writes() -> None:
    """Measure registrations and hand-ins."""
    with ExitStack() as stack:
        stack.enter_context(running(VAR))
        prepare()
        prepared = projects.prepare()
        close_connections()
        port = stack.enter_context(serve("tests.bench.wsgi:application", {"AMLS_DB_POOL": "1"}))
        projects.report(projects.measure(port, prepared), RESULTS)
        # What came of it was looked for by this process.
        close_connections()


def exam_writes() -> None:
    """Measure sign-ups for an exam, on servers of their own: two processes, and a broker."""
    with running(VAR):
        prepare()
        signups.run(RESULTS)


def searching() -> None:
    """Measure the search, in a process of its own: another database."""
    subprocess.run([sys.executable, "-m", "tests.bench.search"], cwd=ROOT, check=True)


def run_part(part: str) -> None:
    """Run `tests.bench.<part>` in a process of its own, write what it found to var/bench and print it."""
    script = f"import json; from tests.bench.{part} import measure; print('ROWS' + json.dumps(measure()))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    rows = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("ROWS"))[4:])
    (RESULTS / f"{part}.json").write_text(json.dumps(rows, indent=1, ensure_ascii=False))
    if show := {"desk": desk.show, "students": students.show}.get(part):
        show(rows)
        return
    for row in rows:
        print(f"{row['case']:46} {row['value']:>8} {row['ratio']!s:>6} {row['aim']}")


def _parts(*names: str) -> list[Callable[[], None]]:
    return [partial(run_part, name) for name in names]


def write(rows: list[dict[str, object]]) -> None:
    """Print the table of pages, and write it to var/bench."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "pages.json").write_text(json.dumps(rows, indent=1))
    report(rows)


def prepare() -> dict[str, str]:
    """Make courses with 12 and with 200 lectures; return a person's feed."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.utils import timezone

    from amls.agenda.feeds import personal_feed_url
    from amls.agenda.services import reconcile
    from amls.courses.models import Course, Enrolment, User
    from lectures.models import Lecture
    from tests.factories import CourseFactory, LectureFactory

    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    for slug, count in (("small", 12), ("large", 200)):
        if not Course.objects.filter(slug=slug).exists():
            course = CourseFactory.create(slug=slug)
            for number in range(count):
                start = timezone.now() + timedelta(days=number + 2)
                LectureFactory.create(course=course, number=f"{number:03}", starts_at=start)
            reconcile(course, now=timezone.now())
        assert Lecture.objects.filter(course__slug=slug).count() == count
    user, _created = User.objects.get_or_create(email="bench@example.org")
    enrolment, _created = Enrolment.objects.get_or_create(user=user, course=Course.objects.get(slug="small"))
    feed = "/" + personal_feed_url(enrolment).split("/", 3)[3]
    return {"feed": feed}


def close_connections() -> None:
    """Let go of the database, which stops with its last user."""
    from django.db import connections

    connections.close_all()


Case = tuple[str, dict[str, str], int]


def page_cases(port: int, paths: dict[str, str]) -> dict[str, Case]:
    """Return what is measured, by a name for addresses: path, headers, expected status."""
    etag = fetch(port, "/small/calendar.ics", {})[1].get("etag", "")
    return {
        "home-12": ("/small/", {}, 200),
        "home-200": ("/large/", {}, 200),
        "lecture": ("/small/lectures/005/", {}, 200),
        "feed-12": ("/small/calendar.ics", {}, 200),
        "feed-200": ("/large/calendar.ics", {}, 200),
        "feed-304": ("/small/calendar.ics", {"If-None-Match": etag}, 304),
        "personal-feed": (paths["feed"], {}, 200),
    }


def keep_answers(port: int, cases: dict[str, Case]) -> dict[str, str]:
    """Keep the bytes of every case for the bare views; return how their servers find them."""
    folder = VAR / "answers"
    folder.mkdir(exist_ok=True)
    for name, (path, headers, status) in cases.items():
        got, _headers, body = fetch(port, path, headers)
        if got != status:
            raise RuntimeError(f"{path}: {got} instead of {status}")
        (folder / name).write_bytes(body)
    return {"BENCH_ANSWERS": str(folder)}


def measure(port: int, bare_port: int, cases: dict[str, Case]) -> list[dict[str, object]]:
    """Measure each case and the bare views with its bytes in turn, round by round; return medians and ratios."""
    times: dict[tuple[str, str], list[float]] = {}
    for turn in range(ROUNDS + 1):
        for name, (path, headers, status) in cases.items():
            for kind, where, address, sent in (
                ("site", port, path, headers),
                ("ours", port, f"/bare/{name}/", {}),
                ("none", bare_port, f"/bare/{name}/", {}),
            ):
                value = rate(where, address, sent, status)
                if turn:
                    times.setdefault((name, kind), []).append(value)
    rows = []
    for name, (path, headers, status) in cases.items():
        site, ours, none = (statistics.median(times[name, kind]) for kind in ("site", "ours", "none"))
        rows.append(
            {
                "case": name,
                "per_second": round(site),
                "queries": queries(port, path, headers, status),
                "bare_with_middleware": round(ours),
                "bare_without": round(none),
                "to_bare_with_middleware": round(site / ours, 2),
                "to_bare_without": round(site / none, 2),
            }
        )
    return rows


def report(rows: list[dict[str, object]]) -> None:
    """Print the table."""
    print(f"{'case':28} {'1/s':>8} {'queries':>8} {'to bare, ours':>14} {'to bare, none':>14}")
    for row in rows:
        print(
            f"{row['case']:28} {row['per_second']:>8} {row['queries']:>8}"
            f" {row['to_bare_with_middleware']:>14} {row['to_bare_without']:>14}"
        )


# What can be measured alone: `make bench ONLY=desk`.
PARTS: dict[str, list[Callable[[], None]]] = {
    "pages": [pages, *_parts("students")],
    "search": [searching],
    "desk": _parts("desk"),
    "writes": [project_writes, exam_writes],
    "rush": _parts("rush"),
    "mail": _parts("mail", "planning"),
    "pdf": _parts("pdfs"),
    "courses": _parts("takeover", "allocation"),
    "gradebook": _parts("gradebook"),
    "faculty": _parts("faculty"),
    "growth": _parts("growth"),
}


if __name__ == "__main__":
    sys.exit(main())
