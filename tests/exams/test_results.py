"""Points and grades: from the file to the office, and every change on record."""

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.apps import apps
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from amls.core import clock
from amls.core.preview import AGREED, SEAL
from amls.core.violations import RuleViolation
from amls.courses.eligibility import extra_points
from amls.courses.models import User
from amls.courses.participation import verify_number
from amls.files.tables.table import Upload
from amls.held.models import HeldAct
from amls.held.services import HOLD, apply_next
from amls.mail.letters import letter_kinds
from amls.mail.models import Notice
from exams.grading import grade_bars, point_bars, statistics_of, usual_table
from exams.models import GRADES, Exam, ExamRules, Registration, Result, ResultChange, UniversityEntry
from exams.queries import office_rows
from exams.services.admission import decide_admission
from exams.services.gradetable import set_grade_table
from exams.services.pointfile import import_points
from exams.services.points import enter_points, parse_points
from exams.services.publication import published
from exams.services.registration import excuse, register
from exams.services.results import freeze, publish_results, regrade, unfreeze
from exams.services.university import compare_lists, import_university_list
from tests.cast import Cast
from tests.exams.people import make_students, verify_all
from tests.factories import OpenExamFactory
from tests.tables import agree, said, show

JUNE = datetime(2024, 6, 20, 10, tzinfo=UTC)
D = Decimal
AFTER = datetime(2024, 7, 25, 10, tzinfo=UTC)
TABLE = usual_table(D(100))


@pytest.fixture
def exam(cast: Cast) -> Exam:
    return OpenExamFactory.create(course=cast.course, capacity=None)


@pytest.fixture
def people(cast: Cast, exam: Exam) -> list[Registration]:
    """Four who attended, one who was absent, one who was excused."""
    registrations = [
        register(enrolment=student, exam_pk=exam.pk, now=JUNE) for student in make_students(cast.course, 6)
    ]
    Registration.objects.filter(pk__in=[registration.pk for registration in registrations[:4]]).update(
        state="attended", arrived_at=AFTER
    )
    Registration.objects.filter(pk=registrations[4].pk).update(state="absent")
    excuse(registration_pk=registrations[5].pk, reason="Certificate", now=AFTER)
    return registrations


@pytest.fixture
def extra(cast: Cast) -> Iterator[dict[int, D]]:
    """Extra points as another app would know them, by enrolment."""
    points: dict[int, D] = {}
    known = {
        **dict(extra_points.items()),
        "tests": lambda course, people, now: {person.pk: points[person.pk] for person in people if person.pk in points},
    }
    ExamRules.objects.update_or_create(course=cast.course, defaults={"max_extra_points": 5})
    with extra_points.replaced(known):
        yield points


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(RuleViolation) as caught:
        act()
    return caught.value.code


# ── grading ──


@pytest.mark.parametrize(
    ("points", "extra", "lifts", "grade"),
    [
        ("95", "0", False, "1.0"), ("94.99", "0", False, "1.3"), ("50", "0", False, "4.0"), ("49.5", "0", False, "5.0"),
        # Extra points improve a pass; a fail they lift only where the course says so.
        ("50", "5", False, "3.7"), ("49.5", "5", False, "5.0"), ("49.5", "5", True, "4.0"), ("93", "5", False, "1.0"),
    ],
)  # fmt: skip
def test_grades_follow_the_table(points: str, extra: str, lifts: bool, grade: str) -> None:
    assert TABLE.grade_of(D(points), D(extra), lifts_fail=lifts) == D(grade)


@given(st.decimals(0, 100, places=2), st.decimals(0, 100, places=2), st.decimals(0, 5, places=1), st.booleans())
def test_more_points_never_make_a_worse_grade(points: D, other: D, extra: D, lifts: bool) -> None:
    low, high = sorted([points, other])
    assert TABLE.grade_of(high, extra, lifts_fail=lifts) <= TABLE.grade_of(low, extra, lifts_fail=lifts)
    assert TABLE.grade_of(points, extra, lifts_fail=lifts) <= TABLE.grade_of(points, D(0), lifts_fail=lifts)


def test_statistics_and_bars() -> None:
    statistics = statistics_of([(D(95), D("1.0")), (D(60), D("3.3")), (D(20), D("5.0"))])
    assert (statistics.graded, statistics.passed, statistics.failed, statistics.passed_percent) == (3, 2, 1, 67)
    assert (statistics.mean_points, statistics.median_points, statistics.mean_grade) == (
        D("58.33"),
        D("60.00"),
        D("2.15"),
    )
    bars = grade_bars(statistics.counts)
    assert [bar.value for bar in bars] == [1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1]
    assert [bar.is_marked for bar in bars] == [False] * 10 + [True]
    other = {**statistics.counts, D("3.3"): 3, D("5.0"): 0}
    assert [(bar.label, bar.value, bar.before) for bar in grade_bars(other, statistics.counts) if bar.before is not None] == [
        ("3.3", 3, 1), ("5.0", 0, 1),
    ]  # fmt: skip
    points = point_bars([D(100), D(0), D("49.9")], max_points=D(100), pass_at=D(50))
    assert [number for number, bar in enumerate(points) if bar.value] == [0, 9, 19]
    assert [bar.is_marked for bar in points] == [True] * 10 + [False] * 10
    assert statistics_of([]).mean_points is None


