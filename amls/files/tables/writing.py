"""The one writer of every table that goes out: CSV and XLSX, row by row, safe to open in a spreadsheet."""

import csv
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, tzinfo
from decimal import Decimal
from importlib import import_module
from typing import Any

from django.http import HttpResponse
from django.utils.http import content_disposition_header
from django.utils.translation import get_language

from amls.core.formulas import guard_text
from amls.core.text import clean_text
from amls.core.times import stamp

CSV, XLSX = "csv", "xlsx"
Cell = str | int | float | Decimal | date | datetime | bool | None
Progress = Callable[[int, int], object]

_TYPES = {
    CSV: "text/csv; charset=utf-8",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_ROWS_PER_CHUNK = 200
_READ_BYTES = 256 * 1024
_MOST_OF_A_CELL = 32_767
# How a cell of a workbook is marked: as text that looks like a formula, as a number with one place.
_TEXT, _GRADE = "text", "grade"


def write_csv(
    header: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    language: str,
    zone: tzinfo | None = None,
    progress: Progress | None = None,
    total: int = 0,
) -> Iterator[bytes]:
    """Yield a CSV file in UTF-8 with a mark, so that Excel reads umlauts, and opens it in columns.

    Text that a spreadsheet would take for a formula gets an apostrophe before it; numbers
    stay numbers.

    Args:
        header: the names of the columns.
        rows: in order; read one by one.
        language: of who reads it; Excel expects a semicolon and decimal commas in German.
        zone: in which times are said; None leaves them as they are.
        progress: called every few hundred rows with how many are done, and of how many.
        total: how many rows there will be, for the progress; 0 if that is not known.
    """
    is_german = language.startswith("de")
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";" if is_german else ",", lineterminator="\r\n")
    writer.writerow([guard_text(clean_text(str(title))) for title in header])
    mark, count = b"\xef\xbb\xbf", 0
    for count, row in enumerate(rows, start=1):
        writer.writerow([_csv_cell(cell, is_german=is_german, zone=zone) for cell in row])
        if count % _ROWS_PER_CHUNK == 0:
            yield mark + buffer.getvalue().encode()
            mark = b""
            buffer.seek(0)
            buffer.truncate()
            if progress is not None:
                progress(count, max(total, count))
    yield mark + buffer.getvalue().encode()
    if progress is not None:
        progress(count, max(total, count))


def write_xlsx(
    header: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    zone: tzinfo | None = None,
    now: datetime | None = None,
    progress: Progress | None = None,
    total: int = 0,
    sheet: str = "",
    widths: Sequence[int] = (),
) -> Iterator[bytes]:
    """Yield an XLSX file with one sheet: header frozen and filtered, text as text, never a formula.

    A text that looks like a formula stands there as it is, in a cell that is marked as text, so that it stays one when somebody
    edits it: only in CSV does it need an apostrophe. A Decimal of one place, as a grade is, shows it: '5.0', not '5'.

    Args:
        header: the names of the columns.
        rows: in order; read one by one.
        zone: in which times are said; None leaves them as they are.
        now: when it is made, as the file says.
        progress: called every few hundred rows with how many are done, and of how many.
        total: how many rows there will be, for the progress; 0 if that is not known.
        sheet: its name.
        widths: of the columns, in characters; 16 where none is given.
    """
    with tempfile.NamedTemporaryFile(suffix=".xlsx") as target:
        book = import_module("xlsxwriter").Workbook(
            target.name,
            {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "remove_timezone": True},
        )
        book.set_properties({"title": sheet} | ({"created": now.replace(tzinfo=None)} if now else {}))
        bold = book.add_format({"bold": True, "bottom": 1})
        formats = {
            datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
            date: book.add_format({"num_format": "yyyy-mm-dd"}),
        }
        marks = {
            _TEXT: book.add_format({"quote_prefix": True}),
            _GRADE: book.add_format({"num_format": "0.0"}),
        }
        page = book.add_worksheet(_sheet_name(sheet))
        for column, text in enumerate(header):
            page.set_column(column, column, widths[column] if column < len(widths) else 16)
            page.write_string(0, column, _sheet_text(str(text)), bold)
        page.freeze_panes(1, 0)
        count = 0
        for count, row in enumerate(rows, start=1):
            for column, value in enumerate(row):
                _write_cell(page, count, column, value, formats, marks, zone)
            if count % _ROWS_PER_CHUNK == 0 and progress is not None:
                progress(count, max(total, count))
        page.autofilter(0, 0, max(count, 1), max(len(header) - 1, 0))
        book.close()
        if progress is not None:
            progress(count, max(total, count))
        target.seek(0)
        while chunk := target.read(_READ_BYTES):
            yield chunk


def table_response(
    header: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    filename: str,
    kind: str,
    zone: tzinfo | None = None,
) -> HttpResponse:
    """Return a table as a download, for a reader of the active language.

    Args:
        header: the names of the columns.
        rows: each as long as the header.
        filename: without its ending.
        kind: 'csv' or 'xlsx'.
        zone: in which times are said; None leaves them as they are.
    """
    kind = XLSX if kind == XLSX else CSV
    pieces = (
        write_xlsx(header, rows, zone=zone, sheet=filename)
        if kind == XLSX
        else write_csv(header, rows, language=get_language() or "en", zone=zone)
    )
    response = HttpResponse(b"".join(pieces), content_type=_TYPES[kind])
    response["Content-Disposition"] = content_disposition_header(True, f"{filename}.{kind}") or "attachment"
    response["Cache-Control"] = "private, no-store"
    return response


def _csv_cell(value: Cell, *, is_german: bool, zone: tzinfo | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, datetime):
        return stamp(value, zone)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | float | Decimal):
        return str(value).replace(".", ",") if is_german else str(value)
    return guard_text(clean_text(str(value)))


def _write_cell(
    page: Any,
    row: int,
    column: int,
    value: Cell,
    formats: dict[type[date], Any],
    marks: dict[str, Any],
    zone: tzinfo | None,
) -> None:
    if value is None or value == "":
        return
    if isinstance(value, bool):
        page.write_boolean(row, column, value)
    elif isinstance(value, datetime):
        page.write_datetime(row, column, _local(value, zone).replace(tzinfo=None), formats[datetime])
    elif isinstance(value, date):
        page.write_datetime(row, column, datetime(value.year, value.month, value.day), formats[date])  # noqa: DTZ001
    elif isinstance(value, int | float | Decimal):
        has_one_place = isinstance(value, Decimal) and value.as_tuple().exponent == -1
        page.write_number(row, column, float(value), marks[_GRADE] if has_one_place else None)
    else:
        text = _sheet_text(str(value))
        page.write_string(row, column, text, marks[_TEXT] if guard_text(text) != text else None)


def _sheet_text(text: str) -> str:
    # The reader takes an apostrophe off what looks like a formula, and reads ="0079" as programs mean it: who typed one or the
    # other gets it back.
    text = clean_text(text)
    return (guard_text(text) if text.lstrip().startswith(("'", '="')) else text)[:_MOST_OF_A_CELL]


def _local(value: datetime, zone: tzinfo | None) -> datetime:
    return value.astimezone(zone) if zone is not None and value.tzinfo is not None else value


def _sheet_name(text: str) -> str:
    # Excel refuses these characters and more than 31 of any.
    return "".join(char for char in text if char not in "[]:*?/\\").strip(" '")[:31] or "1"
