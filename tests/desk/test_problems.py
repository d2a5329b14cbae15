"""What is wrong with a row is said at the field that is to be mended."""

from datetime import timedelta

import pytest
from django.forms import modelform_factory

from amls.desk.problems import problems_of
from exams.models import Exam
from tests.cast import Cast
from tests.factories import OpenExamFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("hours", "minutes", "field"), [(-1, 60, "review_at"), (48, 0, "review_minutes")])
def test_a_review_that_cannot_be_is_said_where_it_is_entered(cast: Cast, hours: int, minutes: int, field: str) -> None:
    exam = OpenExamFactory.create(course=cast.course)
    values = {
        "starts_at": exam.starts_at,
        "review_at": exam.starts_at + timedelta(hours=hours),
        "review_minutes": minutes,
    }
    form = modelform_factory(Exam, fields=list(values))(values, instance=exam)
    (problem,) = problems_of(form, [])
    assert problem.anchor == f"id_{field}"