@pytest.mark.parametrize(
    ("text", "value"), [("37,5", "37.5"), (" 0 ", "0"), ("100", "100"), ("101", None), ("-1", None), ("x", None), ("1.234", None), ("NaN", None), ("1e999", None), ("", None)]
)  # fmt: skip
def test_points_as_people_type_them(text: str, value: str | None) -> None:
    exam = Exam(max_points=D(100))
    if value is None:
        assert code_of(lambda: parse_points(text, exam)) in {"no-number", "points-range", "points-form"}
    else:
        assert parse_points(text, exam) == D(value)


# ── from drafts to published ──


@pytest.mark.django_db
def test_a_table_must_be_one(exam: Exam) -> None:
    steps = dict(TABLE.steps)
    assert code_of(lambda: set_grade_table(exam_pk=exam.pk, steps={D("1.0"): D(90)}, now=AFTER)) == "no-pass"
    twisted = {**steps, D("1.3"): D(96)}
    assert code_of(lambda: set_grade_table(exam_pk=exam.pk, steps=twisted, now=AFTER)) == "table-order"
    high = {**steps, D("1.0"): D(101)}
    assert code_of(lambda: set_grade_table(exam_pk=exam.pk, steps=high, now=AFTER)) == "table-range"
    set_grade_table(exam_pk=exam.pk, steps=steps, now=AFTER)
    set_grade_table(exam_pk=exam.pk, steps={D("1.0"): D(90), D("4.0"): D(50)}, now=AFTER)
    assert [(step.grade, step.min_points) for step in exam.grade_steps.all()] == [(D("1.0"), D(90)), (D("4.0"), D(50))]


@pytest.mark.django_db
def test_points_are_drafts_until_they_are_published_with_extra_points(
    cast: Cast, exam: Exam, people: list[Registration], extra: dict[int, D]
) -> None:
    by = cast.lecturer.user
    extra |= {people[0].enrolment_id: D(3), people[1].enrolment_id: D(3), people[2].enrolment_id: D(7)}
    enter_points(exam_pk=exam.pk, points={people[0].pk: D(60), people[1].pk: D(48), people[2].pk: D(90)}, by=by, now=AFTER)  # fmt: skip
    assert set(Result.objects.values_list("state", "grade")) == {("draft", None)}
    assert not Notice.objects.filter(kind="exams.results").exists()
    assert code_of(lambda: publish_results(exam_pk=exam.pk, by=by, now=AFTER)) == "no-table"
    set_grade_table(exam_pk=exam.pk, steps=TABLE.steps, now=AFTER)
    assert publish_results(exam_pk=exam.pk, by=by, now=AFTER) == 3
    # 3 extra points lift a pass, not a fail; never more than the course gives.
    assert [(result.points, result.extra_points, result.grade) for result in Result.objects.order_by("pk")] == [
        (D(60), D(3), D("3.3")), (D(48), D(0), D("5.0")), (D(90), D(5), D("1.0")),
    ]  # fmt: skip
    notices = Notice.objects.filter(kind="exams.results")
    assert notices.count() == 3
    for notice in notices:
        letter = letter_kinds[notice.kind].writer(notice, AFTER)
        assert letter is not None
        assert not any(grade in letter.subject + letter.text for grade in ("1.0", "3.3", "5.0", "60", "48"))
    assert code_of(lambda: publish_results(exam_pk=exam.pk, by=by, now=AFTER)) == "no-drafts"


@pytest.mark.django_db
def test_extra_points_are_said_where_they_count_and_why_they_dont(
    cast: Cast, exam: Exam, people: list[Registration], extra: dict[int, D]
) -> None:
    by = cast.lecturer.user
    extra |= {people[0].enrolment_id: D(3), people[1].enrolment_id: D(3)}
    enter_points(exam_pk=exam.pk, points={people[0].pk: D(60), people[1].pk: D(48)}, by=by, now=AFTER)
    set_grade_table(exam_pk=exam.pk, steps=TABLE.steps, now=AFTER)
    shown = cast.client("lecturer").get(reverse("exams:results", args=["amls", exam.pk])).content.decode()
    assert shown.count("don&#x27;t count") + shown.count("don't count") == 1
    with transaction.atomic():
        said = [what for _person, what in published(exam_pk=exam.pk, by=by, now=AFTER)]
    assert said == ["60 points, grade 3.3, with 3 extra points", "48 points, grade 5.0"]
    for person, sees in ((people[0], False), (people[1], True)):
        client = Client()
        client.force_login(person.enrolment.user, backend="amls.courses.accounts.AccountBackend")
        page = client.get("/amls/exams/").content.decode()
        assert ("Extra points count only for who passes without them." in page) == sees


