"""An installation of 0.9.0 is migrated: its rows are where they belong today, with who changed them when."""

import os
import re
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from amls.agenda.feeds import entries_for
from amls.agenda.ical import render_feed
from amls.agenda.services import reconcile
from amls.courses.models import Course
from amls.portal.takeover.export import export_course
from amls.portal.takeover.spec import SlotSpec
from tests.tools.release import KEPT
from tests.tools.template import restore

RELEASE = [
    ("courses", "0001_initial"),
    ("exams", "0001_initial"),
    ("lectures", "0001_initial"),
    ("agenda", "0002_initial"),
    ("mail", "0001_initial"),
]
SETTINGS = ("exam_percent", "project_is_prerequisite", "max_extra_points")
THEN = datetime(2024, 4, 2, 8, tzinfo=UTC)
ZOOM = "https://zoom.example.org/1"
UIDS = [uuid.UUID(int=number) for number in (1, 2)]


@pytest.fixture
def release(transactional_db: None) -> Iterator[None]:
    """A database as the release made it, instead of the tests' own: to go back to it takes a minute."""
    ours, name = connection.settings_dict["NAME"], f"release_{os.getpid()}"
    restore(KEPT / "0.9.0.sql.xz", name)
    connection.settings_dict["NAME"] = name
    yield
    connection.close()
    connection.settings_dict["NAME"] = ours
    ContentType.objects.clear_cache()
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_rows_of_an_earlier_version_move_with_their_history(release: None) -> None:
    executor = MigrationExecutor(connection)
    latest, old = executor.loader.graph.leaf_nodes(), executor.loader.project_state(RELEASE).apps
    _fill_slots(old)
    _fill_exam_settings(old)
    executor.migrate(latest)
    _slots_are_rows_and_no_calendar_notices()
    _exam_settings_are_exam_rules(executor.loader.project_state(latest).apps)


def _slots_are_rows_and_no_calendar_notices() -> None:
    course = Course.objects.get(slug="amls")
    slot = course.weekly_slots.get()
    assert export_course(course).slots == (
        SlotSpec(weekday="tuesday", start=time(16), end=time(18), room="H 0107", mode="hybrid", call_in=ZOOM),
    )
    history = (
        apps.get_model("courses", "WeeklySlotEvent")
        .objects.filter(pgh_obj=slot)
        .order_by("pgh_id")
        .values_list("pgh_label", "weekday", "room", "call_in")
    )
    assert list(history) == [("insert", 3, "", ZOOM), ("update", 1, "H 0107", ZOOM)]
    # Who said a link only keeps it; who said nothing has no slot.
    assert export_course(Course.objects.get(slug="linked")).slots == (SlotSpec(call_in=ZOOM),)
    assert export_course(Course.objects.get(slug="plain")).slots == ()

    lecture = course.lectures.get(number="05")
    assert (lecture.kind, lecture.effective_call_in, lecture.is_off_weekday, lecture.day) == (
        "lecture",
        ZOOM,
        False,
        None,
    )
    before = _feed(course)
    assert reconcile(course, now=datetime(2024, 5, 1, tzinfo=UTC)) == []
    assert _feed(course) == before
    assert re.findall(r"^(?:UID|SEQUENCE|DTSTART|SUMMARY)\S*?:(.*)", before, re.MULTILINE) == [
        "05 Parameter Servers", "20240521T160000", f"{UIDS[0]}@localhost", "3",
        "Office hour", "20240523T160000", f"{UIDS[1]}@localhost", "1",
    ]  # fmt: skip


def _feed(course: Course) -> str:
    entries = entries_for(course, None, now=THEN)
    feed = render_feed(course, entries, name="x", source="https://example.org/x.ics", shows_call_in=True)
    events = feed.decode().replace("\r\n", "\n").partition("BEGIN:VEVENT")[2]
    return re.sub(r"^DTSTAMP.*\n", "", events, flags=re.MULTILINE)


