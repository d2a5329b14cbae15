"""The remaining sessions of a weekly time moved in one act: what moves, what stays, who is told, and what others do meanwhile."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from amls.agenda.models import AgendaItem
from amls.agenda.services import reconcile
from amls.core.clock import from_wall_clock, to_wall_clock
from amls.core.violations import RuleViolation
from amls.courses.models import Course, Mode, WeeklySlot
from amls.mail.changes import tell_changes
from amls.mail.models import ItemChange, Notice
from amls.mail.send import deliver_due
from lectures.collisions import collisions_of, order_of
from lectures.models import FreeDay, Lecture
from lectures.services.schedule import change_lecture
from lectures.services.slots import OnFree, SlotMove, SlotMoved, move_slot, named, take_move_back
from lectures.timetable import sessions_of, weekly_times
from tests.agenda.test_feeds import events
from tests.cast import Cast
from tests.factories import EnrolmentFactory, LectureFactory, OpenExamFactory
from tests.mail.conftest import Postbox, postbox  # noqa: F401 - a fixture
from tests.races import at_once, refusals

pytestmark = pytest.mark.django_db
NOW = datetime(2024, 10, 1, 10, tzinfo=UTC)
# Wednesdays; summer time ends on 27 October.
FIRST = date(2024, 10, 9)


def session(cast: Cast, week: int, **values: Any) -> Lecture:
    """A lecture on a Wednesday, 10 to 12 by the course's clock."""
    day, zone = FIRST + timedelta(weeks=week), cast.course.zone
    starts, ends = (from_wall_clock(datetime.combine(day, time(hour)), zone) for hour in (10, 12))
    return LectureFactory.create(
        **{
            "course": cast.course, "number": f"{week + 1:02}", "title": f"Größe {week + 1}", "room": "MAR 0.011",
            "mode": Mode.IN_PERSON, "starts_at": starts, "ends_at": ends, **values,
        }
    )  # fmt: skip


@pytest.fixture
def lectures(cast: Cast) -> list[Lecture]:
    """Six of them, which nobody is to be told of any more."""
    WeeklySlot.objects.filter(course=cast.course).update(
        weekday=2, start=time(10), end=time(12), room="MAR 0.011", mode=Mode.IN_PERSON
    )
    rows = [session(cast, week) for week in range(6)]
    settle(cast)
    return rows


def settle(cast: Cast) -> None:
    Course.objects.filter(pk=cast.course.pk).update(state="draft")
    reconcile(Course.objects.get(pk=cast.course.pk), now=NOW - timedelta(days=9))
    Course.objects.filter(pk=cast.course.pk).update(state="running")
    assert not ItemChange.objects.exists()


def move(cast: Cast, rows: list[Lecture], **values: Any) -> SlotMoved:
    seen = {row.pk: named(row) for row in Lecture.objects.filter(pk__in=[row.pk for row in rows])}
    wanted = SlotMove(sessions=[row.pk for row in rows], **values)
    return move_slot(course=cast.course, move=wanted, seen=seen, now=values.pop("now", NOW))


def held(cast: Cast) -> list[str]:
    rows = Lecture.objects.filter(course=cast.course).order_by("number", "pk")
    zone = cast.course.zone
    return [
        f"{to_wall_clock(row.starts_at, zone):%a %d.%m. %H:%M}–{to_wall_clock(row.ends_at, zone):%H:%M} {row.room}".strip()
        for row in rows
        if row.starts_at and row.ends_at
    ]


def test_sessions_stay_in_their_week_and_at_their_hour_across_the_change_of_the_clocks(
    cast: Cast, lectures: list[Lecture]
) -> None:
    moved = move(cast, lectures[1:5], weekday=3, start=time(14), room="H 0104")
    assert held(cast) == [
        "Wed 09.10. 10:00–12:00 MAR 0.011",
        "Thu 17.10. 14:00–16:00 H 0104",
        "Thu 24.10. 14:00–16:00 H 0104",
        "Thu 31.10. 14:00–16:00 H 0104",
        "Thu 07.11. 14:00–16:00 H 0104",
        "Wed 13.11. 10:00–12:00 MAR 0.011",
    ]
    # The instant is another on both sides of it.
    assert [f"{row.starts_at:%H:%M}" for row in Lecture.objects.order_by("starts_at")[2:4]] == ["12:00", "13:00"]
    assert len(moved.moved) == 4


