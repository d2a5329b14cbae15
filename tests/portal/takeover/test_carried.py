"""What of a term comes along into the next one: said before it is made, and last term's own only where somebody wants it."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from amls.portal.takeover.carried import SAFE, Choices, chosen, to_look_at
from amls.portal.takeover.rollover import shift_course
from amls.portal.takeover.spec import (
    AssignmentSpec,
    CourseSpec,
    GradingSpec,
    LectureSpec,
    MentorLimitSpec,
    SlotSpec,
    StaffSpec,
    TopicSpec,
)
from amls.portal.takeover.teaching import WEEK, TeachingWeeks

pytestmark = pytest.mark.unit

MONDAY, START = date(2026, 4, 13), date(2027, 4, 12)
TODAY = date(2026, 11, 30)


def lecture(number: int, **values: object) -> LectureSpec:
    day = datetime.combine(MONDAY + (number - 1) * WEEK, time(10))
    whole = {"starts_at": day, "ends_at": day + timedelta(hours=2), "room": "H 0104"}
    return LectureSpec(title=f"Thema {number}", number=str(number), **{**whole, **values})


GUEST = lecture(2, mode="virtual", call_in="https://zoom.example.org/gast-2026", call_in_public=True)
TUESDAY = lecture(3, starts_at=datetime(2026, 4, 28, 16), ends_at=datetime(2026, 4, 28, 17, 30), room="H 1")
OLD = CourseSpec(
    slug="dbs", title="Datenbanken für Größen: SS 2026", term="SS2026", enrolment_policy="code", enrolment_code="geheim",
    slots=(SlotSpec(weekday="monday", start=time(10), end=time(12), room="H 0104"),),
    staff=(StaffSpec(role="lecturer", name="Prof. Şahin O'Neill"), StaffSpec(role="assistant", name="Łukasz Größe")),
    lectures=(lecture(1), GUEST, TUESDAY, lecture(4), lecture(5), LectureSpec(title="Later")),
    topics=(TopicSpec(track="DB", title="B-Bäume", mentor="Łukasz Größe"),),
    assignments=(AssignmentSpec(title="Projekt", mentor_limits=(MentorLimitSpec(mentor="Łukasz Größe", most=2),)),),
    grading=GradingSpec(text="Bonus gilt nur im SS 2026."),
)  # fmt: skip


def rolled(choices: Choices = SAFE, *, old: CourseSpec = OLD, start: date = START) -> tuple[CourseSpec, list[str]]:
    new = shift_course(chosen(old, choices), new_slug="next", start=start)
    held = [(row.kind, day) for row in chosen(old, choices).lectures if (day := row.held_on)]
    weeks = (start - MONDAY) // WEEK
    teaching = TeachingWeeks(held, first=MONDAY, weeks=weeks, free=(), skip=(), slots=[("lecture", 0)])
    return new, to_look_at(old, new, teaching, choices, TODAY)


def test_links_and_the_code_of_the_old_term_stay_there_and_the_preview_says_so() -> None:
    new, said = rolled()
    assert [(row.call_in, row.call_in_public) for row in new.lectures] == [("", False)] * 6
    assert (new.enrolment_policy, new.enrolment_code) == ("closed", "")
    assert "Call-in links of single sessions stay in the old term: Lecture 2. Enter new ones." in said
    assert any(line.startswith("The old enrolment code does not come along") for line in said)


def test_who_wants_them_takes_links_along_and_is_told_which_are_open_for_everyone() -> None:
    new, said = rolled(Choices(keeps_call_in=True, enrolment_code="neu-2027"))
    assert (new.lectures[1].call_in, new.lectures[1].call_in_public) == (GUEST.call_in, True)
    assert (new.enrolment_policy, new.enrolment_code) == ("code", "neu-2027")
    assert "Open for everyone, without signing in: the call-in link of Lecture 2." in said
    assert not any("enrolment code" in line for line in said)
    _new, said = rolled(Choices(enrolment_code="geheim"))
    assert "The enrolment code is the old term's: whoever knows it from then can join." in said


def test_a_course_that_is_open_stays_so() -> None:
    new, said = rolled(old=replace(OLD, enrolment_policy="open", enrolment_code=""))
    assert new.enrolment_policy == "open"
    assert not any("enrolment code" in line for line in said)


def test_who_does_not_come_along_is_neither_on_the_page_nor_a_mentor() -> None:
    new, said = rolled(Choices(left_out=("Łukasz Größe",)))
    assert [person.name for person in new.staff] == ["Prof. Şahin O'Neill"]
    assert (new.topics[0].mentor, new.assignments[0].mentor_limits) == ("", ())
    assert "No longer named on the page: Łukasz Größe." in said
    assert "Without a mentor now: B-Bäume." in said
    assert "Named on the page: Prof. Şahin O'Neill, Łukasz Größe." in rolled()[1]


def test_what_was_moved_once_is_named_and_planned_in_its_slot_where_that_is_wanted() -> None:
    new, said = rolled()
    assert new.lectures[2].starts_at == datetime(2027, 4, 27, 16)
    assert any("Off the weekly slot as in the old term: Lecture 3 (Tue 27 Apr 2027, 16:00)." in line for line in said)
    new, said = rolled(Choices(to_slots=True))
    third = new.lectures[2]
    assert (third.starts_at, third.ends_at, third.room) == (
        datetime(2027, 4, 26, 10),
        datetime(2027, 4, 26, 12),
        "H 0104",
    )
    assert not any("Off the weekly slot" in line for line in said)


def test_texts_that_name_the_old_term_are_listed() -> None:
    _new, said = rolled()
    assert "Texts that name the old term's year come along as they are: Title, Grading. Correct them." in said
    new, said = rolled(Choices(title="Datenbanken für Größen"))
    assert new.title == "Datenbanken für Größen"
    assert "Texts that name the old term's year come along as they are: Grading. Correct them." in said


def test_an_exercise_that_runs_ahead_of_its_lectures_and_a_start_in_the_past_are_said() -> None:
    first, second = datetime(2026, 4, 17, 14), datetime(2026, 5, 8, 14)
    exercises = (
        LectureSpec(title="A", kind="exercise", number="1", starts_at=first, ends_at=first + timedelta(hours=2)),
        LectureSpec(title="B", kind="exercise", number="2", starts_at=second, ends_at=second + timedelta(hours=2)),
    )
    old = replace(OLD, lectures=(*OLD.lectures, *exercises))
    new = replace(
        old, lectures=(*OLD.lectures, exercises[0], replace(exercises[1], starts_at=datetime(2026, 4, 24, 14)))
    )
    teaching = TeachingWeeks([("lecture", MONDAY)], first=MONDAY, weeks=0, free=(), skip=())
    said = to_look_at(old, new, teaching, SAFE, TODAY)
    assert any(line.startswith("Exercise 2 came after 4 lectures and comes after 2 now") for line in said)
    assert "The new term begins in the past: Mon 13 Apr 2026. Look at the year." in said


def test_days_that_a_break_never_written_down_leaves_empty_are_named() -> None:
    old = replace(OLD, lectures=tuple(lecture(number) for number in (1, 2, 3, 5, 6, 7)))
    assert (
        "Lecture: nothing is planned on Mon 3 May 2027, as in the old term. Look whether that is meant."
        in rolled(old=old)[1]
    )


def test_the_warning_of_running_ahead_names_the_first_such_session_by_its_day() -> None:
    def exercise(number: int, week: int) -> LectureSpec:
        start = datetime.combine(date(2026, 4, 17) + (week - 1) * WEEK, time(14))
        return LectureSpec(title="", kind="exercise", number=str(number), starts_at=start, ends_at=start)

    lectures = tuple(lecture(number) for number in range(1, 12))
    old = replace(OLD, lectures=(*lectures, exercise(10, 10), exercise(3, 3)))
    new = replace(OLD, lectures=(*lectures, exercise(10, 8), exercise(3, 2)))
    teaching = TeachingWeeks([("lecture", MONDAY)], first=MONDAY, weeks=0, free=(), skip=())
    ahead = [
        line for line in to_look_at(old, new, teaching, SAFE, TODAY) if "runs ahead" in line or "came after" in line
    ]
    assert [line.split(" came")[0] for line in ahead] == ["Exercise 3"]


def test_the_day_that_a_moved_session_left_is_said_once() -> None:
    _new, said = rolled()
    assert any("Off the weekly slot as in the old term: Lecture 3" in line for line in said)
    assert not any("nothing is planned" in line for line in said)
    # What is free besides is named as before.
    _new, said = rolled(
        old=replace(OLD, lectures=(*(row for row in OLD.lectures if row.number != "4"), *map(lecture, (6, 7))))
    )
    assert "Lecture: nothing is planned on Mon 3 May 2027, as in the old term. Look whether that is meant." in said
