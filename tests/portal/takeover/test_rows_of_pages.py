"""What single rows of course pages say: what is due beside a session, what is cancelled, on which day."""

from datetime import date, time

import pytest

from amls.portal.takeover.sources import read_source
from amls.portal.takeover.understanding.interpret import understand
from amls.portal.takeover.understanding.results import Understood

pytestmark = pytest.mark.unit

ENGLISH = "Compilers Fall 2026\n\nLectures: MWF 9:05-9:55am, Gates G01\n\n"
GERMAN = "Datenbanken, Wintersemester 2026/27\nVorlesung: Do 10:15-11:45 Uhr, HS 3\nÜbung: Mo 14:00-15:30, SR 236\n\n"


def read(text: str, head: str = ENGLISH) -> Understood:
    return understand(read_source(f"{head}{text}\n", name="page.txt"), today=date(2026, 9, 1))


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