def test_to_an_earlier_weekday_too_and_with_another_length(cast: Cast, lectures: list[Lecture]) -> None:
    move(cast, lectures[:2], weekday=0, minutes=90)
    assert held(cast)[:2] == ["Mon 07.10. 10:00–11:30 MAR 0.011", "Mon 14.10. 10:00–11:30 MAR 0.011"]


def test_only_the_room_only_the_link_or_how_they_are_held(cast: Cast, lectures: list[Lecture]) -> None:
    before = held(cast)
    move(cast, lectures[:1], room="H 0104")
    move(cast, lectures[1:2], call_in="https://zoom.example/1", mode=Mode.HYBRID)
    move(cast, lectures[2:3], mode=Mode.VIRTUAL)
    assert held(cast) == [before[0].replace("MAR 0.011", "H 0104"), before[1], "Wed 23.10. 10:00–12:00", *before[3:]]
    assert list(Lecture.objects.order_by("starts_at").values_list("mode", "call_in")[:3]) == [
        ("in_person", ""), ("hybrid", "https://zoom.example/1"), ("virtual", ""),
    ]  # fmt: skip
    # What is online only gets no room by it.
    kept = move(cast, lectures[2:3], room="H 0104")
    assert [row.why_kept for row in kept.sessions] == ["Nothing changes: it is so already."]


def test_what_has_a_day_and_no_time_gets_one(cast: Cast) -> None:
    row = session(cast, 0, starts_at=None, ends_at=None, day=FIRST)
    move(cast, [row], weekday=4)
    assert Lecture.objects.get().day == date(2024, 10, 11)
    move(cast, [row], start=time(14))
    assert held(cast) == ["Fri 11.10. 14:00–15:30 MAR 0.011"]
    assert Lecture.objects.get().day is None


def test_a_time_that_the_clocks_skip_moves_nothing(cast: Cast) -> None:
    rows = [session(cast, week) for week in (23, 24)]
    before = held(cast)
    # The night to Sunday 30 March 2025.
    with pytest.raises(RuleViolation, match="does not exist"):
        move(cast, rows, weekday=6, start=time(2, 30))
    assert held(cast) == before


def test_a_day_without_class_asks_and_each_answer_holds(cast: Cast, lectures: list[Lecture]) -> None:
    FreeDay.objects.create(course=cast.course, first=date(2024, 10, 17), last=date(2024, 10, 18), title="Łukasz-Tag")
    was = held(cast)
    moved = move(cast, lectures[:3], weekday=3)
    assert [(str(row.free or ""), row.has_moved) for row in moved.sessions] == [
        ("", True), ("Łukasz-Tag", False), ("", True),
    ]  # fmt: skip
    assert held(cast)[1] == was[1]
    move(cast, lectures[1:2], weekday=3, on_free={lectures[1].pk: OnFree.CANCEL})
    cancelled = Lecture.objects.get(pk=lectures[1].pk)
    assert (cancelled.is_cancelled, held(cast)[1]) == (True, was[1])
    Lecture.objects.filter(pk=cancelled.pk).update(state="planned")
    move(cast, lectures[1:2], weekday=3, on_free={lectures[1].pk: OnFree.HOLD})
    assert held(cast)[1] == "Thu 17.10. 10:00–12:00 MAR 0.011"
    # Where only the room changes it is asked nothing.
    assert move(cast, lectures[1:2], room="H 0104").sessions[0].free is None


def test_what_would_be_over_already_stays_and_says_so(cast: Cast, lectures: list[Lecture]) -> None:
    seen = {row.pk: named(Lecture.objects.get(pk=row.pk)) for row in lectures[:2]}
    tuesday = datetime(2024, 10, 8, 10, tzinfo=UTC)
    wanted = SlotMove(sessions=list(seen), weekday=0)
    moved = move_slot(course=cast.course, move=wanted, seen=seen, now=tuesday)
    assert [row.why_kept for row in moved.sessions] == ["It stays: in its week that would be over already.", ""]
    assert held(cast)[:2] == ["Wed 09.10. 10:00–12:00 MAR 0.011", "Mon 14.10. 10:00–12:00 MAR 0.011"]


