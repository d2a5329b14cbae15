"""What single rows of course pages say: what is due beside a session, what is cancelled, on which day."""

from datetime import date, time
from pathlib import Path

import pytest
from openpyxl import Workbook

from amls.portal.takeover.sources import read_source
from amls.portal.takeover.understanding.interpret import understand
from amls.portal.takeover.understanding.results import NOT_UNDERSTOOD, Understood

pytestmark = pytest.mark.unit

ENGLISH = "Compilers Fall 2026\n\nLectures: MWF 9:05-9:55am, Gates G01\n\n"
GERMAN = "Datenbanken, Wintersemester 2026/27\nVorlesung: Do 10:15-11:45 Uhr, HS 3\nÜbung: Mo 14:00-15:30, SR 236\n\n"


def read(text: str, head: str = ENGLISH, name: str = "page.txt") -> Understood:
    return understand(read_source(f"{head}{text}\n", name=name), today=date(2026, 9, 1))


def held(understood: Understood) -> list[tuple[str, str, bool]]:
    return [(session.kind, session.title, session.is_cancelled) for session in understood.sessions]


def due(understood: Understood) -> list[tuple[date | None, time | None, str]]:
    return [(deadline.day, deadline.at, deadline.title) for deadline in understood.deadlines]


@pytest.mark.parametrize(
    ("row", "title", "what", "at"),
    [
        ("- Sep 4: LL(1) (PA1 due)", "LL(1)", "PA1", None),
        ("- Sep 4: LL(1); HW 1 due", "LL(1)", "HW 1", None),
        ("- Sep 4, 9:05: LL(1); HW 1 due at 5pm", "LL(1)", "HW 1", time(17)),
        ("- Sep 4 (F): Parsing II: LR(0), SLR — PA1 due 11:59pm", "Parsing II: LR(0), SLR", "PA1", time(23, 59)),
        ("- Sep 4: Joins. Homework 3 due at 5pm", "Joins", "Homework 3", time(17)),
        ("- Sep 4: Sorting, HW 4 due", "Sorting", "HW 4", None),
        ("Date | Topic\nSep 4 | LL(1); HW 1 due\nSep 9 | HW 2 due", "LL(1)", "HW 1", None),
    ],
)
def test_a_session_with_something_due_is_held(row: str, title: str, what: str, at: time | None) -> None:
    understood = read(row)
    assert held(understood) == [("lecture", title, False)]
    assert understood.sessions[0].begins == time(9, 5)
    assert due(understood)[-1 if "\n" not in row else 0] == (date(2026, 9, 4), at, what)


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("- Sep 4: HW 2 due", "HW 2"),
        ("- Sep 4: Assignment 1 - due Friday", "Assignment 1"),
        ("- Sep 4: Final project – report due", "Final project – report"),
        ("- Sep 4: HW 1; HW 2 due", "HW 1; HW 2"),
    ],
)
def test_what_is_only_due_is_no_session(row: str, what: str) -> None:
    understood = read(row)
    assert (held(understood), due(understood)) == ([], [(date(2026, 9, 4), None, what)])


@pytest.mark.parametrize(
    ("row", "title", "details"),
    [
        ("- Sep 4: Joins (cancelled)", "Joins", ""),
        ("- Sep 4: Cancelled: Joins", "Joins", ""),
        ("- Sep 4: ~~Joins~~ cancelled", "Joins", ""),
        ("- Sep 4: Lecture 5: Joins (cancelled)", "Joins", ""),
        ("- Sep 4: Joins (cancelled due to illness)", "Joins", "cancelled due to illness"),
        ("- Sep 4: Joins entfällt", "Joins", ""),
    ],
)
def test_a_session_that_is_cancelled_is_none_that_is_held(row: str, title: str, details: str) -> None:
    understood = read(row)
    assert held(understood) == [("lecture", title, True)]
    assert understood.sessions[0].details == details
    assert (understood.deadlines, understood.free_days) == ((), ())


