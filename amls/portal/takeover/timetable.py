"""What an import does to a course's timetable: weekly slots, sessions with materials, office hours, days, deadlines."""

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext as _

from amls.core.clock import to_wall_clock
from amls.core.times import say_day
from amls.courses.models import SessionKind, WeeklySlot
from amls.courses.slots import DEFAULT_LENGTH, in_weekly_order
from amls.portal.takeover.labels import (
    free_day_label,
    lecture_label,
    not_a_weekday,
    not_offered,
    office_hour_label,
    slot_label,
)
from amls.portal.takeover.rows import Leaving, RowImport, Wanted, known_by
from amls.portal.takeover.spec import LectureSpec
from amls.portal.takeover.understanding.links import is_whole
from amls.portal.takeover.understanding.slots import WEEKDAYS
from lectures.models import Deadline, FreeDay, Lecture, Material, OfficeHour, OfficeHourException, Part
from lectures.queries import in_order

_MOMENT = ("starts_at", "ends_at", "day")


class TimetableImport(RowImport):
    """The part of an import that writes when the course meets and what is due."""

    def timetable(self) -> None:
        """Write weekly slots, parts and sessions, office hours, free days and deadlines."""
        self._slots()
        self._parts_and_lectures()
        self._office_hours()
        self._free_days()
        self._deadlines()
        self._warn_of_sessions_on_free_days()

    def _slots(self) -> None:
        wanted = []
        for slot in self.spec.slots:
            if slot.weekday and slot.weekday not in WEEKDAYS:
                self.problems.append(not_a_weekday("slots", slot.weekday))
                return
            if slot.kind not in SessionKind.values:
                self.problems.append(not_offered("slots", slot.kind, SessionKind.values))
                return
            values = {name: getattr(slot, name) for name in ("kind", "start", "end", "room", "mode", "call_in")}
            values["weekday"] = WEEKDAYS.index(slot.weekday) if slot.weekday else None
            wanted.append(Wanted(slot_label(slot), values, slot.room))
        self.sync(
            WeeklySlot.objects.filter(course=self.course),
            wanted,
            known_by(
                lambda get: (get("kind"), get("weekday"), get("start")),
                order=in_weekly_order,
                repeats=True,
                else_by=(lambda get: get("kind"),),
            ),
            page_keeps={"call_in"},
            leaving=Leaving(waits=not self.removes),
        )

    def _parts_and_lectures(self) -> None:
        parts = self.sync(
            Part.objects.filter(course=self.course),
            [
                Wanted(
                    _("Part %(name)s") % {"name": part.letter or part.title},
                    {"letter": part.letter, "title": part.title, "position": position},
                )
                for position, part in enumerate(self.spec.parts)
            ],
            known_by(lambda get: get("letter") or get("title")),
            leaving=Leaving(waits=not self.removes),
        )  # fmt: skip
        by_name = {part.letter or part.title: part for part in parts}
        wanted = [wish for lecture in self.spec.lectures if (wish := self._lecture(lecture, by_name)) is not None]
        rows = self.sync(
            Lecture.objects.filter(course=self.course),
            wanted,
            known_by(
                _session_key,
                order=self._in_order,
                repeats=True,
                else_by=(lambda get: (get("kind"), get("number"), get("part"), get("title")), _session_there),
            ),
            page_keeps={"abstract", "call_in", "is_call_in_public"},
            leaving=Leaving(may_not=_has_no_files, sort=lambda row: row.get_kind_display(), waits=not self.removes),
            takes=self._what_is_said,
        )
        if len(rows) == len(self.spec.lectures):
            for row, lecture in zip(rows, self.spec.lectures, strict=True):
                # What broke a rule was not saved, and is told.
                if row.pk is not None:
                    self._materials(row, lecture)

    def _lecture(self, spec: LectureSpec, parts: dict[str, Part]) -> Wanted | None:
        label = lecture_label(spec)
        if spec.part and spec.part not in parts:
            why = _("%(what)s: there is no part '%(part)s'; parts are %(parts)s.")
            self.problems.append(why % {"what": label, "part": spec.part, "parts": ", ".join(parts) or _("none")})
            return None
        if spec.kind not in SessionKind.values:
            self.problems.append(not_offered(label, spec.kind, SessionKind.values))
            return None
        if spec.starts_at is None and spec.ends_at is not None:
            self.problems.append(_("%(what)s: it has an end, but no start.") % {"what": label})
            return None
        ends = spec.ends_at or (spec.starts_at + self._length(spec) if spec.starts_at else None)
        starts_at, ends_at = self.instant(spec.starts_at, label), self.instant(ends, label)
        if spec.starts_at is not None and (starts_at is None or ends_at is None):
            return None
        return Wanted(
            label,
            {
                "kind": spec.kind, "day": spec.day,
                "number": spec.number, "part": parts.get(spec.part), "title": spec.title, "abstract": spec.abstract,
                "starts_at": starts_at, "ends_at": ends_at, "room": spec.room, "mode": spec.mode, "call_in": spec.call_in,
                "is_call_in_public": spec.call_in_public, "state": spec.state,
            },
            self.when(spec.starts_at, ends, spec.room) or self.open_when(spec.day),
        )  # fmt: skip

    def _length(self, spec: LectureSpec) -> timedelta:
        """Return how long a session lasts that says no end: as long as its weekly slot."""
        own = [slot for slot in self.course.weekly_slots.all() if slot.kind == spec.kind]
        return in_weekly_order(own)[0].length if own else DEFAULT_LENGTH

    def _in_order(self, rows: Iterable[Lecture]) -> list[Lecture]:
        lectures = list(rows)
        for row in lectures:
            row.course = self.course
        return in_order(lectures)

    def _what_is_said(self, row: Lecture, values: dict[str, Any]) -> dict[str, Any]:
        """Leave out what a page doesn't say: a moment that the course knows already, and that what is cancelled here is held."""
        if self.spec.is_complete:
            return values
        left: set[str] = set()
        if values["starts_at"] is None and values["day"] in (None, row.held_on):
            left.update(_MOMENT)
        if row.state == Lecture.State.CANCELLED and values["state"] != row.state:
            left.add("state")
            why = _(
                "%(what)s is cancelled here, and the page doesn't say so. If it is held after all, say so at the desk."
            )
            self.diff.warnings.append(why % {"what": lecture_label(row)})
        return {name: value for name, value in values.items() if name not in left}

    def _materials(self, lecture: Lecture, spec: LectureSpec) -> None:
        label = lecture_label(spec)
        wanted = []
        for position, material in enumerate(spec.materials):
            # What a page links within its own site stays announced: the reading has warned of it.
            url = material.url if self.spec.is_complete or is_whole(material.url) else ""
            values = {
                "kind": material.kind, "title": material.title, "url": url, "audience": material.audience,
                "visible_from": self.instant(material.visible_from, label), "position": position,
            }  # fmt: skip
            wanted.append(Wanted(f"{label}, {material.title or material.kind}", values))
        rows = self.sync(
            Material.objects.filter(lecture=lecture).select_related("current"),
            wanted,
            known_by(lambda get: f"{get('kind')}|{get('title')}"),
            parent={"lecture": lecture},
            page_keeps={"title", "audience", "visible_from", "position"},
            leaving=Leaving(goes=self.spec.is_complete, may_not=lambda row: _has_no_file(row, label)),
        )  # fmt: skip
        for row, material in zip(rows, spec.materials, strict=False):
            self.known_file(row, material, label, also=["seconds"])

    def _office_hours(self) -> None:
        wanted = []
        for hour in self.spec.office_hours:
            if hour.weekday not in WEEKDAYS:
                self.problems.append(not_a_weekday("office_hours", hour.weekday))
                return
            values = {
                name: getattr(hour, name) for name in ("start", "end", "room", "mode", "call_in", "first", "last")
            }
            values |= {"weekday": WEEKDAYS.index(hour.weekday)}
            span = [say_day(day) for day in (hour.first, hour.last) if day]
            note = ", ".join(filter(None, [" – ".join(span), hour.room]))
            wanted.append(Wanted(office_hour_label(hour), values, note))
        rows = self.sync(
            OfficeHour.objects.filter(course=self.course),
            wanted,
            known_by(
                lambda get: (get("weekday"), get("start")),
                order=lambda rows: sorted(rows, key=lambda row: (row.weekday, row.start, row.pk)),
                repeats=True,
                else_by=(lambda get: (get("weekday"),),),
            ),
            page_keeps={"call_in", "first", "last"},
        )
        if not self.spec.is_complete:
            return
        for row, hour in zip(rows, self.spec.office_hours, strict=False):
            self.sync(
                OfficeHourException.objects.filter(office_hour=row),
                [
                    Wanted(
                        f"{office_hour_label(hour)} {exception.day}",
                        {
                            "day": exception.day, "is_cancelled": exception.cancelled, "room": exception.room,
                            "moved_to_start": self.instant(exception.starts_at, office_hour_label(hour)),
                            "moved_to_end": self.instant(exception.ends_at, office_hour_label(hour)),
                        },
                        _("cancelled")
                        if exception.cancelled
                        else self.when(exception.starts_at, exception.ends_at, exception.room),
                    )
                    for exception in hour.exceptions
                ],
                known_by(lambda get: get("day")),
                parent={"office_hour": row},
            )  # fmt: skip

    def _free_days(self) -> None:
        self.sync(
            FreeDay.objects.filter(course=self.course),
            [
                Wanted(
                    free_day_label(free_day), {"first": free_day.date, "last": free_day.last, "title": free_day.title}
                )
                for free_day in self.spec.free_days
            ],
            known_by(lambda get: get("first"), else_by=(lambda get: get("title"),)),
        )

    def _warn_of_sessions_on_free_days(self) -> None:
        for lecture in self.spec.lectures:
            day = lecture.held_on
            if day is not None and any(free.date <= day <= (free.last or free.date) for free in self.spec.free_days):
                why = _("%(what)s: %(day)s is a day without class. Look whether it takes place.")
                self.diff.warnings.append(why % {"what": lecture_label(lecture), "day": say_day(day)})

    def _deadlines(self) -> None:
        wanted = []
        for deadline in self.spec.deadlines:
            label = _("Deadline %(title)s") % {"title": deadline.title}
            if deadline.kind not in Deadline.Kind.values:
                self.problems.append(not_offered(label, deadline.kind, Deadline.Kind.values))
                return
            if (deadline.due_at is None) == (deadline.day is None):
                why = _("%(what)s: give due_at, or day while the time is open, and not both.")
                self.problems.append(why % {"what": label})
                return
            due_at = self.instant(deadline.due_at, label)
            values = {
                "kind": deadline.kind,
                "title": deadline.title,
                "due_at": due_at,
                "day": deadline.day,
                "url": deadline.url,
            }
            wanted.append(Wanted(label, values, self.when(deadline.due_at) or self.open_when(deadline.day)))
        self.sync(
            Deadline.objects.filter(course=self.course),
            wanted,
            known_by(
                lambda get: (get("title"), get("due_at"), get("day")),
                order=lambda rows: sorted(rows, key=self._due),
                repeats=True,
                else_by=(lambda get: get("title"), lambda get: (get("kind"), get("due_at"), get("day"))),
            ),
            takes=self._unless_due,
        )

    def _due(self, row: Deadline) -> tuple[date, bool, str]:
        due = to_wall_clock(row.due_at, self.course.zone) if row.due_at else None
        return (due.date() if due else row.day) or date.max, due is None, str(due)

    def _unless_due(self, row: Deadline, values: dict[str, Any]) -> dict[str, Any]:
        """Leave out that the time is open, as a page says it of a day whose time the course knows already."""
        if self.spec.is_complete or values["day"] is None or values["day"] != self._due(row)[0]:
            return values
        return {name: value for name, value in values.items() if name not in ("due_at", "day")}


def _session_key(get: Callable[[str], Any]) -> tuple[Any, ...]:
    """Return by what a session is recognised: by its number, else by its title and when it is held."""
    if get("number"):
        return get("kind"), get("number")
    return get("kind"), get("part"), get("title"), get("starts_at"), get("day")


def _session_there(get: Callable[[str], Any]) -> tuple[Any, ...] | None:
    """Return of which kind a session is, when and where: there is one only, whatever it is called."""
    return (get("kind"), get("starts_at"), get("day"), get("room")) if get("starts_at") or get("day") else None


def _has_no_file(material: Material, label: str) -> str:
    if material.current is None:
        return ""
    why_not = _("%(what)s: its file '%(file)s' would be lost; remove it at the desk first.")
    return why_not % {"what": label, "file": material.current.filename}


def _has_no_files(lecture: Lecture) -> str:
    if lecture.materials.filter(current__isnull=False).exists():
        why_not = _(
            "'%(lecture)s' is no longer in the file but has uploaded files. Cancel it, or remove its files at the desk first."
        )
        return why_not % {"lecture": lecture}
    return ""