def test_which_sessions_are_offered_and_which_are_ticked(cast: Cast, lectures: list[Lecture]) -> None:
    zone = cast.course.zone
    thursday, at_two = (
        from_wall_clock(moment, zone) for moment in (datetime(2024, 10, 17, 10), datetime(2024, 10, 23, 14))
    )
    change_lecture(lecture_pk=lectures[1].pk, now=NOW, starts_at=thursday, ends_at=thursday + timedelta(hours=2))
    change_lecture(lecture_pk=lectures[2].pk, now=NOW, starts_at=at_two, ends_at=at_two + timedelta(hours=2))
    change_lecture(lecture_pk=lectures[3].pk, now=NOW, room="H 1")
    change_lecture(lecture_pk=lectures[4].pk, now=NOW, state="cancelled")
    exercise = session(cast, 1, kind="exercise", number="01")
    (weekly,) = weekly_times(cast.course, now=NOW)
    assert str(weekly) == "Lecture: Wednesday 10:00–12:00, MAR 0.011"
    later = datetime(2024, 10, 10, 10, tzinfo=UTC)
    rows, over = sessions_of(cast.course, weekly, [weekly], since=FIRST, now=later)
    assert [(row.lecture.number, row.otherwise, row.is_ticked, row.can_move) for row in rows] == [
        ("02", "on a Thursday", False, True),
        ("03", "at another time", False, True),
        ("04", "in another room", False, True),
        ("05", "cancelled", False, False),
        ("06", "", True, True),
    ]
    assert over == 1
    assert exercise not in [row.lecture for row in rows]
    rows, over = sessions_of(cast.course, weekly, [weekly], since=date(2024, 11, 7), now=later)
    assert ([row.lecture.number for row in rows], over) == (["06"], 0)


def test_a_course_with_two_weekly_times_has_both_and_those_of_other_kinds(cast: Cast, lectures: list[Lecture]) -> None:
    WeeklySlot.objects.create(course=cast.course, kind="lecture", weekday=0, start=time(14), end=time(16), room="H 2")
    zone = cast.course.zone
    for week in range(3):
        monday = from_wall_clock(datetime.combine(FIRST + timedelta(weeks=week, days=-2), time(14)), zone)
        session(cast, week, number=f"2{week}", starts_at=monday, ends_at=monday + timedelta(hours=2), room="H 2")
        session(cast, week, number=f"0{week}", kind="tutorial", room="TEL 1")
    times = weekly_times(cast.course, now=NOW)
    assert [(str(weekly), weekly.slot is not None) for weekly in times] == [
        ("Lecture: Monday 14:00–16:00, H 2", True),
        ("Lecture: Wednesday 10:00–12:00, MAR 0.011", True),
        ("Tutorial: Wednesday 10:00–12:00, TEL 1", False),
    ]
    offered = [sessions_of(cast.course, weekly, times, since=FIRST, now=NOW)[0] for weekly in times]
    assert [[row.lecture.number for row in rows] for rows in offered] == [
        ["21", "22"], ["01", "02", "03", "04", "05", "06"], ["00", "01", "02"],
    ]  # fmt: skip
    assert weekly_times(cast.other_course, now=NOW) == []


def test_the_weekly_slot_follows_if_wanted_and_what_moved_is_off_it_no_more(
    cast: Cast, lectures: list[Lecture]
) -> None:
    slot = WeeklySlot.objects.get(course=cast.course)
    move(cast, lectures, weekday=3, start=time(14, 15), minutes=90, room="H 0104", slot=slot.pk)
    slot.refresh_from_db()
    assert (slot.weekday, slot.start, slot.end, slot.room) == (3, time(14, 15), time(15, 45), "H 0104")
    row = Lecture.objects.select_related("course").get(pk=lectures[2].pk)
    assert [row.is_off_weekday, row.is_off_time, row.is_off_room] == [False] * 3
    foreign = WeeklySlot.objects.get(course=cast.other_course)
    move(cast, lectures[:1], weekday=4, slot=foreign.pk)
    assert WeeklySlot.objects.get(pk=foreign.pk).weekday == foreign.weekday