@pytest.mark.parametrize(
    ("row", "title"),
    [
        ("- Sep 4: Class cancelled", "Class cancelled"),
        ("- Sep 4: cancelled", "cancelled"),
        ("- Sep 4 (F): no class", "no class"),
        ("- Sep 4: Labor Day, class cancelled", "Labor Day"),
        ("- Sep 4: entfällt (Dienstreise)", "Dienstreise"),
        ("Date | Topic | Remark\nSep 4 | Vorlesung fällt aus | krank", "krank"),
    ],
)
def test_a_day_of_which_no_topic_is_said_is_without_class(row: str, title: str) -> None:
    understood = read(row)
    assert understood.sessions == ()
    assert [(free_day.day, free_day.title) for free_day in understood.free_days] == [(date(2026, 9, 4), title)]


def test_what_is_cancelled_of_a_row_is_only_what_its_cell_says() -> None:
    understood = read(
        "Datum | Vorlesung | Übung | Bemerkung\n22.10. | Algebra | Ü1 |\n"
        "29.10. | Optimierung | entfällt (Dies academicus) |\n05.11. | Vorlesung fällt aus | Ü3 | krank\n"
        "12.11. | Joins | Ü4 entfällt |\n",
        GERMAN,
    )
    assert held(understood) == [
        ("lecture", "Algebra", False), ("exercise", "Ü1", False),
        ("lecture", "Optimierung", False), ("exercise", "Übung", True),
        ("lecture", "Vorlesung", True), ("exercise", "Ü3", False),
        ("lecture", "Joins", False), ("exercise", "Ü4", True),
    ]  # fmt: skip
    assert [session.details for session in understood.sessions if session.is_cancelled] == [
        "Dies academicus",
        "krank",
        "",
    ]
    assert understood.free_days == ()


def test_a_cancelled_exam_is_not_written_down_as_one() -> None:
    understood = read("- Sep 2: Joins\n- Sep 4: Midterm (cancelled)")
    assert understood.exams == ()
    assert understood.warnings == ("Line 6: an exam that is cancelled: - Sep 4: Midterm (cancelled)",)


def places(understood: Understood) -> list[tuple[str, str, time | None, time | None, str, str]]:
    return [
        (row.kind, f"{row.day:%a %d %b}", row.begins, row.ends, row.room, row.mode)
        for row in understood.sessions
        if row.day is not None
    ]


@pytest.mark.parametrize("heading", ["Übung (Mo)", "Übung"])
def test_what_has_a_column_of_its_own_is_held_on_its_own_weekday(heading: str) -> None:
    understood = read(f"Datum | Vorlesung (Do) | {heading}\nDo 22.10. | Algebra | Ü1\nFr 30.10. | SQL | Ü2", GERMAN)
    assert places(understood) == [
        ("lecture", "Thu 22 Oct", time(10, 15), time(11, 45), "HS 3", "in_person"),
        ("exercise", "Mon 19 Oct", time(14), time(15, 30), "SR 236", "in_person"),
        ("lecture", "Fri 30 Oct", time(10, 15), time(11, 45), "HS 3", "in_person"),
        ("exercise", "Mon 26 Oct", time(14), time(15, 30), "SR 236", "in_person"),
    ]


@pytest.mark.parametrize(
    ("row", "first", "last"),
    [
        ("Oct 10-13: Fall break", date(2026, 10, 10), date(2026, 10, 13)),
        ("Oct 10–13: Fall break", date(2026, 10, 10), date(2026, 10, 13)),
        ("Oct 10--13: Fall break", date(2026, 10, 10), date(2026, 10, 13)),
        ("Nov 25-29: Thanksgiving", date(2026, 11, 25), date(2026, 11, 29)),
        ("Nov 25 - 29 Thanksgiving", date(2026, 11, 25), date(2026, 11, 29)),
        ("Nov 26: Thanksgiving", date(2026, 11, 26), None),
    ],
)
def test_a_range_of_days_is_one_before_a_colon_too(row: str, first: date, last: date | None) -> None:
    (free_day,) = read(f"- Oct 9: Joins\n- {row}").free_days
    assert (free_day.day, free_day.last) == (first, last)


def test_a_number_of_a_lecture_behind_a_day_ends_no_range() -> None:
    (session,) = read("- Oct 9 - 12: Joins").sessions
    assert session.day == date(2026, 10, 9)


