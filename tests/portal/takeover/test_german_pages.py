"""What a German course page says of cancelled lectures, rooms, exams and their review."""

from datetime import date, datetime

import pytest

from amls.portal.takeover.joining import to_spec
from amls.portal.takeover.sources import read_source
from amls.portal.takeover.spec import CourseSpec, FreeDaySpec
from amls.portal.takeover.understanding.deciding import free_title
from amls.portal.takeover.understanding.heads import is_no_title
from amls.portal.takeover.understanding.interpret import understand
from amls.portal.takeover.understanding.results import Answers, Understood
from amls.portal.takeover.understanding.rooms import mode_of, place_of

pytestmark = pytest.mark.unit

HEAD = "Datenbanksysteme Wintersemester 2026/27\nVorlesung: Mi 10:00-12:00, H 0104\n"
TABLE = "Nr | Datum | Thema | Raum | Bemerkung\n1 | 14.10. | Einführung | H 0104 |\n"


def page(text: str, head: str = HEAD) -> CourseSpec:
    return to_spec(understand(read_source(f"{head}{text}\n", name="page.txt"), today=date(2026, 9, 1)), slug="dbs")


def table(*rows: str) -> CourseSpec:
    return page(TABLE + "\n".join(rows))


@pytest.mark.parametrize(
    ("remark", "state", "abstract"),
    [
        ("entfällt", "cancelled", ""),
        ("fällt krankheitsbedingt aus", "cancelled", ""),
        ("Vorlesung entfällt", "cancelled", "Vorlesung entfällt"),
        ("entfällt wegen Dienstreise", "cancelled", "entfällt wegen Dienstreise"),
        # What is cancelled is something else.
        ("Übung entfällt", "planned", "Übung entfällt"),
        ("keine Übung", "planned", "keine Übung"),
    ],
)
def test_a_lecture_with_a_remark_that_it_is_cancelled_is_a_cancelled_lecture(
    remark: str, state: str, abstract: str
) -> None:
    spec = table(f"2 | 21.10. | Normalformen | H 0104 | {remark}", "3 | 28.10. | SQL | H 0104 |")
    assert [(row.number, row.title, row.state, row.abstract) for row in spec.lectures] == [
        ("1", "Einführung", "planned", ""), ("2", "Normalformen", state, abstract), ("3", "SQL", "planned", ""),
    ]  # fmt: skip
    assert spec.free_days == ()


def test_a_list_says_the_same_of_a_cancelled_lecture() -> None:
    spec = page("1 Einführung [14.10.]\n2 Normalformen [21.10., entfällt]")
    assert [(row.title, row.state) for row in spec.lectures] == [
        ("Einführung", "planned"), ("Normalformen", "cancelled"),
    ]  # fmt: skip