@pytest.mark.django_db
def test_extra_points_count_up_to_what_the_course_gives(
    cast: Cast, exam: Exam, people: list[Registration], extra: dict[int, D]
) -> None:
    ExamRules.objects.filter(course=cast.course).update(max_extra_points=10)
    extra |= {people[0].enrolment_id: D(10), people[1].enrolment_id: D(12)}
    enter_points(exam_pk=exam.pk, points={people[0].pk: D(50), people[1].pk: D(50)}, by=None, now=AFTER)
    set_grade_table(exam_pk=exam.pk, steps=TABLE.steps, now=AFTER)
    publish_results(exam_pk=exam.pk, by=None, now=AFTER)
    assert set(Result.objects.values_list("extra_points", "grade")) == {(D(10), TABLE.grade_of(D(60)))}


@pytest.mark.django_db
def test_who_did_not_attend_gets_no_points(cast: Cast, exam: Exam, people: list[Registration]) -> None:
    for absent in people[4:]:
        act = lambda pk=absent.pk: enter_points(exam_pk=exam.pk, points={pk: D(1)}, by=None, now=AFTER)  # noqa: E731
        assert code_of(act) == "did-not-attend"
    assert not Result.objects.exists()


@pytest.mark.django_db
def test_a_published_result_changes_only_with_a_reason_and_on_record(
    cast: Cast, exam: Exam, people: list[Registration]
) -> None:
    by, pk = cast.lecturer.user, people[0].pk
    set_grade_table(exam_pk=exam.pk, steps=TABLE.steps, now=AFTER)
    enter_points(exam_pk=exam.pk, points={pk: D(60)}, by=by, now=AFTER)
    enter_points(exam_pk=exam.pk, points={pk: D(60)}, by=by, now=AFTER)
    publish_results(exam_pk=exam.pk, by=by, now=AFTER)
    later = AFTER + timedelta(days=1)
    assert code_of(lambda: enter_points(exam_pk=exam.pk, points={pk: D(66)}, by=by, now=later)) == "no-reason"
    assert (
        code_of(lambda: enter_points(exam_pk=exam.pk, points={pk: None}, by=by, reason="x", now=later)) == "published"
    )
    enter_points(exam_pk=exam.pk, points={pk: D(66)}, by=cast.assistant.user, reason="Page 3 was missed", now=later)
    told = [
        (change.what, change.before, change.after, change.by_id, change.reason)
        for change in ResultChange.objects.order_by("pk")
    ]
    assert told == [
        ("points", "", "60", by.pk, ""),
        ("state", "draft", "published", by.pk, ""),
        ("grade", "", "3.3", by.pk, ""),
        ("points", "60", "66", cast.assistant.user_id, "Page 3 was missed"),
        ("grade", "3.3", "3", cast.assistant.user_id, "Page 3 was missed"),
    ]
    told_at = Notice.objects.filter(kind__startswith="exams.result").order_by("pk").values_list("kind", "not_before")
    assert list(told_at) == [("exams.results", AFTER), ("exams.result-changed", later + HOLD)]
    # Corrected again it is told once; what is as it was is told to nobody.
    for minutes, points, count in ((1, D(70), 1), (2, D(60), 0)):
        at = later + timedelta(minutes=minutes)
        enter_points(exam_pk=exam.pk, points={pk: points}, by=by, reason="Typed wrong", now=at)
        assert Notice.objects.filter(kind="exams.result-changed").count() == count


