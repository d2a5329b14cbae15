"""What a page elsewhere changed since it was last decided on, beside what was edited here: merged row by row.

Three specs meet: `base`, what the page said when somebody last decided; `there`, what it says now; and `here`, what the
course says now, with `mirror`, what it said then. Only what differs between `base` and `there` is proposed; what differs
between `mirror` and `here` was edited here, and is a conflict where it is the same field.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from amls.core.times import say_day, say_moment
from amls.portal.takeover.spec import CourseSpec

_NEW, _CHANGED, _GONE = "new", "changed", "gone"
# What of each kind of row a page says, and what is compared.
_FIELDS = {
    "lectures": ("title", "kind", "number", "starts_at", "ends_at", "day", "room", "mode", "state"),
    "free_days": ("title", "last"),
    "deadlines": ("due_at", "day", "kind", "url"),
    "assignments": ("due_at",),
    "exams": ("starts_at", "place", "duration_minutes", "review_at", "review_place"),
}


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field of a row: what the page said before and says now, and what is here.

    Attributes:
        is_conflict: whether it was edited here since, to something else.
    """

    name: str
    before: Any
    there: Any
    here: Any
    is_conflict: bool

    @property
    def label(self) -> str:
        """What the field is called."""
        return {
            "title": _("Title"), "kind": _("Kind"), "number": _("Number"), "starts_at": _("Begins"), "ends_at": _("Ends"),
            "day": _("Date"), "due_at": _("Due"), "last": _("Last day"), "room": _("Room"), "place": _("Room"),
            "mode": _("Mode"), "state": _("State"), "url": _("Address"), "duration_minutes": _("Minutes"),
            "review_at": capfirst(_("review starts")), "review_place": capfirst(_("place of the review")),
        }[self.name]  # fmt: skip

    @property
    def in_words(self) -> tuple[str, str, str]:
        """Before, there and here, as people read them."""
        return _say(self.before), _say(self.there), _say(self.here)


@dataclass(frozen=True, slots=True)
class PageChange:
    """What changed of one row of the page.

    Attributes:
        id: the same as long as the page says the same.
        sort: new, changed or gone.
        group: the field of the spec that holds such rows.
        base, there, here: the row before, now, and as it is here; None where there is none.
        links: that the page added to it.
    """

    id: str
    sort: str
    group: str
    base: Any
    there: Any
    here: Any
    fields: tuple[FieldChange, ...] = ()
    links: tuple[Any, ...] = ()

    @property
    def is_conflict(self) -> bool:
        """Whether what changed there was edited here too."""
        return any(field.is_conflict for field in self.fields)

    @property
    def label(self) -> str:
        """Which row it is: its day and title."""
        row = self.there or self.base
        day = _day(self.group, row)
        return ", ".join(filter(None, [say_day(day) if day else _("date open"), row.title or _("Exam")]))


def changes_between(*, base: CourseSpec, mirror: CourseSpec, here: CourseSpec, there: CourseSpec) -> list[PageChange]:
    """Return what the page changed since it was last decided on, in its order."""
    changes: list[PageChange] = []
    for group in _FIELDS:
        changes += _changes(
            group, getattr(base, group), getattr(mirror, group), getattr(here, group), getattr(there, group)
        )
    return changes


def merged(here: CourseSpec, changes: Iterable[PageChange]) -> CourseSpec:
    """Return the course with these changes of the page, and all else as it is here."""
    groups: dict[str, list[Any]] = {group: list(getattr(here, group)) for group in _FIELDS}
    for change in changes:
        rows = groups[change.group]
        if change.sort == _NEW and change.here is None:
            rows.append(change.there)
        elif change.sort == _GONE and change.here is not None:
            at = rows.index(change.here)
            if change.group == "lectures":
                rows[at] = replace(change.here, state="cancelled")
            elif change.group not in ("exams", "assignments"):
                # People may be registered for an exam, or work on an assignment: that is ended where these are.
                del rows[at]
        elif change.there is not None:
            values = {field.name: field.there for field in change.fields}
            if change.links:
                values["materials"] = (
                    (*change.here.materials, *change.links) if change.here is not None else change.links
                )
            if change.here is None:
                rows.append(change.there)
            else:
                rows[rows.index(change.here)] = replace(change.here, **values)
    return _with(here, groups)


def settled(base: CourseSpec, changes: Iterable[PageChange]) -> CourseSpec:
    """Return what the page is taken to have said, once these changes were decided on."""
    groups: dict[str, list[Any]] = {group: list(getattr(base, group)) for group in _FIELDS}
    for change in changes:
        rows = groups[change.group]
        if change.base is None:
            rows.append(change.there)
        elif change.there is None:
            rows.remove(change.base)
        else:
            rows[rows.index(change.base)] = change.there
    return _with(base, groups)


