"""`make bench`: pages read per second, and the search as a ratio to a bare indexed query.

Search is measured in a course of 50 lectures with 60 slides each, alone and among 100 courses
of that size, and across all of a person's eight courses; then how many a second two web processes answer.
"""

import io
import itertools
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from amls.embedded import running
from tests.bench.throughput import BARE, anew, bare_parameters, throughput

ROOT = Path(__file__).resolve().parent.parent.parent
VAR = ROOT / "var" / "bench-search"
RESULTS = ROOT / "var" / "bench"
LECTURES, SLIDES, COURSES, OWN, ROUNDS = 50, 60, 100, 8, 3
_LETTERS = "abcdefghiklmnoprstuvw"


def main() -> None:
    """Measure, print a table, and write it to var/bench/search.json."""
    os.environ |= {"AMLS_VAR_DIR": str(VAR), "DEBUG": "0", "DJANGO_SETTINGS_MODULE": "amls.settings"}
    VAR.mkdir(parents=True, exist_ok=True)
    with running(VAR):
        import django

        django.setup()
        from django.conf import settings

        # The pool of the web server does not matter for one client.
        settings.ALLOWED_HOSTS = ["*"]
        rows = [*reading(), *searching()]
        from django.db import connections

        connections.close_all()
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "search.json").write_text(json.dumps(rows, indent=1))
    for row in rows:
        print("  ".join(f"{key} {value}" if key != "case" else f"{value:44}" for key, value in row.items()))


# ── reading ──


def reading() -> Iterator[dict[str, Any]]:
    """Yield pages per second of each kind of file, the child's start included, beside bare pdfium."""
    import pypdfium2
    from PIL import Image  # noqa: F401 - loaded before the clock runs

    from amls.files.limited.run import Limits
    from lectures.extraction.run import read_file
    from tests.lectures.files import pdf, pptx, vtt

    words = vocabulary()
    pages = [[" ".join(next(words) for _w in range(4)), *(" ".join(next(words) for _w in range(8)) for _l in range(7))] for _p in range(SLIDES)]  # fmt: skip
    files = {
        "pdf": (pdf(*pages), SLIDES),
        "pptx": (pptx(*((page[0], "\n".join(page[1:]), page[1]) for page in pages)), SLIDES),
        "vtt": (vtt(*((f"{number // 1200:02}:{number // 20 % 60:02}:{number % 20 * 3:02}.000", f"{number // 1200:02}:{number // 20 % 60:02}:{number % 20 * 3 + 2:02}.000", " ".join(next(words) for _w in range(8))) for number in range(1500))), 1500),
    }  # fmt: skip

    def bare() -> None:
        document = pypdfium2.PdfDocument(io.BytesIO(files["pdf"][0]))
        for page in document:
            page.get_textpage().get_text_range()
            page.render(scale=1200 / 720).to_pil().save(io.BytesIO(), "WEBP", quality=62, method=3)

    per_second = {"bare": SLIDES / median_of(bare)}
    for kind, (content, count) in files.items():
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / f"file.{kind}"
            path.write_bytes(content)

            def read(path: Path = path, kind: str = kind, count: int = count) -> None:
                with tempfile.TemporaryDirectory() as folder:
                    extracted = read_file(
                        path,
                        kind=kind,
                        folder=Path(folder),
                        most=500,
                        limits=Limits(seconds=120, memory=2**31, writes=2**28),
                        on_progress=lambda *_: True,
                    )
                    assert extracted.problem == "", extracted.problem
                    assert kind == "vtt" or len(extracted.pages) == count

            per_second[kind] = count / median_of(read)
    names = {"pdf": "PDF pages with pictures", "pptx": "PPTX slides with notes", "vtt": "captions"}
    for kind, title in names.items():
        row: dict[str, Any] = {"case": f"read: {title}", "per_second": round(per_second[kind], 1)}
        if kind == "pdf":
            row["to_bare_pdfium"] = round(per_second["pdf"] / per_second["bare"], 2)
        yield row


