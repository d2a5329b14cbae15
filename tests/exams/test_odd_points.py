"""Odd points in the grade table and beside people: words at the field, never a fault of the server."""

import pytest
from django.utils import timezone
from pytest_django import Settings

from exams.models import GRADES, GradeStep
from tests.cast import Cast
from tests.factories import OpenExamFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("text", ["-0:00", "on", "1e400", "NaN", "sNaN", "Infinity", "-1", "9" * 5000, "2026-02-30T25:61", "%", "%00", "²", "0.001", "1e-400"])  # fmt: skip
@pytest.mark.parametrize("button", ["show", "keep"])
def test_a_boundary_that_is_no_number_of_points_is_marked(
    cast: Cast, settings: Settings, text: str, button: str
) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    now = timezone.now()
    exam = OpenExamFactory.create(course=cast.course, starts_at=now, opens_at=None, closes_at=None, withdraw_until=None)
    data = {f"grade-{grade}": "50" for grade in GRADES} | {f"grade-{GRADES[0]}": text, button: "1"}
    answer = cast.client("lecturer").post(f"/amls/exams/{exam.pk}/results/table/", data)
    assert answer.status_code == 422
    assert not GradeStep.objects.exists()
