"""The points to be had in an exam: whoever changes them leaves room for what was given, the grade table and the tasks."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.urls import reverse

from amls.core.violations import RuleViolation
from amls.grading.tasks import TaskWish
from amls.portal.takeover.apply import import_course
from amls.portal.takeover.export import export_course
from amls.portal.takeover.spec import CourseFileError
from exams.grading import usual_table
from exams.models import GRADES, Exam, Registration, Result
from exams.services.gradetable import check_max_points, set_grade_table
from exams.services.points import enter_points
from exams.services.registration import register
from exams.services.tasks import set_exam_tasks
from tests.agreement import agree_to
from tests.cast import Cast
from tests.desk.test_own_changes import problems_in
from tests.desk.test_writes import form_of
from tests.exams.people import make_students
from tests.factories import OpenExamFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]
D = Decimal
JUNE, AFTER = datetime(2024, 6, 20, 10, tzinfo=UTC), datetime(2024, 7, 25, 10, tzinfo=UTC)
REFUSAL = "{person} has {points} points, more than there would be to be had."
BY_TASKS = "The tasks of this exam have 60 points together. Change them on the page of results, under 'Tasks'."


@pytest.fixture
def exam(cast: Cast) -> Exam:
    return OpenExamFactory.create(course=cast.course, capacity=None)


@pytest.fixture
def people(cast: Cast, exam: Exam) -> list[Registration]:
    """Two who attended."""
    listed = [register(enrolment=student, exam_pk=exam.pk, now=JUNE) for student in make_students(cast.course, 2)]
    Registration.objects.filter(exam=exam).update(state="attended", arrived_at=AFTER)
    return listed


@pytest.fixture
def save(cast: Cast, exam: Exam) -> Callable[[str], list[str]]:
    """Return what saves an exam at the desk with so many points, and returns what is to be mended."""
    client, address = cast.client("lecturer"), reverse("admin:exams_exam_change", args=[exam.pk])
    return lambda points: problems_in(agree_to(client, address, {**form_of(client, address), "max_points": points}))


@pytest.mark.parametrize(
    ("given", "has_table", "is_frozen", "wanted", "code"),
    [
        ("59.5", False, False, "59.5", ""), ("59.5", False, False, "59.49", "more-given"),
        # The best grade asks for 95 of 100.
        ("20", True, False, "95", ""), ("20", True, False, "94", "table-range"), ("20", True, True, "120", "frozen"),
        ("20", True, True, "100", ""),
    ],
)  # fmt: skip
def test_there_is_room_for_what_was_given_and_for_the_grade_table(
    exam: Exam, people: list[Registration], given: str, has_table: bool, is_frozen: bool, wanted: str, code: str
) -> None:
    enter_points(exam_pk=exam.pk, points={people[0].pk: D(given)}, by=None, now=AFTER)
    if has_table:
        set_grade_table(exam_pk=exam.pk, steps=usual_table(D(100)).steps, now=AFTER)
    exam.frozen_at = AFTER if is_frozen else None
    said = ""
    try:
        check_max_points(exam, D(wanted))
    except RuleViolation as violation:
        said = violation.code
    assert said == code


def test_the_desk_asks_for_that_room(exam: Exam, people: list[Registration], save: Callable[[str], list[str]]) -> None:
    enter_points(exam_pk=exam.pk, points={people[0].pk: D("45.25")}, by=None, now=AFTER)
    refusal = REFUSAL.format(person=people[0].enrolment.user, points="45.25")
    assert save("40") == [f"Points to be had: {refusal}"]
    exam.refresh_from_db()
    assert exam.max_points == D(100)
    assert save("50") == []
    exam.refresh_from_db()
    assert exam.max_points == D(50)


def test_tasks_say_how_many_there_are(exam: Exam, save: Callable[[str], list[str]]) -> None:
    set_exam_tasks(exam_pk=exam.pk, tasks=[TaskWish("Joins", D(20)), TaskWish("Größe", D(40))], by=None, now=JUNE)
    assert save("30") == [f"Points to be had: {BY_TASKS}"]
    assert save("70") == [f"Points to be had: {BY_TASKS}"]
    assert save("60") == []
    exam.refresh_from_db()
    assert exam.max_points == D(60)


def test_who_opened_the_form_before_is_not_asked_about_points_that_they_left_alone(
    cast: Cast, exam: Exam, people: list[Registration]
) -> None:
    client, address = cast.client("lecturer"), reverse("admin:exams_exam_change", args=[exam.pk])
    older = form_of(client, address)
    Exam.objects.filter(pk=exam.pk).update(max_points=D(120))
    enter_points(exam_pk=exam.pk, points={people[0].pk: D(110)}, by=None, now=AFTER)
    assert problems_in(agree_to(client, address, {**older, "place": "H 0107"})) == []
    exam.refresh_from_db()
    assert (exam.max_points, exam.place) == (D(120), "H 0107")


def test_a_course_file_asks_for_that_room(cast: Cast, exam: Exam, people: list[Registration]) -> None:
    enter_points(exam_pk=exam.pk, points={people[0].pk: D("45.25")}, by=None, now=AFTER)
    spec = export_course(cast.course)
    with pytest.raises(CourseFileError) as refused:
        import_course(spec=replace(spec, exams=tuple(replace(row, max_points=D(40)) for row in spec.exams)), now=AFTER)
    refusal = REFUSAL.format(person=people[0].enrolment.user, points="45.25")
    assert refused.value.problems == [f"Exam 2024-07-18: {refusal}"]
    import_course(spec=replace(spec, exams=tuple(replace(row, max_points=D(50)) for row in spec.exams)), now=AFTER)
    exam.refresh_from_db()
    assert (exam.max_points, Result.objects.get().points) == (D(50), D("45.25"))


@pytest.mark.parametrize("most", ["100", "45.5", "33.25", "20", "61"])
def test_who_has_half_of_the_points_passes_by_the_proposed_table(most: str) -> None:
    table = usual_table(D(most))
    assert table.grade_of(D(most) / 2, D(0), lifts_fail=False) == D("4.0")
    # And who has a share has its grade, with at most half a point to spare.
    for step, grade in enumerate(GRADES):
        share = D(most) * (95 - 5 * step) / 100
        assert share - D("0.5") < table.steps[grade] <= share
