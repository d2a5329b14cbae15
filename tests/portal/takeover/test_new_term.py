"""The days of a course in a new term: in the same teaching weeks, whatever is free in either."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from amls.portal.takeover.rollover import shift_course
from amls.portal.takeover.spec import (
    AssignmentSpec,
    CourseSpec,
    DeadlineSpec,
    ExamSpec,
    FreeDaySpec,
    LectureSpec,
    OfficeHourSpec,
    SlotSpec,
)
from amls.portal.takeover.teaching import WEEK, TeachingWeeks, monday

pytestmark = pytest.mark.unit

WEDNESDAY = date(2026, 10, 14)
CHRISTMAS = FreeDaySpec(date=date(2026, 12, 21), last=date(2027, 1, 2), title="Weihnachten")
NEXT_CHRISTMAS = [date(2027, 12, 20) + timedelta(days=number) for number in range(12)]
# Ten lectures before Christmas, five after it.
DAYS = [WEDNESDAY + number * WEEK for number in (*range(10), *range(12, 17))]


def at(day: date, hour: int = 10) -> datetime:
    return datetime.combine(day, time(hour))


def course(days: Iterable[date] = DAYS, **values: object) -> CourseSpec:
    lectures = tuple(
        LectureSpec(title=f"Lecture {number}", number=str(number), starts_at=at(day), ends_at=at(day, 12))
        for number, day in enumerate(days, start=1)
    )
    whole = {"term": "WS2026/27", "lectures": lectures, "free_days": (CHRISTMAS,)}
    return CourseSpec(slug="dbs", title="Datenbanken", **{**whole, **values})


def days_of(spec: CourseSpec) -> list[date]:
    return [day for lecture in spec.lectures if (day := lecture.held_on)]


@pytest.mark.parametrize(
    ("start", "tenth", "eleventh", "last"),
    [
        (date(2027, 10, 13), date(2027, 12, 15), date(2028, 1, 5), date(2028, 2, 2)),
        # A week later the tenth lecture comes after Christmas, and the eleventh a week after it.
        (date(2027, 10, 20), date(2028, 1, 5), date(2028, 1, 12), date(2028, 2, 9)),
        (date(2027, 10, 6), date(2027, 12, 8), date(2027, 12, 15), date(2028, 1, 26)),
    ],
)
def test_a_break_counts_once(start: date, tenth: date, eleventh: date, last: date) -> None:
    days = days_of(shift_course(course(), new_slug="next", start=start, skip=NEXT_CHRISTMAS))
    assert (days[9], days[10], days[14]) == (tenth, eleventh, last)


def test_a_term_without_a_break_has_no_gap_for_that_of_the_old_one() -> None:
    days = days_of(shift_course(course(), new_slug="next", start=date(2027, 4, 14)))
    assert days == [date(2027, 4, 14) + number * WEEK for number in range(15)]


def test_all_that_has_a_date_moves_with_the_sessions_around_it() -> None:
    spec = course(
        first_day=date(2026, 10, 12),
        last_day=date(2027, 2, 13),
        office_hours=(OfficeHourSpec(weekday="monday", start=time(14), end=time(15), last=date(2027, 2, 8)),),
        deadlines=(DeadlineSpec(title="Before", day=date(2026, 12, 18)), DeadlineSpec(title="After", day=date(2027, 1, 4))),
        assignments=(
            AssignmentSpec(title="Over Christmas", opens_at=at(date(2026, 12, 16)), due_at=at(date(2027, 1, 11))),
            AssignmentSpec(title="In it", opens_at=at(date(2026, 12, 29)), due_at=at(date(2026, 12, 31))),
        ),
        exams=(
            ExamSpec(title="Mid-term", starts_at=at(date(2026, 11, 27)), closes_at=at(date(2026, 11, 20))),
            ExamSpec(title="Final", starts_at=at(date(2027, 2, 17))),
            ExamSpec(title="Second", starts_at=at(date(2027, 4, 7))),
        ),
    )  # fmt: skip
    new = shift_course(spec, new_slug="next", start=date(2027, 10, 20), skip=NEXT_CHRISTMAS)
    assert (new.first_day, new.last_day) == (date(2027, 10, 18), date(2028, 2, 19))
    assert new.office_hours[0].last == date(2028, 2, 14)
    assert [deadline.day for deadline in new.deadlines] == [date(2028, 1, 7), date(2028, 1, 10)]
    assert [(sheet.opens_at, sheet.due_at) for sheet in new.assignments] == [
        (at(date(2028, 1, 5)), at(date(2028, 1, 17))),
        (at(date(2028, 1, 11)), at(date(2028, 1, 13))),
    ]
    assert [exam.starts_at.date() for exam in new.exams] == [
        date(2027, 12, 3), date(2028, 2, 23), date(2028, 4, 12),
    ]  # fmt: skip
    assert new.exams[0].closes_at == at(date(2027, 11, 26))


def test_a_break_that_was_never_written_down_does_not_push_the_new_one_on() -> None:
    spec = course(free_days=())
    days = days_of(shift_course(spec, new_slug="next", start=date(2027, 10, 13), skip=NEXT_CHRISTMAS))
    assert (days[9], days[10]) == (date(2027, 12, 15), date(2028, 1, 5))


def test_what_is_held_every_second_week_stays_so() -> None:
    spec = course([WEDNESDAY + number * WEEK for number in (0, 2, 4, 6, 8, 12, 14)])
    # The eleventh week, in which nothing is held, is free in the new term; the break of the old one is not.
    days = days_of(shift_course(spec, new_slug="next", start=date(2027, 4, 14), skip=[date(2027, 4, 21)]))
    assert days == [date(2027, 4, 14) + number * WEEK for number in (0, 2, 4, 6, 8, 10, 12)]


def test_a_session_on_a_free_day_of_the_old_term_is_one_all_the_same() -> None:
    spec = course([WEDNESDAY + number * WEEK for number in range(13)])
    days = days_of(shift_course(spec, new_slug="next", start=date(2027, 4, 14)))
    assert days == [date(2027, 4, 14) + number * WEEK for number in range(13)]


# ── held twice a week ──

MONDAY = date(2026, 4, 13)
WHIT_MONDAY = date(2026, 5, 25)
SUMMER = [day for number in range(14) for day in (MONDAY + number * WEEK, MONDAY + number * WEEK + timedelta(days=2))]
TWICE = (
    SlotSpec(weekday="monday", start=time(10), end=time(12), room="H 0104"),
    SlotSpec(weekday="wednesday", start=time(14), end=time(16), room="H 0105"),
)
CHRISTMAS_2026 = [date(2026, 12, 21) + timedelta(days=number) for number in range(13)]


def twice_a_week(**values: object) -> CourseSpec:
    days = [day for day in SUMMER if day != WHIT_MONDAY]
    lectures = tuple(
        LectureSpec(
            title=f"Thema {number}", number=str(number), starts_at=at(day, 14 if day.weekday() else 10),
            ends_at=at(day, 16 if day.weekday() else 12), room="H 0105" if day.weekday() else "H 0104",
        )
        for number, day in enumerate(days, start=1)
    )  # fmt: skip
    free = (FreeDaySpec(date=WHIT_MONDAY),)
    return course((), **{"term": "SS2026", "lectures": lectures, "free_days": free, "slots": TWICE, **values})


def test_a_free_day_of_either_term_empties_no_other_slot_of_a_course_held_twice_a_week() -> None:
    skip = [*CHRISTMAS_2026, date(2027, 3, 8)]
    spec = shift_course(twice_a_week(), new_slug="next", start=date(2026, 12, 7), skip=skip)
    every = [
        day for number in range(20) for day in (date(2026, 12, 7) + number * WEEK, date(2026, 12, 9) + number * WEEK)
    ]
    assert days_of(spec) == [day for day in every if day not in skip][:27]
    assert days_of(spec)[-1] == date(2027, 3, 24)
    # What comes on the other weekday comes at the other time, in the other room.
    assert {(at.weekday(), at.hour, row.ends_at and row.ends_at.hour, row.room) for row in spec.lectures if (at := row.starts_at)} == {
        (0, 10, 12, "H 0104"), (2, 14, 16, "H 0105"),
    }  # fmt: skip


def test_without_weekly_slots_the_days_on_which_something_is_often_held_are_taken_as_well() -> None:
    spec = shift_course(twice_a_week(slots=()), new_slug="next", start=date(2026, 10, 12), skip=CHRISTMAS_2026)
    assert days_of(spec)[11:13] == [date(2026, 11, 18), date(2026, 11, 23)]
    assert days_of(spec)[-1] == date(2027, 1, 25)


def test_a_session_off_its_weekday_stays_on_it_and_takes_no_slot_from_those_after_it() -> None:
    spec = twice_a_week()
    eleventh = replace(spec.lectures[10], starts_at=at(date(2026, 5, 19), 16), ends_at=at(date(2026, 5, 19), 18))
    spec = replace(spec, lectures=(*spec.lectures[:10], eleventh, *spec.lectures[11:]))
    new = shift_course(spec, new_slug="next", start=date(2026, 12, 7), skip=CHRISTMAS_2026)
    assert new.lectures[10].starts_at == at(date(2027, 1, 26), 16)
    assert days_of(new)[9:13] == [date(2027, 1, 20), date(2027, 1, 26), date(2027, 1, 27), date(2027, 2, 1)]


def test_a_block_after_the_term_stays_on_its_weekdays() -> None:
    block = [date(2026, 9, 7) + timedelta(days=number) for number in range(3)]
    labs = tuple(LectureSpec(title=str(day), kind="lab", starts_at=at(day), ends_at=at(day, 17)) for day in block)
    spec = twice_a_week(lectures=(*twice_a_week().lectures, *labs))
    new = shift_course(spec, new_slug="next", start=date(2026, 12, 7), skip=CHRISTMAS_2026)
    assert days_of(new)[-3:] == [date(2027, 5, 3), date(2027, 5, 4), date(2027, 5, 5)]


def test_an_exam_keeps_its_distance_to_the_last_session_of_each_kind() -> None:
    fridays = [date(2026, 4, 17) + number * WEEK for number in range(14) if number != 2]
    exercises = tuple(
        LectureSpec(title=str(day), kind="exercise", starts_at=at(day), ends_at=at(day, 12)) for day in fridays
    )
    lab = LectureSpec(title="Block", kind="lab", starts_at=at(date(2026, 9, 7)), ends_at=at(date(2026, 9, 7), 17))
    spec = twice_a_week(
        lectures=(*twice_a_week().lectures, *exercises, lab),
        free_days=(FreeDaySpec(date=date(2026, 5, 1)), FreeDaySpec(date=WHIT_MONDAY)),
        exams=(ExamSpec(starts_at=at(date(2026, 7, 23)), closes_at=at(date(2026, 7, 16))),),
    )  # fmt: skip
    new = shift_course(spec, new_slug="next", start=date(2026, 12, 7), skip=[*CHRISTMAS_2026, date(2027, 3, 8)])
    assert max(day for row in new.lectures if row.kind == "lecture" and (day := row.held_on)) == date(2027, 3, 24)
    assert max(day for row in new.lectures if row.kind == "exercise" and (day := row.held_on)) == date(2027, 3, 19)
    assert (new.exams[0].starts_at, new.exams[0].closes_at) == (at(date(2027, 4, 1)), at(date(2027, 3, 25)))


# ── whatever the terms are ──

FIRST = date(2026, 10, 12)
NEW = date(2027, 10, 11)


def some_days(first: date, most: int = 20) -> st.SearchStrategy[set[date]]:
    return st.sets(st.integers(0, 125).map(lambda number: first + timedelta(days=number)), max_size=most)


SESSIONS = st.sets(
    st.tuples(st.sampled_from(["lecture", "exercise"]), st.integers(0, 110).map(lambda number: FIRST + timedelta(days=number))),
    min_size=1,
    max_size=30,
)  # fmt: skip


@given(SESSIONS, some_days(FIRST), some_days(NEW), some_days(FIRST, 10))
def test_the_order_stays_and_no_session_is_on_a_skipped_day_or_a_weekday_of_its_own(
    sessions: set[tuple[str, date]], free: set[date], skip: set[date], others: set[date]
) -> None:
    first = monday(min(day for _kind, day in sessions))
    teaching = TeachingWeeks(sessions, first=first, weeks=(NEW - first) // WEEK, free=free, skip=skip)
    moved = {(kind, day): teaching.of_session(kind, day) for kind, day in sessions}
    assert not set(moved.values()) & skip
    for name in ("lecture", "exercise"):
        new = [moved[kind, day] for kind, day in sorted(sessions) if kind == name]
        assert new == sorted(set(new))
        assert {day.weekday() for day in new} <= {day.weekday() for kind, day in sessions if kind == name}
    for other in others:
        new_day = other + teaching.of_day(other) * WEEK
        assert all(new_day >= moved[kind, day] for kind, day in sessions if day <= other)
    assert min(moved.values()) >= NEW


@given(SESSIONS, some_days(FIRST), some_days(FIRST, 10))
def test_where_nothing_changes_nothing_moves(
    sessions: set[tuple[str, date]], free: set[date], others: set[date]
) -> None:
    free -= {day for _kind, day in sessions}
    first = monday(min(day for _kind, day in sessions))
    teaching = TeachingWeeks(sessions, first=first, weeks=0, free=free, skip=free)
    assert all(teaching.of_session(kind, day) == day for kind, day in sessions)
    assert {teaching.of_day(other) for other in others} <= {0}


@given(st.integers(0, 5), some_days(FIRST), some_days(NEW))
def test_a_weekly_lecture_has_as_many_teaching_days_before_it_as_before(
    weekday: int, free: set[date], skip: set[date]
) -> None:
    days = [day for number in range(18) if (day := FIRST + timedelta(days=weekday) + number * WEEK) not in free]
    assume(days)
    spec = replace(course(days), free_days=tuple(FreeDaySpec(date=day) for day in sorted(free)))
    new = days_of(shift_course(spec, new_slug="next", start=NEW, skip=skip))
    weeks_on = [NEW + timedelta(days=weekday) + number * WEEK for number in range(60)]
    teaching_days = [day for day in weeks_on if day not in skip]
    assert new == teaching_days[: len(days)]
