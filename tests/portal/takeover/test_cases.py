"""Small pages of every form that once failed, with their right values."""

from datetime import date, time
from pathlib import Path

import pytest

from amls.portal.takeover.course_files import read_course_file
from amls.portal.takeover.sources import read_source
from amls.portal.takeover.understanding.interpret import understand
from amls.portal.takeover.understanding.results import Answers, Understood

CASES = Path(__file__).parent / "cases"
TODAY = date(2024, 9, 1)


def read(name: str, answers: Answers | None = None) -> Understood:
    (path,) = CASES.glob(f"{name}*")
    return understand(read_source(path.read_bytes(), name=path.name), answers, today=TODAY)


def sessions(understood: Understood) -> list[tuple[str, str, str]]:
    return [
        (
            session.number,
            _when(session.day, session.begins, session.ends),
            f"{session.title} ({session.room})" if session.room else session.title,
        )
        for session in understood.sessions
    ]


def _when(day: date | None, begins: time | None, ends: time | None) -> str:
    if day is None:
        return "open"
    return f"{day} {begins:%H:%M}-{ends:%H:%M}" if begins and ends else str(day)


def asked(understood: Understood) -> set[str]:
    return {question.id for question in understood.open_questions}


IN = " (H 0107)"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("03", [("", "2024-04-16 10:00-12:00", "Introduction" + IN), ("", "2024-04-23 10:00-12:00", "Caching" + IN)]),
        ("04", [("", "2024-04-16 10:00-12:00", "Introduction" + IN), ("", "2024-04-23 10:00-12:00", "Caching" + IN)]),
        ("10", [("01", "2022-01-03 15:15-16:45", "One" + IN), ("02", "2022-03-07 15:15-16:45", "Two" + IN)]),
        (
            "11",
            [
                ("01", "2024-09-03 10:00-12:00", "One" + IN),
                ("02", "2024-09-05 14:00-16:00", "Two (H 1028)"),
                ("03", "2024-09-10 10:00-12:00", "Three" + IN),
            ],
        ),
        ("13", [("01", "2022-02-01 13:00-14:30", "One" + IN)]),
        ("15", [("01", "2022-10-25 16:15-17:45", "Einführung" + IN), ("02", "2022-11-08 16:15-17:45", "Anfragen" + IN)]),
        ("17", [("01", "2024-04-16 10:00-12:00", "Introduction" + IN), ("02", "2024-04-23 10:00-12:00", "Caching" + IN)]),
        (
            "18",
            [
                ("01", "2024-04-16 10:00-12:00", "Introduction" + IN),
                ("02", "open", "Caching"),
                ("03", "2024-04-30 10:00-12:00", "Serving" + IN),
            ],
        ),
        ("19", [("", "2024-04-16 10:00-12:00", "Introduction" + IN), ("", "2024-04-23 10:00-12:00", "Caching" + IN)]),
        ("20", [("01", "2024-04-16 10:00-12:00", "Introduction" + IN)]),
        (
            "22",
            [
                ("", "2024-04-16 10:15-11:45", "Toy Course" + IN),
                ("", "2024-04-23 10:15-11:45", "Toy Course" + IN),
                ("", "2024-04-30 10:15-11:45", "Toy Course" + IN),
            ],
        ),
        (
            "23",
            [
                ("", "2024-04-16 10:00-12:00", "Entity Resolution" + IN),
                ("", "2024-04-23 10:00-12:00", "Entity Resolution" + IN),
            ],
        ),
        ("26", [("01", "2024-09-03 10:00-12:00", "Introduction" + IN)]),
        ("27", [("1", "2024-04-16 10:00-12:00", "Introduction" + IN), ("2", "2024-04-23 10:00-12:00", "Caching" + IN)]),
        ("29", [("01", "2024-09-17 10:00-12:00", "Introduction" + IN)]),
        ("30", [("01", "2024-04-16 10:00-12:00", "Introduction" + IN), ("02", "2024-04-23 10:00-12:00", "Caching" + IN)]),
    ],
)  # fmt: skip
def test_every_form_comes_in(name: str, expected: list[tuple[str, str, str]]) -> None:
    understood = read(name)
    assert sessions(understood) == expected
    assert understood.warnings == ()


