"""What an import changes, in lines that people read before they agree."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from django.db import models
from django.utils.translation import gettext as _

from amls.core.times import say_clock, say_day, say_moment, stamp


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: '+' something new, '~' a field that changes, '-' something removed.

    `field`, `old` and `new` are as in a course file; `name`, `before` and `after` say the
    same in the reader's words.
    """

    sign: str
    what: str
    field: str = ""
    old: str = ""
    new: str = ""
    name: str = ""
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        if self.sign != "~":
            return f"{self.sign} {self.what}{f' ({self.new})' if self.new else ''}"
        return f"~ {self.what}: {self.field}: {self.old or '–'} → {self.new or '–'}"


@dataclass(slots=True)
class Diff:
    """All that an import changes, with what it warns of, and what it leaves that is not named any more."""

    entries: list[Entry] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.entries)

    def __str__(self) -> str:
        return "\n".join(map(str, self.entries)) or _("Nothing changes.")

    @property
    def removals(self) -> int:
        """How much of it is something that goes."""
        return sum(entry.sign == "-" for entry in self.entries)

    def added(self, what: str, note: str = "") -> None:
        """Note something new."""
        self.entries.append(Entry("+", what, new=note))

    def removed(self, what: str) -> None:
        """Note something that goes."""
        self.entries.append(Entry("-", what))

    def listed(self, what: str, field: str, name: str, old: str, new: str) -> None:
        """Note that what belongs to something changes, such as its tasks; `name` is the field's in the reader's words."""
        self.entries.append(Entry("~", what, field, _words(old), _words(new), name, _words(old), _words(new)))

    def changed(self, what: str, field: models.Field[Any, Any], old: Any, new: Any) -> None:
        """Note a field that changes; moments are wall-clock times."""
        name = str(field.verbose_name)
        in_words = [_in_words(field, value) for value in (old, new)]
        self.entries.append(Entry("~", what, field.name, _words(old), _words(new), name, *in_words))


def _in_words(field: models.Field[Any, Any], value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return say_moment(value)
    if isinstance(value, date):
        return say_day(value)
    if isinstance(value, time):
        return say_clock(value)
    return _words(dict(field.flatchoices).get(value, value) if field.choices else value)


def _words(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    text = " ".join(str(value).split())
    return text if len(text) <= 80 else f"{text[:79]}…"
