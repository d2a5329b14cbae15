"""An installation of every release comes to this version by `migrate`, with all that it holds."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from psycopg import sql

from tests.tools import template
from tests.tools.release import KEPT
from tests.tools.run import PRODUCTION

RELEASES = sorted(KEPT.glob("*.sql.xz"))
# Rows that a migration may rightly make fewer: what Django derives from the models.
DERIVED = {"django_migrations", "django_content_type", "auth_permission"}
RECONCILE = (
    "import django; django.setup()\n"
    "from django.utils import timezone\n"
    "from amls.agenda.services import reconcile\n"
    "from amls.courses.models import Course\n"
    "for course in Course.objects.all(): reconcile(course, now=timezone.now())\n"
)
# What triggers and migrations write, and no service.
NOT_WRITTEN = DERIVED | {"pghistory_context", "django_cache"}
CALENDAR = (
    "SELECT uid, sequence, title, starts_at, ends_at, place, is_removed FROM {}.agenda_agendaitem ORDER BY uid, id"
)


@pytest.fixture(params=RELEASES, ids=lambda path: path.name.removesuffix(".sql.xz"))
def installation(request: pytest.FixtureRequest) -> Iterator[psycopg.Connection]:
    """The database of a release after `migrate`, with its demo data; what it held before is in the schema `before`."""
    server = settings.DATABASES["default"]
    there = {"host": server["HOST"], "port": server["PORT"] or 5432, "user": server["USER"]}
    there |= {"password": server["PASSWORD"]} if server["PASSWORD"] else {}
    name = f"upgrade_{os.getpid()}"
    template.upgraded(request.param, name)
    try:
        with psycopg.connect(**there, dbname=name, autocommit=True) as connection:
            yield connection
    finally:
        with psycopg.connect(**there, dbname="postgres", autocommit=True) as maintenance:
            maintenance.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def rows_of(connection: psycopg.Connection, schema: str) -> dict[str, int]:
    tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema]).fetchall()
    counts = {}
    for (name,) in tables:
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, name))
        counts[name] = int((connection.execute(query).fetchone() or (0,))[0])
    return counts


def run(connection: psycopg.Connection, var: Path, *command: str) -> None:
    at = connection.info
    # django-environ's way to say a socket's folder: in front of the name.
    place = f"/{at.host}" if at.host.startswith("/") else f"{at.host}:{at.port}"
    url = f"postgres://{at.user}:{at.password}@{place}/{at.dbname}"
    environment = {**os.environ, **PRODUCTION, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "amls.settings"}
    environment["AMLS_VAR_DIR"] = str(var)
    done = subprocess.run(
        [sys.executable, *command], cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_there_is_one() -> None:
    assert RELEASES


COLUMNS = """
    SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position),
           array_agg(column_name::text ORDER BY ordinal_position) FILTER (WHERE is_generated = 'NEVER')
    FROM information_schema.columns JOIN pg_tables ON schemaname = table_schema AND tablename = table_name
    WHERE table_schema = 'before' GROUP BY table_name ORDER BY table_name
"""
REQUIRED = """
    SELECT column_name::text FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name = %s AND is_nullable = 'NO' AND column_default IS NULL
      AND is_generated = 'NEVER' AND is_identity = 'NO' AND NOT (column_name = 'assignment_id' AND EXISTS (
          SELECT FROM pg_trigger WHERE tgname = 'beside_the_last_release' AND tgrelid = table_name::regclass))
"""


def refusal(connection: psycopg.Connection, table: str, read: list[str], written: list[str]) -> str:
    """Read, write anew and overwrite all rows of a table as the release does, with all the columns that it knows.

    Returns:
        What the database says against it, or in what its rows are others then; empty if all is well.
    """
    unknown = [name for (name,) in connection.execute(REQUIRED, [table]) if name not in read]
    if unknown and not table.endswith("event"):
        return f"It does not know {', '.join(unknown)}, and there is no default (db_default)."
    here, before = sql.Identifier("public", table), sql.Identifier("before", table)
    names = sql.SQL(", ").join(map(sql.Identifier, written))
    steps = ["SELECT {all} FROM {here} LIMIT 1"]
    if not table.endswith("event"):
        # Others refer to these rows: that they are there is asked in the end.
        steps += ["SET CONSTRAINTS ALL DEFERRED", "DELETE FROM {here}"]
        steps += ["INSERT INTO {here} ({names}) SELECT {names} FROM {before}"]
        steps += ["UPDATE {here} SET ({names}) = ROW({values})", "SET CONSTRAINTS ALL IMMEDIATE"]
    values = sql.SQL(", ").join(sql.Identifier("public", table, name) for name in written)
    parts = {"here": here, "before": before, "names": names, "values": values}
    parts["all"] = sql.SQL(", ").join(map(sql.Identifier, read))
    try:
        with connection.transaction(force_rollback=True):
            for step in steps:
                connection.execute(sql.SQL(step).format(**parts))
            lost = "SELECT {names} FROM {before} EXCEPT SELECT {names} FROM {here}"
            counted = connection.execute(sql.SQL(f"SELECT count(*) FROM ({lost}) AS lost").format(**parts)).fetchone()
            return f"{counted[0]} rows differ" if counted and counted[0] and not table.endswith("event") else ""
    except psycopg.Error as error:
        return str(error).splitlines()[0]


def test_an_installation_of_a_release_is_migrated_with_its_data_while_that_release_goes_on(
    installation: psycopg.Connection, var: Path
) -> None:
    """No row is lost, no calendar hears of it, and what the last release reads and writes is valid beside the new one."""
    rows, calendar = rows_of(installation, "before"), installation.execute(CALENDAR.format("before")).fetchall()
    assert rows["courses_course"] > 2
    assert len(calendar) > 100
    known = tables_of(installation)
    assert len(known) > 60
    after = rows_of(installation, "public")
    fewer = {name: (count, after[name]) for name, count in rows.items() if after.get(name, count) < count}
    assert {name: counts for name, counts in fewer.items() if name not in DERIVED} == {}
    assert {table: why for table, read, written in known if (why := refusal(installation, table, read, written))} == {}
    # Nobody's calendar hears of the upgrade: the same entries with the same UIDs, none newer than before.
    run(installation, var, "-c", RECONCILE)
    assert installation.execute(CALENDAR.format("public")).fetchall() == calendar


def tables_of(connection: psycopg.Connection) -> list[tuple[str, list[str], list[str]]]:
    """Return each table of the release with the columns that it reads, and those that its services write."""
    rows = connection.execute(COLUMNS).fetchall()
    return [(name, read, written) for name, read, written in rows if name not in NOT_WRITTEN]
