"""What leaves the site, what is told, and who may not ask."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from bs4 import BeautifulSoup
from django.db import IntegrityError
from django.utils import timezone
from openpyxl import load_workbook

from amls.core.violations import RuleViolation
from amls.courses.numbers import plain_number
from amls.courses.participation import verify_number
from amls.mail.models import Notice
from exams.grading import usual_table
from exams.models import Exam, ExamRules, Registration, Result, ResultChange, UniversityEntry
from exams.queries import office_rows
from exams.services.closing import close_exam
from exams.services.gradetable import set_grade_table
from exams.services.points import enter_points
from exams.services.registration import register, staff_register, withdraw
from exams.services.results import publish_results, regrade
from exams.services.seatcount import set_capacity
from tests.cast import Cast
from tests.exams.people import make_students
from tests.factories import OpenExamFactory

pytestmark = pytest.mark.django_db
JUNE = datetime(2024, 6, 20, 10, tzinfo=UTC)
AFTER = datetime(2024, 7, 19, 10, tzinfo=UTC)


@pytest.fixture
def exam(cast: Cast) -> Exam:
    return OpenExamFactory.create(course=cast.course, capacity=None)


def test_who_withdrew_and_came_back_is_exported_once(cast: Cast, exam: Exam) -> None:
    back, gone = make_students(cast.course, 2)
    for enrolment in (back, gone):
        register(enrolment=enrolment, exam_pk=exam.pk, now=JUNE)
        withdraw(enrolment=enrolment, exam_pk=exam.pk, now=JUNE)
    register(enrolment=back, exam_pk=exam.pk, now=JUNE)
    Registration.objects.filter(state="registered").update(state="attended", arrived_at=AFTER)
    held = Registration.objects.get(state="attended")
    set_grade_table(exam_pk=exam.pk, steps=usual_table(exam.max_points).steps, now=AFTER)
    enter_points(exam_pk=exam.pk, points={held.pk: Decimal(20)}, by=None, now=AFTER)
    assert [row[2:] for row in office_rows(exam)] == [("", "attended"), ("", "withdrawn")]
    publish_results(exam_pk=exam.pk, by=None, now=AFTER)
    verify_number(enrolment=back, number=back.user.matriculation_number)
    assert office_rows(exam) == [
        (back.user.matriculation_number, "S 0000", Decimal("5.0"), "attended"),
        # Nobody has verified it, and the office gets no number that is only typed.
        ("", "S 0001", "", "withdrawn"),
    ]


def test_grading_anew_tells_those_alone_whose_grade_changed(cast: Cast, exam: Exam) -> None:
    people = [register(enrolment=student, exam_pk=exam.pk, now=JUNE) for student in make_students(cast.course, 3)]
    Registration.objects.update(state="attended", arrived_at=AFTER)
    table = usual_table(exam.max_points).steps
    set_grade_table(exam_pk=exam.pk, steps=table, now=AFTER)
    points = {registration.pk: Decimal(value) for registration, value in zip(people, (48, 70, 97), strict=True)}
    enter_points(exam_pk=exam.pk, points=points, by=None, now=AFTER)
    publish_results(exam_pk=exam.pk, by=None, now=AFTER)
    assert Notice.objects.filter(kind="exams.results").count() == 3
    set_grade_table(exam_pk=exam.pk, steps={**table, Decimal("4.0"): Decimal(45)}, now=AFTER)
    later = AFTER + timedelta(hours=1)
    assert regrade(exam_pk=exam.pk, by=None, reason="Task 4 was unclear", now=later) == 1
    told = Notice.objects.filter(kind="exams.result-changed")
    assert list(told.values_list("recipient", flat=True)) == [people[0].enrolment.user_id]
    reasons = Result.objects.order_by("registration").values_list("correction", flat=True)
    assert list(reasons) == ["Task 4 was unclear", "", ""]


def test_the_history_of_results_reads_in_words(cast: Cast, exam: Exam) -> None:
    held = register(enrolment=cast.student, exam_pk=exam.pk, now=JUNE)

    def said(what: str, before: str, after: str) -> str:
        change = ResultChange(registration=held, at=AFTER, what=what, before=before, after=after)
        return f"{change.get_what_display()}: {change.step}"

    assert said("state", "draft", "published") == "State: draft → published"
    assert said("grade", "", "4") == "Grade: – → 4.0"
    assert said("extra_points", "0", "4.5") == "Extra points: 0 → 4.5"
    assert said("removed", "50", "") == "Points removed: 50 → –"


def test_boundaries_that_are_wrong_stay_as_typed_with_the_fault_beside_them(cast: Cast, exam: Exam) -> None:
    steps = {f"grade-{grade}": str(points) for grade, points in usual_table(exam.max_points).steps.items()}
    client, address = cast.client("lecturer"), f"/amls/exams/{exam.pk}/results/table/"
    answer = client.post(address, {**steps, "grade-1.3": "ninety", "grade-2.0": "300", "keep": "1"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert ('value="ninety"' in page, 'value="300"' in page) == (True, True)
    assert re.search(r'aria-describedby="problem-grade-1.3"', page)
    assert "&#x27;ninety&#x27; is no number." in page
    assert "Points lie between 0 and 100, found 300." in page
    assert not exam.grade_steps.exists()


# ── what students see ──


@pytest.fixture
def coming(cast: Cast) -> Exam:
    now = timezone.now()
    return OpenExamFactory.create(
        course=cast.course, capacity=5, starts_at=now + timedelta(days=9), opens_at=now - timedelta(days=9),
        closes_at=now + timedelta(days=2), withdraw_until=now + timedelta(days=3),
    )  # fmt: skip


def test_who_is_missing_on_the_universitys_list_is_told_so_with_the_link(cast: Cast, coming: Exam) -> None:
    ExamRules.objects.create(course=cast.course, binding_name="Moses", binding_url="https://moses.example.org/")
    user = cast.student.user
    user.matriculation_number = "0412345"
    user.save()
    staff_register(enrolment=cast.student, exam_pk=coming.pk, reason="By hand", now=timezone.now())
    warning = "Moses does not name you in its list for this exam"

    def page() -> str:
        return cast.client("student").get("/amls/exams/").content.decode()

    assert warning not in page()
    UniversityEntry.objects.create(exam=coming, matriculation_number="777")
    assert warning in page()
    # A spreadsheet has dropped the leading zero.
    UniversityEntry.objects.create(exam=coming, matriculation_number="412345")
    assert warning not in page()


def test_who_waits_for_a_seat_is_not_missed_on_the_universitys_list(cast: Cast, coming: Exam) -> None:
    ExamRules.objects.create(course=cast.course, binding_name="Moses")
    user = cast.student.user
    user.matriculation_number = "412345"
    user.save()
    Exam.objects.update(capacity=0)
    assert staff_register(enrolment=cast.student, exam_pk=coming.pk, reason="x", now=timezone.now()).state == "waitlisted"  # fmt: skip
    UniversityEntry.objects.create(exam=coming, matriculation_number="777")
    assert "Moses does not name you" not in cast.client("student").get("/amls/exams/").content.decode()


@pytest.mark.parametrize("number", ["0412345", " 04 12\u00a0345", "00a12", "A1 b2", "0"])
def test_the_database_compares_numbers_as_imports_do(coming: Exam, number: str) -> None:
    made = UniversityEntry.objects.create(exam=coming, matriculation_number=number)
    assert UniversityEntry.objects.get(plain_number=plain_number(number)) == made
    with pytest.raises(IntegrityError, match="universityentry_unique"):
        UniversityEntry.objects.create(exam=coming, matriculation_number=f"0{number}")


def test_what_is_over_asks_for_nothing_more(cast: Cast, coming: Exam) -> None:
    ExamRules.objects.create(course=cast.course, binding_name="Moses")
    words = ("Your matriculation number is missing", "The binding registration is Moses", "room to be announced")

    def said() -> list[bool]:
        page = cast.client("student").get("/amls/exams/").content.decode()
        return [word in page for word in words]

    assert said() == [True, True, True]
    now = timezone.now()
    Exam.objects.update(starts_at=now - timedelta(days=1), opens_at=None, closes_at=None, withdraw_until=None)
    assert said() == [False, False, False]


def test_who_sat_an_exam_that_is_not_closed_yet_reads_when_they_can_register(cast: Cast, coming: Exam) -> None:
    now = timezone.now()
    over = OpenExamFactory.create(course=cast.course, starts_at=now - timedelta(days=1), opens_at=None, closes_at=None, withdraw_until=None)  # fmt: skip
    staff_register(enrolment=cast.student, exam_pk=over.pk, reason="By hand", now=now - timedelta(days=9))
    page = cast.client("student").get("/amls/exams/").content.decode()
    assert "You can register here once the staff have closed the exam of" in page
    close_exam(exam_pk=over.pk, now=now)
    assert "Register for" in cast.client("student").get("/amls/exams/").content.decode()


def test_staff_reach_each_exam_from_the_page_of_the_dates(cast: Cast, coming: Exam) -> None:
    links = [f'href="/amls/exams/{coming.pk}/{name}/"' for name in ("staff", "check-in", "results")]
    for part, may in (("assistant", True), ("admin", True), ("student", False), ("anonymous", False)):
        page = cast.client(part).get("/amls/exams/").content.decode()
        assert [link in page for link in links] == [may] * 3, part


# ── who may not write ──

ACTS = (
    "register", "withdraw", "excuse", "was-there", "was-absent", "no-result", "admit", "refuse", "by-rules", "admit-all", "capacity",
    "assign", "mend", "release", "helper", "revoke", "absent", "close", "freeze", "unfreeze",
)  # fmt: skip
STAFF_ONLY = (
    *(f"staff/{name}/" for name in ACTS), "results/regrade/", "results/enter/", "results/import/", "results/table/", "results/publish/", "check-in/mark/",
    "check-in/marks/", "check-in/walk-in/", "door.pdf", "seats.pdf", "attendance.pdf",
)  # fmt: skip


@pytest.mark.parametrize("address", STAFF_ONLY)
def test_what_staff_write_nobody_else_does(cast: Cast, coming: Exam, address: str) -> None:
    held = staff_register(enrolment=cast.student, exam_pk=coming.pk, reason="By hand", now=timezone.now())
    values = {"registration": held.pk, "reason": "x", "action": "present", "enrolment": cast.other_student.pk}  # fmt: skip
    statuses = {
        part: cast.client(part).post(f"/amls/exams/{coming.pk}/{address}", values).status_code
        for part in ("anonymous", "stranger", "student", "foreign lecturer")
    }
    assert statuses == dict.fromkeys(statuses, 404)
    held.refresh_from_db()
    assert (held.state, Registration.objects.count()) == ("registered", 1)
    # Another course's staff do not reach it through their own course either.
    answer = cast.client("foreign lecturer").post(f"/databases/exams/{coming.pk}/{address}", values)
    assert answer.status_code == 404


@pytest.mark.parametrize("address", ["register/", "withdraw/", "move/"])
def test_only_students_of_the_course_sign_up(cast: Cast, coming: Exam, address: str) -> None:
    for part, status in (("anonymous", 302), ("stranger", 404), ("foreign lecturer", 404), ("lecturer", 409)):
        answer = cast.client(part).post(f"/amls/exams/{coming.pk}/{address}")
        assert answer.status_code == status, part
    assert not Registration.objects.exists()


@pytest.mark.parametrize(("kind", "sep"), [("", ","), ("xlsx", "")])
def test_the_offices_list_says_of_which_exam_it_is_and_grades_as_grades(
    cast: Cast, exam: Exam, kind: str, sep: str
) -> None:
    user = cast.student.user
    user.display_name = "=SUM(A1) Łukasz"
    user.save()
    held = register(enrolment=cast.student, exam_pk=exam.pk, now=JUNE)
    Registration.objects.update(state="attended", arrived_at=AFTER)
    set_grade_table(exam_pk=exam.pk, steps=usual_table(exam.max_points).steps, now=AFTER)
    enter_points(exam_pk=exam.pk, points={held.pk: Decimal(20)}, by=None, now=AFTER)
    publish_results(exam_pk=exam.pk, by=None, now=AFTER)
    Exam.objects.update(frozen_at=AFTER)
    page = BeautifulSoup(cast.client("lecturer").get(f"/amls/exams/{exam.pk}/results/").content, "html.parser")
    # What nobody can change looks like text, and is named by the person.
    points = page.find(id=page.select("table.entry label")[0]["for"])
    assert (points.name, points.get_text(), page.select("table.entry input")) == ("output", "20", [])
    (link,) = (
        anchor["href"]
        for anchor in page.select("a[href]")
        if anchor["href"].endswith("office.xlsx" if kind else "office.csv")
    )
    answer = cast.client("lecturer").get(link)
    assert "amls-written-exam-2024-07-18" in answer["Content-Disposition"]
    if kind:
        sheet = load_workbook(io.BytesIO(answer.content)).worksheets[0]
        assert sheet["C2"].number_format == "0.0"
        assert [cell.value for cell in sheet[2]][1:] == [
            "=SUM(A1) Łukasz", 5, "Attended", str(cast.course), "Written exam", datetime(2024, 7, 18)
        ]  # fmt: skip
    else:
        _heads, row = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=sep)
        assert row[1:] == ["'=SUM(A1) Łukasz", "5.0", "Attended", str(cast.course), "Written exam", "2024-07-18"]


def test_one_seat_is_one_person(cast: Cast, exam: Exam) -> None:
    register(enrolment=cast.student, exam_pk=exam.pk, now=JUNE)
    with pytest.raises(RuleViolation, match=r"^1 person holds a seat\. .*: withdraw them first\.$"):
        set_capacity(exam_pk=exam.pk, capacity=0, now=JUNE)
    register(enrolment=cast.other_student, exam_pk=exam.pk, now=JUNE)
    with pytest.raises(RuleViolation, match=r"^2 people hold a seat\. "):
        set_capacity(exam_pk=exam.pk, capacity=0, now=JUNE)