@pytest.mark.parametrize(
    ("line", "slots"),
    [
        ("MWF 9:05--9:55 AM, Gates G01", [(day, time(9, 5), time(9, 55), "Gates G01") for day in (0, 2, 4)]),
        ("Lecture: Tue 10:00 -- 11:15, Wean 7500", [(1, time(10), time(11, 15), "Wean 7500")]),
        ("Vorlesung: Di 14:00 (c.t.) – 15:30, HS 1", [(1, time(14, 15), time(15, 30), "HS 1")]),
        ("Vorlesung: Di 14:00-15:30, SR 236, Beginn in der 2. Woche", [(1, time(14), time(15, 30), "SR 236")]),
        ("Lectures: Tue 9:05-9:55am, Gates G01\nInstructor: Grace Hopper", [(1, time(9, 5), time(9, 55), "Gates G01")]),
        ("Sprechstunde Prof. Müller: Mi 13-14 Uhr, Raum 5", []),
    ],
)
def test_weekly_times_have_their_ends_and_rooms(line: str, slots: list[tuple[int, time, time, str]]) -> None:
    understood = read(f"{line}\n\n- Oct 9: Joins", "# Compilers Fall 2026\n\n", "page.md")
    assert [(slot.weekday, slot.begins, slot.ends, slot.room) for slot in understood.slots] == slots


@pytest.mark.parametrize(
    ("line", "hours"),
    [
        ("Sprechstunde Prof. Müller: Mi 13-14 Uhr, Raum 5", [("wednesday", time(13), "5")]),
        (
            "Office hours: Tue 2-3pm, Gates 412; Thu 4-5pm, Gates 414",
            [("tuesday", time(14), "Gates 412"), ("thursday", time(16), "Gates 414")],
        ),
        ("Office hours: Mon and Wed 2-3pm", [("monday", time(14), ""), ("wednesday", time(14), "")]),
    ],
)
def test_every_office_hour_is_kept_and_none_is_a_weekly_time(line: str, hours: list[tuple[str, time, str]]) -> None:
    understood = read(f"{line}\n\n- Oct 9: Joins", "Compilers Fall 2026\n\n")
    assert [(hour.weekday, hour.start, hour.room) for hour in understood.office_hours] == hours
    assert understood.slots == ()


@pytest.mark.parametrize(
    ("line", "room"),
    [
        ("Klausur: Di 23.02.2027, 9–11 Uhr, Audimax", "Audimax"),
        ("Klausur: Di 23.02.2027, 9-11 Uhr im Audimax", "Audimax"),
        ("- Feb 23, 2027: Mid-term exam, 9am-11am, Walker Gym", "Walker Gym"),
        ("- Feb 23, 2027: Mid-term exam, 9am-11am, Open Book", ""),
    ],
)
def test_an_exam_is_where_its_line_says(line: str, room: str) -> None:
    (exam,) = read(f"- Oct 9: Joins\n{line}").exams
    assert (exam.day, exam.begins, exam.minutes, exam.room) == (date(2027, 2, 23), time(9), 120, room)


@pytest.mark.parametrize(
    ("title", "remark", "held_as"),
    [
        ("Recovery (online)", "", ("Recovery", "09:05", "", "virtual")),
        ("Recovery (on Zoom only)", "", ("Recovery", "09:05", "", "virtual")),
        ("Recovery", "nur online (Zoom)", ("Recovery", "09:05", "", "virtual")),
        ("Recovery", "14:15–15:45 Uhr, SR 104", ("Recovery", "14:15", "SR 104", "in_person")),
        ("Recovery (7:30pm, Statler Aud)", "", ("Recovery", "19:30", "Statler Aud", "in_person")),
        # A topic, a chapter.
        ("Memory (virtual)", "", ("Memory (virtual)", "09:05", "Gates G01", "in_person")),
        ("Recovery (ARIES 2)", "Kapitel 3", ("Recovery (ARIES 2)", "09:05", "Gates G01", "in_person")),
    ],
)
def test_a_session_is_held_as_its_brackets_and_its_remark_say(
    title: str, remark: str, held_as: tuple[str, str, str, str]
) -> None:
    (session, _other) = read(f"Date | Topic | Remark\nOct 9 | {title} | {remark}\nOct 12 | Joins |").sessions
    assert (session.title, f"{session.begins:%H:%M}", session.room, session.mode) == held_as