@pytest.mark.parametrize(
    ("name", "questions"),
    [
        ("01", {"slots"}),
        ("05", {"title", "term", "zone", "slots"}),
        ("06", {"zone", "first-week"}),
        ("21", {"title", "term", "zone", "slots"}),
        ("28", {"zone", "first-week"}),
    ],
)
def test_what_is_missing_for_all_rows_is_asked_once(name: str, questions: set[str]) -> None:
    assert asked(read(name)) == questions


def test_the_questions_are_answered_by_values_and_then_gone() -> None:
    answers = {"title": "Toy", "term": "SS2024", "zone": "Europe/Paris", "slots": "tuesday 10:15-11:45"}
    understood = read("05", answers)
    assert asked(understood) == set()
    assert (understood.title, understood.term, understood.zone) == ("Toy", "SS2024", "Europe/Paris")
    assert sessions(understood)[0] == ("", "2024-04-16 10:15-11:45", "Introduction" + IN)
    weeks = read("06", {"zone": "America/New_York", "first-week": "2024-09-02"})
    assert asked(weeks) == set()
    assert sessions(weeks) == [
        ("", "2024-09-03 10:00-12:00", "Introduction" + IN),
        ("", "2024-09-10 10:00-12:00", "Caching" + IN),
    ]
    assert [(free_day.day, free_day.last) for free_day in weeks.free_days] == [(date(2024, 9, 16), date(2024, 9, 22))]


def test_how_lectures_without_a_time_are_asked_for() -> None:
    (question,) = read("01").open_questions
    assert question.words == "2 lectures have dates but no time. When do they meet?"
    assert (question.preset, question.concerns, question.kind) == ("tuesday", 2, "slots")


def test_free_days_deadlines_and_exams_are_none_of_the_lectures() -> None:
    understood = read("12")
    assert [session.title for session in understood.sessions] == ["Introduction", "Caching"]
    assert [(free_day.day, free_day.title) for free_day in understood.free_days] == [(date(2024, 9, 10), "Labor Day")]
    assert [(deadline.day, deadline.title, deadline.at) for deadline in understood.deadlines] == [
        (date(2024, 9, 20), "HW 1", None)
    ]
    assert [(exam.day, exam.title, exam.begins) for exam in understood.exams] == [
        (date(2024, 9, 17), "Midterm exam", time(10))
    ]
    table = read("02")
    assert [session.title for session in table.sessions] == ["Introduction", "Caching"]
    assert [(free_day.day, free_day.title) for free_day in table.free_days] == [(date(2024, 9, 10), "holiday")]
    assert [(exam.day, exam.title) for exam in table.exams] == [(date(2024, 9, 17), "Midterm")]


def test_a_german_page() -> None:
    understood = read("14")
    assert sessions(understood) == [
        ("01", "2022-10-25 16:15-17:45", "Einführung" + IN),
        ("02", "2022-11-08 16:15-17:45", "Anfragen" + IN),
    ]
    assert [(person.role, person.name) for person in understood.people] == [("lecturer", "Prof. Dr. Erika Muster")]
    assert [(exam.day, exam.begins, exam.room) for exam in understood.exams] == [(date(2023, 2, 16), time(10), "HS 1")]
    assert [(deadline.day, deadline.at) for deadline in understood.deadlines] == [(date(2023, 1, 31), time(23, 59))]
    assert (understood.zone, understood.language) == ("Europe/Berlin", "de")


def test_several_deadlines_exams_and_people() -> None:
    understood = read("16")
    assert [(deadline.title, deadline.day, deadline.at) for deadline in understood.deadlines] == [
        ("Homework 1", date(2024, 9, 20), time(23, 59)),
        ("Homework 2", date(2024, 10, 20), time(23, 59)),
        ("report", date(2024, 12, 15), time(23, 59)),
    ]
    assert understood.projects is not None
    assert str(understood.projects.submission_deadline) == "2024-12-01 23:59:00"
    assert [(exam.title, exam.day, exam.begins) for exam in understood.exams] == [
        ("Midterm", date(2024, 10, 15), time(10)),
        ("Final exam", date(2024, 12, 18), time(9)),
    ]
    assert [(person.role, person.name) for person in understood.people] == [
        ("lecturer", "Prof. Ann Example"),
        ("assistant", "Bo One"),
        ("assistant", "Cy Two"),
        ("assistant", "Di Three"),
    ]


