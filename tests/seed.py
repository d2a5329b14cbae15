"""AMLS SS2024 with the instants that every reader of its calendar must find."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from django.utils import timezone

from amls.courses.models import Course
from amls.portal.takeover.apply import import_course
from amls.portal.takeover.course_files import read_course_file
from amls.portal.takeover.spec import CourseSpec

PAGE = Path(__file__).parent / "data" / "amls-ss2024.txt"
# Berlin has summer time on all of these days: 16:00 there is 14:00 UTC.
LECTURE_DAYS = [(4, 18), (4, 25), (5, 2), (5, 16), (5, 21), (5, 30), (6, 6), (6, 13), (6, 20), (6, 27), (7, 4), (7, 11)]
LECTURES = [
    (datetime(2024, month, day, 14, tzinfo=UTC), datetime(2024, month, day, 16, tzinfo=UTC))
    for month, day in LECTURE_DAYS
]
EXAMS = [
    (start, start + timedelta(minutes=90))
    for start in (
        datetime(2024, 7, 18, 14, tzinfo=UTC),
        datetime(2024, 8, 10, 12, tzinfo=UTC),
        datetime(2024, 10, 12, 11, tzinfo=UTC),
    )
]
DEADLINE = [(datetime(2024, 7, 8, 21, 29, tzinfo=UTC), datetime(2024, 7, 8, 21, 59, tzinfo=UTC))]
OFFICE_HOURS = [
    (start, start + timedelta(minutes=90))
    for start in (datetime(2024, 4, 23, 14, tzinfo=UTC) + timedelta(weeks=week) for week in range(12))
]
INSTANTS = sorted(LECTURES + EXAMS + DEADLINE + OFFICE_HOURS)


def read_page(text: str, *, slug: str | None = None, year: int | None = None) -> CourseSpec:
    """Return what a course page says, read in the spring of 2024."""
    return read_course_file(text, slug=slug, year=year, today=date(2024, 4, 1))


def import_seed(slug: str = "amls-ss2024") -> Course:
    """Import the page and publish the course."""
    import_course(spec=read_page(PAGE.read_text(encoding="utf-8"), slug=slug), now=timezone.now())
    course = Course.objects.get(slug=slug)
    course.state = Course.State.RUNNING
    course.save()
    course.weekly_slots.update(call_in="https://zoom.example.org/secret")
    return course