def test_a_slot_that_the_course_has_already_moves_nothing(cast: Cast, lectures: list[Lecture]) -> None:
    slot, before = WeeklySlot.objects.get(course=cast.course), held(cast)
    WeeklySlot.objects.create(
        course=cast.course, kind="lecture", weekday=3, start=time(10), end=time(12), room="MAR 0.011"
    )
    with pytest.raises(RuleViolation, match=r"The course has this weekly slot already\."):
        move(cast, lectures, weekday=3, slot=slot.pk)
    assert held(cast) == before


def test_sessions_of_other_courses_and_what_is_not_to_come_are_refused(cast: Cast, lectures: list[Lecture]) -> None:
    foreign = LectureFactory.create(course=cast.other_course)
    with pytest.raises(RuleViolation, match="no longer there"):
        move(cast, [lectures[0], foreign], weekday=3)
    Lecture.objects.filter(pk=lectures[1].pk).update(state="cancelled")
    with pytest.raises(RuleViolation, match="can't be moved any more"):
        move(cast, lectures[:2], weekday=3)
    assert held(cast)[0] == "Wed 09.10. 10:00–12:00 MAR 0.011"


def test_a_session_that_a_colleague_changed_is_not_written_over(cast: Cast, lectures: list[Lecture]) -> None:
    seen = {row.pk: named(row) for row in Lecture.objects.filter(course=cast.course)}
    change_lecture(lecture_pk=lectures[3].pk, now=NOW, room="H 9")
    before = held(cast)
    with pytest.raises(
        RuleViolation, match=r"changed '04 Größe 4' meanwhile\. It is now: Wed 30 Oct 2024, 10:00–12:00, H 9"
    ) as caught:
        move_slot(course=cast.course, move=SlotMove(sessions=list(seen), weekday=3), seen=seen, now=NOW)
    assert caught.value.code == "changed-meanwhile"
    assert held(cast) == before


def test_the_mail_is_one_for_all_and_the_feed_keeps_uids_with_higher_sequences(
    cast: Cast,
    lectures: list[Lecture],
    client: Client,
    postbox: Postbox,  # noqa: F811
) -> None:
    before = {str(event["UID"]): int(event["SEQUENCE"]) for event in events(client, "/amls/calendar.ics")}
    move(cast, lectures[2:], weekday=3, start=time(14), room="H 0104")
    after = events(client, "/amls/calendar.ics")
    assert {str(event["UID"]): int(event["SEQUENCE"]) - before[str(event["UID"])] for event in after} == {
        uid: int(position >= 2) for position, uid in enumerate(uids_of(lectures))
    }
    tell_changes(now=NOW + timedelta(minutes=5))
    deliver_due(now=NOW + timedelta(minutes=5))
    mails = [mail for mail in postbox.mails if "student@example.org" in str(mail["To"])]
    assert [str(mail["Subject"]).partition("] ")[2] or str(mail["Subject"]) for mail in mails] == ["4 dates moved"]
    text = mails[0].get_body(("plain",)).get_content()
    assert text.count(" → ") == 4
    assert "06 Größe 6: Wed 13 Nov 2024, 10:00–12:00, MAR 0.011 → Thu 14 Nov 2024, 14:00–16:00, H 0104" in " ".join(
        text.split()
    )


def uids_of(rows: list[Lecture]) -> list[str]:
    items = {item.key: item for item in AgendaItem.objects.base()}
    return [f"{items[f'lectures.lecture:{row.pk}'].uid}@localhost" for row in rows]


def test_one_within_a_day_lets_the_mail_of_all_leave_at_once(cast: Cast, lectures: list[Lecture]) -> None:
    now = datetime(2024, 10, 8, 15, tzinfo=UTC)
    seen = {row.pk: named(row) for row in Lecture.objects.filter(course=cast.course)}
    move_slot(course=cast.course, move=SlotMove(sessions=list(seen), room="H 0104"), seen=seen, now=now)
    assert set(ItemChange.objects.values_list("held_until", flat=True)) == {now}
    assert tell_changes(now=now) == 4
    # A change of one of the others alone still waits.
    change_lecture(lecture_pk=lectures[5].pk, now=now, room="H 0105")
    assert ItemChange.objects.pending().get().held_until == now + timedelta(minutes=5)