def _fill_slots(old) -> None:  # type: ignore[no-untyped-def]
    course_model = old.get_model("courses", "Course")
    course = course_model.objects.create(
        slug="amls", title="Architecture", term="SS2024", state="running", slot_weekday=3, slot_start=time(16),
        slot_end=time(18), slot_mode="hybrid", slot_call_in=ZOOM,
    )  # fmt: skip
    course_model.objects.filter(pk=course.pk).update(title="Architecture of ML Systems")
    course_model.objects.filter(pk=course.pk).update(slot_weekday=1, slot_room="H 0107")
    course_model.objects.create(slug="linked", title="Linked", term="SS2024", slot_call_in=ZOOM)
    course_model.objects.create(slug="plain", title="Plain", term="SS2024")
    starts, ends = datetime(2024, 5, 21, 14, tzinfo=UTC), datetime(2024, 5, 21, 16, tzinfo=UTC)
    lecture = old.get_model("lectures", "Lecture").objects.create(
        course=course,
        number="05",
        title="Parameter Servers",
        starts_at=starts,
        ends_at=ends,
        room="H 0107",
        mode="hybrid",
    )
    hour = old.get_model("lectures", "OfficeHour").objects.create(
        course=course, weekday=3, start=time(16), end=time(17), room="TEL 0811", first=date(2024, 5, 23),
        last=date(2024, 5, 23),
    )  # fmt: skip
    common = {"course": course, "created_at": THEN, "changed_at": THEN}
    old.get_model("agenda", "AgendaItem").objects.create(
        **common, key=f"lectures.lecture:{lecture.pk}", uid=UIDS[0], sequence=3, kind="lecture",
        title="05 Parameter Servers", starts_at=starts, ends_at=ends, place="H 0107", mode="hybrid", call_in=ZOOM,
        path="/amls/lectures/05/",
    )  # fmt: skip
    old.get_model("agenda", "AgendaItem").objects.create(
        **common, key=f"lectures.officehour:{hour.pk}:2024-05-23", uid=UIDS[1], sequence=1, kind="office_hour",
        title="Office hour", titles={"de": "Sprechstunde"}, starts_at=datetime(2024, 5, 23, 14, tzinfo=UTC),
        ends_at=datetime(2024, 5, 23, 15, tzinfo=UTC), place="TEL 0811", mode="in_person", path="/amls/",
    )  # fmt: skip


def _exam_settings_are_exam_rules(new: Any) -> None:
    rules = new.get_model("exams", "ExamRules").objects.order_by("course__slug")
    assert list(rules.values_list("course__slug", "binding_name", "needs_matriculation_number", *SETTINGS)) == [
        ("examined", "", True, 100, True, Decimal(5)),
        ("moses", "Moses", False, 70, False, Decimal("2.5")),
    ]
    events = new.get_model("exams", "ExamRulesEvent").objects.filter(course__slug="examined").order_by("pgh_created_at")
    assert list(events.values_list("pgh_label", "pgh_created_at__month", *SETTINGS)) == [
        ("insert", 3, None, False, Decimal(3)),
        ("update", 4, 100, True, Decimal(5)),
    ]
    kept = new.get_model("exams", "ExamRulesEvent").objects.filter(course__slug="moses").order_by("pk")
    assert list(kept.values_list("pgh_label", "binding_name", *SETTINGS)) == [
        ("insert", "Moses", 70, False, Decimal("2.5")),
        ("update", "", 70, False, Decimal("2.5")),
    ]


def _fill_exam_settings(old: Any) -> None:
    course, rules = old.get_model("courses", "Course"), old.get_model("exams", "ExamRules")
    rows = {
        slug: course.objects.create(slug=slug, title="Łódź", term="SS2024", state="running", **values)
        for slug, values in {
            "examined": {"max_extra_points": 3},
            "moses": {"exam_percent": 70, "max_extra_points": Decimal("2.5")},
            "unexamined": {},
        }.items()
    }
    rules.objects.create(course=rows["moses"], binding_name="Moses", needs_matriculation_number=False)
    examined = rows["examined"]
    examined.exam_percent, examined.project_is_prerequisite, examined.max_extra_points = 100, True, 5
    examined.save()
    examined.title = "Architecture of Machine Learning Systems"
    examined.save()
    for month, event in enumerate(
        old.get_model("courses", "CourseEvent").objects.filter(pgh_obj=examined).order_by("pk"), 3
    ):
        type(event).objects.filter(pk=event.pk).update(pgh_created_at=datetime(2024, month, 1, tzinfo=UTC))