def _with(spec: CourseSpec, groups: dict[str, list[Any]]) -> CourseSpec:
    values: dict[str, Any] = {group: tuple(rows) for group, rows in groups.items()}
    return replace(spec, **values)


def _changes(
    group: str, base: Sequence[Any], mirror: Sequence[Any], here: Sequence[Any], there: Sequence[Any]
) -> list[PageChange]:
    pairs, gone = _paired(group, base, there)
    mirrors, _rest = _paired(group, mirror, base)
    heres, _rest = _paired(group, mirror, here)
    before_of = {id(row): old for row, old in pairs}
    mirror_of = {id(row): old for row, old in mirrors if old is not None}
    # What is here for a row of the mirror, also where its title was edited.
    here_of = {id(old): row for row, old in heres if old is not None}
    directly = {id(row): mine for row, mine in _paired(group, here, there)[0] if mine is not None}
    changes = []
    for row in there:
        old = before_of[id(row)]
        if old is None:
            changes.append(PageChange(_id(group, _NEW, row), _NEW, group, None, row, directly.get(id(row))))
            continue
        known = mirror_of.get(id(old))
        mine = here_of.get(id(known)) if known is not None else None
        fields = tuple(_fields(group, old, row, known, mine))
        links = tuple(_new_links(old, row, mine)) if group == "lectures" else ()
        if fields or links:
            changes.append(PageChange(_id(group, _CHANGED, row), _CHANGED, group, old, row, mine, fields, links))
    for old in gone:
        known = mirror_of.get(id(old))
        mine = here_of.get(id(known)) if known is not None else None
        if mine is not None and getattr(mine, "state", "") != "cancelled":
            changes.append(PageChange(_id(group, _GONE, old), _GONE, group, old, None, mine))
    # What was put here by hand already needs no decision.
    return [change for change in changes if not (change.sort == _NEW and change.here is not None)]


def _fields(group: str, old: Any, row: Any, known: Any, mine: Any) -> Iterable[FieldChange]:
    for name in _FIELDS[group]:
        before, now = getattr(old, name), getattr(row, name)
        if before == now:
            continue
        present = getattr(mine, name) if mine is not None else None
        if mine is not None and present == now:
            continue
        is_edited = mine is None or (known is not None and present != getattr(known, name))
        yield FieldChange(name, before, now, present, is_edited)


def _new_links(old: Any, row: Any, mine: Any) -> Iterable[Any]:
    had = {material.url for material in (*old.materials, *(mine.materials if mine is not None else ()))}
    return (material for material in row.materials if material.url and material.url not in had)


def _paired(group: str, old: Sequence[Any], new: Sequence[Any]) -> tuple[list[tuple[Any, Any]], list[Any]]:
    """Return each new row with the old one that it was, and the old ones that are no more.

    By what it is called and its day, then by what it is called, the nearest day first, then by its day: a calendar
    whose events all have one title moves one of them, and a row whose title was changed is the same row.
    """
    left = list(old)
    pairs: dict[int, Any] = {}
    ways: tuple[Callable[[Any], Any], ...] = (
        lambda row: (_key(group, row), _day(group, row)),
        lambda row: _key(group, row),
        lambda row: _day(group, row),
    )
    for way in ways:
        for row in new:
            name = way(row)
            if id(row) in pairs or name is None:
                continue
            alike = [before for before in left if way(before) == name]
            if alike:
                nearest = min(alike, key=lambda before: _distance(_day(group, before), _day(group, row)))
                pairs[id(row)] = nearest
                left = [before for before in left if before is not nearest]
    return [(row, pairs.get(id(row))) for row in new], left


def _distance(day: date | None, other: date | None) -> int:
    return abs((day - other).days) if day is not None and other is not None else 0


def _key(group: str, row: Any) -> Any:
    if group == "lectures":
        return (row.kind, row.number) if row.number else (row.kind, "", row.title.casefold())
    if group == "free_days":
        return row.date
    return (row.kind, row.title.casefold())


def _day(group: str, row: Any) -> date | None:
    if group == "lectures":
        day: date | None = row.held_on
        return day
    if group == "free_days":
        return row.date  # type: ignore[no-any-return]
    if group == "deadlines":
        return row.due_on  # type: ignore[no-any-return]
    if group == "assignments":
        return row.due_at.date() if row.due_at else None
    return row.starts_at.date()  # type: ignore[no-any-return]


def _id(group: str, sort: str, row: Any) -> str:
    return hashlib.sha256(f"{group}\n{sort}\n{row!r}".encode()).hexdigest()[:20]


def _say(value: Any) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, datetime):
        return say_moment(value)
    return say_day(value) if isinstance(value, date) else str(value)
