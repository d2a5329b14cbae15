"""The reader of XLSX: the rows of every sheet, with real dates, merged cells and links."""

import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import IO

from openpyxl import load_workbook
from openpyxl.cell.cell import Cell as SheetCell
from openpyxl.utils.escape import unescape
from openpyxl.worksheet.worksheet import Worksheet

from amls.files.judges.archives import need_small
from amls.files.judges.sources.rows import MAX_COLUMNS, MAX_ROWS, ReadCell, ReadRow, bounded, fact, tidy

_MAX_UNPACKED = 30 * 1024**2


def rows(file: IO[bytes], *, base: str = "") -> Iterator[list[object]]:
    """Yield the rows of a file as JSON knows them; the limited child begins here."""
    return bounded(read_workbook(file.read()))


def read_workbook(content: bytes) -> Iterator[ReadRow]:
    """Yield the rows of a workbook; each further sheet that says something begins with its name as heading.

    Raises:
        Refused: it unpacks to too much.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        need_small(archive, _MAX_UNPACKED)
    book = load_workbook(io.BytesIO(content), data_only=True)
    sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible" and isinstance(sheet, Worksheet)]
    if book.properties.title:
        yield fact("title", book.properties.title)
    for number, sheet in enumerate(sheets, start=1):
        rows = list(_rows(sheet, number))
        if rows and len(sheets) > 1:
            yield ReadRow(0, "heading", [ReadCell(sheet.title)], 2)
        yield from rows


def _rows(sheet: Worksheet, number: int) -> Iterator[ReadRow]:
    origins = _origins(sheet)
    for index, cells in enumerate(sheet.iter_rows(max_col=MAX_COLUMNS), start=1):
        row = [
            _at(sheet, cell, origins.get((index, column)), index, column) for column, cell in enumerate(cells, start=1)
        ]
        while row and not (row[-1].text or row[-1].links):
            row.pop()
        if row:
            yield ReadRow(index, "cells", row, table=number)


def _origins(sheet: Worksheet) -> dict[tuple[int, int], tuple[int, int]]:
    """Return for each cell that a merged one covers where that stands."""
    origins: dict[tuple[int, int], tuple[int, int]] = {}
    for merged in sheet.merged_cells.ranges:
        if merged.size["rows"] * merged.size["columns"] <= MAX_ROWS:
            first = (merged.min_row, merged.min_col)
            origins |= {place: first for place in merged.cells if place != first}
    return origins


def _at(sheet: Worksheet, cell: SheetCell, origin: tuple[int, int] | None, index: int, column: int) -> ReadCell:
    if origin is None:
        return _cell(cell)
    if origin[0] < index and origin[1] == column:
        above = _cell(sheet.cell(*origin))
        return ReadCell(above.text, above.links, spans=True, begins=above.begins)
    return ReadCell("", [], spans=True)


def _cell(cell: SheetCell) -> ReadCell:
    value = cell.value
    begins = ""
    if isinstance(value, datetime):
        begins = value.date().isoformat() if value.time() == time() else value.isoformat(timespec="minutes")
        text = begins.replace("T", " ")
    elif isinstance(value, date):
        begins = text = value.isoformat()
    elif isinstance(value, time):
        text = value.isoformat(timespec="minutes")
    elif isinstance(value, float) and value.is_integer():
        text = str(int(value))
    elif isinstance(value, float) and 0 < value < 1 and "h" in str(cell.number_format).lower():
        minutes = round(value * 24 * 60)
        text = f"{minutes // 60:02}:{minutes % 60:02}"
    else:
        text = tidy(str(unescape(str(value)))) if value is not None else ""
    link = cell.hyperlink.target if cell.hyperlink is not None else None
    return ReadCell(text, [(text, link)] if link else [], begins=begins)
