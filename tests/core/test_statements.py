"""Statements that are made once and run with other values."""

import pytest
from django.db import connection
from django.db.models import TextField, Value
from django.test.utils import CaptureQueriesContext

from amls.agenda.models import FeedToken
from amls.core.statements import ModelStatement, Parameter, Statement, is_among
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
