"""Extra points for sheets: steps are shown before they hold, students see what they have, and results take them up."""

import html
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from amls.core.violations import RuleViolation
from amls.courses.eligibility import extra_points_of
from amls.courses.models import Course, Enrolment
from amls.grading.extra import ExtraRule, ExtraStep, dump_extra
from exams.models import ExamRules, Registration, Result
from exams.services.extra import set_extra_points
from exams.services.gradetable import set_grade_table
from exams.services.points import enter_points
from exams.services.registration import register
from exams.services.results import publish_results, regrade
from projects.models import Assignment, Project
from projects.services.assessing import enter_earlier_pass, publish_assessments
from projects.services.points import give_points, team_for_points
from projects.services.teamsheets import Given
from tests.cast import Cast
from tests.exams.test_results import AFTER, JUNE, TABLE
from tests.factories import OpenExamFactory
from tests.markup import sent_by

pytestmark = pytest.mark.django_db
D = Decimal
PAGE = "/amls/staff/extra-points/"
RULE = ExtraRule((ExtraStep(D(60), D(3)), ExtraStep(D(80), D(5))))


@pytest.fixture
def sheets(cast: Cast) -> list[Assignment]:
    """Two sheets of 20 points: the student has 32 of 40, the other student 24."""
    made = [
        Assignment.objects.create(
            course=cast.course, kind="sheet", topics_given="", title=f"Blatt {number}", grading="points", max_points=20
        )
        for number in (1, 2)
    ]
    for sheet in made:
        for enrolment, points in ((cast.student, 16), (cast.other_student, 12)):
            team = team_for_points(assignment=sheet, enrolment=enrolment, now=JUNE)
            give_points(project=team, given={None: Given(D(points))}, by=cast.lecturer.user, now=JUNE)
            publish_assessments(projects=[team], now=JUNE)
    return made


def fresh(cast: Cast) -> Course:
    return Course.objects.get(pk=cast.course.pk)


def held_by(cast: Cast) -> dict[int, Decimal]:
    return extra_points_of(fresh(cast), [cast.student, cast.other_student, cast.foreign_lecturer], now=AFTER)


def sheet_rule(cast: Cast, most: int = 5) -> None:
    set_extra_points(course=cast.course, rule=RULE, most=D(most), by=cast.lecturer.user, now=JUNE)


def sends(client: Client, button: str = "", **typed: str) -> Any:
    data: dict[str, Any] = sent_by(client.get(PAGE).content.decode()) | typed
    answer = client.post(PAGE, data)
    if button and answer.status_code == 200:
        answer = client.post(PAGE, sent_by(answer.content.decode()) | {button: "1"})
    return answer


STEPS = {"most": "5", "percent-0": "60", "points-0": "3", "percent-1": "80", "points-1": "5"}