def test_taken_back_nobody_is_told_and_what_somebody_changed_since_stays(cast: Cast, lectures: list[Lecture]) -> None:
    slot, before = WeeklySlot.objects.get(course=cast.course), held(cast)
    undo = move(cast, lectures, weekday=3, room="H 0104", slot=slot.pk).undo
    assert take_move_back(course=cast.course, kept=undo, now=NOW) == (6, [])
    assert (held(cast), WeeklySlot.objects.get(pk=slot.pk).weekday) == (before, 2)
    assert not ItemChange.objects.exists()
    # Pressed twice it finds nothing as it was left.
    assert take_move_back(course=cast.course, kept=undo, now=NOW)[0] == 0
    undo = move(cast, lectures, weekday=3, slot=slot.pk).undo
    change_lecture(lecture_pk=lectures[2].pk, now=NOW, starts_at=lectures[2].starts_at, ends_at=lectures[2].ends_at)
    count, others = take_move_back(course=cast.course, kept=undo, now=NOW)
    assert (count, [row.pk for row in others]) == (5, [lectures[2].pk])
    # The slot stays with what stays.
    assert WeeklySlot.objects.get(pk=slot.pk).weekday == 3


def test_what_collides_is_named_and_what_others_may_not_see_is_not(cast: Cast, lectures: list[Lecture]) -> None:
    zone = cast.course.zone
    at_two = from_wall_clock(datetime(2024, 10, 10, 14), zone)
    hours = {"starts_at": at_two, "ends_at": at_two + timedelta(hours=2)}
    session(cast, 0, kind="exercise", number="07", title="Übung", room="TEL 2", **hours)
    LectureFactory.create(course=cast.other_course, number="31", title="Joins", room="h 0104", **hours)
    later = {name: moment + timedelta(weeks=1) for name, moment in hours.items()}
    LectureFactory.create(course=cast.other_course, number="32", title="Locks", room="TEL 9", **later)
    EnrolmentFactory.create(course=cast.other_course, role="assistant", user=cast.assistant.user)
    OpenExamFactory.create(course=cast.course, starts_at=at_two + timedelta(weeks=2), duration_minutes=60)
    for course in (cast.course, cast.other_course):
        reconcile(course, now=NOW)
    moved = move(cast, lectures[:4], weekday=3, start=time(14), room="H 0104")
    said = collisions_of(cast.course, moved.sessions, reader=cast.lecturer.user)
    names = str(cast.assistant.user)
    assert [said.get(row.pk, []) for row in lectures[:4]] == [
        ["'Exercise 07: Übung' is at the same time.", "'31 Joins (Database Systems)' is in H 0104 at the same time."],
        [f"'32 Locks (Database Systems)' is at the same time; teaches there too: {names}."],
        ["'Written exam' is at the same time."],
        [],
    ]
    Course.objects.filter(pk=cast.other_course.pk).update(state="draft")
    said = collisions_of(cast.course, moved.sessions, reader=cast.lecturer.user)
    assert lectures[1].pk not in said
    # Of the draft its own staff reads.
    said = collisions_of(cast.course, moved.sessions, reader=cast.assistant.user)
    assert len(said[lectures[1].pk]) == 1


def test_the_end_of_the_course_and_days_without_class_are_named(cast: Cast, lectures: list[Lecture]) -> None:
    Course.objects.filter(pk=cast.course.pk).update(last_day=date(2024, 11, 13))
    FreeDay.objects.create(course=cast.course, first=date(2024, 10, 10))
    cast.course.refresh_from_db()
    moved = move(cast, [lectures[0], lectures[5]], weekday=3, on_free={lectures[0].pk: OnFree.HOLD})
    assert list(collisions_of(cast.course, moved.sessions, reader=cast.lecturer.user).values()) == [
        ["Thu 10 Oct 2024 is a day without class. Look whether it takes place."],
        ["That is after the course's last day, Wed 13 Nov 2024."],
    ]


