"""The reader of plain text: lines, items of lists, and the tables that people set with tabs, spaces, bars or dots."""

import re
from collections.abc import Iterator

from amls.core.text import clean_line
from amls.portal.takeover.sourcerows import SourceCell, SourceRow, addresses_in

# Nobody writes a session that long; what is behind belongs to no row of a schedule.
_LONGEST_LINE = 5_000
_LINE_END = re.compile(r"\r\n|\r|\n")
BULLET = re.compile(r"^\s*[•*·▪◦‣➢■□–—-]\s+|^\s*o\s+(?=[A-Z0-9])")
_BAR = re.compile(r"\s+\|(?=\s)|^\s*\|\s*|\s*\|\s*$")
_DOTS = re.compile(r"\s*(?:\.{4,}|…{2,}|(?:\. ){4,})\s*")
_WIDE = re.compile(r"\s{2,}")
_RULE = re.compile(r"^[\s|+:=_-]+$")


def read_text(text: str) -> Iterator[SourceRow]:
    """Yield the rows of a plain text; what stands in columns on two lines or more is a table."""
    lines = [
        (number, raw[:_LONGEST_LINE])
        for number, raw in enumerate(_LINE_END.split(text.removeprefix("\ufeff")), start=1)
        if raw.strip()
    ]
    tables = position = 0
    while position < len(lines):
        table = _table(lines, position)
        if table:
            tables += 1
            for (number, _raw), pieces in zip(lines[position:], table, strict=False):
                yield SourceRow(number, "cells", tuple(_cell(piece) for piece in pieces), table=tables)
            position += len(table)
            continue
        number, raw = lines[position]
        position += 1
        cell = _cell(raw)
        if not cell.text or _RULE.match(raw):
            continue
        is_item = BULLET.match(raw) is not None
        yield SourceRow(
            number, "item" if is_item else "text", (cell,), level=(len(raw) - len(raw.lstrip())) if is_item else 0
        )


def _cell(raw: str) -> SourceCell:
    return SourceCell(clean_line(raw), addresses_in(raw))


def _table(lines: list[tuple[int, str]], start: int) -> list[list[str]]:
    """Return the rows of the table that begins here; none if it doesn't."""
    for split, least in ((_by_tabs, 2), (_by_bars, 2), (_by_dots, 2), (_by_spaces, 3)):
        rows: list[list[str]] = []
        for number in range(start, len(lines)):
            before, (line, raw) = lines[number - 1][0] if number > start else lines[number][0], lines[number]
            pieces = split(raw)
            is_rule = split is _by_bars and _RULE.match(raw) is not None
            # A blank line ends a table, unless its lines are all apart.
            if not is_rule and (len(pieces) < 2 or line - before > 2):
                break
            rows.append([] if is_rule else pieces)
        if len(rows) >= least and (split is not _by_spaces or _is_even(rows)):
            return rows
    return []


def _is_even(rows: list[list[str]]) -> bool:
    widths = [len(row) for row in rows]
    return widths.count(max(set(widths), key=widths.count)) >= 0.8 * len(widths)


def _by_tabs(raw: str) -> list[str]:
    bullet = BULLET.match(raw)
    text = raw[bullet.end() :] if bullet is not None else raw
    return [piece.strip() for piece in text.rstrip().split("\t")] if "\t" in text.strip() else []


def _by_bars(raw: str) -> list[str]:
    return [piece.strip() for piece in _BAR.split(raw.strip().strip("|"))] if "|" in raw else []


def _by_dots(raw: str) -> list[str]:
    return [piece.strip() for piece in _DOTS.split(raw.strip(), maxsplit=1)] if _DOTS.search(raw) else []


def _by_spaces(raw: str) -> list[str]:
    bullet = BULLET.match(raw)
    text = raw[bullet.end() :] if bullet is not None else raw
    return _WIDE.split(text.strip())