def test_steps_hold_once_it_was_seen_what_they_do(cast: Cast, sheets: list[Assignment]) -> None:
    client = cast.client("lecturer")
    shown = sends(client, **STEPS)
    page = " ".join(shown.content.decode().split())
    assert f"{cast.student.user}: 0 → 5" in page
    assert f"{cast.other_student.user}: 0 → 3" in page
    assert not ExamRules.objects.exists()
    assert sends(client, "_agreed", **STEPS).status_code == 302
    rules = ExamRules.objects.get()
    assert (rules.extra_points_rule, rules.max_extra_points) == (dump_extra(RULE), D(5))
    assert held_by(cast) == {cast.student.pk: D(5), cast.other_student.pk: D(3), cast.foreign_lecturer.pk: D(0)}
    # What stands there comes again, and without a step there are none.
    assert sent_by(client.get(PAGE).content.decode())["percent-1"] == ["80"]
    assert sends(client, "_agreed", **dict.fromkeys(STEPS, ""), leave_out="0").status_code == 302
    assert ExamRules.objects.get().extra_points_rule == {}


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"points-0": ""}, "points-0"), ({"percent-0": "x"}, "percent-0"), ({"percent-1": "50"}, "percent-1"),
        ({"most": "4"}, "points-1"), ({"most": "25"}, "most"), ({"most": "5,25"}, "most"), ({"leave_out": "0.5"}, "leave_out"),
        ({"percent-0": "", "points-0": "", "points-1": "20.5"}, "points-1"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_kept(cast: Cast, typed: dict[str, str], field: str) -> None:
    answer = sends(cast.client("lecturer"), "_agreed", **STEPS | typed)
    assert (answer.status_code, answer.context["form"].errors.keys()) == (422, {field})
    assert not ExamRules.objects.exists()


def test_what_somebody_else_kept_meanwhile_is_said_first(cast: Cast, sheets: list[Assignment]) -> None:
    client = cast.client("lecturer")
    data = sent_by(client.get(PAGE).content.decode()) | STEPS
    sheet_rule(cast)
    answer = client.post(PAGE, data)
    assert (answer.status_code, "changed this meanwhile" in answer.content.decode()) == (422, True)


@pytest.mark.parametrize(
    ("role", "status"), [("student", 404), ("stranger", 404), ("assistant", 200), ("lecturer", 200)]
)
def test_only_the_staff_set_steps(cast: Cast, role: str, status: int) -> None:
    assert cast.client(role).get(PAGE).status_code == status


def test_the_service_refuses_a_step_above_what_the_course_gives(cast: Cast) -> None:
    with pytest.raises(RuleViolation, match="at most 4 extra points"):
        sheet_rule(cast, most=4)


def test_points_of_sheets_and_project_are_added_up_to_the_most(cast: Cast, sheets: list[Assignment]) -> None:
    sheet_rule(cast, most=6)
    for enrolment in Enrolment.objects.filter(pk__in=[cast.student.pk, cast.other_student.pk]):
        enter_earlier_pass(enrolment=enrolment, term="WS2023", extra_points=D(2), by=cast.lecturer.user)
    assert held_by(cast) == {cast.student.pk: D(6), cast.other_student.pk: D(5), cast.foreign_lecturer.pk: D(0)}


def test_students_see_what_they_have_and_what_the_next_step_asks_for(cast: Cast, sheets: list[Assignment]) -> None:
    soon = timezone.now() + timedelta(days=9)
    OpenExamFactory.create(course=cast.course, starts_at=soon, closes_at=soon, withdraw_until=soon)
    assert "Extra points that count" not in cast.client("student").get("/amls/exams/").content.decode()
    sheet_rule(cast)
    Assignment.objects.create(
        course=cast.course, kind="sheet", topics_given="", title="Blatt 3", grading="points", max_points=20
    )
    for address in ("/amls/exams/", "/amls/me/"):
        page = " ".join(cast.client("student").get(address).content.decode().split())
        assert "Extra points that count: 0 of at most 5" in page
    page = " ".join(cast.client("student").get("/amls/exams/").content.decode().split())
    assert "You have 32 of 60 points there, 53 %." in page
    assert "From 60 % on there are 3. 4 more points are enough for that." in page


def test_results_take_them_up_and_are_graded_anew_for_a_reason(cast: Cast, sheets: list[Assignment]) -> None:
    exam = OpenExamFactory.create(course=cast.course)
    registrations = [register(enrolment=who, exam_pk=exam.pk, now=JUNE) for who in (cast.student, cast.other_student)]
    Registration.objects.update(state="attended", arrived_at=AFTER)
    set_grade_table(exam_pk=exam.pk, steps=TABLE.steps, now=AFTER)
    enter_points(exam_pk=exam.pk, points={row.pk: D(50) for row in registrations}, by=None, now=AFTER)
    publish_results(exam_pk=exam.pk, by=None, now=AFTER)
    sheet_rule(cast)
    results = Result.objects.order_by("registration")
    assert list(results.values_list("extra_points", "grade")) == [(D(0), D("4.0"))] * 2
    page = " ".join(cast.client("lecturer").get(f"/amls/exams/{exam.pk}/results/").content.decode().split())
    assert "2 published results differ from what table and extra points say today." in page
    # 53 points are the same grade as 50: what was added is told all the same.
    assert regrade(exam_pk=exam.pk, by=cast.lecturer.user, reason="Sheets give points", now=AFTER) == 2
    assert list(results.values_list("extra_points", "grade")) == [
        (D(5), TABLE.grade_of(D(55))), (D(3), TABLE.grade_of(D(53))),
    ]  # fmt: skip


def test_who_fails_reads_how_many_extra_points_do_not_count(cast: Cast, sheets: list[Assignment]) -> None:
    exam = OpenExamFactory.create(course=cast.course)
    registrations = [register(enrolment=who, exam_pk=exam.pk, now=JUNE) for who in (cast.student, cast.other_student)]
    Registration.objects.update(state="attended", arrived_at=AFTER)
    set_grade_table(exam_pk=exam.pk, steps=TABLE.steps, now=AFTER)
    sheet_rule(cast)
    enter_points(exam_pk=exam.pk, points={row.pk: D(20) for row in registrations}, by=None, now=AFTER)
    publish_results(exam_pk=exam.pk, by=None, now=AFTER)
    held = held_by(cast)

    def said(part: str) -> str:
        return " ".join(html.unescape(cast.client(part).get("/amls/exams/").content.decode()).split())

    assert held[cast.student.pk] > 0
    assert f"Your extra points ({held[cast.student.pk].normalize():f}) don't count here" in said("student")
    # Whoever has none reads nothing of them.
    for sheet in sheets:
        team = Project.objects.get(assignment=sheet, memberships__enrolment=cast.student)
        give_points(project=team, given={None: Given(D(0))}, by=cast.lecturer.user, now=JUNE, reason="Verzählt")
    assert held_by(cast).get(cast.student.pk, D(0)) == 0
    assert "count only for who passes" not in said("student")
    assert "don't count here" not in said("student")