@pytest.mark.django_db
def test_who_has_a_corrected_result_reads_that_it_changed_and_why_but_not_in_the_mail_what_it_is(
    cast: Cast, exam: Exam, people: list[Registration]
) -> None:
    points = {people[0].pk: D(60), people[1].pk: D(70)}
    set_grade_table(exam_pk=exam.pk, steps=TABLE.steps, now=AFTER)
    enter_points(exam_pk=exam.pk, points=points, by=None, now=AFTER)
    publish_results(exam_pk=exam.pk, by=None, now=AFTER)
    reason = "Blatt *drei* war übersehen"
    points[people[0].pk] = D("71.25")
    enter_points(exam_pk=exam.pk, points=points, by=None, reason=reason, now=AFTER + timedelta(days=1))
    (notice,) = Notice.objects.filter(kind="exams.result-changed")
    assert notice.recipient == people[0].enrolment.user
    with translation.override("de"):
        letter = letter_kinds[notice.kind].writer(notice, AFTER + timedelta(days=2))
    assert letter is not None
    assert letter.subject == "Ihr Ergebnis wurde geändert: Schriftliche Prüfung"
    assert letter.text.split("\n\n")[1] == "Grund: Blatt \\*drei\\* war übersehen"
    assert not any(figure in letter.subject + letter.text for figure in ("60", "71", "3.3", "3,3", "2.7", "2,7"))
    for person, shows in ((people[0], True), (people[1], False)):
        client = Client()
        client.force_login(person.enrolment.user)
        page = client.get("/amls/exams/").content.decode()
        assert ("Corrected: Blatt *drei* war übersehen" in page) is shows


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("what", "after", "language", "said"),
    [
        ("grade", "1.30", "de", "– → 1,3"), ("grade", "1.3", "en", "– → 1.3"),
        ("points", "62.50", "de", "– → 62,5"), ("extra_points", "4", "de", "– → 4"), ("state", "published", "de", "– → veröffentlicht"),
    ],
)  # fmt: skip
def test_changes_are_said_in_the_language_of_who_reads_them(what: str, after: str, language: str, said: str) -> None:
    with translation.override(language):
        assert ResultChange(what=what, after=after).step == said


@pytest.mark.django_db
def test_a_changed_table_reaches_published_grades_only_on_purpose(
    cast: Cast, exam: Exam, people: list[Registration]
) -> None:
    set_grade_table(exam_pk=exam.pk, steps=TABLE.steps, now=AFTER)
    enter_points(exam_pk=exam.pk, points={people[0].pk: D(48)}, by=None, now=AFTER)
    publish_results(exam_pk=exam.pk, by=None, now=AFTER)
    kinder = {grade: points - 5 for grade, points in TABLE.steps.items()}
    set_grade_table(exam_pk=exam.pk, steps=kinder, now=AFTER)
    assert Result.objects.get().grade == D("5.0")
    assert code_of(lambda: regrade(exam_pk=exam.pk, by=None, reason=" ", now=AFTER)) == "no-reason"
    assert regrade(exam_pk=exam.pk, by=None, reason="Task 4 was unclear", now=AFTER) == 1
    assert Result.objects.get().grade == D("4.0")


@pytest.mark.django_db
def test_frozen_means_frozen(cast: Cast, exam: Exam, people: list[Registration]) -> None:
    set_grade_table(exam_pk=exam.pk, steps=TABLE.steps, now=AFTER)
    enter_points(exam_pk=exam.pk, points={person.pk: D(70) for person in people[:3]}, by=None, now=AFTER)
    assert code_of(lambda: freeze(exam_pk=exam.pk, now=AFTER)) == "drafts-left"
    publish_results(exam_pk=exam.pk, by=None, now=AFTER)
    assert code_of(lambda: freeze(exam_pk=exam.pk, now=AFTER)) == "people-left"
    with pytest.raises(RuleViolation, match=f"^Present, without points: {people[3].enrolment.user}.$"):
        freeze(exam_pk=exam.pk, now=AFTER)
    Registration.objects.filter(pk=people[3].pk).update(state="registered", arrived_at=None)
    with pytest.raises(RuleViolation, match=f"^Neither present nor absent: {people[3].enrolment.user}.$"):
        freeze(exam_pk=exam.pk, now=AFTER)
    Registration.objects.filter(pk=people[3].pk).update(state="attended", arrived_at=AFTER)
    enter_points(exam_pk=exam.pk, points={people[3].pk: D(20)}, by=None, now=AFTER)
    publish_results(exam_pk=exam.pk, by=None, now=AFTER)
    verify_all(cast.course)
    freeze(exam_pk=exam.pk, now=AFTER)
    for act in (
        lambda: enter_points(exam_pk=exam.pk, points={people[0].pk: D(1)}, by=None, reason="x", now=AFTER),
        lambda: set_grade_table(exam_pk=exam.pk, steps=TABLE.steps, now=AFTER),
        lambda: publish_results(exam_pk=exam.pk, by=None, now=AFTER),
        lambda: regrade(exam_pk=exam.pk, by=None, reason="x", now=AFTER),
        lambda: freeze(exam_pk=exam.pk, now=AFTER),
    ):
        assert code_of(act) == "frozen"
    answer = cast.client("lecturer").get(f"/amls/exams/{exam.pk}/results/office.csv")
    numbers = [person.enrolment.user.matriculation_number for person in people]
    day = exam.starts_at.astimezone(exam.course.zone)
    course = f'"{exam.course}"' if "," in str(exam.course) else str(exam.course)
    of_exam = f"{course},{exam},{day:%Y-%m-%d}"
    assert answer.content.decode("utf-8-sig").splitlines() == [
        "matriculation number,name,grade,status,course,exam,date",
        *(f"{numbers[number]},S {number:04},2.7,Attended,{of_exam}" for number in range(3)),
        f"{numbers[3]},S 0003,5.0,Attended,{of_exam}",
        f"{numbers[4]},S 0004,,Absent,{of_exam}",
        f"{numbers[5]},S 0005,,Excused,{of_exam}",
    ]
    book = cast.client("lecturer").get(f"/amls/exams/{exam.pk}/results/office.xlsx", headers={"accept-language": "de"})
    page = load_workbook(io.BytesIO(book.content)).active
    assert page is not None
    assert [[cell.value for cell in row] for row in page.iter_rows(max_row=2, max_col=4)] == [
        ["Matrikelnummer", "Name", "Note", "Status"],
        [numbers[0], "S 0000", 2.7, "Teilgenommen"],
    ]
    assert code_of(lambda: unfreeze(exam_pk=exam.pk, by=None, reason="", now=AFTER)) == "no-reason"
    unfreeze(exam_pk=exam.pk, by=cast.lecturer.user, reason="The office asked", now=AFTER)
    assert ResultChange.objects.filter(before="frozen", reason="The office asked").count() == 4
    assert cast.client("lecturer").get(f"/amls/exams/{exam.pk}/results/office.csv").status_code == 302


