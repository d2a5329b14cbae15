"""The empty database that every worker's is copied from: migrating takes half a minute, a copy a second."""

import fcntl
import os
import subprocess
import sys

import django
from django.conf import settings
from django.db import connection

NAME = "template_of_tests"
_DRAFT = "template_being_made"


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
        connection.settings_dict["TEST"]["NAME"] = _DRAFT
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        connection.close()
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"ALTER DATABASE {_DRAFT} RENAME TO {NAME}")


def _is_there() -> bool:
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT FROM pg_database WHERE datname = %s", [NAME])
        return bool(cursor.rowcount)


if __name__ == "__main__":
    main()
