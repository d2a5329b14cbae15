"""A refusal that concerns a whole hall names ten of them, and says how many more there are."""

from decimal import Decimal

import pytest

from amls.core.violations import RuleViolation
from exams.models import Exam, Registration
from exams.services.gradetable import set_grade_table
from exams.services.points import enter_points
from exams.services.registration import register
from exams.services.results import freeze, publish_results
from tests.cast import Cast
from tests.exams.people import make_students
from tests.exams.test_results import AFTER, JUNE, TABLE
from tests.factories import OpenExamFactory

pytestmark = pytest.mark.django_db
TEN = ", ".join(f"S {number:04}" for number in range(10))


@pytest.mark.parametrize(("count", "named"), [(10, rf"{TEN}\. "), (12, rf"{TEN} and 2 more\. ")])
def test_a_refusal_names_ten_and_how_many_more(cast: Cast, count: int, named: str) -> None:
    exam: Exam = OpenExamFactory.create(course=cast.course, capacity=None)
    people = [register(enrolment=who, exam_pk=exam.pk, now=JUNE) for who in make_students(cast.course, count)]
    Registration.objects.filter(exam=exam).update(state="attended", arrived_at=AFTER)
    set_grade_table(exam_pk=exam.pk, steps=TABLE.steps, now=AFTER)
    points = {person.pk: Decimal(70) for person in people}
    enter_points(exam_pk=exam.pk, points=points, by=None, now=AFTER)
    publish_results(exam_pk=exam.pk, by=None, now=AFTER)
    with pytest.raises(RuleViolation, match=r"The matriculation numbers of these people are not verified") as caught:
        freeze(exam_pk=exam.pk, now=AFTER)
    assert ("more. Check" in str(caught.value.message)) == (count > 10)
    with pytest.raises(RuleViolation, match=named.replace(r"\. ", "")) as caught:
        enter_points(exam_pk=exam.pk, points=dict.fromkeys(points, Decimal(71)), by=None, now=AFTER)
    assert ("more" in str(caught.value.message)) == (count > 10)