# ── files ──


def sheet(*rows: tuple[object, ...]) -> bytes:
    book, target = Workbook(), io.BytesIO()
    page = book.active
    assert page is not None
    for row in rows:
        page.append(row)
    book.save(target)
    return target.getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_points_come_in_by_number_or_address(cast: Cast, exam: Exam, people: list[Registration], kind: str) -> None:
    users = [person.enrolment.user for person in people]
    if kind == "csv":
        text = f"Matrikelnummer;E-Mail;Punkte\n{users[0].matriculation_number};;37,5\n;{users[1].email.upper()};88\n;;\n{users[2].matriculation_number};;\n"
        content, name = text.encode("latin-1"), "points.csv"
    else:
        rows = [
            ("Student ID", "Email", "Points"),
            (int(users[0].matriculation_number), None, 37.5),
            (None, users[1].email, 88),
        ]
        content, name = sheet(*rows), "points.xlsx"
    shown = import_points(exam_pk=exam.pk, upload=Upload(content, name), by=None, now=AFTER, dry_run=True)
    assert [(change.registration.pk, change.before, change.after) for change in shown.changes] == [
        (people[0].pk, None, D("37.5")),
        (people[1].pk, None, D(88)),
    ]
    assert not Result.objects.exists()
    assert not ResultChange.objects.exists()
    import_points(exam_pk=exam.pk, upload=Upload(content, name), by=None, now=AFTER, dry_run=False)
    again = import_points(exam_pk=exam.pk, upload=Upload(content, name), by=None, now=AFTER, dry_run=False)
    assert (again.changes, again.unchanged, Result.objects.count()) == ([], 2, 2)


@pytest.mark.django_db
def test_a_bad_line_is_named_and_left_out_alone(exam: Exam, people: list[Registration]) -> None:
    numbers = [person.enrolment.user.matriculation_number for person in people]
    rows = ["number,x", f"{numbers[0]},50"]
    bad = import_points(exam_pk=exam.pk, upload=Upload("\n".join(rows).encode(), "a.csv"), by=None, now=AFTER, dry_run=False)  # fmt: skip
    assert said(bad.problems) == [
        "Line 1: no column is named 'points'. The first line must name the columns; found: number, x.",
        "Line 1: no column is named 'matriculation number or e-mail address'. The first line must name the columns; found: number, x.",
    ]
    rows = ["student id,points", f"{numbers[0]},50", "999,50", f"{numbers[0]},51", f"{numbers[1]},105", f"{numbers[4]},50", ",50", f"{numbers[2]},many"]  # fmt: skip
    bad = import_points(exam_pk=exam.pk, upload=Upload("\n".join(rows).encode(), "a.csv"), by=None, now=AFTER, dry_run=False)  # fmt: skip
    assert said(bad.problems) == [
        "Line 3: Nobody in this course has '999'.",
        f"Line 4: '{numbers[0]}' stands in the file twice.",
        "Line 5: Points lie between 0 and 100, found 105.",
        "Line 6: S 0004 has no points to get: Absent. Correct the check-in first.",
        "Line 7: it names nobody: give a matriculation number or an e-mail address.",
        "Line 8: 'many' is no number.",
    ]
    assert {result.registration_id: result.points for result in Result.objects.all()} == {people[0].pk: D(50)}
    # Whose line is wrong stands in the file all the same.
    assert bad.left == ["S 0003"]


