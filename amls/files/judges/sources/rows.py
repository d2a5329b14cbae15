"""What every reader yields, and the bounds that all of them keep."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urljoin

from amls.files.limited.refused import Refused

MAX_ROWS = 10_000
MAX_COLUMNS = 60
MAX_CELL = 5_000
_SPACES = re.compile(r"[ \t\r\f\v\u00a0\u2000-\u200b\u202f\ufeff]+")
_BREAKS = re.compile(r" ?\n[ \n]*")


@dataclass(slots=True)
class ReadCell:
    """One cell.

    Attributes:
        text: lines are separated where the source breaks them.
        links: text and address of each.
        spans: whether it repeats one that stands above or left of it, since the source merged them.
        begins, ends: ISO 8601 where the container itself knows the day or moment.
    """

    text: str = ""
    links: list[tuple[str, str]] = field(default_factory=list)
    spans: bool = False
    begins: str = ""
    ends: str = ""

    def plain(self) -> list[object]:
        """Return it as JSON knows it."""
        return [self.text[:MAX_CELL], self.links[:100], self.spans, self.begins, self.ends]


@dataclass(slots=True)
class ReadRow:
    """One row: `kind` is heading, text, item, pair, cells, header or fact; rows of one table share its number."""

    number: int
    kind: str
    cells: list[ReadCell]
    level: int = 0
    table: int = 0

    def plain(self) -> list[object]:
        """Return it as JSON knows it."""
        return [self.number, self.kind, self.level, self.table, [cell.plain() for cell in self.cells[:MAX_COLUMNS]]]


def fact(name: str, value: str, number: int = 0) -> ReadRow:
    """Return what a container says of the whole, such as its title or the zone of its times."""
    return ReadRow(number, "fact", [ReadCell(name), ReadCell(value)])


def bounded(rows: Iterable[ReadRow]) -> Iterator[list[object]]:
    """Yield the rows as JSON knows them.

    Raises:
        Refused: there are too many.
    """
    for count, row in enumerate(rows):
        if count >= MAX_ROWS:
            raise Refused("too-many-rows")
        yield row.plain()


def tidy(text: str) -> str:
    """Return a text with single spaces, and single line breaks where it has some."""
    return _BREAKS.sub("\n", _SPACES.sub(" ", text)).strip()


def joined(base: str, address: str) -> str:
    """Return an address as it is on the page at `base`; as written where that is no address."""
    address = "".join(address.split())
    if not base:
        return address
    try:
        return urljoin(base, address)
    except ValueError:  # such as 'https://[zoom-link]', which nobody filled in
        return address
