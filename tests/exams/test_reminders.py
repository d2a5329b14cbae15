"""Whom exams remind of what."""

from datetime import UTC, datetime, timedelta

import pytest

from amls.mail.still_due import still_due_for
from exams.models import Exam, Registration, Result
from exams.services.registration import register, withdraw
from tests.cast import Cast
from tests.factories import ExamFactory, OpenExamFactory

pytestmark = pytest.mark.django_db
JUNE = datetime(2024, 6, 20, 10, tzinfo=UTC)


def test_nobody_is_reminded_to_sign_up_who_passed_already_or_withdrew(cast: Cast) -> None:
    people = [cast.student, cast.other_student]
    exam = OpenExamFactory.create(course=cast.course)
    later = ExamFactory.create(course=cast.course, starts_at=exam.starts_at + timedelta(days=60))

    def reminded(of: Exam) -> set[int]:
        return still_due_for(cast.course, f"exams.exam:{of.pk}:signup-closes", people, now=JUNE)

    for person in people:
        register(enrolment=person, exam_pk=exam.pk, now=JUNE)
    withdraw(enrolment=cast.other_student, exam_pk=exam.pk, now=JUNE)
    assert reminded(exam) == set()
    # Another date is still open to whoever withdrew.
    assert reminded(later) == {cast.other_student.pk}
    Registration.objects.filter(enrolment=cast.student).update(state="attended", arrived_at=JUNE, closed_at=JUNE)
    sat = Registration.objects.get(enrolment=cast.student)
    Result.objects.create(registration=sat, points=80, grade="4.0")
    # A draft is not told, by silence neither.
    assert reminded(later) == {cast.student.pk, cast.other_student.pk}
    Result.objects.update(state="published", published_at=JUNE)
    assert reminded(later) == {cast.other_student.pk}
    Result.objects.update(grade="5.0")
    assert reminded(later) == {cast.student.pk, cast.other_student.pk}
