"""At which weekly times sessions of a course are held, and which of them are still to come."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from django.utils.translation import gettext as _

from amls.core.clock import to_wall_clock
from amls.core.times import say_span, say_weekday
from amls.courses.models import Course, Mode, SessionKind, Weekday, WeeklySlot
from amls.courses.slots import in_weekly_order
from lectures.models import Lecture

# So many sessions at the same time of the same weekday are a weekly time, of which the course may have no slot.
_FEWEST = 2


@dataclass(frozen=True, slots=True)
class WeeklyTime:
    """When and where sessions of a kind are held each week.

    Attributes:
        start, end: by the course's clock; None where that is not the same each week.
        slot: the course's own slot that says so; None where only its sessions do.
    """

    kind: str
    weekday: int
    start: time | None
    end: time | None
    room: str
    slot: WeeklySlot | None = None

    @property
    def key(self) -> str:
        """What names it in an address."""
        clock = self.start.isoformat("minutes") if self.start else ""
        return f"{self.kind}-{self.weekday}-{clock}-{hashlib.sha256(self.room.encode()).hexdigest()[:6]}"

    def __str__(self) -> str:
        when = " ".join(
            filter(None, [str(Weekday(self.weekday).label), say_span(self.start, self.end) if self.start else ""])
        )
        return ", ".join(filter(None, [f"{SessionKind(self.kind).label}: {when}", self.room]))

    def has(self, lecture: Lecture) -> bool:
        """Return whether a session is held at this weekly time."""
        day = lecture.held_on
        if lecture.kind != self.kind or day is None or day.weekday() != self.weekday:
            return False
        return not self.differs_in(lecture)

    def differs_in(self, lecture: Lecture) -> str:
        """Return in which way a session is held otherwise than each week, in words; empty where it is not."""
        day = lecture.held_on
        if day is not None and day.weekday() != self.weekday:
            return _("on a %(weekday)s") % {"weekday": say_weekday(day)}
        if lecture.starts_at is None:
            return _("its time is open") if self.start is not None else ""
        clock = to_wall_clock(lecture.starts_at, lecture.course.zone).time()
        if self.start is not None and clock != self.start:
            return _("at another time")
        if self.room and lecture.mode != Mode.VIRTUAL and lecture.room != self.room:
            return _("in another room")
        return ""


@dataclass(frozen=True, slots=True)
class SlotSession:
    """A session that a weekly time's move may take along.

    Attributes:
        otherwise: why it is not ticked at first, in words; empty where it is held as each week.
        can_move: whether it can be ticked at all: what is cancelled or has begun stays.
    """

    lecture: Lecture
    otherwise: str
    can_move: bool

    @property
    def is_ticked(self) -> bool:
        """Whether it moves unless somebody says otherwise."""
        return self.can_move and not self.otherwise


def _of_course(course: Course) -> list[Lecture]:
    """Return the course's sessions that have a day, by it: 1 query."""
    rows = list(Lecture.objects.filter(course=course).order_by("pk"))
    for lecture in rows:
        lecture.course = course
    return sorted((row for row in rows if row.held_on is not None), key=_begins)


def _begins(lecture: Lecture) -> tuple[date, time, int]:
    zone = lecture.course.zone
    clock = to_wall_clock(lecture.starts_at, zone).time() if lecture.starts_at else time.min
    return lecture.held_on or date.max, clock, lecture.pk


def weekly_times(course: Course, *, now: datetime) -> list[WeeklyTime]:
    """Return at which weekly times sessions are still to come: the course's slots, and what several share: 1 or 2 queries."""
    coming = [row for row in _of_course(course) if not row.is_cancelled and not row.has_begun_at(now)]
    times = [
        WeeklyTime(slot.kind, slot.weekday, slot.start, slot.end, slot.room, slot)
        for slot in in_weekly_order(course.slots)
        if slot.weekday is not None
    ]
    times = [weekly for weekly in times if any(weekly.has(row) for row in coming)]
    others = [row for row in coming if row.starts_at is not None and not any(weekly.has(row) for weekly in times)]
    alike: dict[tuple[str, int, time, str], list[Lecture]] = {}
    for row in others:
        day, clock, _pk = _begins(row)
        alike.setdefault((row.kind, day.weekday(), clock, row.room), []).append(row)
    for (kind, weekday, start, room), rows in sorted(alike.items(), key=lambda times: times[0]):
        if len(rows) >= _FEWEST:
            ends = Counter(to_wall_clock(row.ends_at, course.zone).time() for row in rows if row.ends_at)
            times.append(WeeklyTime(kind, weekday, start, ends.most_common(1)[0][0], room))
    return times


def sessions_of(
    course: Course, weekly: WeeklyTime, among: Sequence[WeeklyTime], *, since: date, now: datetime
) -> tuple[list[SlotSession], int]:
    """Return what of a weekly time is still to come from a day on, and how many of its kind are over since then: 1 query.

    Sessions of the kind that are held at no weekly time are offered too, not ticked: they may have been moved before.

    Args:
        course: whose they are.
        weekly: whose sessions are wanted.
        among: all of the course, those of the others are left out.
        since: the first day.
        now: the request's clock.
    """
    offered, over = [], 0
    for lecture in _of_course(course):
        if lecture.kind != weekly.kind or lecture.held_on is None or lecture.held_on < since:
            continue
        if not weekly.has(lecture) and any(other.has(lecture) for other in among):
            continue
        if lecture.is_over_at(now):
            over += 1
        elif lecture.is_cancelled:
            offered.append(SlotSession(lecture, _("cancelled"), can_move=False))
        elif lecture.has_begun_at(now):
            offered.append(SlotSession(lecture, _("has begun"), can_move=False))
        else:
            offered.append(SlotSession(lecture, weekly.differs_in(lecture), can_move=True))
    return offered, over
