"""With DEBUG, queries cost what they cost without it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

pytestmark = pytest.mark.django_db


def test_debug_keeps_no_log_of_queries(settings: Settings) -> None:
    settings.DEBUG = True
    noted = len(connection.queries_log)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert len(connection.queries_log) == noted


def test_whoever_asks_for_the_queries_gets_them() -> None:
    with CaptureQueriesContext(connection) as queries, connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert [query["sql"] for query in queries.captured_queries] == ["SELECT 1"]
