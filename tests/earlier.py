"""Rows of earlier versions that the demo data of their release lack: what migrations since have to move."""

import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

THEN = datetime(2024, 4, 2, 8, tzinfo=UTC)
ZOOM = "https://zoom.example.org/1"
UIDS = [uuid.UUID(int=number) for number in (1, 2)]
_STATE_OF_0_9_0 = [
    ("courses", "0001_initial"),
    ("exams", "0001_initial"),
    ("lectures", "0001_initial"),
    ("agenda", "0002_initial"),
    ("mail", "0001_initial"),
    ("projects", "0001_initial"),
]


def add(version: str) -> None:
    """Add them to the connected database, which is as that release made it."""
    if version in _FILLERS:
        state, fillers = _FILLERS[version]
        old = MigrationExecutor(connection).loader.project_state(state).apps
        for fill in fillers:
            fill(old)


def _fill_slots(old: Any) -> None:
    course_model = old.get_model("courses", "Course")
    course = course_model.objects.create(
        slug="weekly", title="Architecture", term="SS2024", state="running", slot_weekday=3, slot_start=time(16),
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
        path="/weekly/lectures/05/",
    )  # fmt: skip
    old.get_model("agenda", "AgendaItem").objects.create(
        **common, key=f"lectures.officehour:{hour.pk}:2024-05-23", uid=UIDS[1], sequence=1, kind="office_hour",
        title="Office hour", titles={"de": "Sprechstunde"}, starts_at=datetime(2024, 5, 23, 14, tzinfo=UTC),
        ends_at=datetime(2024, 5, 23, 15, tzinfo=UTC), place="TEL 0811", mode="in_person", path="/weekly/",
    )  # fmt: skip


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


def _fill_assessors(old: Any) -> None:
    user_model, course_model = old.get_model("courses", "User"), old.get_model("courses", "Course")
    course = course_model.objects.create(slug="assessed", title="Łódź", term="SS2024", state="running")
    old.get_model("projects", "ProjectRules").objects.create(course=course)
    gone, there = (user_model.objects.create(email=email) for email in ("gone@example.org", "there@example.org"))
    user_model.objects.filter(pk=gone.pk).update(email=f"deleted-{gone.pk}@deleted.invalid", is_active=False)
    for title, assessor, outcome in (
        ("Gone, undecided", gone, None), ("Gone, draft", gone, ""), ("Gone, passed", gone, "passed"), ("There, undecided", there, None),
    ):  # fmt: skip
        topic = old.get_model("projects", "Topic").objects.create(course=course, title=title)
        project = old.get_model("projects", "Project").objects.create(
            topic=topic, registered_at=THEN, assessor=assessor
        )
        if outcome is not None:
            old.get_model("projects", "Assessment").objects.create(
                project=project, outcome=outcome, assessed_by=assessor, assessed_at=THEN
            )


_FILLERS: dict[str, tuple[list[tuple[str, str]], tuple[Callable[[Any], None], ...]]] = {
    "0.9.0": (_STATE_OF_0_9_0, (_fill_slots, _fill_exam_settings, _fill_assessors)),
}
