"""Moments come from the database as Django's own backend reads them."""

from datetime import UTC, datetime

import psycopg
import pytest
from django.db import DataError, connection
from psycopg.types.datetime import TimestamptzLoader

from amls.core.postgres.base import MomentLoader

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("said", "moment"),
    [
        ("2024-06-12 10:00:00+00", datetime(2024, 6, 12, 10, tzinfo=UTC)),
        ("2024-06-12 10:00:00.5+00", datetime(2024, 6, 12, 10, 0, 0, 500_000, tzinfo=UTC)),
        ("2024-06-12 10:00:00.000001+00", datetime(2024, 6, 12, 10, 0, 0, 1, tzinfo=UTC)),
        ("2024-03-31 03:30:00+02", datetime(2024, 3, 31, 1, 30, tzinfo=UTC)),
        ("0001-01-01 00:00:00+00", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31 23:59:59.999999+00", datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_moments_are_read_in_utc(said: str, moment: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [said])
        (read,) = cursor.fetchone()
        cursor.cursor.adapters.register_loader("timestamptz", TimestamptzLoader)
        cursor.execute("SELECT %s::timestamptz", [said])
        assert (read, read.tzinfo) == (moment, UTC) == (*cursor.fetchone(), UTC)


def test_this_is_how_this_site_reads_them() -> None:
    connection.ensure_connection()
    assert connection.connection.adapters.get_loader(psycopg.adapters.types["timestamptz"].oid, 0) is MomentLoader


@pytest.mark.parametrize("said", ["infinity", "-infinity", "0044-03-15 BC", "10000-01-01"])
def test_what_python_has_no_moment_for_is_refused(said: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [said])
        with pytest.raises(DataError):
            cursor.fetchone()
