"""How a grade comes about, on the student's page: step of the table, extra points and sum, and how grades are distributed."""

from decimal import Decimal

import pytest
from django.test import Client

from exams.graded import LEAST_SHOWN
from exams.models import Exam, ExamRules, Registration
from exams.services.gradetable import set_grade_table
from exams.services.points import enter_points
from exams.services.registration import register
from exams.services.results import publish_results
from tests.cast import Cast
from tests.exams.people import make_students
from tests.exams.test_results import AFTER, JUNE, TABLE
from tests.factories import OpenExamFactory

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def exam(cast: Cast) -> Exam:
    return OpenExamFactory.create(course=cast.course, capacity=None)


def graded(cast: Cast, exam: Exam, points: list[int]) -> list[Registration]:
    """As many people as points, each with their published result."""
    people = [
        register(enrolment=student, exam_pk=exam.pk, now=JUNE) for student in make_students(cast.course, len(points))
    ]
    Registration.objects.update(state="attended", arrived_at=AFTER)
    set_grade_table(exam_pk=exam.pk, steps=TABLE.steps, now=AFTER)
    given = {person.pk: D(value) for person, value in zip(people, points, strict=True)}
    enter_points(exam_pk=exam.pk, points=given, by=None, now=AFTER)
    publish_results(exam_pk=exam.pk, by=None, now=AFTER)
    return people


def page_of(person: Registration) -> str:
    client = Client()
    client.force_login(person.enrolment.user, backend="amls.courses.accounts.AccountBackend")
    return " ".join(client.get("/amls/exams/").content.decode().split())


def test_the_step_that_was_reached_is_said_and_who_failed_reads_from_where_one_passes(cast: Cast, exam: Exam) -> None:
    passed, failed = graded(cast, exam, [53, 48])
    assert "From 50 points on: 4.0" in page_of(passed)
    assert "From 50 points on: 4.0" in page_of(failed)
    # A table that was changed since doesn't explain the grade, until it is graded anew.
    set_grade_table(exam_pk=exam.pk, steps={**TABLE.steps, D("4.0"): D(40)}, now=AFTER)
    assert "From 40 points on" in page_of(passed)
    assert "points on:" not in page_of(failed)


def test_extra_points_stand_with_their_sum(cast: Cast, exam: Exam) -> None:
    (person,) = graded(cast, exam, [53])
    assert "<dt>Sum</dt>" not in page_of(person)
    type(person).objects.get(pk=person.pk).result.__class__.objects.update(
        extra_points=D(3), grade=TABLE.grade_of(D(56))
    )
    page = page_of(person)
    assert "<dt>Sum</dt> <dd>56</dd>" in page
    assert "From 55 points on: 3.7" in page


@pytest.mark.parametrize(("count", "sees"), [(LEAST_SHOWN - 1, False), (LEAST_SHOWN, True)])
def test_a_distribution_is_shown_of_ten_people_or_more(cast: Cast, exam: Exam, count: int, sees: bool) -> None:
    people = graded(cast, exam, [48, *[97] * (count - 1)])
    assert ("How grades are distributed" in page_of(people[0])) == sees
    if sees:
        assert "10 people have a result, 90 % passed. Mean grade of the passed: 1" in page_of(people[0])


def test_the_staff_switch_it_off_and_no_one_without_a_result_sees_it(cast: Cast, exam: Exam) -> None:
    person = graded(cast, exam, [60] * LEAST_SHOWN)[0]
    assert "How grades are distributed" not in cast.client("student").get("/amls/exams/").content.decode()
    ExamRules.objects.create(course=cast.course, shows_distribution=False)
    assert "How grades are distributed" not in page_of(person)
