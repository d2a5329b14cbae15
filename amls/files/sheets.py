"""Tables for spreadsheets: out without formulas that run, in again as they went out."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import tablib
from django.http import HttpResponse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from openpyxl import load_workbook

from amls.core.formulas import guard_text, unguard_text
from amls.core.violations import RuleViolation
from amls.files.csvtext import read_csv

CSV, XLSX = "csv", "xlsx"
MAX_ROWS = 5000
# An XLSX file is a ZIP archive of XML: what it unpacks to, and how wide its rows are, its size does not say.
_MAX_UNPACKED = 100 * 1024**2
_MAX_COLUMNS = 200
_TYPES = {
    CSV: "text/csv; charset=utf-8",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def guard(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula: risky text gets an apostrophe before it."""
    if value is None:
        return ""
    if isinstance(value, bool | int | float | Decimal):
        return value
    return guard_text(str(value))


def unguard(value: object) -> str:
    """Return a cell's text as it was before `guard`."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.isoformat()
    return unguard_text(str(value).strip())


def sheet_response(
    headers: Sequence[str], rows: Iterable[Sequence[object]], *, filename: str, kind: str
) -> HttpResponse:
    """Return a table as a download.

    Args:
        headers: of the columns.
        rows: each as long as the headers.
        filename: without its ending.
        kind: 'csv' (UTF-8 with a mark, as spreadsheets like it) or 'xlsx'.
    """
    data = tablib.Dataset(headers=[str(guard(one)) for one in headers], title=filename[:31])
    for row in rows:
        data.append([_cell(one) for one in row])
    content: bytes = data.export(XLSX) if kind == XLSX else b"\xef\xbb\xbf" + data.export(CSV).encode()
    response = HttpResponse(content, content_type=_TYPES[XLSX if kind == XLSX else CSV])
    response["Content-Disposition"] = content_disposition_header(True, f"{filename}.{kind}") or "attachment"
    response["Cache-Control"] = "private, no-store"
    return response


def _cell(value: object) -> object:
    safe = guard(value)
    return float(safe) if isinstance(safe, Decimal) else safe


def xlsx_rows(content: bytes, *, most: int) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of the sheet of an XLSX file that was open when it was saved, as values.

    Args:
        content: of the file.
        most: how many rows are read; of each row, the first 200 cells are.

    Raises:
        ValueError: it unpacks to more than 100 MB, or its sheet is a chart. Files that only look like
            XLSX break the libraries below in ways of their own.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > _MAX_UNPACKED:
            raise ValueError("The workbook unpacks to too much.")
    sheet = load_workbook(io.BytesIO(content), read_only=True, data_only=True).active
    if not hasattr(sheet, "iter_rows"):
        raise ValueError("The workbook has no table.")
    yield from sheet.iter_rows(values_only=True, max_row=most, max_col=_MAX_COLUMNS)


def read_sheet(content: bytes) -> tablib.Dataset:
    """Return a table from CSV (comma, semicolon or tab; UTF-8 or Latin-1) or XLSX.

    Headers are lower-cased; empty rows are kept, so that a row's number is that of the file.

    Raises:
        RuleViolation: it is no table, a quotation mark is left open, has columns twice, or more than 5,000 rows.
    """
    try:
        if content[:4] == b"PK\x03\x04":
            names, *rows = xlsx_rows(content, most=MAX_ROWS + 2)
            data = tablib.Dataset(*rows, headers=names)
        else:
            (_line, header), *lines = read_csv(content)
            data = tablib.Dataset(*(_padded(cells, len(header)) for _line, cells in lines), headers=header)
    except RuleViolation:
        raise
    # A file that is no table breaks each reader in its own way.
    except Exception as error:
        raise RuleViolation(
            _("The file can't be read as a table. Save it as CSV or XLSX."), code="no-table", field="file"
        ) from error
    headers = [unguard(one).lower() for one in data.headers or []]
    if not headers or len({one for one in headers if one}) != len([one for one in headers if one]):
        raise RuleViolation(_("The first row must name the columns, each once."), code="no-headers", field="file")
    if len(data) > MAX_ROWS:
        raise RuleViolation(
            _("The table has more than %(count)d rows. Split it.") % {"count": MAX_ROWS}, code="too-long", field="file"
        )
    clean = tablib.Dataset(headers=headers)
    for row in data:
        clean.append([unguard(one) for one in row])
    return clean


def _padded(cells: list[str], width: int) -> list[str]:
    return [*cells, *[""] * (width - len(cells))]
