"""Tables as offices hand them out: read as they were meant, and what can't be read is said, never an error."""

import io
import re
import string
import tracemalloc
import zipfile
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import settings as bounds
from hypothesis import strategies as st
from openpyxl import Workbook
from pytest_django import Settings

from amls.core.text import clean_text
from amls.core.violations import RuleViolation
from amls.courses.numbers import plain_number
from amls.files.limited.slots import place
from amls.files.tables.encodings import LABELS, TWICE
from amls.files.tables.meanings import Meaning
from amls.files.tables.people import names_are_turned, person_name
from amls.files.tables.table import HowToRead, Table, read_table
from amls.files.tables.values import read_number, read_yes_no
from amls.files.tables.writing import write_csv, write_xlsx
from amls.membership.roster import read_roster
from exams.services.pointfile import MEANINGS
from projects.exports.results import ResultResource
from projects.exports.topics import TopicResource
from tests.files.hostile_files import workbook_bomb, workbook_of
from tests.tables import workbook

DATA = Path(__file__).parents[1] / "data"


def cells(content: bytes, *names: str, how: HowToRead | None = None) -> list[tuple[str, ...]]:
    """Return what a table says of the named meanings, row by row."""
    return [tuple(row[name] for name in names) for row in read_table(content, MEANINGS, how=how).rows]


# ── letters ──

NAMES_OF_THE_WORLD = "Größe, Jiří Žižková, Łukasz Żółć, Şahin, „Sehr gut“ – 5 €"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_every_unicode_file_is_read_without_being_asked(encoding: str) -> None:
    content = f"Name;E-Mail\n{NAMES_OF_THE_WORLD};a@example.org\n山田太郎;b@example.org\n".encode(encoding)
    assert cells(content, "name") == [(NAMES_OF_THE_WORLD,), ("山田太郎",)]


def test_what_windows_writes_keeps_all_its_letters() -> None:
    content = "Name;E-Mail\nŽižková;a@example.org\n„Sehr gut“ – 5 €;b@example.org\nMüller;c@example.org\n".encode(
        "cp1252"
    )
    assert cells(content, "name") == [("Žižková",), ("„Sehr gut“ – 5 €",), ("Müller",)]


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("mac-roman", ["Jörg Größe", "Ayla Müller", "René"]),
        ("mac-roman", ["JÖRG MÜLLER", "Jürgen Jäger"]),
        ("cp1252", ["JÄGER", "MÜLLER"]),
        ("cp1252", ["Miloš", "Šárka Žižková", "Renée D´Angelo"]),
        ("cp1252", ["Anna O’Neill", "Jörg"]),
    ],
)
def test_what_a_spreadsheet_on_a_mac_wrote_is_told_from_what_windows_writes(encoding: str, names: list[str]) -> None:
    content = "\r".join(["Name;E-Mail", *(f"{name};p{at}@example.org" for at, name in enumerate(names))])
    table = read_table(content.encode(encoding), MEANINGS)
    assert ([row["name"] for row in table.rows], table.encoding) == (names, encoding)


def test_feedback_that_excel_saved_as_windows_1252_comes_back_whole() -> None:
    table = read_table((DATA / "results-cp1252.csv").read_bytes(), ResultResource.meanings)
    assert [row["feedback"] for row in table.rows] == ["„Sehr gut“ – Aufwand 5 €, Š"]
    assert table.encoding == "cp1252"


@pytest.mark.parametrize(("encoding", "name"), [("mac-roman", "Größe"), ("cp850", "Größe"), ("cp1250", "Łukasz Żółć"), ("cp852", "Łukasz Żółć"), ("cp1254", "Şahin"), ("cp1251", "Анна")])  # fmt: skip
def test_another_encoding_is_offered_with_what_it_makes_of_the_letters(encoding: str, name: str) -> None:
    content = f"Name;E-Mail\n{name};a@example.org\n".encode(encoding)
    offered = {encoding.name: encoding.sample for encoding in read_table(content, MEANINGS).encodings}
    assert offered[encoding] == ", ".join(word for word in name.split() if not word.isascii())
    assert cells(content, "name", how=HowToRead(encoding=encoding)) == [(name,)]


