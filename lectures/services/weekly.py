"""A session that is held every week: on which days, the sessions themselves, and taking these back."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import count, repeat
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from amls.core.clock import from_wall_clock, to_wall_clock
from amls.core.violations import RuleViolation
from amls.courses.models import Course
from amls.courses.services import finish_course_change, gathering, lock_course
from lectures.models import FreeDay, Lecture
from lectures.services.schedule import remove_lecture, save_lecture

_WEEK = timedelta(weeks=1)
# More weeks than a term has are a slip of the pen.
MOST_WEEKS = 40


@dataclass(frozen=True, slots=True)
class WeeklyDay:
    """A day on which a session would be held again.

    Attributes:
        day: by the calendar of the course.
        against: why it would rather not, in words; empty where nothing is against it.
    """

    day: date
    against: str


def usual_end(lecture: Lecture) -> date | None:
    """Return the day up to which a session is likely held every week: the last of its course, where that is known."""
    if lecture.held_on is None:
        return None
    return lecture.course.last_day or lecture.held_on + 14 * _WEEK


def weekly_days(lecture: Lecture, *, until: date) -> list[WeeklyDay]:
    """Return the same weekday of each week after a session, up to a day, and at most `MOST_WEEKS`: 2 queries.

    Args:
        lecture: whose day is known.
        until: the last day that may be one of them.
    """
    first = lecture.held_on
    if first is None:
        return []
    free_days = list(FreeDay.objects.filter(course=lecture.course_id))
    alike = Lecture.objects.filter(course=lecture.course_id, kind=lecture.kind).exclude(pk=lecture.pk)
    held = {other.held_on: other for other in alike.select_related("course") if not other.is_cancelled}

    def against(day: date) -> str:
        if free := next((free for free in free_days if free.covers(day)), None):
            return _("Day without class: %(why)s") % {"why": free}
        return _("There is one already: %(what)s") % {"what": held[day]} if day in held else ""

    days = [first + number * _WEEK for number in range(1, MOST_WEEKS + 1)]
    return [WeeklyDay(day, against(day)) for day in days if day <= until]


def repeat_lecture(*, lecture: Lecture, days: Collection[date], now: datetime) -> list[Lecture]:
    """Hold a session on other days too, at its time by the clock of the course; calendars follow once, for all.

    They have its kind, title, part, place and call-in link, and numbers that go on after the highest of their kind. Its
    materials, its abstract, and that it is cancelled are its own.

    Raises:
        ValidationError: the values of one break a rule; none is kept.
        RuleViolation: it has no day itself, or the clock skips its time on one of them; none is kept.
    """
    first = lecture.held_on
    if first is None:
        raise RuleViolation(_("Give it a day first: the others follow it week by week."), code="no-day")
    with transaction.atomic():
        course = lock_course(lecture.course_id)
        numbers = _numbers_after(lecture)
        rows = [
            Lecture(
                course=course,
                part=lecture.part,
                kind=lecture.kind,
                number=next(numbers),
                title=lecture.title,
                room=lecture.room,
                mode=lecture.mode,
                call_in=lecture.call_in,
                **_moment(lecture, later=day - first),
            )
            for day in sorted(days)
        ]
        with gathering():
            for row in rows:
                save_lecture(row, now=now)
        finish_course_change(course, now=now)
    return rows


def _moment(lecture: Lecture, *, later: timedelta) -> dict[str, Any]:
    zone = lecture.course.zone
    if lecture.starts_at is None or lecture.ends_at is None:
        return {"day": lecture.day and lecture.day + later}
    return {
        "starts_at": from_wall_clock(to_wall_clock(lecture.starts_at, zone) + later, zone),
        "ends_at": from_wall_clock(to_wall_clock(lecture.ends_at, zone) + later, zone),
    }


def _numbers_after(lecture: Lecture) -> Iterator[str]:
    """Return the numbers that are free after the highest of its kind, with as many digits; empty ones where it has none."""
    if not lecture.number:
        return repeat("")
    alike = Lecture.objects.filter(course=lecture.course_id, kind=lecture.kind).exclude(number="")
    highest = max(int(_digits(number)) for number in alike.values_list("number", flat=True))
    width = len(_digits(lecture.number))
    return (str(number).zfill(width) for number in count(highest + 1))


def _digits(number: str) -> str:
    """Return a number without the letter that may stand behind it."""
    return "".join(character for character in number if character.isdecimal())


def take_repeats_back(*, course: Course, lectures: Sequence[Lecture], now: datetime) -> int:
    """Remove sessions that were made by mistake; calendars follow once, for all. Return how many.

    Raises:
        RuleViolation: one of them has files by now; none is removed.
    """
    with transaction.atomic():
        course = lock_course(course.pk)
        with gathering():
            for lecture in lectures:
                remove_lecture(lecture, now=now)
        finish_course_change(course, now=now)
    return len(lectures)
