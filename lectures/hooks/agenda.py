"""What lectures and office hours say to the agenda."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from amls.agenda.models import ItemKind, Status
from amls.agenda.sources import Item, in_each_language, registry
from amls.core.clock import from_wall_clock
from amls.courses.models import Course, Mode
from lectures.models import Lecture, OfficeHour

# Without a last day and without lectures, an office hour is expanded this far.
_OPEN_ENDED = timedelta(weeks=16)


@registry.items.named("lectures")
def items(course: Course) -> Iterator[Item]:
    """Yield an item for every lecture and every occurrence of every office hour."""
    for lecture in Lecture.objects.filter(course=course).select_related("course"):
        yield _lecture_item(lecture)
    for office_hour in OfficeHour.objects.filter(course=course).prefetch_related("exceptions"):
        yield from _office_hour_items(course, office_hour)


def _lecture_item(lecture: Lecture) -> Item:
    return Item(
        key=f"lectures.lecture:{lecture.pk}",
        kind=ItemKind.LECTURE,
        title=str(lecture),
        starts_at=lecture.starts_at,
        ends_at=lecture.ends_at,
        place="" if lecture.mode == Mode.VIRTUAL else lecture.room,
        mode=lecture.mode,
        call_in=lecture.effective_call_in,
        is_call_in_public=lecture.is_call_in_public,
        path=lecture.get_absolute_url(),
        status=Status.CANCELLED if lecture.is_cancelled else Status.CONFIRMED,
    )


def occurrences(course: Course, office_hour: OfficeHour) -> Iterator[date]:
    """Yield the original dates of an office hour, from its first to its last day."""
    first, last = _span(course, office_hour)
    day = first + timedelta(days=(office_hour.weekday - first.weekday()) % 7)
    while day <= last:
        yield day
        day += timedelta(weeks=1)


def _span(course: Course, office_hour: OfficeHour) -> tuple[date, date]:
    starts = list(course.lectures.order_by("starts_at").values_list("starts_at", flat=True))
    days = [start.astimezone(course.zone).date() for start in starts]
    first = office_hour.first or course.first_day or (days[0] if days else None)
    if first is None:
        return date.max, date.min
    last = office_hour.last or course.last_day or (days[-1] if days else first + _OPEN_ENDED)
    return first, last


def _office_hour_items(course: Course, office_hour: OfficeHour) -> Iterator[Item]:
    exceptions = {exception.day: exception for exception in office_hour.exceptions.all()}
    path = reverse("portal:home", args=[course.slug])
    for day in occurrences(course, office_hour):
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
