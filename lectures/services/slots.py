"""A weekly time of a course's sessions whose remaining ones move in one act: planned, written once, and taken back."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from amls.agenda.services import Change
from amls.core.clock import from_wall_clock, to_wall_clock
from amls.core.meanwhile import CODE
from amls.core.times import say_day, say_span
from amls.core.violations import RuleViolation
from amls.courses.models import Course, Mode, WeeklySlot
from amls.courses.services import finish_course_change, lock_course
from amls.courses.slots import DEFAULT_LENGTH
from amls.desk.history import last_writer
from amls.mail.changes import told_together
from lectures.models import FreeDay, Lecture

# What of a session moves; a snapshot of it has these.
FIELDS = ("starts_at", "ends_at", "day", "room", "mode", "call_in", "state")
SLOT_FIELDS = ("weekday", "start", "end", "room", "mode", "call_in")
Values = dict[str, Any]


class OnFree(models.TextChoices):
    """What becomes of a session that would fall on a day without class."""

    KEEP = "keep", gettext_lazy("Leave it where it is")
    CANCEL = "cancel", gettext_lazy("Leave it out: it is cancelled")
    HOLD = "hold", gettext_lazy("Hold it on that day all the same")


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotMove:
    """What staff ask for: which sessions, and what of them is another; None leaves it as it is.

    Attributes:
        sessions: keys of the sessions.
        weekday: of the same week, as `date.weekday()` counts.
        start: by the course's clock.
        minutes: how long each is.
        on_free: by key of a session, what becomes of it on a day without class.
        slot: key of the course's weekly slot that is to say the same; None leaves all as they are.
    """

    sessions: Collection[int]
    weekday: int | None = None
    start: time | None = None
    minutes: int | None = None
    room: str | None = None
    mode: str | None = None
    call_in: str | None = None
    on_free: Mapping[int, OnFree] = field(default_factory=dict)
    slot: int | None = None


@dataclass(frozen=True, slots=True)
class MovedSession:
    """What becomes of one session.

    Attributes:
        lecture: with its new values, and how it was.
        before, after: what of it can move.
        free: the day without class on which it would fall.
        why_kept: why nothing becomes of it, in words.
    """

    lecture: Lecture
    before: Values
    after: Values
    free: FreeDay | None = None
    why_kept: str = ""

    @property
    def has_moved(self) -> bool:
        """Whether anything of it is another."""
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class SlotMoved:
    """What came of a move, or would.

    Attributes:
        sessions: those that were asked for, by their dates before.
        changes: of the course's agenda.
        slot: the weekly slot, how it was and is; None where it stays.
    """

    sessions: tuple[MovedSession, ...]
    changes: tuple[Change, ...]
    slot: tuple[int, Values, Values] | None = None

    @property
    def moved(self) -> list[MovedSession]:
        """Those of which something is another."""
        return [session for session in self.sessions if session.has_moved]

    @property
    def undo(self) -> list[Any]:
        """What `take_move_back` needs, as text: of each session what is another, how it was and is."""
        rows = [[row.lecture.pk, *_differences(row.before, row.after)] for row in self.moved]
        slot = [self.slot[0], *_differences(self.slot[1], self.slot[2])] if self.slot is not None else None
        return [rows, slot]


def _differences(before: Values, after: Values) -> list[dict[str, str]]:
    names = [name for name in before if before[name] != after[name]]
    return [{name: _text(values[name]) for name in names} for values in (before, after)]


def _text(value: Any) -> str:
    return "" if value is None else value.isoformat() if isinstance(value, date | time) else str(value)


def values_of(lecture: Lecture) -> Values:
    """Return what of a session can move."""
    return {name: getattr(lecture, name) for name in FIELDS}


def named(lecture: Lecture) -> str:
    """Return what names the state of a session, for a page that shows it: see `SlotMove`."""
    said = "|".join(_text(value) for value in values_of(lecture).values())
    return hashlib.sha256(said.encode()).hexdigest()[:8]


def move_slot(*, course: Course, move: SlotMove, seen: Mapping[int, str], now: datetime) -> SlotMoved:
    """Move sessions within their weeks, all or none; calendars and mails follow once, for all.

    Args:
        course: whose they are.
        move: what is asked for.
        seen: by key, what `named` each of the sessions as it was shown.
        now: the request's clock.

    Raises:
        RuleViolation: a session is gone, over, cancelled or not as it was shown (code 'changed-meanwhile'), the clock skips
            the time on one of the days, or the course has that weekly slot already.
    """
    with transaction.atomic():
        course = lock_course(course.pk)
        rows = Lecture.objects.select_for_update(no_key=True).filter(course=course, pk__in=move.sessions).order_by("pk")
        lectures = list(rows)
        for lecture in lectures:
            lecture.course = course
        _need_to_have_seen(lectures, move, seen, now)
        free_days = list(FreeDay.objects.filter(course=course))
        sessions = [_moved(lecture, move, free_days, now) for lecture in sorted(lectures, key=_place)]
        moved = [session.lecture for session in sessions if session.has_moved]
        Lecture.objects.bulk_update(moved, FIELDS)
        slot = _move_weekly_slot(course, move)
        with told_together():
            changes = finish_course_change(course, now=now)
    return SlotMoved(tuple(sessions), tuple(changes), slot)


def _place(lecture: Lecture) -> tuple[date, datetime, int]:
    return lecture.held_on or date.max, lecture.starts_at or datetime.max.replace(tzinfo=UTC), lecture.pk


def _need_to_have_seen(lectures: Sequence[Lecture], move: SlotMove, seen: Mapping[int, str], now: datetime) -> None:
    """Refuse to move what is not as it was shown."""
    if len(lectures) < len(set(move.sessions)):
        raise RuleViolation(
            _("A session is no longer there: somebody removed it meanwhile. Look at the list again."), code=CODE
        )
    for lecture in lectures:
        if seen.get(lecture.pk) != named(lecture):
            raise RuleViolation(said_changed(lecture), code=CODE)
        if lecture.is_cancelled or lecture.held_on is None or lecture.has_begun_at(now):
            raise RuleViolation(
                _("'%(what)s' can't be moved any more: it is cancelled, open or has begun.") % {"what": lecture},
                code="not-to-come",
            )


def said_changed(lecture: Lecture) -> str:
    """Return who changed a session since it was shown, and when and where it is by now."""
    return _("%(name)s changed '%(what)s' meanwhile. It is now: %(now)s. Look at it again.") % {
        "name": last_writer(lecture) or _("Somebody"),
        "what": lecture,
        "now": say_when_and_where(lecture, values_of(lecture)),
    }


def say_when_and_where(lecture: Lecture, values: Values, *, beside: Values | None = None) -> str:
    """Return 'Wed 6 Nov 2024, 10:00–12:00, MAR 0.011' of a session as it is, was, or would be.

    Args:
        lecture: whose it is.
        values: as `values_of` has them.
        beside: others that it is compared with: how it is held is said where that differs, or it is held online only.
    """
    zone, starts_at = lecture.course.zone, values["starts_at"]
    words = [say_day(starts_at or values["day"], zone)]
    words.append(say_span(starts_at, values["ends_at"], zone) if starts_at else _("time open"))
    words.append(values["room"])
    if values["mode"] == Mode.VIRTUAL or (beside is not None and beside["mode"] != values["mode"]):
        words.append(str(Mode(values["mode"]).label))
    if values["state"] == Lecture.State.CANCELLED:
        words.append(_("cancelled"))
    return ", ".join(filter(None, words))


def _moved(lecture: Lecture, move: SlotMove, free_days: Iterable[FreeDay], now: datetime) -> MovedSession:
    before = values_of(lecture)
    was, why_kept = lecture.held_on, ""
    for name, value in _wanted(lecture, move).items():
        setattr(lecture, name, value)
    day = lecture.held_on
    free = next((free for free in free_days if day is not None and day != was and free.covers(day)), None)
    choice = move.on_free.get(lecture.pk, OnFree.KEEP) if free is not None else OnFree.HOLD
    if lecture.has_begun_at(now):
        free, choice, why_kept = None, OnFree.KEEP, _("It stays: in its week that would be over already.")
    if choice != OnFree.HOLD:
        for name, value in before.items():
            setattr(lecture, name, value)
    if choice == OnFree.CANCEL:
        lecture.state = Lecture.State.CANCELLED
    after = values_of(lecture)
    if before == after and not free and not why_kept:
        why_kept = _("Nothing changes: it is so already.")
    return MovedSession(lecture, before, after, free, why_kept)


def _wanted(lecture: Lecture, move: SlotMove) -> Values:
    """Return the values of a session that is moved."""
    zone, day = lecture.course.zone, lecture.held_on
    assert day is not None  # noqa: S101 - only such are moved
    values: Values = {}
    if move.weekday is not None:
        day += timedelta(days=move.weekday - day.weekday())
    start, length = move.start, DEFAULT_LENGTH
    if lecture.starts_at is not None and lecture.ends_at is not None:
        wall = to_wall_clock(lecture.starts_at, zone)
        start, length = start or wall.time(), to_wall_clock(lecture.ends_at, zone) - wall
    if move.minutes is not None:
        length = timedelta(minutes=move.minutes)
    if start is None:
        values["day"] = day
    else:
        begins = datetime.combine(day, start)
        values |= {
            "day": None,
            "starts_at": from_wall_clock(begins, zone),
            "ends_at": from_wall_clock(begins + length, zone),
        }
    if move.mode is not None:
        values["mode"] = move.mode
    if values.get("mode", lecture.mode) == Mode.VIRTUAL:
        values["room"] = ""
    elif move.room is not None:
        values["room"] = move.room
    if move.call_in is not None:
        values["call_in"] = move.call_in
    return values


def _move_weekly_slot(course: Course, move: SlotMove) -> tuple[int, Values, Values] | None:
    """Let the course's weekly slot say what its sessions do from now on."""
    slot = WeeklySlot.objects.filter(course=course, pk=move.slot).first() if move.slot is not None else None
    if slot is None:
        return None
    before = {name: getattr(slot, name) for name in SLOT_FIELDS}
    length = timedelta(minutes=move.minutes) if move.minutes is not None else slot.length
    has_end = slot.end is not None or move.minutes is not None
    slot.weekday = slot.weekday if move.weekday is None else move.weekday
    slot.start = slot.start if move.start is None else move.start
    if slot.start is not None and has_end and (move.start is not None or move.minutes is not None):
        slot.end = (datetime.combine(date.min, slot.start) + length).time()
    slot.mode = slot.mode if move.mode is None else move.mode
    if slot.mode == Mode.VIRTUAL and move.mode is not None:
        slot.room = ""
    elif move.room is not None:
        slot.room = move.room
    slot.call_in = slot.call_in if move.call_in is None else move.call_in
    after = {name: getattr(slot, name) for name in SLOT_FIELDS}
    if after == before:
        return None
    _keep_slot(slot)
    return slot.pk, before, after


