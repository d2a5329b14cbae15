"""What an archived course says to those who took part in it."""

import pytest

from amls.courses.models import Course
from exams.models import ExamRules
from tests.cast import Cast
from tests.factories import AssignmentFactory, OpenExamFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("state", "asks"), [("running", True), ("archived", False)])
def test_my_course_asks_for_nothing_once_it_is_archived(cast: Cast, state: str, asks: bool) -> None:
    AssignmentFactory.create(course=cast.course)
    OpenExamFactory.create(course=cast.course)
    ExamRules.objects.update_or_create(course=cast.course, defaults={"project_is_prerequisite": True})
    Course.objects.filter(pk=cast.course.pk).update(state=state)
    page = cast.client("student").get("/amls/me/").content.decode()
    assert ("What I still need" in page) == asks
    assert ("You can enrol again while enrolment is open." in page) == asks
    assert ("you can&#x27;t enrol again" in page or "you can't enrol again" in page) != asks
