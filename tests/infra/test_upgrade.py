"""An installation of every release comes to this version by `migrate`, with all that it holds."""

import lzma
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from psycopg import sql

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
CALENDAR = "SELECT uid, sequence, title, starts_at, ends_at, place, is_removed FROM agenda_agendaitem ORDER BY uid, id"


@pytest.fixture(params=RELEASES, ids=lambda path: path.name.removesuffix(".sql.xz"))
def installation(request: pytest.FixtureRequest) -> Iterator[psycopg.Connection]:
    """The database of a release with its demo data, on the tests' server."""
    server = settings.DATABASES["default"]
    there = {"host": server["HOST"], "port": server["PORT"] or 5432, "user": server["USER"]}
    there |= {"password": server["PASSWORD"]} if server["PASSWORD"] else {}
    name = f"upgrade_{os.getpid()}"
    with psycopg.connect(**there, dbname="postgres", autocommit=True) as maintenance:
        maintenance.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            with psycopg.connect(**there, dbname=name, autocommit=True) as connection:
                connection.execute(lzma.decompress(request.param.read_bytes()))
                connection.execute("SELECT set_config('search_path', 'public', false)")
                yield connection
        finally:
            maintenance.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def rows_of(connection: psycopg.Connection) -> dict[str, int]:
    tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    counts = {}
    for (name,) in tables:
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))
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


def test_an_installation_of_a_release_is_migrated_with_its_data(installation: psycopg.Connection, var: Path) -> None:
    rows, calendar = rows_of(installation), installation.execute(CALENDAR).fetchall()
    assert rows["courses_course"] == 2
    assert len(calendar) > 100
    run(installation, var, "manage.py", "migrate", "--verbosity=0", "--no-input")
    after = rows_of(installation)
    fewer = {name: (count, after[name]) for name, count in rows.items() if after.get(name, count) < count}
    assert {name: counts for name, counts in fewer.items() if name not in DERIVED} == {}
    # Nobody's calendar hears of the upgrade: the same entries with the same UIDs, none newer than before.
    run(installation, var, "-c", RECONCILE)
    assert installation.execute(CALENDAR).fetchall() == calendar
