"""Kinds, slots, open dates, free days and deadlines through import, export and roll-over."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amls.agenda.models import AgendaItem
from amls.courses.models import Course, SessionKind
from amls.portal.takeover.apply import import_course
from amls.portal.takeover.export import export_course
from amls.portal.takeover.rollover import shift_course
from amls.portal.takeover.spec import (
    CourseFileError,
    CourseSpec,
    DeadlineSpec,
    FreeDaySpec,
    LectureSpec,
    OfficeHourSpec,
    SlotSpec,
)
from amls.portal.takeover.toml import dump_toml, load_toml
from lectures.models import Lecture
from tests.worlds import Worlds

pytestmark = pytest.mark.django_db

NOW = datetime(2024, 4, 1, 12, tzinfo=UTC)
TUESDAY = datetime(2024, 4, 16, 10, 15)
HOURS = timedelta(minutes=90)


def lecture(week: int, **values: object) -> LectureSpec:
    starts_at = TUESDAY + timedelta(weeks=week)
    whole = {"title": f"Topic {week}", "number": f"{week:02}", "starts_at": starts_at, "ends_at": starts_at + HOURS}
    return LectureSpec(**{**whole, **values})


def exercise(week: int, **values: object) -> LectureSpec:
    starts_at = TUESDAY + timedelta(weeks=week, days=3)
    whole = {
        "kind": "exercise",
        "title": "Exercise",
        "number": "",
        "starts_at": starts_at,
        "ends_at": starts_at + HOURS,
    }
    return lecture(week, **{**whole, **values})


SPEC = CourseSpec(
    slug="dm",
    title="Database Systems",
    term="SS2024",
    slots=(
        SlotSpec(weekday="tuesday", start=time(10, 15), end=time(11, 45), room="H 0107", mode="hybrid"),
        SlotSpec(weekday="thursday", start=time(10, 15), end=time(11, 45), room="MA 001", mode="hybrid"),
        SlotSpec(kind="exercise", weekday="friday", start=time(14), end=time(16), call_in="https://zoom.example.org/2"),
    ),
    lectures=(
        lecture(1),
        lecture(2, title="Größe", starts_at=None, ends_at=None),
        exercise(1),
        exercise(2),
        lecture(3, starts_at=None, ends_at=None, day=date(2024, 5, 7)),
        exercise(3, kind="lab", number="1", title="First steps"),
        lecture(4),
        lecture(0, number="", title="Outlook", starts_at=None, ends_at=None),
    ),
    free_days=(
        FreeDaySpec(date=date(2024, 5, 9), title="Ascension Day"),
        FreeDaySpec(date=date(2024, 5, 20), last=date(2024, 5, 24)),
    ),
    deadlines=(
        DeadlineSpec(title="Sheet", kind="sheet", due_at=datetime(2024, 5, 3, 23, 59), url="https://example.org/1"),
        DeadlineSpec(title="Sheet", kind="sheet", due_at=datetime(2024, 5, 17, 23, 59)),
        DeadlineSpec(title="Quiz", day=date(2024, 5, 10)),
    ),
)


@pytest.fixture
def course(db: None, worlds: Worlds) -> Course:
    return worlds.given("timetable", _make_course)


def _make_course() -> Course:
    import_course(spec=SPEC, now=NOW)
    return Course.objects.get(slug="dm")


def identities() -> dict[str, tuple[object, int]]:
    return {row.key: (row.uid, row.sequence) for row in AgendaItem.objects.all()}


def test_a_course_file_gives_the_same_course_again(course: Course) -> None:
    assert export_course(course) == SPEC
    text = dump_toml(SPEC)
    before = identities()
    assert not import_course(spec=load_toml(text), now=NOW)
    assert identities() == before
    import_course(spec=load_toml(text), slug="copy", now=NOW)
    assert dump_toml(export_course(Course.objects.get(slug="copy"))) == text.replace('slug = "dm"', 'slug = "copy"')


def test_what_moves_keeps_its_row_and_its_place_in_calendars(course: Course) -> None:
    before = identities()
    (quiz,) = course.deadlines.filter(title="Quiz")
    lectures = list(SPEC.lectures)
    lectures[2] = exercise(1, starts_at=datetime(2024, 4, 27, 12), ends_at=datetime(2024, 4, 27, 14))
    lectures[1] = lecture(2, title="Größe")
    spec = replace(
        SPEC,
        slots=(replace(SPEC.slots[0], start=time(8, 30)), *SPEC.slots[1:]),
        lectures=tuple(lectures),
        free_days=(replace(SPEC.free_days[0], date=date(2024, 5, 16)), SPEC.free_days[1]),
        deadlines=(replace(SPEC.deadlines[0], due_at=datetime(2024, 5, 4, 12)), *SPEC.deadlines[1:]),
    )
    diff = import_course(spec=spec, now=NOW)
    assert {entry.sign for entry in diff.entries} == {"~"}
    after = identities()
    assert {key: uid for key, (uid, _sequence) in before.items()}.items() <= {
        key: uid for key, (uid, _sequence) in after.items()
    }.items()
    # The open date is new in calendars; exercise, free day and sheet have moved; everything else is as it was.
    assert sorted(key.partition(":")[0] for key in after.keys() - before.keys()) == ["lectures.lecture"]
    assert sorted(key.partition(":")[0] for key in before if after[key] != before[key]) == [
        "lectures.deadline", "lectures.freeday", "lectures.lecture",
    ]  # fmt: skip
    assert not import_course(spec=replace(spec, lectures=tuple(reversed(lectures))), now=NOW)
    assert course.deadlines.get(title="Quiz") == quiz


def test_a_page_that_leaves_a_date_open_takes_none_away(course: Course) -> None:
    page = replace(
        SPEC,
        is_complete=False,
        lectures=tuple(
            replace(lecture, starts_at=None, ends_at=None, day=None) for lecture in SPEC.lectures if lecture.number
        ),
        free_days=(),
        deadlines=(replace(SPEC.deadlines[0], due_at=None, day=date(2024, 5, 3)),),
    )
    Lecture.objects.filter(course=course, number="").delete()
    diff = import_course(spec=page, now=NOW)
    assert [str(entry) for entry in diff.entries if entry.sign != "-"] == []
    assert course.lectures.get(kind="lecture", number="01").starts_at is not None
    assert course.free_days.count() == 2


def test_a_page_cancels_a_session_and_warns_where_it_no_longer_says_so(course: Course) -> None:
    page = replace(SPEC, is_complete=False)
    cancelled = replace(page, lectures=(replace(SPEC.lectures[0], state="cancelled"), *SPEC.lectures[1:]))
    diff = import_course(spec=cancelled, now=NOW)
    assert [str(entry) for entry in diff.entries] == ["~ Lecture 01: state: planned → cancelled"]
    assert not import_course(spec=cancelled, now=NOW).warnings
    diff = import_course(spec=page, now=NOW)
    assert (diff.entries, diff.warnings) == (
        [],
        ["Lecture 01 is cancelled here, and the page doesn't say so. If it is held after all, say so at the desk."],
    )
    assert course.lectures.get(kind="lecture", number="01").state == Lecture.State.CANCELLED


def test_what_is_held_and_due_at_the_same_time_is_the_same_under_another_title(course: Course) -> None:
    before = identities()
    lectures = list(SPEC.lectures)
    lectures[2] = exercise(1, title="Exercise and questions")
    lectures[4] = lecture(3, title="Open time", starts_at=None, ends_at=None, day=date(2024, 5, 7), number="")
    spec = replace(
        SPEC, lectures=tuple(lectures), deadlines=(replace(SPEC.deadlines[0], title="Sheet 1"), *SPEC.deadlines[1:])
    )
    assert [str(entry) for entry in import_course(spec=spec, now=NOW).entries] == [
        "~ Exercise Exercise and questions: title: Exercise → Exercise and questions",
        "~ Lecture Open time: number: 03 → –",
        "~ Lecture Open time: title: Topic 3 → Open time",
        "~ Deadline Sheet 1: title: Sheet → Sheet 1",
    ]
    assert {key: uid for key, (uid, _sequence) in identities().items()} == {
        key: uid for key, (uid, _sequence) in before.items()
    }


def test_what_is_held_elsewhere_at_the_same_time_is_another_session(course: Course) -> None:
    lectures = list(SPEC.lectures)
    lectures[2] = exercise(1, title="Second group", room="H 0111")
    lectures[3] = exercise(2, title="Lab work", kind="lab")
    diff = import_course(spec=replace(SPEC, lectures=tuple(lectures)), now=NOW)
    assert [str(entry) for entry in diff.entries] == [
        "- Exercise: Exercise",
        "- Exercise: Exercise",
        "+ Exercise Second group (Fri 26 Apr 2024, 10:15–11:45, H 0111)",
        "+ Lab Lab work (Fri 3 May 2024, 10:15–11:45)",
    ]


def test_two_office_hours_of_a_weekday_come_in_and_keep_their_rows(course: Course) -> None:
    hours = (
        OfficeHourSpec(weekday="monday", start=time(10), end=time(11)),
        OfficeHourSpec(weekday="monday", start=time(14), end=time(15)),
    )
    import_course(spec=replace(SPEC, office_hours=hours), now=NOW)
    before = list(course.office_hours.values_list("pk", "start"))
    moved = (hours[0], replace(hours[1], start=time(14, 30), end=time(15, 30)))
    diff = import_course(spec=replace(SPEC, office_hours=moved), now=NOW)
    assert {entry.sign for entry in diff.entries} == {"~"}
    assert list(course.office_hours.values_list("pk", "start")) == [before[0], (before[1][0], time(14, 30))]


def test_a_session_on_a_day_without_class_is_warned_of() -> None:
    spec = replace(SPEC, lectures=(lecture(5, number="05", day=date(2024, 5, 21), starts_at=None, ends_at=None),))
    assert import_course(spec=spec, now=NOW, dry_run=True).warnings == [
        "Lecture 05: Tue 21 May 2024 is a day without class. Look whether it takes place."
    ]
    assert import_course(spec=SPEC, now=NOW, dry_run=True).warnings == []


def test_an_end_that_is_not_said_is_that_of_the_weekly_slot() -> None:
    spec = replace(
        SPEC, lectures=(lecture(1, ends_at=None), exercise(1, ends_at=None), lecture(2, kind="lab", ends_at=None))
    )
    import_course(spec=spec, now=NOW)
    lengths = [
        lecture.ends_at - lecture.starts_at
        for lecture in Lecture.objects.order_by("pk")
        if lecture.starts_at and lecture.ends_at
    ]
    assert lengths == [timedelta(minutes=90), timedelta(hours=2), timedelta(minutes=90)]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"slots": (SlotSpec(weekday="someday"),)}, "slots: 'someday' is not a weekday"),
        ({"slots": (SlotSpec(kind="party"),)}, "slots: there is no kind 'party'; kinds are lecture, exercise"),
        ({"lectures": (lecture(1, kind="party"),)}, "party 01: there is no kind 'party'"),
        ({"lectures": (lecture(1, starts_at=None),)}, "Lecture 01: it has an end, but no start"),
        ({"lectures": (lecture(1, day=date(2024, 5, 7)),)}, "not both"),
        ({"deadlines": (DeadlineSpec(title="Sheet"),)}, "Deadline Sheet: give due_at, or day"),
        ({"deadlines": (DeadlineSpec(title="Sheet", kind="party", day=date(2024, 5, 7)),)}, "there is no kind 'party'"),
        ({"free_days": (FreeDaySpec(date=date(2024, 5, 7), last=date(2024, 5, 6)),)}, "The last day lies before the first"),
    ],
)  # fmt: skip
def test_what_a_file_says_wrongly_is_told_and_nothing_is_written(change: dict[str, object], why: str) -> None:
    with pytest.raises(CourseFileError, match=why):
        import_course(spec=replace(SPEC, **change), now=NOW)
    assert not Course.objects.exists()


MOMENT = st.datetimes(datetime(2024, 4, 1), datetime(2024, 9, 30)).map(lambda at: at.replace(second=0, microsecond=0))
DAY = st.dates(date(2024, 4, 1), date(2024, 9, 30))
TITLE = st.sampled_from(["Joins", "Łukasz Żółć", "山田太郎", "Größe & Maß"])


@st.composite
def sessions(draw: st.DrawFn) -> tuple[LectureSpec, ...]:
    lectures = []
    for number in range(draw(st.integers(0, 5))):
        start, day = draw(st.sampled_from(["at", "on", "open"])), draw(DAY)
        at = draw(MOMENT) if start == "at" else None
        lectures.append(
            LectureSpec(
                kind=draw(st.sampled_from(SessionKind.values)), title=draw(TITLE), starts_at=at,
                ends_at=at + HOURS if at else None, day=day if start == "on" else None,
                number=draw(st.sampled_from(["", f"{number + 1:02}"])),
            )
        )  # fmt: skip
    return tuple(lectures)


def distinct(deadlines: list[DeadlineSpec]) -> tuple[DeadlineSpec, ...]:
    return tuple({(deadline.title, deadline.due_at, deadline.day): deadline for deadline in deadlines}.values())


@pytest.mark.django_db(transaction=True)
@settings(max_examples=25, deadline=None)
@given(
    lectures=sessions(),
    free=st.lists(DAY, max_size=3, unique=True),
    due=st.lists(
        st.builds(DeadlineSpec, title=TITLE, due_at=MOMENT) | st.builds(DeadlineSpec, title=TITLE, day=DAY), max_size=4
    ).map(distinct),
    slots=st.lists(st.sampled_from(SPEC.slots), max_size=3, unique=True),
)
def test_any_timetable_survives_the_database(
    lectures: tuple[LectureSpec, ...], free: list[date], due: tuple[DeadlineSpec, ...], slots: list[SlotSpec]
) -> None:
    spec = replace(
        SPEC,
        slots=tuple(slots),
        lectures=lectures,
        free_days=tuple(FreeDaySpec(date=day) for day in free),
        deadlines=due,
    )
    import_course(spec=spec, now=NOW)
    try:
        exported = export_course(Course.objects.get(slug="dm"))
        by_text: Callable[[object], str] = repr
        assert sorted(exported.lectures, key=by_text) == sorted(spec.lectures, key=by_text)
        assert sorted(exported.deadlines, key=by_text) == sorted(spec.deadlines, key=by_text)
        assert not import_course(spec=spec, now=NOW)
        assert not import_course(spec=load_toml(dump_toml(exported)), now=NOW)
        import_course(spec=exported, slug="copy", now=NOW)
        assert export_course(Course.objects.get(slug="copy")) == replace(exported, slug="copy")
    finally:
        Course.objects.all().delete()


# ── a new term ──


def test_a_new_term_skips_free_days_for_each_kind_by_itself() -> None:
    # 22 weeks later; the exercise of the second week meets a free Friday, the lecture of the third a free Tuesday.
    skip = [date(2024, 10, 4), date(2024, 10, 8)]
    new = shift_course(SPEC, new_slug="next", start=date(2024, 9, 24), skip=skip)
    assert [(lecture.kind, lecture.number, lecture.starts_at or lecture.day) for lecture in new.lectures] == [
        ("lecture", "01", datetime(2024, 9, 24, 10, 15)),
        ("exercise", "", datetime(2024, 9, 27, 10, 15)),
        ("exercise", "", datetime(2024, 10, 11, 10, 15)),
        ("lecture", "03", date(2024, 10, 15)),
        ("lab", "1", datetime(2024, 10, 11, 10, 15)),
        ("lecture", "04", datetime(2024, 10, 22, 10, 15)),
        ("lecture", "02", None),
        ("lecture", "", None),
    ]
    assert new.free_days == (FreeDaySpec(date=date(2024, 10, 4)), FreeDaySpec(date=date(2024, 10, 8)))
    assert new.slots == SPEC.slots
    assert [(deadline.title, deadline.due_on, deadline.url) for deadline in new.deadlines] == [
        ("Sheet", date(2024, 10, 11), ""),
        ("Sheet", date(2024, 10, 25), ""),
        ("Quiz", date(2024, 10, 18), ""),
    ]


def test_a_course_of_open_dates_counts_its_weeks_from_its_first_day() -> None:
    spec = replace(SPEC, lectures=(LectureSpec(title="Open"),), first_day=date(2024, 4, 15), deadlines=())
    new = shift_course(spec, new_slug="next", start=date(2024, 10, 14))
    assert (new.first_day, new.lectures) == (date(2024, 10, 14), (LectureSpec(title="Open"),))
    with pytest.raises(CourseFileError, match="no lectures to count the weeks from"):
        shift_course(replace(spec, first_day=None), new_slug="next", start=date(2024, 10, 14))


def test_free_days_that_follow_each_other_are_one() -> None:
    christmas = [date(2024, 12, 23) + timedelta(days=days) for days in range(12)]
    new = shift_course(SPEC, new_slug="next", start=date(2024, 9, 24), skip=[*christmas, date(2024, 11, 1)])
    assert new.free_days == (
        FreeDaySpec(date=date(2024, 11, 1)),
        FreeDaySpec(date=date(2024, 12, 23), last=date(2025, 1, 3)),
    )
