"""The demo's course with sheets, a rule and wishes: something is open, graded, excused, and nothing is mailed."""

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from amls.courses.models import Course, Enrolment
from amls.grading.facts import facts_of
from amls.grading.judging import evaluate
from amls.mail.models import Notice
from amls.portal.demo.coursework import COURSEWORK, make_coursework
from amls.portal.demo.services import make_people
from exams.services.rules import whole_rule
from projects.models import Allocation, Assignment, Submission

pytestmark = pytest.mark.django_db
BERLIN = ZoneInfo("Europe/Berlin")


def _states(course: Course, number: int, *, now: datetime) -> list[str]:
    student = Enrolment.objects.students().filter(course=course).order_by("pk")[number]
    facts = facts_of(course, [student], now=now)[student.pk]
    return [piece.state.value for piece in facts.pieces.values() if piece.title.startswith("Sheet")]


@pytest.mark.parametrize("moment", [datetime(2026, 5, 20, 15), datetime(2026, 11, 30, 8, 59)])
def test_the_course_with_sheets_has_something_at_every_stage(moment: datetime) -> None:
    """A Wednesday, and a Monday before the hour at which sheets are due."""
    now = moment.replace(tzinfo=BERLIN)
    make_coursework(make_people(), now=now)
    course = Course.objects.get(slug=COURSEWORK)
    sheets = Assignment.objects.filter(course=course, series="Sheet").order_by("number")
    graded = 5 if now.weekday() else 4
    assert [sheet.max_points for sheet in sheets] == [Decimal(20)] * 12
    assert _states(course, 0, now=now) == [
        "excused" if number == 2 else "graded" if number < graded else "waiting" if number < graded + 2 else "open"
        for number in range(12)
    ]
    assert _states(course, 10, now=now)[:3] == ["graded", "missing", "graded"]
    run = Allocation.objects.get(assignment__course=course)
    assert (run.state, run.is_published) == ("done", False)
    assert len(run.given()) == 4
    assert run.assignment.wishes_close_at is not None
    assert run.assignment.wishes_close_at > now
    assert not Notice.objects.filter(course=course).exists()


def test_the_rule_of_the_course_with_sheets_still_asks_for_something() -> None:
    now = datetime(2026, 5, 20, 15, tzinfo=BERLIN)
    make_coursework(make_people(), now=now)
    course = Course.objects.get(slug=COURSEWORK)
    student = Enrolment.objects.students().filter(course=course).order_by("pk")[0]
    rule = whole_rule(course)
    points, entries = (evaluate(part, facts_of(course, [student], now=now)[student.pk]) for part in rule.parts)
    assert points.verdict == entries.verdict
    assert points.missing is not None
    before = Submission.objects.count()
    make_coursework(make_people(), now=now + timedelta(days=1))
    assert Submission.objects.count() == before
