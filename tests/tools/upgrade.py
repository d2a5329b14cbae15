"""An installation of a release, brought to this version by `migrate` with all that it holds.

What it held before lies beside it in the schema `before`. `python -m tests.tools.upgrade RELEASE.sql.xz NAME` makes it a
database of that name on the tests' server.
"""

import lzma
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django
from django.core.management import call_command
from django.db import connection

from tests import earlier

_KEEP = """
    CREATE SCHEMA before;
    DO $$
    DECLARE name text; written text;
    BEGIN
        FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
            SELECT string_agg(format('%I', column_name), ', ') INTO written FROM information_schema.columns
            WHERE table_schema = 'public' AND table_name = name AND is_generated = 'NEVER';
            EXECUTE format('CREATE TABLE before.%I (LIKE public.%I INCLUDING GENERATED)', name, name);
            EXECUTE format('INSERT INTO before.%I (%s) SELECT %s FROM public.%I', name, written, written, name);
        END LOOP;
    END $$
"""


def upgrade(release: Path, name: str) -> None:
    """Make the database, with its release's demo data and what these lack; forget one of that name."""
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {name}")
    with connected(name):
        with connection.cursor() as cursor:
            cursor.execute(lzma.decompress(release.read_bytes()).decode())
        # The release's SQL left settings of its own in this session.
        connection.close()
        earlier.add(release.name.removesuffix(".sql.xz"))
        with connection.cursor() as cursor:
            cursor.execute(_KEEP)
        call_command("migrate", verbosity=0, interactive=False)


@contextmanager
def connected(name: str) -> Iterator[None]:
    """Have Django work on another database of the same server inside the block."""
    connection.close()
    before, connection.settings_dict["NAME"] = connection.settings_dict["NAME"], name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


def main(release: str, name: str) -> None:
    """Make the database in this process."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amls.settings")
    django.setup()
    upgrade(Path(release), name)


if __name__ == "__main__":
    main(*sys.argv[1:])
