"""Kinds of sessions, several weekly slots, open dates and times, days without class, deadlines of a course's own."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from icalendar import Calendar, Event
from pytest_django import Settings

from amls.agenda.models import AgendaItem
from amls.courses.models import Course, SessionKind, WeeklySlot
from amls.mail.models import Notice, ReminderRule
from amls.mail.reminders import plan_reminders
from amls.pagecache import store as pagecache
from lectures.filenames import recognise
from lectures.models import Deadline, FreeDay, Lecture, OfficeHour
from lectures.queries import lectures_of
from lectures.services.schedule import change_lecture, remove_dated, save_dated, save_lecture
from tests.agreement import agree_to
from tests.cast import make_cast
from tests.factories import CourseFactory, EnrolmentFactory, WeeklySlotFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2024, 4, 10, 10, tzinfo=UTC)
THURSDAY = datetime(2024, 5, 16, 14, tzinfo=UTC)
HOURS = timedelta(hours=2)


@pytest.fixture
def course() -> Course:
    return CourseFactory.create(slug="amls")


def session(course: Course, **values: object) -> Lecture:
    lecture = Lecture(course=course, **{"title": "Parameter Servers", **values})
    save_lecture(lecture, now=NOW)
    return lecture


def add_free_day(course: Course, **values: object) -> FreeDay:
    save_dated(free_day := FreeDay(course=course, **values), now=NOW)
    return free_day


def add_deadline(course: Course, **values: object) -> Deadline:
    save_dated(deadline := Deadline(course=course, **values), now=NOW)
    return deadline


def dated(course: Course, number: str, weeks: int = 0, **values: object) -> Lecture:
    starts_at = THURSDAY + timedelta(weeks=weeks)
    return session(course, number=number, starts_at=starts_at, ends_at=starts_at + HOURS, **values)


def events(course: Course) -> list[Event]:
    content = Client().get(f"/{course.slug}/calendar.ics").content
    return list(Calendar.from_ical(content).walk("VEVENT"))


# ── kinds ──


def test_each_kind_counts_by_itself_and_says_what_it_is(course: Course) -> None:
    lecture, exercise = dated(course, "03"), dated(course, "3", kind="exercise", title="Sparse kernels")
    assert (str(lecture), lecture.label, lecture.ref) == ("03 Parameter Servers", "", "03")
    assert (str(exercise), exercise.label, exercise.ref) == ("Exercise 3: Sparse kernels", "Exercise 3", "exercise-3")
    with translation.override("de"):
        assert str(exercise) == "Übung 3: Sparse kernels"
    with pytest.raises(ValidationError, match="session of this kind with this number"):
        dated(course, "3", kind="exercise")
    item = AgendaItem.objects.get(key=f"lectures.lecture:{exercise.pk}")
    assert (item.kind, item.title, item.titles) == (
        "exercise", "Exercise 3: Sparse kernels", {"de": "Übung 3: Sparse kernels"},
    )  # fmt: skip


def test_pages_speak_of_the_kind_and_of_lectures_alone_as_before(client: Client, course: Course) -> None:
    dated(course, "03")
    before = client.get("/amls/").content.decode()
    assert "1 lecture<" in before
    assert "Lectures" in before
    assert 'class="kind"' not in before
    dated(course, "3", weeks=1, kind="exercise", title="Sparse kernels")
    after = client.get("/amls/").content.decode()
    assert "1 lecture · 1 exercise" in after
    assert '<span class="kind">Exercise 3</span>' in after
    assert "Sessions" in after
    page = client.get("/amls/lectures/exercise-3/").content.decode()
    assert "Exercise 3: Sparse kernels" in page
    assert "This session as a calendar file" in page
    assert client.get("/amls/lectures/exercise-3.ics").status_code == 200
    assert "Exercise</a>" in client.get("/amls/schedule/").content.decode()


@pytest.mark.parametrize("kind", SessionKind.values)
def test_a_kind_is_one_of_those_offered(course: Course, kind: str) -> None:
    row = dated(course, "1", kind=kind)
    assert [str(event["CATEGORIES"].cats[0]) for event in events(course)] == [str(SessionKind(kind).label)]
    with pytest.raises(IntegrityError, match="lecture_kind_valid"), transaction.atomic():
        Lecture.objects.filter(pk=row.pk).update(kind="party")


# ── weekly slots ──


def test_each_session_is_held_against_the_slot_of_its_kind(course: Course) -> None:
    WeeklySlotFactory.create(course=course, weekday=1, start=time(10, 15), end=time(11, 45), room="MA 001", call_in="")
    WeeklySlotFactory.create(
        course=course,
        kind="exercise",
        weekday=4,
        start=time(14),
        end=time(16),
        room="TEL 0811",
        mode="in_person",
        call_in="",
    )
    thursday = dated(course, "01", room="H 0107")
    tuesday = session(
        course, number="02", starts_at=datetime(2024, 5, 14, 8, 15, tzinfo=UTC),
        ends_at=datetime(2024, 5, 14, 9, 45, tzinfo=UTC), room="MA 001",
    )  # fmt: skip
    moved = dated(course, "1", kind="exercise", room="TEL 0811")
    seen = [
        (lecture.is_off_weekday, lecture.is_off_time, lecture.is_off_room) for lecture in (thursday, tuesday, moved)
    ]
    assert seen == [(False, False, False), (False, False, False), (True, True, False)]


def test_the_home_names_every_slot_and_only_other_kinds_by_name(client: Client, course: Course) -> None:
    assert "Lecture Thursday" not in " ".join(client.get("/amls/").content.decode().split())
    WeeklySlotFactory.create(
        course=course, kind="exercise", weekday=4, start=time(14), end=None, room="", mode="virtual"
    )
    Course.objects.filter(pk=course.pk).update(revision=99)
    text = " ".join(client.get("/amls/").content.decode().split())
    assert "Thursday <b>16:00–18:00</b> in <b>H 0107</b> and online" in text
    assert "Exercise Friday <b>14:00</b> online" in text


@pytest.mark.parametrize("part", ["anonymous", "student", "lecturer"])
def test_weekly_slots_cost_pages_no_query(part: str) -> None:
    cast = make_cast()
    dated(cast.course, "01")
    counts = []
    for number in range(2):
        client = cast.client(part)
        pagecache.store.clear()
        with CaptureQueriesContext(connection) as asked:
            assert client.get("/amls/lectures/01/").status_code == 200
            assert client.get("/amls/").status_code == 200
        assert not [
            query
            for query in asked
            if 'FROM "courses_weeklyslot" WHERE "courses_weeklyslot"."course_id"' in query["sql"]
        ]
        counts.append(len(asked))
        WeeklySlotFactory.create(course=cast.course, kind="lab", weekday=number)
    assert counts[0] == counts[1]


def test_slots_keep_their_rules(course: Course) -> None:
    slot = course.weekly_slots.get()
    for values, name in (
        ({"kind": "party"}, "weeklyslot_kind_valid"),
        ({"mode": "radio"}, "weeklyslot_mode_valid"),
        ({"end": time(15)}, "weeklyslot_in_order"),
        ({"weekday": 7}, "weeklyslot_weekday_valid"),
    ):
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            WeeklySlot.objects.filter(pk=slot.pk).update(**values)
    with pytest.raises(IntegrityError, match="weeklyslot_unique"), transaction.atomic():
        WeeklySlotFactory.create(course=course)


# ── open dates and times ──


def test_an_open_date_stands_in_its_place_and_in_no_calendar(client: Client, course: Course) -> None:
    third, first = dated(course, "03", weeks=2), dated(course, "01")
    second, outlook = session(course, number="02", title="Open"), session(course, title="Outlook")
    assert lectures_of(course) == [first, second, third, outlook]
    assert len(events(course)) == 2
    assert client.get("/amls/lectures/02.ics").status_code == 404
    for address in ("/amls/", "/amls/lectures/02/", "/amls/schedule/"):
        assert "date open" in client.get(address).content.decode()
    assert "date open" not in client.get("/amls/schedule/?kind=exam").content.decode()
    (change,) = change_lecture(lecture_pk=second.pk, now=NOW, starts_at=THURSDAY + HOURS, ends_at=THURSDAY + 2 * HOURS)
    assert (change.kind, change.before) == ("added", None)
    assert len(events(course)) == 3


def test_an_open_time_is_a_day_in_the_calendar_until_it_is_known(course: Course) -> None:
    lecture = session(course, number="05", day=date(2024, 5, 16), mode="hybrid")
    (event,) = events(course)
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (date(2024, 5, 16), date(2024, 5, 17))
    assert (str(event["SUMMARY"]), str(event["TRANSP"])) == ("05 Parameter Servers (time open)", "TRANSPARENT")
    (change,) = change_lecture(lecture_pk=lecture.pk, now=NOW, starts_at=THURSDAY, ends_at=THURSDAY + HOURS)
    assert change.kind == "moved"
    (after,) = events(course)
    assert (after["UID"], int(after["SEQUENCE"]), int(event["SEQUENCE"])) == (event["UID"], 1, 0)
    assert (after["DTSTART"].dt, str(after["SUMMARY"])) == (THURSDAY, "05 Parameter Servers")
    lecture.refresh_from_db()
    assert lecture.day is None


def test_a_moment_is_whole_open_or_a_day(course: Course) -> None:
    lecture = dated(course, "01")
    for values, name in (
        ({"ends_at": None}, "lecture_ends_after_start"),
        ({"starts_at": None}, "lecture_ends_after_start"),
        ({"ends_at": THURSDAY}, "lecture_ends_after_start"),
        ({"day": date(2024, 5, 16)}, "lecture_day_while_time_open"),
    ):
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            Lecture.objects.filter(pk=lecture.pk).update(**values)


def form_of(lecture: Lecture, **values: str) -> dict[str, str]:
    whole = {
        "day": "2024-05-16",
        "start": "16:00",
        "end": "18:00",
        "room": "",
        "mode": "hybrid",
        "call_in": "",
        "state": "planned",
    }
    return {f"lecture{lecture.pk}-{name}": value for name, value in {**whole, **values}.items()}


@pytest.mark.parametrize(
    ("typed", "after", "problem"),
    [
        ({"day": "", "start": "", "end": ""}, (None, None), ""),
        ({"start": "", "end": ""}, (None, date(2024, 5, 16)), ""),
        ({"day": ""}, (THURSDAY, None), "Give the day too"),
        ({"end": ""}, (THURSDAY, None), "Give both times"),
    ],
)
def test_staff_open_a_date_or_a_time_on_the_page_and_take_it_back(
    typed: dict[str, str], after: tuple[object, object], problem: str
) -> None:
    cast = make_cast()
    lecture, client = dated(cast.course, "01"), cast.client("lecturer")
    answer = client.post("/amls/lectures/01/edit/", form_of(lecture, **typed))
    lecture.refresh_from_db()
    assert (lecture.starts_at, lecture.day) == after
    if problem:
        assert answer.status_code == 422
        assert problem in answer.content.decode()
        return
    page = client.get("/amls/").content.decode()
    token = page.partition('name="token" value="')[2].partition('"')[0]
    client.post("/amls/lectures/01/undo/", {"token": token})
    lecture.refresh_from_db()
    assert (lecture.starts_at, lecture.ends_at, lecture.day) == (THURSDAY, THURSDAY + HOURS, None)


# ── days without class ──


def test_a_free_day_is_shown_and_no_office_hour_is_held_on_it(client: Client, course: Course) -> None:
    dated(course, "01")
    hour = OfficeHour(
        course=course, weekday=1, start=time(16), end=time(17), first=date(2024, 5, 14), last=date(2024, 5, 28)
    )
    save_dated(hour, now=NOW)
    whitsun = add_free_day(course, first=date(2024, 5, 20), last=date(2024, 5, 24), title="Whitsun")
    by_summary = {str(event["SUMMARY"]): event for event in events(course)}
    event = by_summary["No class: Whitsun"]
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (date(2024, 5, 20), date(2024, 5, 25))
    assert str(event["TRANSP"]) == "TRANSPARENT"
    hours = [event["DTSTART"].dt.day for event in events(course) if str(event["SUMMARY"]) == "Office hour"]
    assert hours == [14, 28]
    month = client.get("/amls/schedule/?view=month&month=2024-05").content.decode()
    assert month.count("No class: Whitsun") == 5
    text = " ".join(client.get("/amls/schedule/").content.decode().split())
    assert "until Fri 24 May" in text
    whitsun.last = None
    save_dated(whitsun, now=NOW)
    hours = [event["DTSTART"].dt.day for event in events(course) if str(event["SUMMARY"]) == "Office hour"]
    assert hours == [14, 21, 28]
    remove_dated(whitsun, now=timezone.now())
    assert [str(event["STATUS"]) for event in events(course) if "Whitsun" in str(event["SUMMARY"])] == ["CANCELLED"]


def test_free_days_keep_their_rules(course: Course) -> None:
    free = add_free_day(course, first=date(2024, 5, 9))
    with pytest.raises(ValidationError, match="The last day lies before the first"):
        add_free_day(course, first=date(2024, 5, 20), last=date(2024, 5, 19))
    with pytest.raises(IntegrityError, match="freeday_days_in_order"), transaction.atomic():
        FreeDay.objects.filter(pk=free.pk).update(last=date(2024, 5, 8))
    with pytest.raises(IntegrityError, match="freeday_unique"), transaction.atomic():
        FreeDay.objects.create(course=course, first=date(2024, 5, 9))
    assert apps.get_model("lectures", "FreeDayEvent").objects.get(pgh_obj=free).pgh_label == "insert"


# ── deadlines ──


def test_a_deadline_of_its_own_is_a_key_date_and_is_reminded_of(client: Client, course: Course) -> None:
    EnrolmentFactory.create(course=course)
    Notice.objects.all().delete()
    due_at = NOW + timedelta(days=3)
    sheet = add_deadline(course, title="Sheet 1", kind="sheet", due_at=due_at, url="https://isis.example.org/sheet-1")
    (event,) = events(course)
    assert (event["DTEND"].dt, str(event["URL"])) == (due_at, "https://isis.example.org/sheet-1")
    assert "Sheet 1" in client.get("/amls/").content.decode()
    assert 'href="https://isis.example.org/sheet-1"' in client.get("/amls/schedule/").content.decode()
    EnrolmentFactory.create(course=course)
    course.enrolments.update(created_at=NOW - timedelta(days=30))
    ReminderRule.objects.all().delete()
    assert plan_reminders(now=due_at - timedelta(days=1)) == 2
    sheet.due_at, sheet.day = None, date(2024, 5, 17)
    (change,) = save_dated(sheet, now=NOW)
    assert change.kind == "moved"
    sheet.refresh_from_db()
    assert sheet.due_at is None
    (event,) = events(course)
    assert (event["DTSTART"].dt, str(event["SUMMARY"])) == (date(2024, 5, 17), "Sheet 1 (time open)")
    remove_dated(sheet, now=timezone.now())
    assert [str(event["STATUS"]) for event in events(course)] == ["CANCELLED"]


def test_deadlines_keep_their_rules(course: Course) -> None:
    sheet = add_deadline(course, title="Sheet 1", due_at=NOW)
    with pytest.raises(ValidationError, match="Say when it is due"):
        add_deadline(course, title="Sheet 2")
    for values, name in (
        ({"kind": "party"}, "deadline_kind_valid"),
        ({"day": date(2024, 5, 8)}, "deadline_moment_or_day"),
        ({"due_at": None}, "deadline_moment_or_day"),
    ):
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            Deadline.objects.filter(pk=sheet.pk).update(**values)
    with pytest.raises(IntegrityError, match="deadline_unique"), transaction.atomic():
        Deadline.objects.create(course=course, title="Sheet 1", due_at=NOW)


@pytest.mark.parametrize(
    ("filename", "ref"),
    [
        ("03_Joins.pdf", "03"),
        ("lec3.pdf", "03"),
        ("Exercise_03.pdf", "exercise-3"),
        ("Übung 3.pdf", "exercise-3"),
        ("ex-3.pdf", "exercise-3"),
        ("index3.pdf", "03"),
        ("4.pdf", "exercise-4"),
        ("SS2024_UE04.pdf", "exercise-4"),
    ],
)
def test_a_file_finds_its_session_by_kind_and_number(course: Course, filename: str, ref: str) -> None:
    rows = [dated(course, "3", kind="exercise"), dated(course, "03"), dated(course, "4", kind="exercise")]
    recognised = recognise(filename, rows).lecture
    assert recognised is not None
    assert recognised.ref == ref


def test_the_desk_gives_an_open_time_its_moment_in_the_list(settings: Settings) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    cast = make_cast()
    lecture = session(cast.course, number="05", day=date(2024, 5, 16))
    client, address = cast.client("lecturer"), "/admin/lectures/lecture/"
    assert "Lecture, Thu 16 May 2024, time open" in client.get(address).content.decode()
    row = {
        "id": str(lecture.pk),
        "starts_at": "2024-05-16T16:00",
        "ends_at": "2024-05-16T18:00",
        "room": "",
        "mode": "hybrid",
        "state": "planned",
    }
    data = {
        "form-TOTAL_FORMS": "1",
        "form-INITIAL_FORMS": "1",
        "_save": "Save",
        **{f"form-0-{name}": value for name, value in row.items()},
    }
    agree_to(client, address, data)
    lecture.refresh_from_db()
    assert (lecture.starts_at, lecture.day) == (THURSDAY, None)
