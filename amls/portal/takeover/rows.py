"""Rows made to be what a file wants of them, with every change and problem noted."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any, Generic, TypeVar, cast

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _

from amls.core.clock import from_wall_clock, to_wall_clock
from amls.core.times import say_day, say_span
from amls.core.violations import RuleViolation
from amls.courses.models import Course
from amls.files.versions import add_known
from amls.portal.takeover.diff import Diff
from amls.portal.takeover.spec import CourseSpec, HandoutSpec, MaterialSpec

M = TypeVar("M", bound=models.Model)


@dataclass(frozen=True)
class Wanted:
    """What one row is to be: how it is called in the diff, its fields, and what is told of it when it is new."""

    label: str
    values: dict[str, Any]
    note: str = ""


# Returns a field's value, of a row or of what is wanted.
Get = Callable[[str], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownBy(Generic[M]):
    """By what a row is known to be one that is wanted.

    Attributes:
        row: returns it of a row.
        wish: returns it of what is wanted.
        order: of the rows, where it matters.
        repeats: whether several may have it in common: then the first is the first, and so on.
        else_by: by what rows and what is wanted are taken for each other, in turn, that `row` and `wish` have not paired;
            first all by the first of these, then what is left by the next. Each returns nothing where it can't tell.
    """

    row: Callable[[M], Any]
    wish: Callable[[Wanted], Any]
    order: Callable[[Iterable[M]], list[M]] = list
    repeats: bool = False
    else_by: Sequence[Callable[[Get], Any]] = ()

    def keys_of(self, wanted: Sequence[Wanted]) -> list[Any]:
        """Return what each of what is wanted is known by."""
        return self._counted([self.wish(wish) for wish in wanted])

    def paired(self, rows: Iterable[M], wanted: Mapping[Any, Wanted]) -> dict[Any, M]:
        """Return rows by what is known of them; those that nothing wanted is known by under that of what is alike, in turn."""
        present = self.order(rows)
        existing = dict(zip(self._counted([self.row(row) for row in present]), present, strict=True))
        paired = dict(existing)
        for way in self.else_by:
            left: dict[Any, list[Any]] = defaultdict(list)
            for key, row in paired.items():
                if key not in wanted:
                    left[way(partial(getattr, row))].append(key)
            for key, wish in wanted.items():
                alike = way(wish.values.__getitem__) if key not in paired else None
                if alike and left[alike]:
                    paired[key] = paired.pop(left[alike].pop(0))
        return paired

    def _counted(self, keys: list[Any]) -> list[Any]:
        """Return keys, where they may repeat with how many equal ones stand before each."""
        if not self.repeats:
            return keys
        seen: Counter[Any] = Counter()
        counted = []
        for key in keys:
            counted.append((key, seen[key]))
            seen[key] += 1
        return counted


def known_by(key: Callable[[Get], Any], **others: Any) -> KnownBy[Any]:
    """Return by what rows are known that have it in their fields as what is wanted has; `others` as for KnownBy."""
    return KnownBy(row=lambda row: key(partial(getattr, row)), wish=lambda wish: key(wish.values.__getitem__), **others)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving(Generic[M]):
    """What becomes of rows that nobody wants.

    Attributes:
        goes: whether they go at all. A page that names none of a list says nothing about it.
        may_not: returns why a row may not go, or nothing.
        stays: returns whether one stays after all, changed as is fitting.
        waits: whether those that would go stay until somebody agrees to it, and are noted.
        sort: returns what one is, where that is not the name of its kind of row.
    """

    goes: bool = True
    may_not: Callable[[M], str] = lambda _row: ""
    stays: Callable[[M], bool] = lambda _row: False
    waits: bool = False
    sort: Callable[[M], str] = lambda _row: ""


class RowImport:
    """How an import writes: the course, what is wanted of it, and what was found."""

    def __init__(self, course: Course, spec: CourseSpec, now: datetime, *, removes: bool = True) -> None:
        self.course, self.spec, self.now, self.removes = course, spec, now, removes
        self.diff, self.problems = Diff(), list[str]()

    def sync(
        self,
        rows: models.QuerySet[M],
        wanted: Sequence[Wanted],
        known: KnownBy[M],
        *,
        parent: dict[str, Any] | None = None,
        page_keeps: Iterable[str] = (),
        leaving: Leaving[M] | None = None,
        takes: Callable[[M, dict[str, Any]], dict[str, Any]] = lambda _row, values: values,
    ) -> list[M]:
        """Make the rows be what is wanted, and return them in the order of what is wanted.

        Args:
            rows: those that belong to the parent.
            wanted: what there is to be.
            known: by what a row is one of these.
            parent: fields of a new row; the course by default.
            page_keeps: fields that pages say nothing about.
            leaving: what becomes of rows that are not wanted; by default they go.
            takes: returns which of the values a row takes that is there already.
        """
        keys = known.keys_of(wanted)
        by_key = dict(zip(keys, wanted, strict=True))
        if len(by_key) < len(wanted):
            twice = next(wish.label for wish, key in zip(wanted, keys, strict=True) if keys.count(key) > 1)
            self.problems.append(_("%(what)s stands in the file more than once.") % {"what": twice})
            return []
        existing = known.paired(rows, by_key)
        # Removed first: what comes may need the number or name of what goes.
        self._let_go([row for key, row in existing.items() if key not in by_key], leaving or Leaving(), wanted)
        kept = set() if self.spec.is_complete else set(page_keeps)
        written: list[M] = []
        for key, wish in by_key.items():
            row = existing.get(key)
            if row is None:
                row = rows.model(**(parent or {"course": self.course}), **wish.values)
                self.diff.added(wish.label, ", ".join(filter(None, [self._name(row, wish.label), wish.note])))
                self.save(row, wish.label)
            else:
                values = takes(row, {name: value for name, value in wish.values.items() if name not in kept})
                if not self.spec.is_complete and "url" in values and not values["url"]:
                    values.pop("url")
                self.update(row, Wanted(wish.label, values))
            written.append(row)
        return written

    def _let_go(self, rows: Sequence[M], leaving: Leaving[M], wanted: Sequence[Wanted]) -> None:
        if leaving.goes and (wanted or self.spec.is_complete):
            for row in rows:
                if leaving.waits or not (self.removes or self.spec.is_complete):
                    self.diff.left.append(_called(row, leaving.sort(row)))
                elif not leaving.stays(row):
                    self._remove(row, leaving.may_not(row), sort=leaving.sort(row))

    def _name(self, row: models.Model, label: str) -> str:
        """Return what a new row is called, where its label and its course don't say it already."""
        name = str(row)
        return "" if name in label or name == str(self.course) else name

    def when(self, starts_at: datetime | None, ends_at: datetime | None = None, place: str = "") -> str:
        """Return 'Tue 21 May 2024, 16:00–18:00, H 0111', of wall-clock times."""
        if starts_at is None:
            return ""
        return ", ".join(filter(None, [say_day(starts_at), say_span(starts_at, ends_at), place]))

    def open_when(self, on: date | None) -> str:
        """Return 'Tue 21 May 2024, time open', or that the date is open."""
        return f"{say_day(on)}, {_('time open')}" if on is not None else _("date open")

    def _remove(self, row: models.Model, why_not: str, *, sort: str = "") -> None:
        if why_not:
            self.problems.append(why_not)
            return
        what = _called(row, sort)
        try:
            row.delete()
        except (models.ProtectedError, models.RestrictedError):
            why_not = _("%(what)s is no longer in the file but what people did hangs on it. Put it back.")
            self.problems.append(why_not % {"what": what})
            return
        self.diff.removed(what)

    def update(self, row: models.Model, wanted: Wanted) -> None:
        """Give a row the wanted values and note each that changes."""
        names = []
        for name, value in wanted.values.items():
            old = getattr(row, name)
            if old != value:
                names.append(name)
                field = cast("models.Field[Any, Any]", row._meta.get_field(name))  # noqa: SLF001 - Django's public name for it
                self.diff.changed(wanted.label, field, self._shown(old), self._shown(value))
                setattr(row, name, value)
        if names:
            self.save(row, wanted.label, only=names)

    def _shown(self, value: Any) -> Any:
        return to_wall_clock(value, self.course.zone) if isinstance(value, datetime) else value

    def save(self, row: models.Model, label: str, *, only: Sequence[str] | None = None) -> None:
        """Write a row, or `only` some of its fields, if it keeps every rule; otherwise note which it breaks."""
        try:
            row.full_clean()
        except ValidationError as error:
            for name, messages in error.message_dict.items():
                where = label if name == "__all__" else f"{label}, {name}"
                self.problems.extend(f"{where}: {message}" for message in messages)
            return
        row.save(update_fields=only)

    def known_file(self, row: Any, said: MaterialSpec | HandoutSpec, label: str, *, also: Iterable[str] = ()) -> None:
        """Give a row with versions the file that is named by its hash, where this installation has it already.

        Args:
            row: with `files`, its versions, and `current`, the newest of them.
            said: the file's name and hash; without a hash nothing is done.
            label: how the row is called in the diff.
            also: further columns of a version.
        """
        if not said.sha256 or not row.pk:
            return
        version = add_known(row.files, row.current, sha256=said.sha256, filename=said.file, also=also)
        if version is None:
            why = _("%(what)s: upload '%(file)s' yourself; this installation does not have it.")
            self.diff.warnings.append(why % {"what": label, "file": said.file})
        elif version != row.current:
            row.current = version
            row.save(update_fields=["current"])
            self.diff.added(_("%(what)s, file") % {"what": label}, version.filename)

    def instant(self, naive: datetime | None, label: str) -> datetime | None:
        """Return the instant of a wall-clock time of the course, or None with a problem noted."""
        if naive is None:
            return None
        try:
            return from_wall_clock(naive, self.course.zone)
        except RuleViolation as violation:
            self.problems.append(f"{label}: {violation.message}")
            return None


def _called(row: models.Model, sort: str) -> str:
    return f"{sort or row._meta.verbose_name}: {row}"  # noqa: SLF001 - Django's public name for it
