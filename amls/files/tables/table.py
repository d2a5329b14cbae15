"""The one reader of every table that comes in: CSV or XLSX by its content, its heading row and columns by what they mean."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from django.utils.translation import gettext as _

from amls.core.sizes import say_size
from amls.core.text import clean_line
from amls.core.violations import RuleViolation
from amls.files.limited.pace import Pace, read_at_pace
from amls.files.limited.refused import Refused
from amls.files.limited.run import UNABLE, StoppedError
from amls.files.limited.slots import NoPlaceError
from amls.files.tables.encodings import Choice, choices, decode
from amls.files.tables.meanings import Meaning, label_of, recognise
from amls.files.tables.values import cell_text

MAX_BYTES = 5 * 1024**2
MAX_ROWS = 20_000
MAX_COLUMNS = 200
MAX_CELLS = 500_000
# In a line of CSV; what is blank beyond is no matter.
_MAX_IN_A_LINE = 1000
# What the rows of a workbook may weigh as text: far more than those of a CSV file.
_MAX_SAID = 20 * 1024**2
_SEPARATORS = ";,\t|"
# Above its headings a sheet has a title, the course, the day on which it was made.
_LINES_BEFORE_HEADINGS = 20
# Below this there is nothing that is read, by HIS's own rule for its lists (QIS, HISinOne).
_LAST_LINE = "endhissheet"
_OPEN_DOCUMENT, _NUMBERS = b"mimetypeapplication/vnd.oasis.opendocument.", b"Index/Document.iwa"
# What portals hand out under the name of a workbook: a page with a table, XML of an older Excel, a list to print.
_NO_TABLES = {
    "HTML": re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|head|body|table|meta)\b", re.IGNORECASE),
    "XML": re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:\?xml|workbook)\b", re.IGNORECASE),
    "PDF": re.compile(rb"%PDF-"),
}
_XLSX, _OLD_EXCEL = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"

Line = tuple[int, list[str]]


@dataclass(frozen=True, slots=True)
class HowToRead:
    """What somebody chose where a file can be read in several ways.

    Attributes:
        encoding: its name; '' finds out.
        columns: the index of a meaning's column by the meaning's name; -1 says that the file has none.
    """

    encoding: str = ""
    columns: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Upload:
    """A table that was sent.

    Attributes:
        content: of the file.
        filename: under which its import is kept, to be taken back.
        how: what somebody chose, where several readings fit.
    """

    content: bytes
    filename: str = ""
    how: HowToRead = field(default_factory=HowToRead)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table.

    Attributes:
        line: on which it begins in the file, as programs count.
        cells: by the names of the meanings that the table has.
        all_cells: as they stand there.
    """

    line: int
    cells: Mapping[str, str]
    all_cells: Sequence[str]

    def __getitem__(self, name: str) -> str:
        """Return what the row says of a meaning; empty where the table has no such column."""
        return self.cells.get(name, "")

    def get(self, name: str, default: str = "") -> str:
        """Return the cell of a meaning, or `default` where the table has no such column."""
        return self.cells.get(name, default)


@dataclass(frozen=True, slots=True)
class Table:
    """What a file says.

    Attributes:
        meanings: that were looked for.
        heading: the texts of the row that names the columns, and its line.
        columns: the index of a meaning's column by the meaning's name.
        rows: below the heading; blank ones are left out.
        questions: by the names of meanings several columns of different contents that fit; somebody must choose.
        missing: what is needed and not there, in words.
        encoding: of a CSV file; '' of a sheet.
        encodings: the ways to read its letters that differ.
    """

    meanings: Sequence[Meaning]
    heading: Sequence[str]
    heading_line: int
    columns: Mapping[str, int]
    rows: Sequence[Row]
    questions: Mapping[str, Sequence[int]] = field(default_factory=dict)
    missing: Sequence[str] = ()
    encoding: str = ""
    encodings: Sequence[Choice] = ()

    @property
    def is_clear(self) -> bool:
        """Whether every column that is needed is there, once."""
        return not self.questions and not self.missing

    def has(self, name: str) -> bool:
        """Return whether the table has a column of this meaning."""
        return name in self.columns

    @property
    def recognised(self) -> list[tuple[str, str]]:
        """The columns that are read: what their heading says, and what it is taken for."""
        by_index = sorted((index, name) for name, index in self.columns.items())
        return [(self.heading[index], label_of(name, self.meanings)) for index, name in by_index if self._is_read(name)]

    @property
    def ignored(self) -> list[str]:
        """The headings of columns that say something and are not read."""
        read = {index for name, index in self.columns.items() if self._is_read(name)}
        read.update(*self.questions.values())
        return [
            heading or _("column %(number)d, without a name") % {"number": index + 1}
            for index, heading in enumerate(self.heading)
            if index not in read and (heading or any(_at(row.all_cells, index) for row in self.rows))
        ]

    def _is_read(self, name: str) -> bool:
        return next(meaning.is_read for meaning in self.meanings if meaning.name == name)


