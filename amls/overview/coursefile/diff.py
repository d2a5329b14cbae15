"""What an import changes, in lines that people read before they agree."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: '+' something new, '~' a field that changes, '-' something removed."""

    sign: str
    what: str
    field: str = ""
    old: str = ""
    new: str = ""

    def __str__(self) -> str:
        if self.sign != "~":
            return f"{self.sign} {self.what}{f' ({self.new})' if self.new else ''}"
        return f"~ {self.what}: {self.field}: {self.old or '–'} → {self.new or '–'}"


@dataclass(slots=True)
class Diff:
    """All that an import changes, with what it warns of."""

    entries: list[Entry] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.entries)

    def __str__(self) -> str:
        return "\n".join(map(str, self.entries)) or "Nothing changes."

    def added(self, what: str, note: str = "") -> None:
        """Note something new."""
        self.entries.append(Entry("+", what, new=note))

    def removed(self, what: str) -> None:
        """Note something that goes."""
        self.entries.append(Entry("-", what))

    def changed(self, what: str, name: str, old: Any, new: Any) -> None:
        """Note a field that changes."""
        self.entries.append(Entry("~", what, name, _words(old), _words(new)))


def _words(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    text = " ".join(str(value).split())
    return text if len(text) <= 80 else f"{text[:79]}…"
