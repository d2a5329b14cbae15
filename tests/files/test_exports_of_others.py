"""Lists that other systems write, as they are: Moodle, ILIAS, Stud.IP, HISinOne and QIS, CAMPUSonline, Primuss.

Their headings are those that programs read which are made for these files; names and numbers are made up.
"""

from pathlib import Path

import pytest

from amls.core.violations import RuleViolation
from amls.files.tables.meanings import EMAIL, NAMES, NUMBER, POINTS
from amls.files.tables.people import names_are_turned, number_of, person_name
from amls.files.tables.table import HowToRead, Table, read_table
from amls.files.tables.values import read_number, says_nothing
from amls.membership.roster import read_roster
from tests.tables import said

FOLDER = Path(__file__).resolve().parent.parent / "data" / "exports"
MEANINGS = (EMAIL, NUMBER, *NAMES, POINTS)
LETTERS = ["Łukasz Żółć", "Ayşe Şahin", "Jörg Größe"]
# What Windows-1252 has of them.
WESTERN = ["Çagla Çelik", "Šárka Žižková", "Jörg Größe"]
NUMBERS = ["412345", "423456", "434567"]
POINTS_OF = ["12.5", "", "37"]


def read(name: str, how: HowToRead | None = None) -> Table:
    return read_table((FOLDER / name).read_bytes(), MEANINGS, how=how)


def people(table: Table) -> list[str]:
    is_turned = names_are_turned(table)
    return [person_name(row, is_turned=is_turned) for row in table.rows]


def points(table: Table) -> list[str]:
    return [
        f"{read_number(row['points']).normalize():f}" if not says_nothing(row["points"]) else "" for row in table.rows
    ]


def test_every_file_is_tried() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {
        *WITH_NUMBERS,
        "moodle-participants-de.csv",
        "moodle-assignment-de.csv",
    }


WITH_NUMBERS = {
    "moodle-grades-en.csv": LETTERS, "moodle-grades-de.xlsx": LETTERS, "moodle-assignment-en.csv": LETTERS,
    "hisinone.xlsx": LETTERS, "qis.csv": WESTERN, "rwthonline.csv": WESTERN, "tumonline.txt": LETTERS,
    "studip.csv": LETTERS, "studip-vips.csv": LETTERS, "ilias-test.xlsx": LETTERS, "ilias-test-en.csv": LETTERS,
    "primuss.csv": LETTERS, "campusonline.xlsx": LETTERS,
}  # fmt: skip


@pytest.mark.parametrize("name", WITH_NUMBERS)
def test_who_stands_on_the_list_of_another_system_is_understood(name: str) -> None:
    table = read(name)
    assert table.is_clear
    rows = [row for row in table.rows if row["matriculation_number"]]
    assert [number_of(row).lstrip("0") for row in rows] == NUMBERS
    assert [person for person in people(table) if person] == WITH_NUMBERS[name]


@pytest.mark.parametrize(
    "name", ["moodle-grades-en.csv", "moodle-grades-de.xlsx", "ilias-test.xlsx", "ilias-test-en.csv"]
)
def test_points_of_another_system_are_read_and_none_stays_none(name: str) -> None:
    table = read(name)
    assert (table.questions, points(table)) == ({}, POINTS_OF)


@pytest.mark.parametrize("name", ["moodle-assignment-de.csv", "moodle-assignment-en.csv"])
def test_what_may_be_points_or_grades_is_chosen(name: str) -> None:
    table = read(name)
    assert not table.has("points")
    column = next(index for index, heading in enumerate(table.heading) if heading in ("Bewertung", "Grade"))
    assert points(read(name, HowToRead(columns={"points": column}))) == POINTS_OF
    assert people(table) == LETTERS


def test_the_row_of_the_most_points_is_nobodys() -> None:
    table = read("studip-vips.csv")
    assert points(table) == ["50", *POINTS_OF]
    assert (table.rows[0]["matriculation_number"], people(table)[0]) == ("", "")


@pytest.mark.parametrize(
    "name",
    ["moodle-participants-de.csv", "moodle-grades-en.csv", "moodle-grades-de.xlsx", "moodle-assignment-de.csv", "rwthonline.csv",
     "tumonline.txt", "studip.csv", "primuss.csv", "campusonline.xlsx"],
)  # fmt: skip
def test_a_list_of_another_system_is_a_roster(name: str) -> None:
    _table, rows, problems = read_roster((FOLDER / name).read_bytes())
    assert (said(problems), [row.name for row in rows]) == ([], WESTERN if name == "rwthonline.csv" else LETTERS)
    assert rows[2].email == "joerg.groesse@uni.example"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\xef\xbb\xbf\r\n<html><table><tr><th>Matrikelnummer</th></tr></table></html>", "HTML"),
        (b'<TABLE border="1"><tr><td>Matrikelnummer</td></tr></TABLE>', "HTML"),
        (b'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook/>', "XML"),
        (b"%PDF-1.7\n1 0 obj", "PDF"),
    ],
)
def test_what_only_has_the_name_of_a_workbook_says_how_to_go_on(content: bytes, kind: str) -> None:
    with pytest.raises(RuleViolation, match=f"a file of type {kind}"):
        read_table(content, MEANINGS)


def test_a_name_in_angle_brackets_is_no_markup() -> None:
    table = read_table(b"<Name>;E-Mail\nAda;ada@example.org\n", MEANINGS)
    assert [row["email"] for row in table.rows] == ["ada@example.org"]
