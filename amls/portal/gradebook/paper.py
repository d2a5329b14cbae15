"""The gradebook on paper: as many columns to a page as can be read, the names on each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from amls.core.decimals import say_decimal
from amls.portal.gradebook.cells import Cell, said
from amls.portal.gradebook.columns import BookColumn, Columns
from amls.portal.gradebook.rows import Total, totals_of
from amls.portal.gradebook.standings import Standing

# Of A4 landscape, beside the names.
_COLUMNS_ON_A_PAGE = 13


@dataclass(frozen=True, slots=True)
class PaperLine:
    """One person on a page."""

    name: str
    number: str
    texts: Sequence[str]
    sum: str


@dataclass(frozen=True, slots=True)
class PaperPart:
    """Some columns of the gradebook, with everybody.

    Attributes:
        with_sum: the sums stand here, after the last of the columns.
    """

    columns: Sequence[BookColumn]
    lines: Sequence[PaperLine]
    totals: Sequence[Total]
    with_sum: bool


def sheets_of(rows: Sequence[Standing], columns: Columns) -> list[PaperPart]:
    """Return the columns of assignments and exams, evenly split among as many parts as they need."""
    count = len(columns.shown) + columns.gives_points
    parts = -(-count // _COLUMNS_ON_A_PAGE)
    if not rows or not columns.shown:
        return []
    size, totals = -(-count // parts), totals_of(rows, columns)
    return [
        _part(rows, columns, totals, slice(begin, begin + size), with_sum=begin + size >= count)
        for begin in range(0, count, size)
    ]


def _part(
    rows: Sequence[Standing], columns: Columns, totals: Sequence[Total], place: slice, *, with_sum: bool
) -> PaperPart:
    lines = [
        PaperLine(
            str(row.enrolment.user),
            row.enrolment.number,
            [_text(cell) for cell in row.cells[place]],
            f"{say_decimal(row.sum.points)} / {say_decimal(row.sum.most)}",
        )
        for row in rows
    ]
    return PaperPart(columns.shown[place], lines, totals[place], with_sum and columns.gives_points)


def _text(cell: Cell) -> str:
    text = said(cell) or "–"
    return f"({text})" if cell.kind == "draft" else text
