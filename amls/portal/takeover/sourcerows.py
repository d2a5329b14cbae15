"""The common form of everything that comes in: numbered rows of cells, whatever container they stood in."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_ADDRESS = re.compile(r"https?://[^\s<>\"'()\[\]]+")


@dataclass(frozen=True, slots=True)
class Link:
    """What a link is called, and where it leads; an address within a site stays as written."""

    text: str
    href: str


@dataclass(frozen=True, slots=True)
class SourceCell:
    """One cell, or the whole of a line.

    Attributes:
        text: its lines are separated where the source breaks them.
        links: in it.
        spans: whether it repeats a cell above or left of it, since the source merged them.
        begins, ends: ISO 8601 where the container itself knows the day or moment; local, or with its offset.
    """

    text: str = ""
    links: tuple[Link, ...] = ()
    spans: bool = False
    begins: str = ""
    ends: str = ""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row of a source.

    Attributes:
        number: of its line or row in the source, as people count; 0 where it has none.
        kind: heading, text, item (of a list), pair (a term and what is said of it), cells (of a table),
            header (of a table), or fact (a name and what the container says of the whole).
        cells: one for a line, two for pairs and facts, more for tables.
        level: of a heading or item.
        table: rows of one table share it; 0 outside of tables.
    """

    number: int
    kind: str
    cells: tuple[SourceCell, ...]
    level: int = 0
    table: int = 0

    @property
    def text(self) -> str:
        """All that it says, as one line."""
        return " | ".join(" ".join(cell.text.split()) for cell in self.cells if cell.text and not cell.spans)


@dataclass(frozen=True, slots=True)
class CourseSource:
    """What somebody brought.

    Attributes:
        container: text, html, markdown, table, workbook, calendar, yaml, json, word or toml.
        rows: in their order.
        text: of a course.toml, which says what it means.
    """

    container: str
    rows: tuple[SourceRow, ...] = ()
    text: str = ""


def row_of(plain: Sequence[Any]) -> SourceRow:
    """Return the row that a reader in the limited child yielded."""
    number, kind, level, table, cells = plain
    return SourceRow(number, kind, tuple(_cell(cell) for cell in cells), level, table)


def _cell(plain: Sequence[Any]) -> SourceCell:
    text, links, spans, begins, ends = plain
    known = tuple(Link(name, href) for name, href in links)
    return SourceCell(text, known or addresses_in(text), spans, begins, ends)


def addresses_in(text: str) -> tuple[Link, ...]:
    """Return the whole addresses that a text without links holds; they are called nothing."""
    return tuple(Link("", address.rstrip(".,;")) for address in _ADDRESS.findall(text)) if "://" in text else ()
