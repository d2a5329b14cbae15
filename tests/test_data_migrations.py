"""An installation of 0.9.0 is migrated: its rows are where they belong today, with who changed them when."""

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, time
from decimal import Decimal

import pytest
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from amls.agenda.feeds import entries_for
from amls.agenda.ical import render_feed
from amls.agenda.services import reconcile
from amls.courses.models import Course
from amls.portal.takeover.export import export_course
from amls.portal.takeover.spec import SlotSpec
from exams.models import ExamRules
from projects.models import Project
from tests.earlier import THEN, UIDS, ZOOM
from tests.tools import template
from tests.tools.release import KEPT
from tests.tools.upgrade import connected

SETTINGS = ("exam_percent", "project_is_prerequisite", "max_extra_points")


@pytest.fixture
def _migrated(transactional_db: None) -> Iterator[None]:
    """An installation of the release after `migrate`, instead of the tests' own database."""
    name = f"release_{os.getpid()}"
    template.upgraded(KEPT / "0.9.0.sql.xz", name)
    with connected(name):
        yield
    ContentType.objects.clear_cache()
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.usefixtures("_migrated")
def test_rows_of_an_earlier_version_move_with_their_history() -> None:
    _slots_are_rows_and_no_calendar_notices()
    _exam_settings_are_exam_rules()
    _what_a_deleted_account_had_to_assess_is_nobodys()


def _slots_are_rows_and_no_calendar_notices() -> None:
    course = Course.objects.get(slug="weekly")
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


def _exam_settings_are_exam_rules() -> None:
    rules = ExamRules.objects.filter(course__slug__in=("examined", "moses", "unexamined")).order_by("course__slug")
    assert list(rules.values_list("course__slug", "binding_name", "needs_matriculation_number", *SETTINGS)) == [
        ("examined", "", True, 100, True, Decimal(5)),
        ("moses", "Moses", False, 70, False, Decimal("2.5")),
    ]
    events = (
        apps.get_model("exams", "ExamRulesEvent").objects.filter(course__slug="examined").order_by("pgh_created_at")
    )
    assert list(events.values_list("pgh_label", "pgh_created_at__month", *SETTINGS)) == [
        ("insert", 3, None, False, Decimal(3)),
        ("update", 4, 100, True, Decimal(5)),
    ]
    kept = apps.get_model("exams", "ExamRulesEvent").objects.filter(course__slug="moses").order_by("pk")
    assert list(kept.values_list("pgh_label", "binding_name", *SETTINGS)) == [
        ("insert", "Moses", 70, False, Decimal("2.5")),
        ("update", "", 70, False, Decimal("2.5")),
    ]


def _what_a_deleted_account_had_to_assess_is_nobodys() -> None:
    projects = Project.objects.filter(assignment__course__slug="assessed").order_by("pk")
    assert [(project.title, project.assessor and project.assessor.is_nameless) for project in projects] == [
        ("Gone, undecided", None), ("Gone, draft", None), ("Gone, passed", True), ("There, undecided", False),
    ]  # fmt: skip
    history = apps.get_model("projects", "ProjectEvent").objects.filter(pgh_obj=projects[0]).order_by("pgh_id")
    assert [event.assessor_id is None for event in history if event.pgh_label == "update"][-1:] == [True]