@pytest.mark.django_db
def test_every_published_result_that_would_change_is_named(exam: Exam, people: list[Registration]) -> None:
    set_grade_table(exam_pk=exam.pk, steps=TABLE.steps, now=AFTER)
    enter_points(exam_pk=exam.pk, points={person.pk: D(60) for person in people[:3]}, by=None, now=AFTER)
    publish_results(exam_pk=exam.pk, by=None, now=AFTER)
    numbers = [person.enrolment.user.matriculation_number for person in people[:3]]
    content = "mtknr;points\n{};61\n{};60\n{};62\n".format(*numbers).encode()
    preview = import_points(exam_pk=exam.pk, upload=Upload(content, "a.csv"), by=None, now=AFTER, dry_run=True)
    assert said(preview.problems) == ["The results of S 0000, S 0002 are published: give a reason for the changes."]
    assert set(Result.objects.values_list("points", flat=True)) == {D(60)}


@pytest.mark.parametrize("content", [b"PK\x03\x04 no zip", b"", b"PK\x03\x04"])
@pytest.mark.django_db
def test_what_is_no_table_is_said_to_be_none(exam: Exam, content: bytes) -> None:
    with pytest.raises(RuleViolation, match=r"not a file that a spreadsheet program wrote|The file is empty"):
        import_points(exam_pk=exam.pk, upload=Upload(content, "a.xlsx"), by=None, now=AFTER, dry_run=True)


@pytest.mark.django_db
def test_a_typed_number_takes_nobodys_points(cast: Cast, exam: Exam, people: list[Registration]) -> None:
    """As in the report: 500001 is verified for Anna and '0500001' typed by Bernd; the file names Anna's address."""
    anna, bernd = people[0].enrolment, people[1].enrolment
    verify_number(enrolment=anna, number="500001")
    User.objects.filter(pk=bernd.user_id).update(matriculation_number="0500001")
    for row in (f"500001;{anna.user.email};91", "500001;;91", f";{anna.user.email};91"):
        content = f"Matrikelnummer;E-Mail;Punkte\n{row}\n".encode()
        preview = import_points(exam_pk=exam.pk, upload=Upload(content, "a.csv"), by=None, now=AFTER, dry_run=True)
        assert ([change.registration.enrolment for change in preview.changes], preview.problems) == ([anna], [])
    content = f"Matrikelnummer;E-Mail;Punkte\n500001;{bernd.user.email};91\n".encode()
    report = import_points(exam_pk=exam.pk, upload=Upload(content, "a.csv"), by=None, now=AFTER, dry_run=False)
    assert said(report.problems) == [
        f"Line 2: {bernd.user.email} is S 0001, but 500001 is the matriculation number of S 0000 <{anna.user.email}>."
    ]
    # Of whom the file has number or address is not said to be missing from it.
    assert report.left == ["S 0002", "S 0003"]
    content = b"Matrikelnummer;Name;Punkte\n400002;Lukasz Zolc;91\n"
    report = import_points(exam_pk=exam.pk, upload=Upload(content, "a.csv"), by=None, now=AFTER, dry_run=False)
    assert said(report.problems) == ["Line 2: The line names Lukasz Zolc, but number or address are those of S 0002."]
    assert report.left == ["S 0000", "S 0001", "S 0003"]
    assert not Result.objects.exists()


@pytest.mark.django_db
def test_the_office_gets_verified_numbers_alone(cast: Cast, exam: Exam, people: list[Registration]) -> None:
    set_grade_table(exam_pk=exam.pk, steps=TABLE.steps, now=AFTER)
    enter_points(exam_pk=exam.pk, points={person.pk: D(70) for person in people[:4]}, by=None, now=AFTER)
    publish_results(exam_pk=exam.pk, by=None, now=AFTER)
    verify_all(cast.course)
    first, second, third = (person.enrolment for person in people[:3])
    verify_number(enrolment=second, number="")
    User.objects.filter(pk=second.user_id).update(matriculation_number="0400000")
    with pytest.raises(RuleViolation) as caught:
        freeze(exam_pk=exam.pk, now=AFTER)
    assert caught.value.code == "numbers-unverified"
    assert str(caught.value.message) == (
        f"The matriculation number of S 0001 (They typed 0400000, which is verified for S 0000 <{first.user.email}>.) "
        "is not verified. Check it at the desk, under 'Enrolments', first."
    )
    verify_number(enrolment=third, number="")
    User.objects.filter(pk=third.user_id).update(matriculation_number="")
    with pytest.raises(RuleViolation, match=r"S 0001 \(They typed .*\), S 0002 \(no matriculation number\)"):
        freeze(exam_pk=exam.pk, now=AFTER)
    exam.refresh_from_db()
    assert exam.frozen_at is None
    assert [row[0] for row in office_rows(exam)] == ["400000", "", "", "400003", "400004", "400005"]
    ExamRules.objects.create(course=cast.course, needs_matriculation_number=False)
    freeze(exam_pk=exam.pk, now=AFTER)