def test_what_was_encoded_twice_can_be_read_once() -> None:
    content = "Name;E-Mail\nJürgen Größe;a@example.org\n".encode().decode("cp1252").encode()
    assert TWICE in {encoding.name for encoding in read_table(content, MEANINGS).encodings}
    assert cells(content, "name", how=HowToRead(encoding=TWICE)) == [("Jürgen Größe",)]


def test_a_plain_file_offers_no_choice_of_letters() -> None:
    assert len(read_table(b"name,e-mail\nAda,a@example.org\n", MEANINGS).encodings) == 1


# ── columns ──

HEADINGS = {
    "Moodle": ('Vorname,Nachname,ID-Nummer,Institution,E-Mail-Adresse,"Kurs gesamt (Punkte)"', 'Ada,Lovelace,0412345,TU,ada@example.org,"57,5"'),
    "Moodle, in English": ("First name,Last name,ID number,Email address,Course total (Real)", "Ada,Lovelace,0412345,ada@example.org,57.5"),
    "TUMonline": ("REGISTRATION_NUMBER;FAMILY_NAME_OF_STUDENT;FIRST_NAME_OF_STUDENT;EMAIL_ADDRESS_OF_STUDENT;TOTAL_POINTS", "0412345;Lovelace;Ada;ada@example.org;57,5"),
    "HISinOne": ("mtknr;nachname;vorname;e-mail;punkte", "0412345;Lovelace;Ada;ada@example.org;57,5"),
    "Moses": ("Matrikelnr.;Name;Vorname;E-Mail;Punkte", "0412345;Lovelace;Ada;ada@example.org;57,5"),
    "an office": ("Matr.-Nr.;Nachname, Vorname;E-Mail;Punkte (max. 90)", '0412345;"Lovelace, Ada";ada@example.org;57,5'),
    "by hand": ("Name;Matrikel;Mail;Summe", '"Lovelace, Ada";0412345;ada@example.org;57,5'),
}  # fmt: skip


@pytest.mark.parametrize("system", HEADINGS)
def test_headings_of_universities_are_understood(system: str) -> None:
    table = read_table("\r\n".join(HEADINGS[system]).encode(), MEANINGS)
    (row,) = table.rows
    assert table.is_clear
    assert person_name(row, is_turned=names_are_turned(table)) == "Ada Lovelace"
    assert (row["matriculation_number"], row["email"]) == ("0412345", "ada@example.org")
    assert read_number(row["points"]) == Decimal("57.5")


def test_a_name_beside_a_given_name_is_the_familys() -> None:
    _table, rows, problems = read_roster(b"Name;Vorname;E-Mail\nLovelace;Ada;ada@example.org\n")
    assert ([row.name for row in rows], problems) == (["Ada Lovelace"], [])


def test_two_columns_that_fit_are_asked_about() -> None:
    content = b"E-Mail;Mailadresse;Punkte\na@uni.example;a@home.example;5\n"
    table = read_table(content, MEANINGS)
    assert (table.questions, table.is_clear) == ({"email": [0, 1]}, False)
    assert cells(content, "email", how=HowToRead(columns={"email": 1})) == [("a@home.example",)]
    same = read_table(b"E-Mail;Mailadresse;Punkte\na@uni.example;a@uni.example;5\n", MEANINGS)
    assert (same.questions, same.columns["email"]) == ({}, 0)


def test_a_column_with_another_name_can_be_chosen_and_one_left_out() -> None:
    content = b"Kennung;E-Mail;Klausur\n0412;a@example.org;37,5\n"
    how = HowToRead(columns={"matriculation_number": 0, "points": 2, "email": -1})
    assert cells(content, "matriculation_number", "points", "email", how=how) == [("0412", "37,5", "")]
    assert cells(content, "email", how=HowToRead(columns={"points": 99})) == [("a@example.org",)]


