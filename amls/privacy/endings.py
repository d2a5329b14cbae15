"""When a course ended: with the last thing that happened in it, from which is counted how long its people are known."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

from django.db.models import Max, QuerySet

from amls.core.hooks import Hook
from amls.courses.models import Course

# Moments, or days, of what happened in the courses of these pks, each with its course's pk.
Teller = Callable[[Sequence[int]], Iterator[tuple[int, datetime | date]]]
happenings: Hook[Teller] = Hook("happenings of courses")


def latest(rows: QuerySet[Any], course: str, *fields: str) -> Iterator[tuple[int, datetime | date]]:
    """Yield, of each course, the latest of these fields of its rows, in one query.

    Args:
        rows: of a model that is contributed.
        course: the lookup that leads from a row to its course's key.
        fields: of dates or moments; empty ones count for nothing.
    """
    maxima = {f"latest_{number}": Max(name) for number, name in enumerate(fields)}
    for pk, *moments in rows.order_by().values_list(course).annotate(**maxima):
        for moment in moments:
            if moment is not None:
                yield pk, moment


def last_days_of(courses: Sequence[Course]) -> dict[int, date]:
    """Return the day on which each course ended, in its own zone, by pk: never before something that happened in it.

    What happened is its last day, and what apps tell of: sessions, deadlines, hand-ins, exams, results. A course in which
    nothing of all that is dated ended with its last change, as which its archiving counts.
    """
    zones = {course.pk: course.zone for course in courses}
    ends = {course.pk: course.last_day for course in courses if course.last_day is not None}
    for tell in happenings:
        for pk, moment in tell(list(zones)):
            day = moment.astimezone(zones[pk]).date() if isinstance(moment, datetime) else moment
            ends[pk] = max(ends.get(pk, day), day)
    for course in courses:
        ends.setdefault(course.pk, course.revised_at.astimezone(course.zone).date())
    return ends