@pytest.mark.django_db
def test_who_is_not_admitted_is_named_before_grades_go_out(cast: Cast, exam: Exam, people: list[Registration]) -> None:
    ExamRules.objects.create(course=cast.course, needs_matriculation_number=False, project_is_prerequisite=True)
    admitted, without = people[:2]
    decide_admission(
        enrolment=admitted.enrolment, verdict="admitted", reason="Passed before", by=cast.lecturer.user, now=AFTER
    )
    set_grade_table(exam_pk=exam.pk, steps=TABLE.steps, now=AFTER)
    enter_points(exam_pk=exam.pk, points={person.pk: D(70) for person in people[:4]}, by=None, now=AFTER)
    page = cast.client("lecturer").get(f"/amls/exams/{exam.pk}/results/").content.decode()
    assert page.count(">Admission pending</span>") == 3
    assert "3 people have points and are not admitted" in " ".join(page.split())
    shown = dict(published(exam_pk=exam.pk, by=None, now=AFTER))
    assert shown[str(admitted.enrolment.user)] == "70 points, grade 2.7"
    assert shown[str(without.enrolment.user)] == "70 points, grade 2.7 · Admission pending"
    with pytest.raises(RuleViolation, match=r"^3 people have a result and are not admitted: S 0001, S 0002, S 0003"):
        freeze(exam_pk=exam.pk, now=AFTER)
    staff = cast.client("lecturer")
    assert "Also with 3 people" in " ".join(staff.get(f"/amls/exams/{exam.pk}/staff/").content.decode().split())
    staff.post(f"/amls/exams/{exam.pk}/staff/freeze/", {})
    exam.refresh_from_db()
    assert exam.frozen_at is None
    staff.post(f"/amls/exams/{exam.pk}/staff/freeze/", {"with_reserved": "on"})
    exam.refresh_from_db()
    assert exam.frozen_at is not None


@pytest.mark.django_db
def test_the_universitys_list_is_compared_by_number(exam: Exam, people: list[Registration]) -> None:
    numbers = [person.enrolment.user.matriculation_number for person in people]
    text = f"Nachname;Vorname;Matrikelnr.\n0000;S;{numbers[0]}\nS;0001;{numbers[1]}\nX;Y;777\n"
    done = import_university_list(exam_pk=exam.pk, upload=Upload(text.encode(), "moses.csv"), by=None, now=AFTER)
    subjects = [f"S 0000 ({numbers[0]})", f"0001 S ({numbers[1]})", "Y X (777)"]
    assert ([line.subject for line in done.lines], done.problems) == (subjects, [])
    exam.refresh_from_db()
    assert exam.university_list_at == AFTER
    history = apps.get_model("exams", "ExamEvent").objects.filter(pgh_obj=exam, pgh_label="update")
    assert [row.university_list_at for row in history.order_by("pk")][-1] == AFTER
    nameless = people[3].enrolment.user
    nameless.matriculation_number = ""
    nameless.save()
    compared = compare_lists(exam)
    assert compared.in_both == 2
    assert [registration.pk for registration in compared.only_here] == [people[2].pk, people[4].pk]
    assert [(entry.matriculation_number, entry.name) for entry in compared.only_there] == [("777", "Y X")]
    assert [registration.pk for registration in compared.without_number] == [people[3].pk]
    UniversityEntry.objects.filter(matriculation_number=numbers[1]).update(name="Łukasz Żółć")
    ((entry, problem),) = compare_lists(exam).disputed
    assert (entry.matriculation_number, problem) == (
        numbers[1], "The line names Łukasz Żółć, but number or address are those of S 0001."
    )  # fmt: skip
    # An encoding that lacks letters takes none away that were known, and is nobody's dispute.
    User.objects.filter(pk=people[1].enrolment.user_id).update(display_name="Łukasz Żółć")
    text = f"Name;Matrikelnummer\nS 0000;{numbers[0]}\nŁukasz Żółć;{numbers[1]}\nX Żółć;777\n"
    lossy = import_university_list(
        exam_pk=exam.pk, upload=Upload(text.encode("cp1252", errors="replace"), "office.csv"), by=None, now=AFTER
    )
    assert [line.subject for line in lossy.lines] == ["X ?ó?? (777)"]
    assert [note.partition(",")[0] for note in lossy.notes] == ["2 names have lost letters"]
    assert (compare_lists(exam).disputed, compare_lists(exam).in_both) == ([], 2)
    assert exam.university_entries.get(matriculation_number=numbers[1]).name == "Łukasz Żółć"
    none = import_university_list(
        exam_pk=exam.pk, upload=Upload(b"x\n1\n", "a.csv"), by=None, now=AFTER + timedelta(hours=1)
    )
    assert (none.can_be_done, len(none.problems), exam.university_entries.count()) == (False, 1, 3)
    exam.refresh_from_db()
    assert exam.university_list_at == AFTER