def median_of(act: Callable[[], None]) -> float:
    """Return the median of seconds that it takes, after once for warmth."""
    seconds = []
    for turn in range(ROUNDS + 1):
        started = time.perf_counter()
        act()
        if turn:
            seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def vocabulary() -> Iterator[str]:
    """Yield words as often as in a language: few stand everywhere, most stand rarely (Zipf)."""
    chance = random.Random(7)
    words = ["".join(chance.choice(_LETTERS) for _l in range(chance.randint(4, 11))) for _w in range(20_000)]
    weights = list(itertools.accumulate(1 / rank for rank in range(1, len(words) + 1)))
    while True:
        yield from chance.choices(words, cum_weights=weights, k=5000)


# ── searching ──


def searching() -> Iterator[dict[str, Any]]:
    """Yield p50 and p95 of the search page and of the bare query, alone and among 100 courses."""
    from django.core.management import call_command
    from django.test import Client

    from amls.courses.models import Enrolment, User

    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    # Deleted by models, 300,000 passages of the run before would be loaded to find what belongs to them.
    call_command("flush", verbosity=0, interactive=False)
    first = fill_first()
    typed = queries(first.pk)
    anonymous = Client()
    user = User.objects.create_user("bench@example.org")
    Enrolment.objects.create(user=user, course=first)
    person = Client()
    person.force_login(user, backend="amls.courses.accounts.AccountBackend")
    cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in person.cookies.items())
    yield from compare("search: 1 course of 3,000 slides", anonymous, f"/{first.slug}/search/", [first.pk], typed)
    yield from throughput(VAR, first.slug, first.pk, typed, cookie, "1 course")
    courses = [first, *copies_of(first, COURSES - 1)]
    Enrolment.objects.bulk_create(Enrolment(user=user, course=course) for course in courses[1:OWN])
    analyze()
    yield from compare("search: 1 of 100 such courses", anonymous, f"/{first.slug}/search/", [first.pk], typed)
    yield from compare(
        f"search: my {OWN} of 100 courses", person, "/search/", [course.pk for course in courses[:OWN]], typed
    )
    yield from throughput(VAR, first.slug, first.pk, typed, cookie, "1 of 100")


def fill_first() -> Any:
    """Make the first course, with slides of 4 words and 60 more each, and its vocabulary."""
    from django.utils import timezone

    from lectures.models import Passage
    from lectures.services.extraction import rebuild_vocabulary
    from tests.factories import CourseFactory

    course = CourseFactory.create(slug="bench-0")
    words = vocabulary()
    for file in make_files([course], timezone.now()):
        Passage.objects.bulk_create(
            Passage(
                course=course, file=file, kind="page", number=number, language="en",
                title=" ".join(itertools.islice(words, 4)), text=" ".join(itertools.islice(words, 60)),
            )
            for number in range(1, SLIDES + 1)
        )  # fmt: skip
    rebuild_vocabulary(course)
    analyze()
    return course


def make_files(courses: Sequence[Any], now: Any) -> list[Any]:
    """Make the lectures of courses with a PDF each; return the files, course by course."""
    from django.db.models import OuterRef

    from lectures.models import Extraction, Lecture, Material, MaterialFile

    lectures = Lecture.objects.bulk_create(
        Lecture(
            course=course, number=f"{number:02}", title=f"Lecture on topic {number}", starts_at=now + timedelta(days=number),
            ends_at=now + timedelta(days=number, hours=2),
        )
        for course in courses
        for number in range(1, LECTURES + 1)
    )  # fmt: skip
    materials = Material.objects.bulk_create(Material(lecture=lecture, kind="pdf") for lecture in lectures)
    files = MaterialFile.objects.bulk_create(
        MaterialFile(
            material=material, file="none.pdf", filename="slides.pdf", content_type="application/pdf", size=1,
            sha256="0" * 64, pages=SLIDES, uploaded_at=now,
        )
        for material in materials
    )  # fmt: skip
    Material.objects.update(current=MaterialFile.objects.filter(material=OuterRef("pk")).values("pk"))
    Extraction.objects.bulk_create(
        Extraction(file=file, state="done", pages_done=SLIDES, pages_total=SLIDES, created_at=now) for file in files
    )
    return files


