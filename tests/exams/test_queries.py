"""What the pages of exams cost, for one and for three: a page that asks once per row would show here."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from amls.courses.services import touch_enrolments
from exams.models import Accommodation, Exam, Registration, Room
from exams.services.points import enter_points
from exams.services.registration import staff_register
from exams.services.seating import assign_seats
from tests.cast import Cast
from tests.exams.people import make_students
from tests.factories import OpenExamFactory

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def dates(cast: Cast, count: int) -> list[Exam]:
    return [
        OpenExamFactory.create(
            course=cast.course, capacity=None, starts_at=NOW + timedelta(days=9 + number), opens_at=NOW - timedelta(days=9),
            closes_at=NOW + timedelta(days=2), withdraw_until=NOW + timedelta(days=3),
        )
        for number in range(count)
    ]  # fmt: skip


def people(cast: Cast, exam: Exam, count: int, prefix: str) -> None:
    """Register people with all that a row can show: a seat, a measure, points."""
    Room.objects.get_or_create(exam=exam, name="H 0107")
    for student in make_students(cast.course, count, prefix=prefix):
        held = staff_register(enrolment=student, exam_pk=exam.pk, reason="By hand", now=NOW)
        Accommodation.objects.create(course=cast.course, enrolment=student, extra_minutes=10)
        Registration.objects.filter(pk=held.pk).update(state="attended", arrived_at=NOW)
        enter_points(exam_pk=exam.pk, points={held.pk: Decimal(50)}, by=cast.lecturer.user, now=NOW)
    assign_seats(exam_pk=exam.pk, order="name", now=NOW)


def asked(cast: Cast, part: str, path: str) -> int:
    client = cast.client(part)
    client.get(path)
    # What is kept for this person is over; what is kept for everybody is there.
    touch_enrolments([cast.student.pk])
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


def test_the_dates_cost_the_same_for_one_and_three(cast: Cast) -> None:
    first = dates(cast, 1)[0]
    staff_register(enrolment=cast.student, exam_pk=first.pk, reason="By hand", now=NOW)
    for_one = asked(cast, "student", "/amls/exams/")
    dates(cast, 2)
    assert (for_one, asked(cast, "student", "/amls/exams/")) == (8, 8)


@pytest.mark.parametrize(("page", "cost"), [("staff", 11), ("check-in", 10), ("check-in/marks", 6), ("results", 13)])
def test_people_cost_the_same_for_one_and_three(cast: Cast, page: str, cost: int) -> None:
    exam = dates(cast, 1)[0]
    path = f"/amls/exams/{exam.pk}/{page}/"
    people(cast, exam, 1, "a")
    for_one = asked(cast, "lecturer", path)
    people(cast, exam, 2, "b")
    assert (for_one, asked(cast, "lecturer", path)) == (cost, cost)