def read_table(
    content: bytes,
    meanings: Sequence[Meaning],
    *,
    needs: Sequence[Sequence[str]] = (),
    how: HowToRead | None = None,
) -> Table:
    """Return the rows of a CSV or XLSX file, whichever its content is.

    Args:
        content: of the file.
        meanings: what its columns may say.
        needs: groups of names of meanings, of each of which the table must have one at least.
        how: what somebody chose, where several readings fit.

    Raises:
        RuleViolation: it is no table, too large, in another encoding than was chosen, or a quotation mark is left open.
    """
    how = how or HowToRead()
    if len(content) > MAX_BYTES:
        message = _("The file has more than %(limit)s. Is this the right one?") % {"limit": say_size(MAX_BYTES)}
        raise RuleViolation(message, code="too-large", field="file")
    encoding, ways = "", []
    if (program := _other_spreadsheet(content)) is not None:
        message = _("This is a workbook of %(program)s. Export it there as .xlsx or CSV and choose that file.")
        raise RuleViolation(message % {"program": program}, code="other-spreadsheet", field="file")
    if content.startswith(_XLSX):
        lines = [(number, cells) for number, cells in enumerate(_sheet(content), start=1) if any(cells)]
    else:
        if content.startswith(_OLD_EXCEL):
            raise RuleViolation(
                _("This is a workbook of the old Excel (.xls). Save it as .xlsx or CSV and choose it again."),
                code="old-excel", field="file",
            )  # fmt: skip
        for name, begins in _NO_TABLES.items():
            if begins.match(content):
                message = _(
                    "This is a file of type %(type)s, whatever its name says. Open it in a spreadsheet program, "
                    "save it there as .xlsx or CSV, and choose that file."
                )
                raise RuleViolation(message % {"type": name}, code="no-table", field="file")
        text, encoding = decode(content, how.encoding)
        ways = choices(content, encoding)
        lines = csv_lines(text, meanings)
    if not lines:
        raise RuleViolation(_("The file is empty."), code="empty", field="file")
    if len(lines) > MAX_ROWS:
        raise RuleViolation(
            _("The file has more than 20,000 lines. Is this the right one?"), code="too-long", field="file"
        )
    return _table(lines, meanings, needs, how, encoding, ways)


def _other_spreadsheet(content: bytes) -> str | None:
    """Return the program whose workbook, an archive like XLSX, this is; None where it is no such one."""
    if not content.startswith(_XLSX):
        return None
    # Its type stands first and unpacked (OpenDocument 1.3, part 2, 3.3).
    if content[30:].startswith(_OPEN_DOCUMENT):
        return "LibreOffice (.ods)"
    return "Apple Numbers (.numbers)" if _NUMBERS in content else None


def _sheet(content: bytes) -> list[list[str]]:
    lines: list[list[str]] = []
    try:
        read_at_pace(
            "sheets:read_sheet", io.BytesIO(content), pace=Pace.of_tables(), says=_MAX_SAID,
            on_line=lambda values: lines.append([_cell(value) for value in values]),
            most_rows=MAX_ROWS + 1, most_columns=MAX_COLUMNS, most_cells=MAX_CELLS,
        )  # fmt: skip
    except Refused as refused:
        raise _no_sheet(refused.code) from refused
    except StoppedError as error:
        raise _no_sheet(error.problem) from error
    except NoPlaceError as error:
        raise _no_sheet("busy") from error
    return lines


def _no_sheet(why: str) -> RuleViolation:
    if why == "busy":
        message = _(
            "The file could not be read, because many files are being read just now. Choose it again in a minute."
        )
    elif why == "unable":
        message = str(UNABLE)
    elif why == "too-many-cells":
        return _too_many_cells()
    elif why == "too_slow":
        message = _("The workbook takes too long to be read. Save its sheet alone, as CSV, and choose that file.")
    elif why == "too_big":
        message = _(
            "The workbook unpacks to more than can be read here. Save its sheet alone, as CSV, and choose that file."
        )
    else:
        message = _(
            "This is not a file that a spreadsheet program wrote as XLSX. Save it as .xlsx or CSV and choose it again."
        )
        why = "no-sheet"
    return RuleViolation(message, code=why, field="file")