def test_columns_that_are_not_read_are_named() -> None:
    table = read_table(b"E-Mail;Studiengang;;Punkte;\na@example.org;Informatik;Note 1;5;\n", MEANINGS)
    assert table.ignored == ["Studiengang", "column 3, without a name"]
    assert table.recognised == [("E-Mail", "e-mail address"), ("Punkte", "points")]


def test_titles_above_the_headings_are_passed_over_and_lines_keep_their_numbers() -> None:
    content = workbook(["Klausur AMLS, Name: siehe Liste"], [], ["SoSe 2024", None, None], ["Matr.-Nr.", "Name", "Punkte"], [412345, "Ada", 57.5])  # fmt: skip
    table = read_table(content, MEANINGS)
    assert (table.heading_line, [(row.line, row["matriculation_number"]) for row in table.rows]) == (4, [(5, "412345")])
    text = b"Teilnehmerliste, SoSe 2024, Stand: heute;;\n;;\nMatr.-Nr.;Name;Punkte\n412345;Ada;5\n"
    assert [(row.line, row["name"]) for row in read_table(text, MEANINGS).rows] == [(4, "Ada")]


def test_which_column_is_taken_depends_on_no_hash() -> None:
    table = read_table(b"score,total,points\n1,2,3\n", MEANINGS)
    assert table.questions == {"points": [0, 1, 2]}


@pytest.mark.parametrize(("word", "is_open"), [("no", False), ("nein", False), ("FALSCH", False), ("0", False), ("geschlossen", False), ("yes", True), ("Ja", True), ("WAHR", True), ("x", True)])  # fmt: skip
@pytest.mark.parametrize("heading", ["open", "is_open", "Offen", "is open"])
def test_whether_a_topic_is_open_is_understood(heading: str, word: str, is_open: bool) -> None:
    table = read_table(f"track;title;{heading}\nA;B;{word}\n".encode(), TopicResource.meanings)
    assert read_yes_no(table.rows[0]["open"]) is is_open


# ── values ──


@pytest.mark.parametrize(
    ("cell", "text"),
    [('="00123"', "00123"), ("'0079", "0079"), ("'t Hooft", "'t Hooft"), ("'-3", "-3"), (" 0412 345 ", "0412 345"), ('"=""00123"""', "00123")],
)  # fmt: skip
def test_a_cell_is_the_text_that_was_meant(cell: str, text: str) -> None:
    assert cells(f"Matrikelnummer;Punkte\n{cell};5\n".encode(), "matriculation_number") == [(text,)]


def test_what_copying_leaves_around_addresses_and_numbers_is_no_part_of_them() -> None:
    lines = [
        "Name;E-Mail;Matrikelnummer",
        "Lovelace, Ada;Ada Lovelace <ada@example.org>;\u200b0412345\u200b",
        "Şahin, Emre;mailto:emre@example.org;\ufeff412346\u00ad",
        "Größe, Zoë;\u200ezoe@example.org\u00a0;412\u2060347",
    ]
    content = "\n".join(lines).encode()
    assert cells(content, "email", "matriculation_number") == [
        ("ada@example.org", "0412345"),
        ("emre@example.org", "412346"),
        ("zoe@example.org", "412347"),
    ]
    two = cells(b'E-Mail,Punkte\n"a@example.org, b@example.org",5\n', "email")
    assert two == [("a@example.org, b@example.org",)]


@pytest.mark.parametrize(
    ("text", "number"),
    [("37,5", "37.5"), ("37.5", "37.5"), ("1.234,5", "1234.5"), ("1,234.5", "1234.5"), ("57.699999999999996", "57.7"), ("57,69999999999999", "57.7"), ("1E+01", "10"), ("−3", "-3"), ("1e-17", "0"), (".5", "0.5")],
)  # fmt: skip
def test_numbers_are_read_as_people_and_programs_write_them(text: str, number: str) -> None:
    assert read_number(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "x", "1e400", "NaN", "Infinity", "1_0", "١٢", "1,2,3", "--1", "2024-05-03", "3. Mai", "=A1+B1", "#DIV/0!"])  # fmt: skip
