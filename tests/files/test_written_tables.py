"""Tables that are safe to open in a spreadsheet."""

import csv
import io
import re
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook

from amls.files.tables.values import cell_text
from amls.files.tables.writing import Cell, write_csv, write_xlsx

BAD = ["=1+1", "+49 30", "-2", "@SUM(A1)", "\t=1", "\r\n=cmd|'/c calc'!A0"]


ZONE = ZoneInfo("Europe/Berlin")


def read(content: bytes, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=delimiter))


@pytest.mark.parametrize("text", BAD)
def test_a_formula_is_text(text: str) -> None:
    rows = read(b"".join(write_csv([text], [[text]], language="en", zone=ZONE)))
    assert all(cell.startswith("'") for row in rows for cell in row)
    book = b"".join(write_xlsx([text], [[text]], zone=ZONE))
    sheet = zipfile.ZipFile(io.BytesIO(book)).read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert ">'" not in sheet
    assert len(re.findall(r't="(?:s|inlineStr|str)"', sheet)) == 2


def test_numbers_stay_numbers_and_umlauts_umlauts() -> None:
    row: list[Cell] = [
        "Lövelace; Ada",
        -2,
        Decimal("1.5"),
        date(2024, 5, 1),
        datetime(2024, 5, 1, 14, tzinfo=UTC),
        None,
        True,
    ]
    content = b"".join(write_csv(["a"], [row], language="en", zone=ZONE))
    assert content.startswith(b"\xef\xbb\xbf")
    assert read(content)[1] == ["Lövelace; Ada", "-2", "1.5", "2024-05-01", "2024-05-01 16:00", "", "1"]
    german = b"".join(write_csv(["a"], [row], language="de", zone=ZONE))
    assert read(german, ";")[1][:3] == ["Lövelace; Ada", "-2", "1,5"]
    book = b"".join(write_xlsx(["a"], [row], zone=ZONE, sheet="a/b"))
    sheet = zipfile.ZipFile(io.BytesIO(book)).read("xl/worksheets/sheet1.xml").decode()
    assert "<v>-2</v>" in sheet
    assert "<v>1.5</v>" in sheet


def test_a_table_of_1001_rows_is_whole_and_tells_its_progress() -> None:
    seen: list[tuple[int, int]] = []
    rows = ([number, f"Person {number}"] for number in range(1001))
    content = b"".join(
        write_csv(
            ["no", "name"], rows, language="en", progress=lambda done, total: seen.append((done, total)), total=1001
        )
    )
    assert [int(row[0]) for row in read(content)[1:]] == list(range(1001))
    assert seen == [(200, 1001), (400, 1001), (600, 1001), (800, 1001), (1000, 1001), (1001, 1001)]


def test_a_grade_shows_its_place_and_a_text_that_looks_like_a_formula_stays_as_it_is() -> None:
    book = load_workbook(io.BytesIO(b"".join(write_xlsx(["grade", "name"], [[Decimal("5.0"), "=SUM(A1)"]]))))
    grade, name = book.worksheets[0][2]
    assert (grade.value, grade.number_format) == (5, "0.0")
    assert (name.value, name.data_type, bool(name.quotePrefix)) == ("=SUM(A1)", "s", True)


@pytest.mark.parametrize("text", ['=""', '="0079"', ' ="Łukasz"', "'0079", " '=1"])
def test_what_a_reader_would_take_for_another_text_is_guarded_in_a_workbook_as_well(text: str) -> None:
    cell = load_workbook(io.BytesIO(b"".join(write_xlsx(["name"], [[text]])))).worksheets[0]["A2"]
    assert cell_text(cell.value) == text.strip()
