"""What of sessions that move together should be looked at: what they collide with, and whose order they overturn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amls.agenda.models import SESSIONS, AgendaItem, ItemKind, Status
from amls.core.folding import searchable
from amls.core.times import say_day
from amls.courses.models import Course, Enrolment, Mode, User
from lectures.models import FreeDay, Lecture
from lectures.services.slots import MovedSession, Values

_HELD = (*SESSIONS, ItemKind.EXAM, ItemKind.OFFICE_HOUR)
# Of the order of sessions of one kind so many are named.
_MOST_NAMED = 5
Span = tuple[datetime, datetime]


def collisions_of(course: Course, sessions: Sequence[MovedSession], *, reader: User) -> dict[int, list[str]]:
    """Return by key what each moved session collides with, in words: 4 queries, however many.

    Named are what is in its room, what else of the course is at its time, and what its staff hold elsewhere; not what
    it overlapped before. Dates of courses that the reader may not see are left out.

    Args:
        course: whose they are; its agenda says already where they are held from now on.
        sessions: as they were moved.
        reader: who is shown it.
    """
    held = [row for row in sessions if row.has_moved and row.after["starts_at"] and not row.lecture.is_cancelled]
    if not held:
        return {}
    staff = _staff_elsewhere(course)
    items = _items_around(course, held, staff, reader)
    was = {_key(row.lecture): row.before for row in sessions}
    free_days = list(FreeDay.objects.filter(course=course))
    said: dict[int, list[str]] = {}
    for row in held:
        against = [*_day_against(row.lecture, course, free_days)]
        for item in items:
            if item.key == _key(row.lecture) and item.course_id == course.pk:
                continue
            if _overlap(_span(row.after), (item.starts_at, item.ends_at)) and not _overlapped(row, item, was, course):
                against += _against(row.lecture, item, course, staff.get(item.course_id, []))
        if against:
            said[row.lecture.pk] = against
    return said


def _key(lecture: Lecture) -> str:
    return f"lectures.lecture:{lecture.pk}"


def _span(values: Values) -> Span | None:
    return (values["starts_at"], values["ends_at"]) if values["starts_at"] else None


def _overlap(span: Span | None, beside: Span | None) -> bool:
    return span is not None and beside is not None and span[0] < beside[1] and beside[0] < span[1]


def _overlapped(row: MovedSession, item: AgendaItem, was: dict[str, Values], course: Course) -> bool:
    """Return whether both overlapped already before they moved, in rooms that are what they were."""
    earlier = was.get(item.key) if item.course_id == course.pk else None
    span = _span(earlier) if earlier is not None else (item.starts_at, item.ends_at)
    return _overlap(_span(row.before), span) and row.before["room"] == row.after["room"]


def _staff_elsewhere(course: Course) -> dict[int, list[str]]:
    """Return by course who of this course's staff teaches there too, by name: 1 query."""
    own = Enrolment.objects.staff().filter(course=course).values("user")
    rows = Enrolment.objects.staff().present().filter(user__in=own).exclude(course=course)
    names: dict[int, list[str]] = {}
    for row in rows.select_related("user").order_by("user__sort_name", "pk"):
        names.setdefault(row.course_id, []).append(str(row.user))
    return names


def _items_around(course: Course, held: Sequence[MovedSession], staff: Iterable[int], reader: User) -> list[AgendaItem]:
    """Return what the reader may see of what is held from the first to the last of the sessions: 1 query."""
    spans = [span for row in held if (span := _span(row.after)) is not None]
    wanted = Q(course=course) | Q(course__in=list(staff))
    for room in {row.lecture.room for row in held if row.lecture.room}:
        wanted |= Q(place__iexact=room)
    rows = AgendaItem.objects.base().present().filter(wanted, kind__in=_HELD, status=Status.CONFIRMED, is_all_day=False)
    seen = rows.filter(course__in=Course.objects.visible_to(reader), is_for_participants=False)
    within = seen.filter(
        starts_at__lt=max(end for _start, end in spans), ends_at__gt=min(start for start, _end in spans)
    )
    return list(within.select_related("course").order_by("starts_at", "pk"))


def _against(lecture: Lecture, item: AgendaItem, course: Course, names: Sequence[str]) -> Iterator[str]:
    is_own = item.course_id == course.pk
    other = item.name if is_own else _("%(what)s (%(course)s)") % {"what": item.name, "course": item.course.title}
    if lecture.room and item.mode != Mode.VIRTUAL and searchable(lecture.room) == searchable(item.place):
        yield _("'%(other)s' is in %(room)s at the same time.") % {"other": other, "room": lecture.room}
    elif is_own:
        yield _("'%(other)s' is at the same time.") % {"other": other}
    elif names:
        yield _("'%(other)s' is at the same time; teaches there too: %(names)s.") % {
            "other": other,
            "names": ", ".join(names),
        }


def _day_against(lecture: Lecture, course: Course, free_days: Iterable[FreeDay]) -> Iterator[str]:
    day = lecture.held_on
    if day is None:
        return
    if any(free.covers(day) for free in free_days):
        yield _("%(day)s is a day without class. Look whether it takes place.") % {"day": say_day(day)}
    if course.last_day is not None and day > course.last_day:
        yield _("That is after the course's last day, %(day)s.") % {"day": say_day(course.last_day)}


def order_of(course: Course, sessions: Sequence[MovedSession]) -> list[str]:
    """Return in words which sessions would come before others that they follow until now: 1 query.

    Chapters build on another: among sessions of one kind each is named, of two kinds how many there are.

    Args:
        course: whose they are, as they are held from now on.
        sessions: as they were moved.
    """
    before = {row.lecture.pk: row.before for row in sessions}
    if not any(row.has_moved for row in sessions):
        return []
    rows = [
        (lecture, before[lecture.pk]["starts_at"] if lecture.pk in before else lecture.starts_at, lecture.starts_at)
        for lecture in Lecture.objects.filter(course=course).exclude(state=Lecture.State.CANCELLED).order_by("pk")
    ]
    moved = [row for row in rows if row[0].pk in before]
    overturned = {
        (late[0].pk, early[0].pk): (late[0], early[0])
        for row in moved
        for beside in rows
        for early, late in ((row, beside), (beside, row))
        if _is_before(early[1], late[1]) and _is_before(late[2], early[2])
    }
    return _say_order(sorted(overturned.values(), key=lambda pair: (str(pair[0].starts_at), pair[0].pk)))


def _is_before(early: datetime | None, late: datetime | None) -> bool:
    """Return whether what begins early does so before what begins late; what has no time of day is in no order."""
    return early is not None and late is not None and early < late


def _say_order(pairs: Sequence[tuple[Lecture, Lecture]]) -> list[str]:
    alike = [(late, early) for late, early in pairs if late.kind == early.kind]
    others = [(late, early) for late, early in pairs if late.kind != early.kind]
    said = [
        _("'%(late)s' would come before '%(early)s', which it follows until now.") % {"late": late, "early": early}
        for late, early in alike[:_MOST_NAMED]
    ]
    if len(alike) > _MOST_NAMED:
        said.append(_("So it is with others: %(count)d.") % {"count": len(alike) - _MOST_NAMED})
    if others:
        late, early = others[0]
        said.append(
            ngettext(
                "A session would come before one of another kind that it follows until now: '%(late)s' before '%(early)s'.",
                "%(count)d times a session would come before one of another kind that it follows until now, such as '%(late)s' before '%(early)s'.",
                len(others),
            )
            % {"count": len(others), "late": late, "early": early}
        )
    return said