# ── pages ──


@pytest.mark.django_db
def test_the_entry_page_keeps_what_was_typed_until_all_is_right(
    cast: Cast, exam: Exam, people: list[Registration]
) -> None:
    client, address = cast.client("assistant"), f"/amls/exams/{exam.pk}/results/"
    typed = {f"points-{people[0].pk}": "61,5", f"points-{people[1].pk}": "200"}
    answer = client.post(f"{address}enter/", typed)
    assert answer.status_code == 422
    assert "Points lie between 0 and 100, found 200." in answer.content.decode()
    assert 'value="61,5"' in answer.content.decode()
    assert not Result.objects.exists()
    client.post(f"{address}enter/", {**typed, f"points-{people[1].pk}": "20"})
    assert [result.points for result in Result.objects.order_by("pk")] == [D("61.5"), D(20)]


@pytest.mark.django_db
def test_a_boundary_is_previewed_before_it_is_kept(cast: Cast, exam: Exam, people: list[Registration]) -> None:
    set_grade_table(exam_pk=exam.pk, steps=TABLE.steps, now=AFTER)
    enter_points(exam_pk=exam.pk, points={people[0].pk: D(48), people[1].pk: D(90)}, by=None, now=AFTER)
    client, address = cast.client("lecturer"), f"/amls/exams/{exam.pk}/results/table/"
    steps = {f"grade-{grade}": str(TABLE.steps[grade]) for grade in GRADES}
    shown = client.post(address, {**steps, "grade-4.0": "45", "preview": "1"})
    page = shown.content.decode()
    assert "this is what the changed boundaries would do" in page
    assert (shown.context["failed"]["count"], shown.context["failed"]["before"]) == (0, 1)
    assert exam.grade_steps.get(grade="4.0").min_points == D(50)
    client.post(address, {**steps, "grade-4.0": "45", "keep": "1"})
    assert exam.grade_steps.get(grade="4.0").min_points == D(45)
    assert client.post(address, {**steps, "grade-4.0": "", "keep": "1"}).status_code == 422


@pytest.mark.django_db
def test_a_file_is_shown_then_imported_then_published_and_seen(
    cast: Cast, exam: Exam, people: list[Registration]
) -> None:
    ExamRules.objects.create(course=cast.course)
    Registration.objects.filter(pk=people[0].pk).update(enrolment=cast.student)
    user = cast.student.user
    user.matriculation_number = "123456"
    user.save()
    client, address = cast.client("lecturer"), f"/amls/exams/{exam.pk}/results/"
    shown = show(client, f"{address}import/", b"student id;points\n123456;81\n")
    assert not Result.objects.exists()
    assert agree(client, f"{address}import/", shown).status_code == 302
    set_grade_table(exam_pk=exam.pk, steps=TABLE.steps, now=AFTER)
    student = cast.client("student")
    # With what stands around it: tokens of forms hold any two digits.
    assert "<dd>81" not in student.get("/amls/exams/").content.decode()
    asked = client.post(f"{address}publish/")
    assert asked.context["people"] == [(str(user), "81 points, grade 2.0")]
    # Nothing leaves at one click, and nobody sees anything of it for five minutes.
    assert "Publish all drafts" in client.get(address).content.decode()
    client.post(f"{address}publish/", {AGREED: "1", SEAL: asked.context["preview"].seal})
    assert "<dd>81" not in student.get("/amls/exams/").content.decode()
    # What waits says so where it was asked for, with its undo, and isn't asked for again.
    waits = client.get(address).content.decode()
    assert f'action="/amls/staff/held/{HeldAct.objects.get().pk}/undo/"' in waits
    assert "Publish all drafts" not in waits
    assert apply_next(clock.now() + HOLD) == 1
    page = student.get("/amls/exams/").content.decode()
    assert "<dd>2.0</dd>" in page
    assert "<dd>81 / 100</dd>" in page
    assert "<dd>2.0</dd>" not in cast.client("student").get("/amls/me/").content.decode()