def test_what_is_no_number_is_said_to_be_none(text: str) -> None:
    with pytest.raises(RuleViolation):
        read_number(text)


def test_a_number_that_became_a_date_says_what_happened() -> None:
    with pytest.raises(RuleViolation, match=r"is a date: a spreadsheet took a number such as '3.5' for one"):
        read_number("2024-05-03")


def test_totals_that_a_spreadsheet_computed_are_what_it_shows() -> None:
    table = read_table((DATA / "total-57.7.xlsx").read_bytes(), MEANINGS)
    assert {str(read_number(row["points"])) for row in table.rows} == {"57.7"}


def test_cells_of_every_kind_come_out_of_a_workbook_as_text() -> None:
    values = [
        "Łukasz",
        "a_x000D_\nb",
        3,
        2.5,
        1e300,
        True,
        None,
        date(2026, 2, 3),
        datetime(2026, 2, 3, 4, 5),
        time(6, 7),
        "'=1",
    ]
    content = workbook([f"h{number}" for number in range(len(values))], values)
    (row,) = read_table(content, []).rows
    said = ["Łukasz", "a\nb", "3", "2.5", "1e+300", "true", "", "2026-02-03", "2026-02-03 04:05:00", "06:07:00", "=1"]
    assert list(row.all_cells) == said


def test_a_table_wider_or_longer_than_anyone_needs_says_so() -> None:
    for content in (b"a;" * 1001 + b"\n", (b"name;" * 600 + b"\n") * 900):
        with pytest.raises(RuleViolation, match="more than 500,000 cells, or more than 1,000 in one line"):
            read_table(content, MEANINGS)
    assert len(read_table(b"points;comment" + b";" * 16_000 + b"\n1;x\n", MEANINGS).rows) == 1
    with pytest.raises(RuleViolation, match="more than 500,000 cells"):
        read_table(workbook_bomb("cells"), MEANINGS)


def test_who_finds_no_place_for_a_workbook_is_told(settings: Settings) -> None:
    settings.CHECKS_AT_ONCE, settings.CHECK_PATIENCE = 1, 0
    # The places are those of the whole machine: another test may have this one just now.
    with place("tables", most=1, patience=60), pytest.raises(RuleViolation, match="many files are being read"):
        read_table(workbook(["email"], ["a@example.org"]), MEANINGS)


def test_a_formula_that_was_never_computed_is_not_read_as_blank() -> None:
    content = workbook(["email", "points"], ["a@example.org", "=1+1"])
    assert cells(content, "points") == [("=1+1",)]
    with pytest.raises(RuleViolation, match="formula that was never computed"):
        read_number("=1+1")


def test_a_shortened_matriculation_number_is_a_problem_of_its_line() -> None:
    table, rows, problems = read_roster(b"E-Mail;Matr.-Nr.\na@example.org;4,12E+05\nb@example.org;0412\n")
    assert ([row.email for row in rows], [problem.line for problem in problems]) == (["b@example.org"], [2])
    assert "shortened the matriculation number to '4,12E+05'" in str(problems[0])
    assert table.is_clear


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;"])
def test_the_line_by_which_excel_names_the_separator_is_no_heading(first: str) -> None:
    content = f"{first}\r\nE-Mail;Name\r\na@example.org;Lovelace, Ada\r\n".encode()
    assert [(row.line, row["name"]) for row in read_table(content, MEANINGS).rows] == [(3, "Lovelace, Ada")]


