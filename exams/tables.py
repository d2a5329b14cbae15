"""Tables as offices and colleagues hand them out: CSV of any kind, or a sheet of an XLSX file."""

import csv
import io
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from openpyxl.utils.exceptions import InvalidFileException

from amls.core.formulas import guard_text
from amls.core.text import clean_line
from amls.core.violations import RuleViolation
from amls.files.csvtext import read_csv
from amls.files.sheets import xlsx_rows

MAX_BYTES = 5 * 1024**2
MAX_ROWS = 20_000
# What openpyxl and the libraries below it raise on files that only look like XLSX; faults of XML are SyntaxErrors.
_NO_SHEET = (
    InvalidFileException, zipfile.BadZipFile, zlib.error, SyntaxError, KeyError, ValueError, IndexError, TypeError,
    AttributeError, OSError, EOFError, NotImplementedError, RuntimeError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Table:
    """What a file says.

    Attributes:
        columns: the names by which its columns were recognised, with their indexes.
        rows: cells as text, each row with its line in the file.
        problems: why it can't be read.
    """

    columns: dict[str, int] = field(default_factory=dict)
    rows: list[tuple[int, list[str]]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def cell(self, cells: list[str], name: str) -> str:
        """Return the cell of the column `name`, empty where there is none."""
        index = self.columns.get(name)
        return cells[index] if index is not None and index < len(cells) else ""


def read_table(content: bytes, filename: str, known: Mapping[str, Iterable[str]]) -> Table:
    """Return the rows of a CSV or XLSX file whose first line names the columns.

    Args:
        content: of the file; CSV as UTF-8 or Latin-1, separated by comma, semicolon or tab.
        filename: tells by its ending which of the two it is.
        known: names of columns with the words by which files call them, in lower case.
    """
    if len(content) > MAX_BYTES:
        return Table(problems=[_("The file has more than 5 MB. Is this the right one?")])
    is_sheet = filename.lower().endswith(".xlsx") or content[:4] == b"PK\x03\x04"
    try:
        lines = _sheet(content) if is_sheet else read_csv(content)
    except RuleViolation as violation:
        return Table(problems=[str(violation.message)])
    if len(lines) > MAX_ROWS:
        return Table(problems=[_("The file has more than 20,000 lines. Is this the right one?")])
    if not lines:
        return Table(problems=[_("The file is empty.")])
    (_line, names), *rows = [(number, [clean_line(cell) for cell in cells]) for number, cells in lines]
    header = [name.lower() for name in names]
    columns = {name: header.index(word) for name, words in known.items() for word in words if word in header}
    return Table(columns=columns, rows=[row for row in rows if any(row[1])])


def _sheet(content: bytes) -> list[tuple[int, list[str]]]:
    try:
        rows = xlsx_rows(content, most=MAX_ROWS + 1)
        return [(number, [_text(cell) for cell in cells]) for number, cells in enumerate(rows, start=1)]
    except _NO_SHEET as error:
        raise RuleViolation(
            _("This is not a file that a spreadsheet program wrote as XLSX."), code="no-sheet", field="file"
        ) from error


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def write_csv(header: list[str], rows: Iterable[Iterable[object]]) -> bytes:
    """Return a CSV file (UTF-8 with BOM, semicolons) that spreadsheet programs open as a table.

    A cell that such a program would take for a formula gets an apostrophe before it.
    """
    target = io.StringIO()
    writer = csv.writer(target, delimiter=";", lineterminator="\r\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([cell if isinstance(cell, int | float | Decimal) else guard_text(str(cell)) for cell in row])
    return target.getvalue().encode("utf-8-sig")