def test_an_overturned_order_is_said(cast: Cast, lectures: list[Lecture]) -> None:
    thursday = from_wall_clock(datetime(2024, 10, 17, 10), cast.course.zone)
    session(cast, 1, number="22", title="Şahin", starts_at=thursday, ends_at=thursday + timedelta(hours=2))
    for week in range(3):
        starts, ends = lectures[week].starts_at, lectures[week].ends_at
        assert starts is not None
        assert ends is not None
        later = {"starts_at": starts + timedelta(hours=30), "ends_at": ends + timedelta(hours=30)}
        session(cast, week, kind="exercise", number=f"{week + 1}", title=f"Blatt {week + 1}", **later)
    moved = move(cast, lectures[:4], weekday=4)
    assert order_of(cast.course, moved.sessions) == [
        "'22 Şahin' would come before '02 Größe 2', which it follows until now.",
        "3 times a session would come before one of another kind that it follows until now, such as 'Exercise 1: Blatt 1' before '01 Größe 1'.",
    ]
    assert order_of(cast.course, move(cast, lectures[:4], room="H 1").sessions) == []


@pytest.mark.django_db(transaction=True)
def test_a_colleague_who_changes_one_at_the_same_moment_loses_nothing(cast: Cast, lectures: list[Lecture]) -> None:
    seen = {row.pk: named(row) for row in Lecture.objects.filter(course=cast.course)}
    wanted = SlotMove(sessions=list(seen), weekday=3, room="H 0104")
    acts: list[Callable[[], Any]] = [
        lambda: move_slot(course=cast.course, move=wanted, seen=seen, now=NOW),
        lambda: change_lecture(lecture_pk=lectures[3].pk, now=NOW, room="H 9"),
    ]
    outcomes = at_once(acts)
    rooms = list(Lecture.objects.order_by("starts_at").values_list("room", flat=True))
    if refusals(outcomes):
        # The colleague came first: nothing moved.
        assert dict(refusals(outcomes)) == {"changed-meanwhile": 1}
        assert rooms == ["MAR 0.011"] * 3 + ["H 9"] + ["MAR 0.011"] * 2
    else:
        # The colleague came after it, and what they typed holds.
        assert rooms == ["H 0104"] * 3 + ["H 9"] + ["H 0104"] * 2
    assert {row.held_on.weekday() for row in Lecture.objects.select_related("course") if row.held_on} in ({2}, {3})


@pytest.mark.django_db(transaction=True)
def test_two_who_move_the_same_sessions_at_once_move_them_once(cast: Cast, lectures: list[Lecture]) -> None:
    seen = {row.pk: named(row) for row in Lecture.objects.filter(course=cast.course)}

    def to(weekday: int) -> Callable[[], Any]:
        wanted = SlotMove(sessions=list(seen), weekday=weekday)
        return lambda: move_slot(course=cast.course, move=wanted, seen=seen, now=NOW)

    assert dict(refusals(at_once([to(3), to(4)]))) == {"changed-meanwhile": 1}
    weekdays = {row.held_on.weekday() for row in Lecture.objects.select_related("course") if row.held_on}
    assert weekdays in ({3}, {4})


def test_the_queries_of_a_move_grow_by_what_is_noted_of_each_and_not_with_people(
    cast: Cast,
) -> None:
    rows = [session(cast, week, mode=Mode.HYBRID) for week in range(30)]
    settle(cast)
    counted = []
    for count in (10, 30):
        with CaptureQueriesContext(connection) as queries:
            move(cast, rows[:count], weekday=3 + count // 30)
        counted.append(len(queries))
        ItemChange.objects.all().delete()
    for person in range(600):
        EnrolmentFactory.create(course=cast.course, user__email=f"p{person}@example.org")
    with CaptureQueriesContext(connection) as queries:
        move(cast, rows, weekday=0)
    counted.append(len(queries))
    # One for each session, which is noted for the mail.
    assert counted == [44, 64, 64]
    with CaptureQueriesContext(connection) as queries:
        tell_changes(now=NOW + timedelta(minutes=5))
    assert len(queries) == 7
    assert Notice.objects.count() == 604
