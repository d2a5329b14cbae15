"""Tables as offices hand them out: what can't be read is said, never an error."""

import io
import tracemalloc
import zipfile

import pytest
from openpyxl import Workbook

from amls.core.violations import RuleViolation
from amls.courses.numbers import plain_number
from amls.files.sheets import read_sheet
from amls.membership.roster import read_roster
from exams.services.pointfile import COLUMNS
from exams.tables import read_table


def workbook(**broken: bytes) -> bytes:
    """Return an XLSX file in which the named parts are replaced."""
    book, target, result = Workbook(), io.BytesIO(), io.BytesIO()
    book.save(target)
    with zipfile.ZipFile(target) as whole, zipfile.ZipFile(result, "w") as made:
        for name in whole.namelist():
            made.writestr(name, broken.get(name.rpartition("/")[2].partition(".")[0].strip("[]"), whole.read(name)))
    return result.getvalue()


@pytest.mark.parametrize("part", ["workbook", "styles", "sheet1", "Content_Types"])
@pytest.mark.parametrize("content", [b"<a><b>", b"\x00\x01", b""])
def test_a_workbook_with_a_broken_part_is_none(part: str, content: bytes) -> None:
    found = read_table(workbook(**{part: content}), "a.xlsx", COLUMNS)
    assert found.problems == ["This is not a file that a spreadsheet program wrote as XLSX."]


def test_a_workbook_that_unpacks_to_too_much_is_none() -> None:
    huge = io.BytesIO(workbook())
    with zipfile.ZipFile(huge, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/image1.png", bytes(101 * 1024**2))
    found = read_table(huge.getvalue(), "a.xlsx", COLUMNS)
    assert found.problems == ["This is not a file that a spreadsheet program wrote as XLSX."]
    with pytest.raises(RuleViolation, match="can't be read as a table"):
        read_sheet(huge.getvalue())


def test_a_row_is_no_wider_than_anyone_needs() -> None:
    book, target = Workbook(), io.BytesIO()
    book.active.append(["project", "comment"])
    for row in range(2, 1500):
        book.active.cell(row=row, column=16_384, value="far out")
    book.save(target)
    assert read_sheet(target.getvalue()).width == 200
    tracemalloc.start()
    read_table(target.getvalue(), "a.xlsx", COLUMNS)
    assert tracemalloc.get_traced_memory()[1] < 30_000_000
    tracemalloc.stop()


OPEN = "Line {}: a quotation mark opens here and isn't closed at the end of its cell. Mend it in the file."


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b'email;points\n"' + b"x" * 200_000, 2),
        (b'"' + b"x" * 200_000, 1),
        (b'matriculation number;name;points\n122;"Max\nM.";39\n123;"Max;40\n124;Eva;37\n125;Li;20\n', 4),
        (b'matriculation number,name,points\r\n123,"Max,40\r\n124,"Eva",37\r\n125,Li,20\r\n', 2),
    ],
)
def test_a_quotation_mark_left_open_swallows_no_rows(content: bytes, line: int) -> None:
    assert read_table(content, "a.csv", COLUMNS).problems == [OPEN.format(line)]
    with pytest.raises(RuleViolation, match=f"Line {line}: a quotation mark opens here"):
        read_sheet(content)


def test_a_comma_within_a_quoted_name_of_a_column_separates_nothing() -> None:
    found = read_table(b'"name, first, last";email;points\n"M, Max, von";a@example.org;3\n', "a.csv", COLUMNS)
    assert found.rows == [(2, ["M, Max, von", "a@example.org", "3"])]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_is_one(end: str) -> None:
    content = end.join(["", "email;points", "", "a@example.org;3", ""]).encode()
    assert read_table(content, "a.csv", COLUMNS).rows == [(4, ["a@example.org", "3"])]
    assert read_sheet(content).dict == [{"email": "a@example.org", "points": "3"}]
    assert [(row.line, row.email) for row in read_roster(content)[0]] == [(4, "a@example.org")]


@pytest.mark.parametrize("text", ["0412345", "412345", " 0412 345"])
def test_a_number_is_the_same_with_and_without_leading_zeros(text: str) -> None:
    assert plain_number(text) == "412345"
