"""Statements that are made once and run with other values."""

import pytest
from django.db import connection
from django.db.models import TextField, Value
from django.test.utils import CaptureQueriesContext

from amls.core.statements import Parameter, Statement, is_among
from amls.courses.models import Course
from tests.factories import CourseFactory

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