def test_exercises_and_labs_have_their_kind_and_time() -> None:
    understood = read("24")
    assert [(session.kind, session.day, session.begins, session.room) for session in understood.sessions] == [
        ("lecture", date(2024, 4, 16), time(10), "H 0107"),
        ("exercise", date(2024, 4, 18), time(14), "H 1028"),
        ("lab", date(2024, 4, 25), time(14), "H 1028"),
    ]


def test_exams_in_sentences_and_one_that_is_said_twice() -> None:
    assert [(exam.title, exam.day, exam.begins, exam.minutes, exam.room) for exam in read("25").exams] == [
        ("midterm", date(2024, 6, 4), time(10), None, "H 0104"),
        ("Written exam", date(2024, 7, 23), time(10), 120, "H 0105"),
        ("Second exam", date(2024, 10, 1), time(14), None, ""),
    ]


def test_a_zone_is_named_or_asked_for() -> None:
    assert (read("26").zone, asked(read("26"))) == ("America/New_York", set())
    assert (read("11").zone, asked(read("11"))) == ("", {"zone"})
    assert read("03").zone == "Europe/Berlin"
    assert read_course_file((CASES / "33-tz.toml").read_bytes(), today=TODAY).timezone == "America/New_York"


def test_the_pages_of_real_courses_with_two_weekdays() -> None:
    understood = read("32")
    assert [session.day for session in understood.sessions] == [
        date(2025, month, day)
        for month, day in [(4, 7), (4, 10), (4, 14), (4, 17), (4, 24), (4, 28), (5, 8), (5, 12), (5, 15), (5, 19)]
    ]
    assert {session.begins for session in understood.sessions} == {time(13, 30)}
    assert {session.number: session.room for session in understood.sessions if session.room != "L-E.03"} == {
        "02": "HS 1",
        "07": "L-1.02",
    }
    assert [session.kind for session in understood.sessions] == ["lecture"] * 6 + ["exercise"] + ["lecture"] * 3
    assert sessions(read("31")) == [("", when, title) for _number, when, title in sessions(understood)]
    easter = read("fixed-hpi")
    assert [session.room for session in easter.sessions] == ["L-E.03", "HS 1", "L-E.03"]
    assert [(free_day.day, free_day.title) for free_day in easter.free_days] == [(date(2025, 4, 21), "Easter")]
    assert sessions(read("fixed2-hpi")) == sessions(easter)
    assert len(read("fixed3-hpi").sessions) == 3


def test_the_pages_of_real_courses_of_a_winter() -> None:
    first = read("fixed-adbs-ws2021")
    assert [session.number for session in first.sessions] == [f"{number:02}" for number in range(1, 13)]
    assert (first.sessions[0].day, first.sessions[-1].day) == (date(2020, 10, 7), date(2021, 1, 27))
    assert {(session.begins, session.ends, session.room) for session in first.sessions} == {
        (time(16), time(18), "HS i13")
    }
    assert [part.letter for part in first.parts] == ["A", "B", "C"]
    second = read("fixed-adbs-ws2324")
    assert (second.zone, second.term) == ("Europe/Vienna", "WiSe2023/24")
    assert [(session.number, session.day, session.begins) for session in second.sessions[:3]] == [
        ("01", date(2023, 10, 18), time(18)),
        ("02", date(2023, 12, 4), time(9, 30)),
        ("03", date(2023, 12, 4), time(11, 30)),
    ]