def test_a_holiday_with_such_a_remark_is_a_day_without_class() -> None:
    spec = table("- | 11.11. | Dies academicus | | entfällt", "- | 18.11. | Projektwoche | | keine Vorlesung")
    assert spec.free_days == (
        FreeDaySpec(date=date(2026, 11, 11), title="Dies academicus"),
        FreeDaySpec(date=date(2026, 11, 18), title="Projektwoche"),
    )
    assert [row.title for row in spec.lectures] == ["Einführung"]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Weihnachtspause (vorlesungsfrei)", "Weihnachtspause"),
        ("No class (Labor Day)", "Labor Day"),
        ("Labor Day (no class)", "Labor Day"),
        ("Ferien (bis 2. Januar)", "Ferien (bis 2. Januar)"),
        ("keine Vorlesung: Projektwoche (Campus)", "Projektwoche (Campus)"),
        ("[Pfingsten]", "Pfingsten"),
    ],
)
def test_a_day_without_class_is_called_by_its_reason(text: str, title: str) -> None:
    assert free_title(text) == title


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("Klausur: 18.02.2027, 10–12 Uhr, H 0104 und H 0105", "H 0104, H 0105"),
        ("Klausur: 18.02.2027, 10–12 Uhr (H 0104, H 0105)", "H 0104, H 0105"),
        ("Klausur: 18.02.2027, 10–12 Uhr, H0104, MA 001 und EB 301", "H 0104, MA 001, EB 301"),
        ("Klausur: 18.02.2027, 10–12 Uhr, H 0104. Anmeldung bis 11.02.2027", "H 0104"),
        ("Klausur: 18.02.2027, 10–12 Uhr, H 0104, 90 Minuten", "H 0104"),
        ("Die Klausur ist am 18.02.2027, 10–12 Uhr in H 0104 und H 0105.", "H 0104 und H 0105"),
        ("- Klausur [18.02.2027, 10-12, H 0104, H 0105]", "H 0104, H 0105"),
        ("Klausur: 18.02.2027, 10–12 Uhr", ""),
    ],
)
def test_an_exam_is_in_all_rooms_that_are_named(line: str, place: str) -> None:
    (exam,) = page(f"1 Einführung [14.10.]\n{line}").exams
    assert (exam.starts_at, exam.duration_minutes, exam.title, exam.place) == (
        datetime(2027, 2, 18, 10), 120, "", place,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "titles"),
    [
        (("1. Klausur: 18.02.2027, 10–12 Uhr", "2. Klausur (Nachklausur): 07.04.2027, 10–12 Uhr"), ("1. Klausur", "2. Klausur (Nachklausur)")),
        (("- 1. Klausur [18.02.2027, 10-12]", "- 2. Klausur [07.04.2027, 10-12]"), ("1. Klausur", "2. Klausur")),
        (("Die 1. Klausur ist am 18.02.2027, 10-12 Uhr. Die 2. Klausur ist am 07.04.2027, 10-12 Uhr.",), ("1. Klausur", "2. Klausur")),
        (("Klausur: 18.02.2027, 10–12 Uhr", "Nachklausur: 07.04.2027, 10–12 Uhr"), ("", "Nachklausur")),
        (("Klausur (Haupttermin): 18.02.2027, 10–12 Uhr", "Klausur (Nachtermin): 07.04.2027, 10–12 Uhr"), ("Klausur (Haupttermin)", "Klausur (Nachtermin)")),
    ],
)  # fmt: skip
def test_two_exams_are_told_apart(lines: tuple[str, ...], titles: tuple[str, ...]) -> None:
    spec = page("\n".join(["1 Einführung [14.10.]", *lines]))
    assert [(exam.title, exam.starts_at.date()) for exam in spec.exams] == [
        (titles[0], date(2027, 2, 18)), (titles[1], date(2027, 4, 7)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        "Klausureinsicht: 04.03.2027, 13–14 Uhr, EN 731",
        "Einsicht in die Klausur am 04.03.2027, 13–14 Uhr in EN 731.",
        "- Klausureinsicht [04.03.2027, 13-14, EN 731]",
    ],
)
def test_the_review_is_that_of_the_exam_before_it(line: str) -> None:
    exams = ("Klausur: 18.02.2027, 10–12 Uhr", "Nachklausur: 07.04.2027, 10–12 Uhr")
    spec = page("\n".join(["1 Einführung [14.10.]", *exams, line]))
    assert [(exam.review_at, exam.review_minutes, exam.review_place) for exam in spec.exams] == [
        (datetime(2027, 3, 4, 13), 60, "EN 731"), (None, 60, ""),
    ]  # fmt: skip
    assert [row.title for row in spec.lectures] == ["Einführung"]


def test_the_review_of_an_exam_that_nobody_names_is_a_session_of_its_own() -> None:
    spec = page("1 Einführung [14.10.]\nKlausureinsicht: 03.03.2027, 13–14 Uhr, EN 731")
    assert [(row.title, row.kind, row.room, row.starts_at) for row in spec.lectures[1:]] == [
        ("Klausureinsicht", "other", "EN 731", datetime(2027, 3, 3, 13)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "title", "room", "mode"),
    [
        ("Fragestunde: 10.02.2027, 14–16 Uhr, EN 731", "Fragestunde", "EN 731", "in_person"),
        ("Fragestunde: 10.02.2027, 14–16 Uhr, EN 731 und EN 732", "Fragestunde", "EN 731, EN 732", "in_person"),
        ("Fragestunde: 10.02.2027, 14–16 Uhr (Zoom)", "Fragestunde", "", "virtual"),
        ("Gastvortrag: 10.02.2027, 14–16 Uhr, EN 731, Indexe und mehr", "Gastvortrag: Indexe und mehr", "EN 731", "in_person"),
    ],
)  # fmt: skip
def test_what_stands_behind_a_label_and_a_time_is_its_room_and_no_title(
    line: str, title: str, room: str, mode: str
) -> None:
    session = page(f"1 Einführung [14.10.]\n- {line}").lectures[1]
    assert (session.title, session.room, session.mode) == (title, room, mode)


