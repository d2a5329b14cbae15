"""The empty database that every worker's is copied from: migrating takes a minute, a copy a second.

It begins as an installation of the newest kept release (tests/data/releases), whose migrations have all that time to run;
that they lead to the same from nothing is seen by tests/infra/test_serve.py.
"""

import fcntl
import lzma
import os
import subprocess
import sys
from pathlib import Path

import django
from django.conf import settings
from django.db import connection

from amls.embedded import connect
from tests.tools.release import newest

NAME = "template_of_tests"
_DRAFT = "template_being_made"
# What is true of an installation without any rows of its own.
_KEPT = ("django_migrations", "django_content_type", "auth_permission")


def ensure() -> str | None:
    """Make it in a process of its own, unless it is there; wait for whoever is making it.

    Returns:
        Its name; None on a server that is not new with each run, where a kept one might be outdated.
    """
    if "TEST_SERVER_IS_NEW" not in os.environ:
        return None
    if not _is_there():
        subprocess.run([sys.executable, "-m", "tests.tools.template"], cwd=settings.BASE_DIR, check=True)
    return NAME


def main() -> None:
    """Make it with all migrations, as Django makes databases of tests. It has its name when it is complete."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amls.settings")
    django.setup()
    with (settings.VAR_DIR / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _is_there():
            return
        restore(newest(), _DRAFT)
        connection.settings_dict["TEST"]["NAME"] = _DRAFT
        connection.creation.create_test_db(verbosity=0, keepdb=True, serialize=False)
        connection.close()
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"ALTER DATABASE {_DRAFT} RENAME TO {NAME}")


def restore(release: Path, name: str) -> None:
    """Make a database as a release made it, without the rows that it had; forget one of that name."""
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {name}")
    connection.close()
    before, connection.settings_dict["NAME"] = connection.settings_dict["NAME"], name
    with connection.cursor() as cursor:
        cursor.execute(lzma.decompress(release.read_bytes()).decode())
        cursor.execute(
            "SELECT format('%%I.%%I', schemaname, tablename) FROM pg_tables "
            "WHERE schemaname = 'public' AND NOT tablename = ANY(%s)",
            [list(_KEPT)],
        )
        tables = ", ".join(table for (table,) in cursor.fetchall())
        cursor.execute(f"TRUNCATE {tables} RESTART IDENTITY")
    # The release's SQL left settings of its own in this session.
    connection.close()
    connection.settings_dict["NAME"] = before


def _is_there() -> bool:
    # Past Django, whose connections are not for tests that need no database.
    with connect(settings.DATABASES["default"]["HOST"]) as server:
        return bool(server.execute("SELECT FROM pg_database WHERE datname = %s", [NAME]).rowcount)


if __name__ == "__main__":
    main()
