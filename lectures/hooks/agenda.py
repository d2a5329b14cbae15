"""What sessions, office hours, free days and deadlines say to the agenda."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from amls.agenda.models import ItemKind, Status
from amls.agenda.sources import Item, Undated, all_day, deadline, in_each_language, registry
from amls.core.clock import from_wall_clock
from amls.courses.models import Course, Mode
from lectures.models import Deadline, FreeDay, Lecture, OfficeHour
from lectures.queries import undated_lectures_of

# Without a last day and without lectures, an office hour is expanded this far.
_OPEN_ENDED = timedelta(weeks=16)


@registry.items.named("lectures")
def items(course: Course) -> Iterator[Item]:
    """Yield an item for every session with a date, free day and deadline, and every occurrence of every office hour."""
    sessions = list(Lecture.objects.filter(course=course))
    for lecture in sessions:
        # One loaded course for all: its zone and weekly slots cost no query.
        lecture.course = course
        if lecture.held_on is not None:
            yield _lecture_item(lecture)
    free_days = list(course.free_days.all())
    days = sorted(day for session in sessions if (day := session.held_on) is not None)
    for office_hour in OfficeHour.objects.filter(course=course).prefetch_related("exceptions"):
        yield from _office_hour_items(course, office_hour, days, free_days)
    for free_day in free_days:
        yield _free_day_item(course, free_day)
    for row in course.deadlines.all():
        yield _deadline_item(course, row)


@registry.undated.named("lectures")
def undated(course: Course) -> Iterator[Undated]:
    """Yield the sessions whose date is open, in the order of their numbers."""
    for lecture in undated_lectures_of(course):
        yield Undated(kind=ItemKind(lecture.kind), name=str(lecture), path=lecture.get_absolute_url())


def _lecture_item(lecture: Lecture) -> Item:
    return Item(
        key=f"lectures.lecture:{lecture.pk}",
        kind=ItemKind(lecture.kind),
        title=in_each_language(lambda: str(lecture)) if lecture.label else str(lecture),
        **_times(lecture.starts_at, lecture.ends_at, lecture.day, lecture.course),
        place="" if lecture.mode == Mode.VIRTUAL else lecture.room,
        mode=lecture.mode,
        call_in=lecture.effective_call_in,
        is_call_in_public=lecture.is_call_in_public,
        path=lecture.get_absolute_url(),
        status=Status.CANCELLED if lecture.is_cancelled else Status.CONFIRMED,
    )


def _times(starts_at: datetime | None, ends_at: datetime | None, day: date | None, course: Course) -> dict[str, Any]:
    if starts_at is not None and ends_at is not None:
        return {"starts_at": starts_at, "ends_at": ends_at}
    assert day is not None  # noqa: S101 - the database says so of what has no moment
    return all_day(day, day, course.zone)


def _free_day_item(course: Course, free_day: FreeDay) -> Item:
    return Item(
        key=f"lectures.freeday:{free_day.pk}",
        kind=ItemKind.FREE_DAY,
        title=in_each_language(
            lambda: _("No class: %(why)s") % {"why": free_day.title} if free_day.title else _("No class")
        ),
        **all_day(free_day.first, free_day.until, course.zone),
        path=reverse("agenda:schedule", args=[course.slug]),
    )


def _deadline_item(course: Course, row: Deadline) -> Item:
    key, path = f"lectures.deadline:{row.pk}", row.url or reverse("agenda:schedule", args=[course.slug])
    if row.due_at is not None:
        return deadline(key=key, title=row.title, due_at=row.due_at, path=path)
    return Item(key=key, kind=ItemKind.DEADLINE, title=row.title, path=path, **_times(None, None, row.day, course))


def occurrences(
    course: Course, office_hour: OfficeHour, days: Sequence[date], free_days: Sequence[FreeDay] = ()
) -> Iterator[date]:
    """Yield the original dates of an office hour, from its first to its last day.

    Args:
        course: of the office hour.
        office_hour: with its rule.
        days: on which the course has sessions, in order.
        free_days: on which there is none.
    """
    first, last = _span(course, office_hour, days)
    day = first + timedelta(days=(office_hour.weekday - first.weekday()) % 7)
    while day <= last:
        if not any(free_day.covers(day) for free_day in free_days):
            yield day
        day += timedelta(weeks=1)


def _span(course: Course, office_hour: OfficeHour, days: Sequence[date]) -> tuple[date, date]:
    first = office_hour.first or course.first_day or (days[0] if days else None)
    if first is None:
        # No day at all, also once the first of its weekday is looked for.
        return date.max - timedelta(days=6), date.min
    last = office_hour.last or course.last_day or (days[-1] if days else first + _OPEN_ENDED)
    return first, last


def _office_hour_items(
    course: Course, office_hour: OfficeHour, days: Sequence[date], free_days: Sequence[FreeDay]
) -> Iterator[Item]:
    exceptions = {exception.day: exception for exception in office_hour.exceptions.all()}
    path = reverse("portal:home", args=[course.slug])
    for day in occurrences(course, office_hour, days, free_days):
        exception = exceptions.get(day)
        starts_at = from_wall_clock(datetime.combine(day, office_hour.start), course.zone)
        ends_at = from_wall_clock(datetime.combine(day, office_hour.end), course.zone)
        room, status = office_hour.room, Status.CONFIRMED
        if exception is not None:
            starts_at = exception.moved_to_start or starts_at
            ends_at = exception.moved_to_end or ends_at
            room = exception.room or room
            status = Status.CANCELLED if exception.is_cancelled else status
        yield Item(
            key=f"lectures.officehour:{office_hour.pk}:{day.isoformat()}",
            kind=ItemKind.OFFICE_HOUR,
            title=in_each_language(lambda: _("Office hour")),
            starts_at=starts_at,
            ends_at=ends_at,
            place="" if office_hour.mode == Mode.VIRTUAL else room,
            mode=office_hour.mode,
            call_in="" if office_hour.mode == Mode.IN_PERSON else office_hour.call_in,
            path=path,
            status=status,
        )