@pytest.mark.parametrize(
    ("cell", "room", "mode"),
    [
        ("online (Zoom)", "", "virtual"), ("Zoom", "", "virtual"), ("online", "", "virtual"), ("Online via Zoom", "", "virtual"),
        ("H 0104", "H 0104", ""), ("H0104 / Zoom", "H 0104", "hybrid"), ("hybrid (H 0104)", "H 0104", "hybrid"),
        ("H 0104 und H 0105", "H 0104 und H 0105", ""), ("H 0104 (in Präsenz)", "H 0104", "in_person"),
        ("Labor hinter der Bibliothek", "Labor hinter der Bibliothek", ""),
    ],
)  # fmt: skip
def test_a_cell_of_rooms_may_name_the_mode(cell: str, room: str, mode: str) -> None:
    assert place_of(cell) == (room, mode)
    assert mode_of(cell) == (mode if not room else "")


@pytest.mark.parametrize("second", ["Wintersemester 2026/27 · Modul 40123 · 6 LP", "WS 2026/27, Modulnr. 40123, 4 SWS"])
def test_a_title_above_the_line_of_the_term_is_the_title(second: str) -> None:
    spec = page(
        "1 Einführung [14.10.]", head=f"Datenbanksysteme und Informationssysteme\n{second}\nVL: Mi 10-12, H 0104\n"
    )
    assert (spec.title, spec.term.endswith("2026/27")) == ("Datenbanksysteme und Informationssysteme", True)


@pytest.mark.parametrize("title", ["CSE 4820", "Module theory", "Modulare Software", "Kurs 1: Datenbanken"])
def test_what_only_looks_like_a_number_of_a_module_is_a_title(title: str) -> None:
    assert not is_no_title(title)


# ── a weekly time without dates ──

WEEKLY = (
    "Datenbanksysteme Wintersemester 2026/27\nVorlesung: Mi 10:00-12:00, H 0104\nÜbung: Fr 14:00-16:00, EN 731\n"
    "1 Einführung [14.10.]\n2 SQL [21.10.]\n3 Tuning [11.11.]\n06.11.: Projektwoche, keine Vorlesung\n"
    "Fragestunde: 10.02.2027, 14–16 Uhr, EN 731\n"
)


EACH_WEEK = {"weekly:exercise": "each-week"}


def weekly(answers: Answers, text: str = WEEKLY) -> Understood:
    return understand(read_source(text, name="page.txt"), answers, today=date(2026, 9, 1))


def exercises(understood: Understood) -> list[tuple[str, str, str]]:
    return [
        (session.number, f"{session.day} {session.begins:%H:%M}", session.room)
        for session in understood.sessions
        if session.kind == "exercise"
    ]


EXERCISES = [
    ("1", "2026-10-16 14:00", "EN 731"), ("2", "2026-10-23 14:00", "EN 731"),
    ("3", "2026-10-30 14:00", "EN 731"), ("4", "2026-11-13 14:00", "EN 731"),
]  # fmt: skip


def test_exercises_of_a_weekly_time_are_made_for_each_week_where_somebody_wants_them() -> None:
    before = weekly({})
    (question,) = (question for question in before.questions if question.id == "weekly:exercise")
    assert (question.must, [value for value, _label in question.choices]) == (False, ["each-week", "none"])
    assert "Mon 12 Oct 2026 to Sun 15 Nov 2026" in question.words
    assert exercises(before) == []
    after = weekly(EACH_WEEK)
    assert exercises(after) == EXERCISES
    assert {session.title for session in after.sessions if session.kind == "exercise"} == {"Übung"}
    for answered, made in ((after, EXERCISES), (weekly({"weekly:exercise": "none"}), [])):
        assert "weekly:exercise" not in {question.id for question in answered.questions}
        assert exercises(answered) == made


