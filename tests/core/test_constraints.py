"""What the database would refuse is refused before, in words, and by the same condition."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, models, transaction
from django.db.migrations.writer import MigrationWriter
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from amls.core.constraints import RowCheck, _statement_of
from amls.courses.models import Course
from exams.models import Exam
from tests.cast import Cast
from tests.odd.world import furnish
from tests.test_addresses import furnished, places  # noqa: F401 - fixtures

pytestmark = pytest.mark.django_db
NOON = datetime(2024, 7, 18, 12, tzinfo=UTC)


def codes(row: models.Model, exclude: set[str] | None = None) -> list[str]:
    try:
        row.validate_constraints(exclude=exclude)
    except ValidationError as error:
        return error.messages
    return []


def exam(cast: Cast, **values: Any) -> Exam:
    return Exam(course=cast.course, starts_at=NOON, **values)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, []),
        ({"kind": "spoken"}, ["Choose one of the offered values."]),
        ({"kind": "a word that is longer than its column, which would otherwise be cut to written"}, ["Choose one of the offered values."]),
        ({"capacity": None, "seats_taken": 9}, []),
        ({"capacity": 8, "seats_taken": 9}, ["More people are registered than the capacity has room for."]),
        ({"opens_at": NOON, "closes_at": NOON - timedelta(days=1)}, ["Sign-up closes before it opens."]),
        ({"opens_at": NOON, "closes_at": None}, []),
        ({"duration_minutes": 0}, ["An exam lasts at least a minute."]),
    ],
)  # fmt: skip
def test_a_row_is_refused_in_words(cast: Cast, values: dict[str, Any], expected: list[str]) -> None:
    assert codes(exam(cast, **values)) == expected


def test_without_a_field_that_it_speaks_of_nothing_is_asked(cast: Cast) -> None:
    wrong = exam(cast, capacity=8, seats_taken=9, duration_minutes=0)
    assert codes(wrong, {"capacity"}) == ["An exam lasts at least a minute."]
    assert codes(wrong, {"seats_taken", "duration_minutes"}) == []


def test_what_is_known_to_the_database_alone_is_asked_as_django_does(cast: Cast) -> None:
    assert codes(exam(cast, duration_minutes=models.Value(0))) == ["An exam lasts at least a minute."]


def test_a_value_that_the_database_cant_take_ends_no_transaction(cast: Cast) -> None:
    assert codes(exam(cast, duration_minutes=10**30)) == []
    assert Course.objects.filter(pk=cast.course.pk).exists()


def test_a_constraint_that_is_still_to_come_is_asked_as_django_does(cast: Cast) -> None:
    check = RowCheck(name="exam_short", condition=Q(duration_minutes__lt=60), violation_error_message="Too long.")
    with pytest.raises(ValidationError, match="Too long"):
        check.validate(Exam, exam(cast, duration_minutes=90))
    check.validate(Exam, exam(cast, duration_minutes=30))


def test_every_condition_of_ours_is_asked_this_way() -> None:
    ours = [
        model
        for model in apps.get_models()
        if model.__module__.partition(".")[0] in ("amls", "lectures", "projects", "exams")
    ]
    checks = [check for model in ours for check in model._meta.constraints if isinstance(check, models.CheckConstraint)]
    assert len(checks) > 100
    assert [check.name for check in checks if not isinstance(check, RowCheck)] == []


def test_in_a_migration_it_is_djangos_own() -> None:
    check = RowCheck(name="exam_short", condition=Q(duration_minutes__lt=60))
    assert MigrationWriter.serialize(check)[0].startswith("models.CheckConstraint(")
    assert check == models.CheckConstraint(name="exam_short", condition=Q(duration_minutes__lt=60))


def test_it_says_of_every_row_what_django_says(cast: Cast, places: dict[str, str], settings: Settings) -> None:  # noqa: F811
    """Of a site with something of everything in it, and of the same rows with each of their values left out or changed."""
    furnish(cast, places)
    asked = 0
    for model in apps.get_models():
        checks = [check for check in model._meta.constraints if isinstance(check, RowCheck)]
        row = model._default_manager.order_by("-pk").first() if checks else None
        if row is None:
            continue
        for check in checks:
            _sql, columns = _statement_of(model._meta.db_table, check.name)
            for field in (field for field in model._meta.concrete_fields if field.column in columns):
                before = getattr(row, field.attname)
                for after in (before, None, *_others(before)):
                    setattr(row, field.attname, after)
                    asked += 1
                    assert _says(check, model, row) == _says_django(check, model, row), (check.name, field.name, after)
                setattr(row, field.attname, before)
    assert asked > 500


def _others(value: Any) -> list[Any]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [-1, 0, 1000]
    if isinstance(value, str):
        return ["", "other"]
    return [value + timedelta(days=400), value - timedelta(days=400)] if isinstance(value, datetime) else []


def _says(check: RowCheck, model: type[models.Model], row: models.Model) -> bool:
    try:
        check.validate(model, row)
    except ValidationError:
        return False
    return True


def _says_django(check: RowCheck, model: type[models.Model], row: models.Model) -> bool:
    try:
        models.CheckConstraint.validate(check, model, row)
    except ValidationError:
        return False
    return True


def test_it_takes_one_query_and_what_it_refuses_the_database_refuses(cast: Cast) -> None:
    row = exam(cast, duration_minutes=0)
    (check,) = (check for check in Exam._meta.constraints if check.name == "exam_duration_positive")
    assert not _says(check, Exam, row)
    with CaptureQueriesContext(connection) as queries:
        assert not _says(check, Exam, row)
    # A savepoint, the question and the end of the savepoint.
    assert len(queries) == 3
    with pytest.raises(IntegrityError, match="exam_duration_positive"), transaction.atomic():
        row.save()
