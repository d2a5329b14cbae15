"""Tables as CSV and XLSX, row by row, safe to open in a spreadsheet."""

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import xlsxwriter

from amls.core.formulas import guard_text
from amls.core.text import clean_text
from amls.exports.kinds import Order, Progress

Cell = str | int | float | Decimal | date | datetime | bool | None

_ROWS_PER_CHUNK = 200
_READ_BYTES = 256 * 1024


def write_csv(
    header: Sequence[str], rows: Iterable[Sequence[Cell]], *, order: Order, progress: Progress, total: int
) -> Iterator[bytes]:
    """Yield a CSV file in UTF-8 with a byte-order mark, so that Excel reads umlauts.

    Text that a spreadsheet would take for a formula gets an apostrophe before it; numbers
    stay numbers. The separator is what Excel expects in the order's language.

    Args:
        header: the names of the columns.
        rows: in order; read one by one.
        order: gives language and zone.
        progress: called every few hundred rows.
        total: how many rows there will be, for the progress; 0 if that is not known.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";" if order.language == "de" else ",", lineterminator="\r\n")
    writer.writerow([guard_text(clean_text(one)) for one in header])
    buffer.seek(0)
    yield b"\xef\xbb\xbf" + buffer.read().encode()
    count = 0
    for count, row in enumerate(rows, start=1):
        if count % _ROWS_PER_CHUNK == 1:
            buffer = io.StringIO()
            writer = csv.writer(buffer, delimiter=";" if order.language == "de" else ",", lineterminator="\r\n")
        writer.writerow([_csv_cell(one, order) for one in row])
        if count % _ROWS_PER_CHUNK == 0:
            yield buffer.getvalue().encode()
            progress(count, max(total, count))
    if count % _ROWS_PER_CHUNK:
        yield buffer.getvalue().encode()
    progress(count, max(total, count))


def write_xlsx(
    header: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    order: Order,
    progress: Progress,
    total: int,
    sheet: str = "",
    widths: Sequence[int] = (),
) -> Iterator[bytes]:
    """Yield an XLSX file with one sheet: header frozen and filtered, text as text, never a formula.

    Args:
        header: the names of the columns.
        rows: in order; read one by one.
        order: gives the zone.
        progress: called every few hundred rows.
        total: how many rows there will be, for the progress; 0 if that is not known.
        sheet: its name.
        widths: of the columns, in characters; 16 where none is given.
    """
    with tempfile.NamedTemporaryFile(suffix=".xlsx") as target:
        book = xlsxwriter.Workbook(
            target.name,
            {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "remove_timezone": True},
        )
        book.set_properties({"title": sheet, "created": order.now.replace(tzinfo=None)})
        bold = book.add_format({"bold": True, "bottom": 1})
        formats = {
            datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
            date: book.add_format({"num_format": "yyyy-mm-dd"}),
        }
        page = book.add_worksheet(_sheet_name(sheet))
        for column, text in enumerate(header):
            page.set_column(column, column, widths[column] if column < len(widths) else 16)
            page.write_string(0, column, clean_text(text), bold)
        page.freeze_panes(1, 0)
        count = 0
        for count, row in enumerate(rows, start=1):
            for column, value in enumerate(row):
                _write_cell(page, count, column, value, formats, order)
            if count % _ROWS_PER_CHUNK == 0:
                progress(count, max(total, count))
        page.autofilter(0, 0, max(count, 1), max(len(header) - 1, 0))
        book.close()
        progress(count, max(total, count))
        target.seek(0)
        while chunk := target.read(_READ_BYTES):
            yield chunk


def _csv_cell(value: Cell, order: Order) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, datetime):
        return _local(value, order).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | float | Decimal):
        return str(value).replace(".", ",") if order.language == "de" else str(value)
    return guard_text(clean_text(value))


def _write_cell(
    page: "xlsxwriter.worksheet.Worksheet",
    row: int,
    column: int,
    value: Cell,
    formats: dict[type[date], Any],
    order: Order,
) -> None:
    if value is None or value == "":
        return
    if isinstance(value, bool):
        page.write_boolean(row, column, value)
    elif isinstance(value, datetime):
        page.write_datetime(row, column, _local(value, order).replace(tzinfo=None), formats[datetime])
    elif isinstance(value, date):
        page.write_datetime(row, column, datetime(value.year, value.month, value.day), formats[date])  # noqa: DTZ001
    elif isinstance(value, int | float | Decimal):
        page.write_number(row, column, float(value))
    else:
        page.write_string(row, column, clean_text(value)[:32_767])


def _local(value: datetime, order: Order) -> datetime:
    return value.astimezone(order.course.zone) if order.course is not None and value.tzinfo is not None else value


def _sheet_name(text: str) -> str:
    # Excel refuses these characters and more than 31 of any.
    return "".join(char for char in text if char not in "[]:*?/\\").strip(" '")[:31] or "1"