def test_one_of_them_is_corrected_like_any_row() -> None:
    corrections = {"drop:weekly-exercise-2026-10-23": "1", "room:weekly-exercise-2026-10-30": "H 1"}
    changed = weekly(EACH_WEEK | corrections)
    assert exercises(changed) == [EXERCISES[0], ("3", "2026-10-30 14:00", "H 1"), EXERCISES[3]]


def test_nothing_is_asked_where_the_exercises_have_dates_or_nothing_has() -> None:
    dated = WEEKLY + "Übung 1: Joins [16.10.]\n"
    assert "exercise" in {session.kind for session in weekly({}, dated).sessions}
    without = "\n".join(WEEKLY.splitlines()[:3])
    for text in (dated, without):
        assert "weekly:exercise" not in {question.id for question in weekly({}, text).questions}


def test_exercises_of_two_weekdays_have_no_numbers() -> None:
    both = weekly(EACH_WEEK, WEEKLY.replace("Übung: Fr", "Übung: Do 14:00-16:00, EN 731\nÜbung: Fr"))
    assert [(number, when[:10]) for number, when, _room in exercises(both)][:3] == [
        ("", "2026-10-15"), ("", "2026-10-16"), ("", "2026-10-22"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("Weihnachtspause 21.12.2026 - 02.01.2027", "Weihnachtspause"),
        ("Weihnachtsferien: 21.12.2026 – 02.01.2027", "Weihnachtsferien"),
        ("- Weihnachtspause vom 21.12. bis zum 02.01.", "Weihnachtspause"),
        ("vorlesungsfrei 21.12.2026 bis 02.01.2027", "vorlesungsfrei"),
        ("vorlesungsfrei vom 21.12.2026 bis einschließlich 02.01.2027", "vorlesungsfrei"),
        ("Vorlesungsfrei vom 21. Dezember 2026 bis 2. Januar 2027 (Weihnachten)", "Weihnachten"),
        ("Die Vorlesung entfällt vom 21.12.2026 bis 02.01.2027.", "Vorlesung entfällt"),
        ("Vom 21.12.2026 bis 02.01.2027: Weihnachtspause", "Weihnachtspause"),
        ("21.12.2026 - 02.01.2027 Weihnachtspause", "Weihnachtspause"),
        ("Christmas break: Dec 21, 2026 - Jan 2, 2027", "Christmas break"),
    ],
)
def test_a_break_is_read_with_its_name_before_or_behind_its_dates(line: str, title: str) -> None:
    # Said twice it is one.
    spec = page(f"1 Einführung [14.10.]\n{line}\n\nWeihnachten beachten!\n{line}")
    assert spec.free_days == (FreeDaySpec(date=date(2026, 12, 21), last=date(2027, 1, 2), title=title),)
    assert [row.title for row in spec.lectures] == ["Einführung"]


@pytest.mark.parametrize(
    "line", ["Keine Vorlesung am 08.03.2027 (Frauentag)", "Am 08.03.2027 keine Vorlesung (Frauentag)"]
)
def test_a_day_without_class_is_read_behind_that_there_is_none(line: str) -> None:
    assert page(f"1 Einführung [14.10.]\n{line}").free_days == (FreeDaySpec(date=date(2027, 3, 8), title="Frauentag"),)


@pytest.mark.parametrize(
    "line",
    [
        "Die Übung am 30.10.2026 entfällt", "SQL entfällt am 21.10.2026", "Sprechstunde entfällt am 21.10.2026",
        "In der Weihnachtspause (21.12.2026 - 02.01.2027) gibt es keine Sprechstunde von Prof. Şahin, aber ein Forum.",
        "Keine Vorlesung am 08.03.2027. Die Einschreibung endet am 10.03.2027.", "Vorlesungszeit: 12.10.2026 - 13.02.2027",
    ],
)  # fmt: skip
def test_what_is_no_break_of_the_whole_course_is_none(line: str) -> None:
    assert page(f"1 Einführung [14.10.]\n{line}").free_days == ()
