"""The gradebook of 600 people and 15 assignments: CPU of one answer, and as a ratio to a bare view of the same bytes.

Both behind all middlewares, in this process, so that nothing but the processor's time of Python counts; the aim is
150 ms. Queries are the same for few people and for many.
"""

import statistics
import time
from datetime import timedelta
from decimal import Decimal

from tests.bench.stage import stage

PEOPLE, SHEETS, ROUNDS = 600, 15, 9
FEW = 20
AIM = 0.15


def measure() -> list[dict[str, object]]:
    """Return seconds of the processor for the page, its table and a bare view, and the queries of the page."""
    with stage():
        return _measure()


def make_book(slug: str, *, people: int, sheets: int):  # type: ignore[no-untyped-def]
    """Make a course in which everybody has something on every sheet: points, a draft, an excuse or nothing; an exam too.

    Returns:
        The course, and who teaches it.
    """
    from django.utils import timezone

    from amls.courses.models import Course, Enrolment, User
    from amls.grading.models import PersonNote
    from exams.models import Exam, ExamRules, Registration, Result
    from projects.models import Assessment, Assignment, Excuse, Membership, Project, TaskPoints

    now = timezone.now()
    course = Course.objects.create(slug=slug, title="Bench", term="SS2024", state="running")
    rule = {
        "version": 1,
        "rule": {"block": "all", "parts": [{"block": "points", "of": "all", "percent": "50", "leave_out": 2}]},
    }
    ExamRules.objects.create(course=course, rule=rule, needs_matriculation_number=False)
    staff = User.objects.create(email=f"staff@{slug}.example.org")
    Enrolment.objects.create(user=staff, course=course, role="lecturer")
    users = User.objects.bulk_create(
        User(
            email=f"p{number}@{slug}.example.org",
            display_name=f"Łukasz Größe {number}",
            matriculation_number=str(400000 + number),
        )
        for number in range(people)
    )
    enrolments = Enrolment.objects.bulk_create(Enrolment(user=user, course=course) for user in users)
    for number in range(sheets):
        sheet = Assignment.objects.create(
            course=course, kind="sheet", title=f"Blatt {number + 1}", position=number, topics_given="", teaming="alone",
            grading="points", max_points=Decimal(20), hand_in="paper", due_at=now - timedelta(days=100 - 7 * number),
        )  # fmt: skip
        # Every 20th is excused, every 10th handed nothing in, the last sheet is not published.
        working = [person for place, person in enumerate(enrolments) if (place + number) % 10]
        Excuse.objects.bulk_create(
            Excuse(assignment=sheet, enrolment=person, by=staff, at=now)
            for place, person in enumerate(enrolments)
            if not (place + number) % 20
        )
        teams = Project.objects.bulk_create(Project(assignment=sheet, registered_at=now) for _person in working)
        Membership.objects.bulk_create(
            Membership(project=team, assignment=sheet, enrolment=person, joined_at=now)
            for team, person in zip(teams, working, strict=True)
        )
        published = now if number + 1 < sheets else None
        rows = Assessment.objects.bulk_create(
            Assessment(project=team, outcome="passed", assessed_by=staff, assessed_at=now, published_at=published)
            for team in teams
        )
        TaskPoints.objects.bulk_create(
            TaskPoints(assessment=row, points=Decimal((7 * place) % 81) / 4) for place, row in enumerate(rows)
        )
    exam = Exam.objects.create(course=course, starts_at=now - timedelta(days=1), results_published_at=now)
    listed = Registration.objects.bulk_create(
        Registration(
            exam=exam, course=course, enrolment=person, state="attended", created_at=now, changed_at=now, arrived_at=now
        )
        for person in enrolments
    )
    Result.objects.bulk_create(
        Result(registration=row, points=Decimal(place % 100), grade=Decimal("2.3"), state="published", published_at=now)
        for place, row in enumerate(listed)
    )
    PersonNote.objects.bulk_create(
        PersonNote(enrolment=person, text="Kommt später", written_by=staff, written_at=now)
        for person in enrolments[::30]
    )
    return course, staff  # fmt: skip


def _measure() -> list[dict[str, object]]:
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client, override_settings
    from django.test.utils import CaptureQueriesContext

    from amls.core.preloading import collect_seldom, keep_what_is_loaded, load_in_common
    from tests.bench.answers import ANSWERS

    call_command("collectstatic", verbosity=0, interactive=False)
    clients = {}
    for slug, people, sheets in (("few", FEW, 2), ("many", PEOPLE, SHEETS)):
        _course, staff = make_book(slug, people=people, sheets=sheets)
        clients[slug] = Client(SERVER_NAME="localhost", headers={"accept-language": "de"})
        clients[slug].force_login(staff, backend="amls.courses.accounts.AccountBackend")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    with override_settings(ROOT_URLCONF="tests.bench.urls", STAFF_NEEDS_SECOND_FACTOR=False, SECURE_SSL_REDIRECT=False):

        def answer(path: str, slug: str = "many") -> bytes:
            got = clients[slug].get(path)
            assert got.status_code == 200, (path, got.status_code)
            return got.content

        ANSWERS["gradebook"] = answer("/many/staff/gradebook/")
        assert ANSWERS["gradebook"].count(b"<tr>") == PEOPLE + 3
        # As a web process begins.
        load_in_common()
        keep_what_is_loaded()
        collect_seldom()
        counts = {}
        for slug in clients:
            with CaptureQueriesContext(connection) as queries:
                answer(f"/{slug}/staff/gradebook/", slug)
            counts[slug] = len(queries)
        assert counts["few"] == counts["many"], counts
        paths = {
            "bare": "/bare/gradebook/",
            "page": "/many/staff/gradebook/",
            "table": "/many/staff/gradebook/?format=csv",
        }
        spent: dict[str, list[float]] = {name: [] for name in paths}
        for _round in range(ROUNDS):
            for name, path in paths.items():
                started = time.process_time()
                answer(path)
                spent[name].append(time.process_time() - started)
    bare, page, table = (statistics.median(spent[name]) for name in ("bare", "page", "table"))
    size = len(ANSWERS["gradebook"])
    name = f"gradebook {PEOPLE} x {SHEETS}"
    return [
        {"case": "bare view of the same bytes, ms CPU", "value": round(bare * 1000, 1), "ratio": 1.0, "aim": ""},
        {
            "case": f"{name}, ms CPU",
            "value": round(page * 1000),
            "ratio": round(page / bare, 1),
            "aim": f"<= {AIM * 1000:.0f}",
        },
        {"case": f"{name} as CSV, ms CPU", "value": round(table * 1000), "ratio": round(table / bare, 1), "aim": ""},
        {"case": f"{name}, queries", "value": counts["many"], "ratio": "", "aim": "as for 20 x 2"},
        {"case": f"{name}, kB", "value": round(size / 1000), "ratio": "", "aim": ""},
    ]


if __name__ == "__main__":
    for row in measure():
        print(row)
