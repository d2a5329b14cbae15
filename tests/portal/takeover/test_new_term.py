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
def test_weekdays_and_the_order_stay_and_no_session_is_on_a_skipped_day(
    sessions: set[tuple[str, date]], free: set[date], skip: set[date], others: set[date]
) -> None:
    first = monday(min(day for _kind, day in sessions))
    teaching = TeachingWeeks(sessions, first=first, weeks=(NEW - first) // WEEK, free=free, skip=skip)
    moved = {(kind, day): day + teaching.of_session(kind, day) * WEEK for kind, day in sessions}
    assert not set(moved.values()) & skip
    for name in ("lecture", "exercise"):
        new = [moved[kind, day] for kind, day in sorted(sessions) if kind == name]
        assert new == sorted(set(new))
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
    assert {teaching.of_session(kind, day) for kind, day in sessions} == {0}
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