def _too_many_cells() -> RuleViolation:
    return RuleViolation(
        _(
            "The file has more than 500,000 cells, or more than 1,000 in one line. "
            "Save only the columns that are needed, and choose that file."
        ),
        code="too-many-cells", field="file",
    )  # fmt: skip


def csv_lines(text: str, meanings: Sequence[Meaning] = ()) -> list[Line]:
    """Return the rows of a CSV text that aren't blank, each with the line on which it begins.

    Args:
        text: separated by what its first line says ('sep=;', as Excel writes it), else by that of semicolon,
            comma, tab and bar by which most headings are known and most cells come of it; lines end in any way.
        meanings: by whose words the headings are known.

    Raises:
        RuleViolation: a quotation mark is left open, so that it would swallow the rows below it,
            or is closed in the middle of a cell; it names the line on which that row begins. Or it has too
            many cells.
    """
    first, _end, rest = text.partition("\n")
    said = first.strip().strip('"').lower()
    skipped, separator = 0, ""
    if (said.startswith("sep=") and len(said) == len("sep=") + 1) or first.rstrip("\r").lower() == "sep=\t":
        skipped, separator, text = 1, first.rstrip("\r").strip('"')[-1], rest
    separator = separator or _separator(text, meanings)
    lines: list[Line] = []
    began, read = 1, 0
    try:
        # Without translation, so that the reader itself sees every kind of line end.
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        for cells in reader:
            read += len(cells)
            if read > MAX_CELLS or any(cells[_MAX_IN_A_LINE:]):
                raise _too_many_cells()
            cleaned = [_cell(cell) for cell in cells[:_MAX_IN_A_LINE]]
            if any(cleaned):
                lines.append((began + skipped, cleaned))
            began = reader.line_num + 1
    except csv.Error as error:
        raise RuleViolation(
            _(
                "Line %(line)d: a quotation mark opens here and isn't closed at the end of its cell. Mend it in the file."
            )
            % {"line": began + skipped},
            code="open-quotation",
            field="file",
        ) from error
    return lines


def _separator(text: str, meanings: Sequence[Meaning]) -> str:
    def judge(separator: str) -> tuple[int, int]:
        rows: list[list[str]] = []
        try:
            for cells in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
                if any(cells):
                    rows.append(cells[:MAX_COLUMNS])
                if len(rows) == _LINES_BEFORE_HEADINGS:
                    break
        except csv.Error:
            pass
        known = max((len(recognise(cells, meanings)) for cells in rows), default=0)
        return known, len(rows[0]) if rows else 0

    return max(_SEPARATORS, key=judge)


def _cell(value: object) -> str:
    """Return a cell's text; its line breaks stay, for feedback has some."""
    return cell_text(value).replace("\r\n", "\n").replace("\r", "\n")


def _table(
    lines: Sequence[Line],
    meanings: Sequence[Meaning],
    needs: Sequence[Sequence[str]],
    how: HowToRead,
    encoding: str,
    ways: Sequence[Choice],
) -> Table:
    heading_at = max(
        range(min(len(lines), _LINES_BEFORE_HEADINGS)), key=lambda at: (len(recognise(lines[at][1], meanings)), -at)
    )
    heading_line, named = lines[heading_at]
    below = [*takewhile(lambda line: next(filter(None, line[1])).casefold() != _LAST_LINE, lines[heading_at + 1 :])]
    heading = [clean_line(title) for title in named]
    meant = recognise(heading, meanings)
    columns: dict[str, int] = {}
    questions: dict[str, list[int]] = {}
    for meaning in meanings:
        chosen, fitting = how.columns.get(meaning.name), meant.get(meaning.name, [])
        if chosen is not None and -1 <= chosen < len(heading):
            if chosen >= 0:
                columns[meaning.name] = chosen
        elif len({tuple(_at(cells, index) for _line, cells in below) for index in fitting}) == 1:
            columns[meaning.name] = fitting[0]
        elif fitting and meaning.is_read:
            questions[meaning.name] = fitting
    tidied = {meaning.name: meaning.tidy for meaning in meanings}
    rows = [
        Row(line, {name: tidied[name](_at(cells, index)) for name, index in columns.items()}, cells)
        for line, cells in below
    ]
    present = columns.keys() | questions.keys()
    missing = [
        _(" or ").join(label_of(name, meanings) for name in group) for group in needs if not present & set(group)
    ]
    return Table(meanings, heading, heading_line, columns, rows, questions, missing, encoding, ways)


def _at(cells: Sequence[str], index: int) -> str:
    return cells[index] if index < len(cells) else ""