def test_line_breaks_within_a_cell_stay() -> None:
    content = b'project;feedback\r\n10;"Gut.\r\nWeiter so."\r\n11;x\r\n'
    table = read_table(content, ResultResource.meanings)
    assert [(row.line, row["feedback"]) for row in table.rows] == [(2, "Gut.\nWeiter so."), (4, "x")]


# ── what is no table ──


@pytest.mark.parametrize("part", ["workbook", "styles", "sheet1", "Content_Types"])
@pytest.mark.parametrize("content", [b"<a><b>", b"\x00\x01", b""])
def test_a_workbook_with_a_broken_part_is_none(part: str, content: bytes) -> None:
    with pytest.raises(RuleViolation, match="not a file that a spreadsheet program wrote as XLSX"):
        read_table(workbook_of(**{part: content}), MEANINGS)


def test_a_workbook_that_unpacks_to_too_much_is_none() -> None:
    huge = io.BytesIO(workbook_of())
    with zipfile.ZipFile(huge, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/image1.png", bytes(101 * 1024**2))
    with pytest.raises(RuleViolation, match="unpacks to more than can be read here"):
        read_table(huge.getvalue(), MEANINGS)


def test_a_workbook_of_the_old_excel_says_how_to_go_on() -> None:
    with pytest.raises(RuleViolation, match="old Excel"):
        read_table(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), MEANINGS)