def test_a_remark_says_what_is_due() -> None:
    understood = read("Datum | Thema | Bemerkung\n22.10. | Algebra | Abgabe Blatt 1 bis 28.10., 12 Uhr", GERMAN)
    assert due(understood) == [(date(2026, 10, 28), time(12), "Blatt 1")]


def test_a_workbook_is_called_by_its_first_cell_and_not_by_a_further_sheet(tmp_path: Path) -> None:
    book = Workbook()
    book.active.title = "SoSe27"
    for row in (["Mensch-Maschine-Interaktion, SoSe 2027"], ["Datum", "Thema"], ["13.04.2027", "Einführung"]):
        book.active.append(row)
    book.active.merge_cells("A1:B1")
    book.create_sheet("Notizen").append(["geheim: Noten"])
    book.save(tmp_path / "plan.xlsx")
    source = read_source((tmp_path / "plan.xlsx").read_bytes(), name="plan.xlsx")
    understood = understand(source, today=date(2026, 9, 1))
    assert understood.title == "Mensch-Maschine-Interaktion"
    assert [row.text for row in understood.lines if row.use == "ignored"] == ["Notizen", "geheim: Noten"]


SHEET = "Nr;Datum;Von;Bis;Raum;Titel\n"


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        ("10.15", "11.45"), ("10.15 Uhr", "11.45 Uhr"), ("10:15h", "11:45h"), ("10:15", "11:45"), ("10:15 Uhr", "11.45h"),
        ("0.427083333", "0,489583333"),
    ],
)  # fmt: skip
def test_times_of_a_table_are_read_as_germans_and_spreadsheets_write_them(begins: str, ends: str) -> None:
    understood = read(f"{SHEET}1;14.10.2026;{begins};{ends};H 0104;Größen", head="", name="plan.csv")
    assert [(row.day, row.begins, row.ends, row.title) for row in understood.sessions] == [
        (date(2026, 10, 14), time(10, 15), time(11, 45), "Größen")
    ]


def test_a_number_in_a_column_of_dates_is_the_day_of_a_spreadsheet() -> None:
    # 46309 is 14 October 2026.
    text = f"{SHEET}1;46309;10.15;11.45;H 0104;Einführung\n2;46316,427083;;11.45;H 0104;Şahin\n"
    understood = read(text, head="", name="plan.csv")
    assert [(row.day, row.begins, row.ends, row.room, row.title) for row in understood.sessions] == [
        (date(2026, 10, 14), time(10, 15), time(11, 45), "H 0104", "Einführung"),
        (date(2026, 10, 21), time(10, 15), time(11, 45), "H 0104", "Şahin"),
    ]


def test_the_number_of_a_day_on_which_something_is_due_is_read_too() -> None:
    understood = read("Datum;Thema;Blatt;Abgabe\n46309;Einführung;;46316", head="", name="plan.csv")
    assert [deadline.day for deadline in understood.deadlines] == [date(2026, 10, 21)]


@pytest.mark.parametrize("number", ["99999", "4613", "461330", "20261014", "36525"])
def test_a_number_that_is_no_day_is_told_at_its_line_and_no_open_date(number: str) -> None:
    text = f"{SHEET}1;46309;10.15;11.45;H 0104;Einführung\n2;{number};10.15;11.45;H 0104;SQL\n"
    understood = read(text, head="", name="plan.csv")
    assert [row.title for row in understood.sessions] == ["Einführung"]
    why = f"'{number}' is not a date, nor a spreadsheet's number of one; write it such as 18 Oct 2026"
    assert [(line.number, line.use) for line in understood.lines if line.what == why] == [(3, NOT_UNDERSTOOD)]
    assert any(warning.startswith(f"Line 3: {why}") for warning in understood.warnings)
    # Who says the day has the session.
    name = next(line.id for line in understood.lines if line.number == 3)
    source = read_source(text, name="plan.csv")
    mended = understand(source, {f"date:{name}": "2026-10-21"}, today=date(2026, 9, 1))
    assert [row.day for row in mended.sessions] == [date(2026, 10, 14), date(2026, 10, 21)]
