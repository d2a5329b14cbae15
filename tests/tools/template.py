"""The empty database that every worker's is copied from: migrating takes half a minute, a copy a second.

It is the newest kept release (tests/data/releases), whose migrations have all that time to run, brought to this version
with its data and then emptied. With its data it is looked at by tests/infra/test_upgrade.py and
tests/test_data_migrations.py; that migrating from nothing leads to the same is seen by tests/infra/test_serve.py.
"""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django
from django.conf import settings
from django.db import connection
from django.db.backends.utils import CursorWrapper

from amls.embedded import connect
from tests.tools.release import newest
from tests.tools.upgrade import connected, upgrade

NAME = "template_of_tests"
_UPGRADED = "upgraded_of_tests"
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


@contextmanager
def to_read() -> Iterator[str | None]:
    """Yield the name of a copy, as `ensure()` returns it: while somebody is connected to the database itself, none is made."""
    if ensure() is None:
        yield None
        return
    name = f"{NAME}_{os.getpid()}"
    with connect(settings.DATABASES["default"]["HOST"]) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE {NAME}")
        try:
            yield name
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def upgraded(release: Path, name: str) -> None:
    """Make a database with what `upgrade()` makes of a release: a copy, where that has been done in this run."""
    if release == newest() and ensure() is not None:
        with connect(settings.DATABASES["default"]["HOST"]) as server:
            server.execute(f"CREATE DATABASE {name} TEMPLATE {_UPGRADED}")
    else:
        command = [sys.executable, "-m", "tests.tools.upgrade", str(release), name]
        subprocess.run(command, cwd=settings.BASE_DIR, check=True)


def main() -> None:
    """Make both. The empty one has its name when it is complete."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amls.settings")
    django.setup()
    with (settings.VAR_DIR / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _is_there():
            return
        upgrade(newest(), _UPGRADED)
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {_DRAFT} WITH (FORCE)")
            cursor.execute(f"CREATE DATABASE {_DRAFT} TEMPLATE {_UPGRADED}")
        with connected(_DRAFT), connection.cursor() as cursor:
            _empty(cursor)
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"ALTER DATABASE {_DRAFT} RENAME TO {NAME}")


def _empty(cursor: CursorWrapper) -> None:
    cursor.execute("DROP SCHEMA before CASCADE")
    cursor.execute(
        "SELECT format('%%I.%%I', schemaname, tablename) FROM pg_tables "
        "WHERE schemaname = 'public' AND NOT tablename = ANY(%s)",
        [list(_KEPT)],
    )
    tables = ", ".join(table for (table,) in cursor.fetchall())
    cursor.execute(f"TRUNCATE {tables} RESTART IDENTITY")


def _is_there() -> bool:
    # Past Django, whose connections are not for tests that need no database.
    with connect(settings.DATABASES["default"]["HOST"]) as server:
        return bool(server.execute("SELECT FROM pg_database WHERE datname = %s", [NAME]).rowcount)


if __name__ == "__main__":
    main()