def copies_of(first: Any, count: int) -> list[Any]:
    """Make more courses with the first one's texts: every word stands in every course, the worst case.

    A handful of statements for all. The index of words, which takes 100 words of each passage one by one, is made
    when they are there.
    """
    from django.db import connection, transaction
    from django.utils import timezone

    from lectures.models import MaterialFile
    from tests.factories import CourseFactory

    courses = [CourseFactory.create(slug=f"bench-{number}") for number in range(1, count + 1)]
    files = [file.pk for file in make_files(courses, timezone.now())]
    old = list(MaterialFile.objects.filter(material__lecture__course=first).order_by("pk").values_list("pk", flat=True))
    keys = [course.pk for course in courses]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL maintenance_work_mem = '256MB'")
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'passage_vector'")
        (definition,) = cursor.fetchone()
        cursor.execute("DROP INDEX passage_vector")
        cursor.execute(
            "INSERT INTO lectures_passage (course_id, file_id, kind, number, language, title, text, notes, cues, image,"
            " thumb, width, height) SELECT copies.course, copies.new, kind, number, language, title, text, notes, cues,"
            " image, thumb, width, height FROM lectures_passage p"
            " JOIN unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS copies(old, new, course) ON p.file_id = copies.old",
            [old * count, files, [course for course in keys for _file in old]],
        )
        # No index is made of a table of which keys are still to be checked.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(definition)
        cursor.execute(
            "INSERT INTO lectures_wordlist (course_id, length, words, passages)"
            " SELECT copies.course, length, words, passages FROM lectures_wordlist"
            " CROSS JOIN unnest(%s::bigint[]) AS copies(course) WHERE course_id = %s",
            [keys, first.pk],
        )
    return courses


def analyze() -> None:
    """Let the planner know the tables, as autovacuum does in time."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def queries(course: int) -> list[str]:
    """Return what is typed: frequent and rare words, two of them, beginnings, and one swapped letter in eight."""
    from lectures.models import WordList

    counts = {word: count for row in WordList.objects.filter(course=course) for word, count in row.counts.items()}
    known = sorted(counts, key=lambda word: (-counts[word], word))
    chance = random.Random(11)
    words = known[:3] + known[50:60] + chance.sample(known[100:], 50)
    typed = []
    for index, word in enumerate(words):
        if index % 8 == 7 and len(word) > 5:
            typed.append(word[:2] + word[3] + word[2] + word[4:])
        elif index % 4 == 1:
            typed.append(f"{known[index]} {word}")
        elif index % 4 == 2:
            typed.append(word[:4])
        else:
            typed.append(word)
    return typed


def compare(case: str, client: Any, address: str, courses: list[int], typed: list[str]) -> Iterator[dict[str, Any]]:
    """Measure every query in turn, through the page and bare, and yield the percentiles and their ratio.

    First as nobody has typed it yet, then as others have: what is found in one course is kept.
    """
    from django.db import connection

    for name, asked in (("", lambda text, turn: anew(text, turn + 1)), (", again", lambda text, _turn: text)):
        page, bare = [], []
        for turn in range(ROUNDS + 1):
            for text in typed:
                started = time.perf_counter()
                answer = client.get(address, {"q": asked(text, turn)}, headers={"hx-request": "true"})
                between = time.perf_counter()
                assert answer.status_code == 200
                with connection.cursor() as cursor:
                    again = time.perf_counter()
                    cursor.execute(BARE, bare_parameters(text, courses))
                    cursor.fetchall()
                    ended = time.perf_counter()
                if turn:
                    page.append(1000 * (between - started))
                    bare.append(1000 * (ended - again))
        p50, p95 = percentile(page, 50), percentile(page, 95)
        bare50, bare95 = percentile(bare, 50), percentile(bare, 95)
        yield {
            "case": case + name, "p50_ms": round(p50, 1), "p95_ms": round(p95, 1), "bare_p50_ms": round(bare50, 2),
            "bare_p95_ms": round(bare95, 2), "p50_to_bare": round(p50 / bare50, 1), "p95_to_bare": round(p95 / bare95, 1),
        }  # fmt: skip


def percentile(values: list[float], share: int) -> float:
    """Return the value below which `share` percent lie."""
    return statistics.quantiles(values, n=100)[share - 1]


if __name__ == "__main__":
    main()
