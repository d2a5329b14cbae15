"""What a course of release 0.9.0 says of its exams becomes its exam rules, with who changed it when."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

BEFORE = [("courses", "0001_initial"), ("exams", "0001_initial")]
SETTINGS = ("exam_percent", "project_is_prerequisite", "max_extra_points")


def _make(old: Any) -> None:
    course, rules = old.get_model("courses", "Course"), old.get_model("exams", "ExamRules")
    rows = {
        slug: course.objects.create(slug=slug, title="Łódź", term="SS2024", state="running", **values)
        for slug, values in {
            "amls": {"max_extra_points": 3},
            "moses": {"exam_percent": 70, "max_extra_points": Decimal("2.5")},
            "plain": {},
        }.items()
    }
    rules.objects.create(course=rows["moses"], binding_name="Moses", needs_matriculation_number=False)
    amls = rows["amls"]
    amls.exam_percent, amls.project_is_prerequisite, amls.max_extra_points = 100, True, 5
    amls.save()
    amls.title = "Architecture of Machine Learning Systems"
    amls.save()
    for month, event in enumerate(
        old.get_model("courses", "CourseEvent").objects.filter(pgh_obj=amls).order_by("pk"), 3
    ):
        type(event).objects.filter(pk=event.pk).update(pgh_created_at=datetime(2024, month, 1, tzinfo=UTC))


@pytest.mark.django_db(transaction=True)
def test_exam_settings_move_to_the_exam_rules_with_their_history() -> None:
    executor = MigrationExecutor(connection)
    latest = executor.loader.graph.leaf_nodes()
    executor.migrate(BEFORE)
    try:
        _make(executor.loader.project_state(BEFORE).apps)
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate(latest)
    new = executor.loader.project_state(latest).apps
    rules = new.get_model("exams", "ExamRules").objects.order_by("course__slug")
    assert list(rules.values_list("course__slug", "binding_name", "needs_matriculation_number", *SETTINGS)) == [
        ("amls", "", True, 100, True, Decimal(5)),
        ("moses", "Moses", False, 70, False, Decimal("2.5")),
    ]
    events = new.get_model("exams", "ExamRulesEvent").objects.filter(course__slug="amls").order_by("pgh_created_at")
    assert list(events.values_list("pgh_label", "pgh_created_at__month", *SETTINGS)) == [
        ("insert", 3, None, False, Decimal(3)),
        ("update", 4, 100, True, Decimal(5)),
    ]
    kept = new.get_model("exams", "ExamRulesEvent").objects.filter(course__slug="moses").order_by("pk")
    assert list(kept.values_list("pgh_label", "binding_name", *SETTINGS)) == [
        ("insert", "Moses", 70, False, Decimal("2.5")),
        ("update", "", 70, False, Decimal("2.5")),
    ]
