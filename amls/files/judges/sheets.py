"""The reader of workbooks: the rows of one sheet, as values that JSON knows."""

import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import IO

from openpyxl import load_workbook
from openpyxl.utils.escape import unescape
from openpyxl.worksheet.formula import ArrayFormula

from amls.files.judges.archives import need_small
from amls.files.limited.refused import Refused

# An XLSX file is a ZIP archive of XML: what it unpacks to, its size does not say.
_MAX_UNPACKED = 100 * 1024**2
_FORMULA_OF_A_SHEET = b"<f"

Value = str | int | float | bool | None


def read_sheet(file: IO[bytes], *, most_rows: int, most_columns: int, most_cells: int) -> Iterator[list[Value]]:
    """Yield the rows of the sheet of an XLSX file that was open when it was saved; cells of a day are ISO 8601.

    Args:
        file: open for reading.
        most_rows: how many rows are read.
        most_columns: how many cells of each.
        most_cells: how many there may be in all.

    Raises:
        Refused: it unpacks to too much, has too many cells, or its sheet is a chart. Files that only look like XLSX break
            the libraries below in ways of their own.
    """
    content = file.read()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        need_small(archive, _MAX_UNPACKED)
        has_formulas = any(
            name.startswith("xl/worksheets/") and _FORMULA_OF_A_SHEET in archive.read(name)
            for name in archive.namelist()
        )
    computed = _rows(content, most_rows, most_columns, is_computed=True)
    if has_formulas:
        computed = _with_formulas(computed, _rows(content, most_rows, most_columns, is_computed=False))
    cells = 0
    for row in computed:
        cells += len(row)
        if cells > most_cells:
            raise Refused("too-many-cells")
        yield row


def _with_formulas(computed: Iterator[list[Value]], written: Iterator[list[Value]]) -> Iterator[list[Value]]:
    """Put formulas in where nothing came of them: a program that is no spreadsheet computes none, and blank is worse."""
    for values, formulas in zip(computed, written, strict=False):
        values.extend([None] * (len(formulas) - len(values)))
        formulas.extend([None] * (len(values) - len(formulas)))
        yield [formula if value is None else value for value, formula in zip(values, formulas, strict=True)]


def _rows(content: bytes, most_rows: int, most_columns: int, *, is_computed: bool) -> Iterator[list[Value]]:
    sheet = load_workbook(io.BytesIO(content), read_only=True, data_only=is_computed).active
    if not hasattr(sheet, "iter_rows"):
        raise Refused("no-table")
    for cells in sheet.iter_rows(values_only=True, max_row=most_rows, max_col=most_columns):
        row = [_plain(value) for value in cells]
        while row and row[-1] is None:
            row.pop()
        yield row


def _plain(value: object) -> Value:
    if isinstance(value, str):
        # Line breaks and signs that XML can't hold are escaped in a workbook: '_x000D_' (ECMA-376, 22.9.2.19).
        return str(unescape(value))
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value.text if isinstance(value, ArrayFormula) else value)