def _keep_slot(slot: WeeklySlot) -> None:
    try:
        slot.full_clean()
    except ValidationError as error:
        said = " ".join(error.messages)
        raise RuleViolation(
            _("The course's weekly slot can't follow: %(why)s") % {"why": said}, code="slot", field="follows"
        ) from error
    slot.save(update_fields=SLOT_FIELDS)


def take_move_back(*, course: Course, kept: Sequence[Any], now: datetime) -> tuple[int, list[Lecture]]:
    """Put sessions back where they were; return how many, and those that stay as somebody changed them since.

    Args:
        course: whose they are.
        kept: as `SlotMoved.undo` says it.
        now: the request's clock.
    """
    rows, slot = kept
    changes = {pk: (before, after) for pk, before, after in rows}
    with transaction.atomic():
        course = lock_course(course.pk)
        locked = Lecture.objects.select_for_update(no_key=True).filter(course=course, pk__in=changes).order_by("pk")
        back, others = list[Lecture](), list[Lecture]()
        for lecture in locked:
            lecture.course = course
            (back if _put_back(lecture, *changes[lecture.pk]) else others).append(lecture)
        Lecture.objects.bulk_update(back, FIELDS)
        weekly = WeeklySlot.objects.filter(course=course, pk=slot[0]).first() if slot is not None else None
        if weekly is not None and not others and _put_back(weekly, *slot[1:]):
            _keep_slot(weekly)
        with told_together():
            finish_course_change(course, now=now)
    return len(back), others


def _put_back(row: Lecture | WeeklySlot, before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    """Give a row its former values if it has those that it was given; return whether it has."""
    if any(_text(getattr(row, name)) != text for name, text in after.items()):
        return False
    for name, text in before.items():
        column: Any = row._meta.get_field(name)  # noqa: SLF001 - Django's documented name
        nothing = None if column.null else ""
        setattr(row, name, column.to_python(text) if text else nothing)
    return True


def say_taken_back(count: int, others: Sequence[Lecture]) -> str:
    """Return what came of taking a move back."""
    said = ngettext(
        "Taken back: %(count)d session is where it was.", "Taken back: %(count)d sessions are where they were.", count
    ) % {"count": count}
    if others:
        said += " " + _("Somebody changed these since, and they stay: %(what)s.") % {
            "what": "; ".join(str(lecture) for lecture in others)
        }
    return said
