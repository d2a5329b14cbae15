"""Statements that are made once and run with other values."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import NotSupportedError, connection, transaction
from django.db.models import Model, TextField, Value
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from amls.agenda.models import FeedToken
from amls.core.statements import LockingStatement, ModelStatement, Parameter, Statement, is_among, rows_of
from amls.courses.models import Course, Enrolment, WeeklySlot
from tests.factories import CourseFactory, EnrolmentFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_a_statement_is_run_with_what_is_given_each_time() -> None:
    first, second = CourseFactory.create(slug="first", title="Łukasz' %s course"), CourseFactory.create(slug="second")
    rows = Course.objects.filter(is_among("pk", Parameter("keys"))).annotate(said=Parameter("said", TextField()))
    statement = Statement.of(rows.order_by("slug").values_list("title", "said"))
    with CaptureQueriesContext(connection) as queries:
        assert statement.run({"keys": [first.pk], "said": "100 % 'yes'"}) == [(first.title, "100 % 'yes'")]
        assert statement.run({"keys": [second.pk, first.pk], "said": ""}) == [(first.title, ""), (second.title, "")]
        assert statement.run({"keys": [], "said": ""}) == []
    assert len(queries) == 3


def test_a_value_that_is_not_given_is_named() -> None:
    statement = Statement.of(
        Course.objects.annotate(said=Parameter("said", TextField()), also=Value(1)).values_list("said")
    )
    with pytest.raises(KeyError, match="said"):
        statement.run({})


def test_models_are_what_the_orm_gives() -> None:
    course = CourseFactory.create(slug="slots")
    for person in (UserFactory.create(display_name="Łukasz Żółć"), UserFactory.create()):
        enrolment = EnrolmentFactory.create(course=course, user=person)
    FeedToken.objects.create(enrolment=enrolment)
    rows = (
        Enrolment.objects.filter(course=course)
        .annotate(slot_values=WeeklySlot.objects.of_each("course"))
        .order_by("pk")
    )
    along = ["user", "course__exam_rules", "feed_token"]
    by_orm = list(rows.select_related(*along))
    statement = ModelStatement.of(rows.filter(course__slug=Parameter("slug")), along=along, annotated=["slot_values"])
    with CaptureQueriesContext(connection) as queries:
        kept = statement.read({"slug": "slots"})
        assert [_told(enrolment) for enrolment in kept] == [_told(enrolment) for enrolment in by_orm]
        assert kept[1].feed_token.enrolment is kept[1]
        assert statement.first({"slug": "others"}) is None
    assert len(queries) == 2


def _told(enrolment: Enrolment) -> list[dict[str, object]]:
    """Return all that a model and those beside it hold, without asking the database."""
    models = [enrolment, enrolment.user, enrolment.course, getattr(enrolment, "feed_token", None)]
    models.append(getattr(enrolment.course, "exam_rules", None))
    told = [
        {name: value for name, value in vars(model).items() if name != "_state"} if model is not None else {}
        for model in models
    ]
    return [*told, {"adding": enrolment._state.adding, "database": enrolment._state.db}]


@pytest.mark.django_db(transaction=True)
def test_what_is_locked_needs_a_transaction_and_only_the_first_model_is() -> None:
    course = CourseFactory.create(slug="locked")
    person = EnrolmentFactory.create(course=course)
    rows = Enrolment.objects.filter(pk=Parameter("person"))
    statement = LockingStatement.of(rows, along=["course"])
    with pytest.raises(TransactionManagementError):
        statement.lock_first({"person": person.pk})

    with transaction.atomic():
        assert statement.lock({"person": person.pk}) == [person]
        with ThreadPoolExecutor(1) as others:
            assert others.submit(_is_free, Course, course.pk).result()
            assert not others.submit(_is_free, Enrolment, person.pk).result()


def _is_free(model: type[Model], pk: int) -> bool:
    """Return whether another transaction could lock a row."""
    try:
        with transaction.atomic():
            return bool(model._default_manager.select_for_update(skip_locked=True).filter(pk=pk))
    finally:
        connection.close()


def test_the_database_keeps_the_plan_of_a_statement_and_knows_what_never_changes() -> None:
    course = CourseFactory.create(slug="kept", title="50 % Größe")
    rows = Course.objects.filter(pk=Parameter("course"), title="50 % Größe")
    kept = Statement.of(rows.values_list("slug"))
    for _twice in range(2):
        assert kept.run({"course": course.pk}) == [("kept",)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements WHERE statement LIKE '%courses_course%'")
        (said,) = [statement for (statement,) in cursor.fetchall()]
    assert "'50 % Größe'" in said
    assert "= ($1)" in said


@pytest.mark.django_db(transaction=True)
def test_a_column_that_a_migration_widens_meanwhile_is_read_on() -> None:
    sql = "SELECT words FROM widened WHERE id = %s"
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE widened AS SELECT 1 AS id, 'Größe'::varchar(20) AS words")
    try:
        assert rows_of(sql, [1]) == [("Größe",)]
        # Behind psycopg's back, as another process does it.
        _widen(40)
        assert rows_of(sql, [1]) == [("Größe",)]
        assert rows_of(sql, [1]) == [("Größe",)]
        _widen(60)
        with pytest.raises(NotSupportedError), transaction.atomic():
            rows_of(sql, [1])
        with transaction.atomic():
            assert rows_of(sql, [1]) == [("Größe",)]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE widened")


def _widen(length: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DO $$ BEGIN ALTER TABLE widened ALTER words TYPE varchar({length}); END $$")