@pytest.mark.parametrize(
    ("entries", "program"),
    [
        ({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": b"<x/>"}, "LibreOffice"),
        ({"Index/Document.iwa": b"x", "preview.jpg": b"x"}, "Apple Numbers"),
    ],
)
def test_a_workbook_of_another_program_is_named_and_says_how_to_go_on(entries: dict[str, bytes], program: str) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as book:
        for name, content in entries.items():
            book.writestr(name, content)
    with pytest.raises(RuleViolation, match=rf"workbook of {program}.*Export it there as \.xlsx or CSV") as refused:
        read_table(target.getvalue(), MEANINGS)
    assert refused.value.code == "other-spreadsheet"


def test_a_row_is_no_wider_than_anyone_needs() -> None:
    book, target = Workbook(), io.BytesIO()
    book.active.append(["points", "comment"])
    for row in range(2, 1500):
        book.active.cell(row=row, column=16_384, value="far out")
    book.save(target)
    tracemalloc.start()
    table = read_table(target.getvalue(), MEANINGS)
    assert (list(table.heading), table.rows) == (["points", "comment"], [])
    assert tracemalloc.get_traced_memory()[1] < 30_000_000
    tracemalloc.stop()


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
    with pytest.raises(RuleViolation, match=f"Line {line}: a quotation mark opens here"):
        read_table(content, MEANINGS)


def test_a_comma_within_a_quoted_name_of_a_column_separates_nothing() -> None:
    table = read_table(b'"name, first, last";email;points\n"M, Max, von";a@example.org;3\n', MEANINGS)
    assert [(row.line, row.all_cells) for row in table.rows] == [(2, ["M, Max, von", "a@example.org", "3"])]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_is_one(end: str) -> None:
    content = end.join(["", "email;points", "", "a@example.org;3", ""]).encode()
    assert [(row.line, row["email"], row["points"]) for row in read_table(content, MEANINGS).rows] == [(4, "a@example.org", "3")]  # fmt: skip
    assert [(row.line, row.email) for row in read_roster(content)[1]] == [(4, "a@example.org")]


@pytest.mark.parametrize("text", ["0412345", "412345", " 0412 345"])
def test_a_number_is_the_same_with_and_without_leading_zeros(text: str) -> None:
    assert plain_number(text) == "412345"


# ── whatever is written comes back, whatever comes is answered in words ──

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Co", "Cn"]), min_size=0, max_size=12)
TRICKY = st.sampled_from(["=1+1", "'=1", "'0079", "''0079", '="00123"', "-1", "+49 30", "@x", "a;b", "a,b", 'a"b', "'a", "sep=;", "x\ny", "_x0041_", " "])  # fmt: skip
COLUMNS = [Meaning(f"column {letter}", letter) for letter in "abc"]
TABLES = st.lists(st.tuples(ANY_TEXT | TRICKY, ANY_TEXT | TRICKY, ANY_TEXT | TRICKY), max_size=6)


def came_back(content: bytes, how: HowToRead | None = None) -> list[list[str]]:
    return [[row[column.name] for column in COLUMNS] for row in read_table(content, COLUMNS, how=how).rows]


def expected(rows: list[tuple[str, ...]]) -> list[list[str]]:
    cleaned = [[clean_text(cell) for cell in row] for row in rows]
    return [row for row in cleaned if any(row)]


@bounds(deadline=None, max_examples=60)
@given(TABLES, st.sampled_from(["en", "de"]), st.sampled_from(["utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]))
def test_what_is_written_as_csv_reads_back_the_same(rows: list[tuple[str, ...]], language: str, encoding: str) -> None:
    text = b"".join(write_csv([column.name for column in COLUMNS], rows, language=language)).decode("utf-8-sig")
    assert came_back(text.encode(encoding)) == expected(rows)


@bounds(deadline=None, max_examples=60)
@given(TABLES, st.sampled_from(["en", "de"]), st.sampled_from(["cp1252", "mac-roman", "cp1250", "cp1254", "cp1251", "cp850", "cp852"]))  # fmt: skip
def test_what_an_office_saves_in_its_encoding_reads_back_by_that_encoding(
    rows: list[tuple[str, ...]], language: str, encoding: str
) -> None:
    text = b"".join(write_csv([column.name for column in COLUMNS], rows, language=language)).decode("utf-8-sig")
    content = text.encode(encoding, errors="replace")
    kept = [
        tuple(cell.encode(encoding, errors="replace").decode(encoding) for cell in map(clean_text, row)) for row in rows
    ]
    assert came_back(content, HowToRead(encoding=encoding)) == [list(row) for row in kept if any(row)]


# Each example is read by a process of its own.
@pytest.mark.real
@bounds(deadline=None, max_examples=25)
@given(TABLES)
def test_what_is_written_as_xlsx_reads_back_the_same(rows: list[tuple[str, ...]]) -> None:
    assert came_back(b"".join(write_xlsx([column.name for column in COLUMNS], rows))) == expected(rows)


GARBAGE = st.one_of(
    st.binary(max_size=400),
    st.text(max_size=200).map(lambda text: text.encode(errors="replace")),
    st.text(string.printable + "ßé€;\t\"'", max_size=300).map(lambda text: text.encode("cp1252", errors="replace")),
    st.binary(max_size=200).map(lambda tail: b"PK\x03\x04" + tail),
    st.binary(max_size=60).map(lambda tail: b"e-mail;points\n" + tail),
)


# Each example is read by a process of its own.
@pytest.mark.real
@bounds(deadline=None, max_examples=150)
@given(
    GARBAGE,
    st.sampled_from(["", *LABELS, "nonsense"]),
    st.dictionaries(st.sampled_from([meaning.name for meaning in MEANINGS]), st.integers(-2, 300), max_size=3),
)
def test_any_garbage_is_answered_in_words(content: bytes, encoding: str, columns: dict[str, int]) -> None:
    try:
        read: Table | str = read_table(content, MEANINGS, how=HowToRead(encoding, columns))
    except RuleViolation as violation:
        read = str(violation.message)
    assert read


@bounds(deadline=None, max_examples=100)
@given(st.text(max_size=20) | st.from_regex(r"[-+]?[0-9.,' eE]{1,14}", fullmatch=True))
def test_any_cell_is_a_number_or_words(text: str) -> None:
    with translation.override("de"):
        try:
            read = str(read_number(text))
        except RuleViolation as violation:
            read = str(violation.message)
    assert re.fullmatch(r"[-0-9.E+]+|„.*“ ist .*", read, re.DOTALL)