TUESDAY = date(2024, 9, 3)
DATES = {
    "03_09_2024_": TUESDAY, "03_09__": TUESDAY, "2024_09_03_": TUESDAY, "3_9_2024_": TUESDAY, "3_Sep_": TUESDAY, "3__Dez__": date(2024, 12, 3),
    "3__Mai_": date(2025, 5, 3), "3__Okt_": date(2024, 10, 3), "3__September_": TUESDAY, "5__M": date(2025, 3, 5), "9_3_.": TUESDAY,
    "9_3_24_": TUESDAY, "Di_03_09__": TUESDAY, "Di___3__Sept__2024_": TUESDAY, "Sep_3_5_": TUESDAY, "Sept__3_": TUESDAY,
    "September_3rd_": TUESDAY, "Tue_9_3_": TUESDAY, "Tue__Sept_3_": TUESDAY, "TBA_": None, "canceled_": None,
}  # fmt: skip


@pytest.mark.parametrize("name", DATES)
def test_every_way_to_write_a_day(name: str) -> None:
    (session,) = read(f"dates-date-{name}").sessions
    assert (session.number, session.title, session.day) == ("01", "One", DATES[name])
    assert session.is_cancelled == (name == "canceled_")


@pytest.mark.parametrize(
    ("name", "times"),
    [
        ("Sep_3__10_12_", (time(10), time(12))),
        ("Sep_3__10_15_11_45_", (time(10, 15), time(11, 45))),
        ("Sep_3__10_15___11_45_Uhr_", (time(10, 15), time(11, 45))),
        ("Sep_3__10_Uhr_", (time(10), time(12))),
        ("Sep_3__10h15_", (time(10, 15), time(12, 15))),
    ],
)
def test_every_way_to_write_a_time(name: str, times: tuple[time, time]) -> None:
    (session,) = read(f"dates-date-{name}").sessions
    assert (session.day, (session.begins, session.ends), session.room) == (TUESDAY, times, "H 0107")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Folien__Video_", ("H 0107", "in_person", "lecture", ("slides", "recording"))),
        ("Gates_B1_", ("Gates B1", "in_person", "lecture", ())),
        ("HS_i10_", ("HS i10", "in_person", "lecture", ())),
        ("Room_54_100_", ("54-100", "in_person", "lecture", ())),
        ("YouTube_", ("H 0107", "in_person", "lecture", ("recording",))),
        ("Zoom_", ("", "virtual", "lecture", ())),
        ("exercise_", ("H 0107", "in_person", "exercise", ())),
        ("html_", ("H 0107", "in_person", "lecture", ("other",))),
        ("slides__notes_", ("H 0107", "in_person", "lecture", ("slides", "notes"))),
        ("slides__recording_", ("H 0107", "in_person", "lecture", ("slides", "recording"))),
    ],
)
def test_everything_else_that_stands_beside_a_day(name: str, expected: tuple[str, str, str, tuple[str, ...]]) -> None:
    understood = read(f"dates-date-Sep_3__{name}")
    (session,) = understood.sessions
    details = (session.room, session.mode, session.kind, tuple(material.kind for material in session.materials))
    assert (session.day, session.begins, details) == (TUESDAY, time(10), expected)
    assert understood.warnings == ()


TERMS = {
    "2020W_": ("2020W", 2020), "2024_25_": ("2024/25", 2024), "Autumn": ("Autumn 2024", 2024), "F24_": ("F24", 2024), "FS2024_": ("FS2024", 2024),
    "Fall": ("Fall '24", 2024), "HWS": ("HWS 2024", 2024), "Herbst": ("Herbst 2024", 2024), "January": ("January 2022", 2022),
    "Michaelmas": ("Michaelmas 2024", 2024), "Q1": ("Q1 2024", 2024), "Semester_1": ("Semester 1, 2024", 2024), "SoSe": ("SoSe 24", 2024),
    "Sommersemester": ("Sommersemester 2024", 2024), "Spring": ("Spring Semester 2024", 2024), "T2": ("T2 2024", 2024), "WS_": ("WS 2015/2016", 2015),
    "WiSe": ("WiSe 23/24", 2023), "Wintersemester": ("Wintersemester 2023/24", 2023), "ws23_": ("ws23", 2023),
}  # fmt: skip


@pytest.mark.parametrize("name", TERMS)
def test_every_way_to_name_a_term(name: str) -> None:
    understood = read(f"term-{name}")
    label, year = TERMS[name]
    assert (understood.title, understood.term) == ("Toy Course", label)
    assert [session.day for session in understood.sessions] == [date(year, 10, 1)]
