"""`manage.py migrate`, one at a time: two nodes that are upgraded at once do it once."""

import gc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.commands import migrate
from django.db import connections

_LOCK = zlib.crc32(b"amls.migrate")
# Every step of a migration makes most models anew: at its default the collector takes a third of all the time.
_COLLECT_AFTER = 50_000


class Command(migrate.Command):
    """Django's own, behind a lock of the database that ends with the connection, however that ends."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Wait for whoever migrates at present, then apply what is left."""
        connection = connections[options["database"]]
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
            if not cursor.fetchone()[0]:
                self.stdout.write("Another migration runs: waiting for it.")
                cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        try:
            with _rarely_collected():
                super().handle(*args, **options)
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


@contextmanager
def _rarely_collected() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(_COLLECT_AFTER)
    try:
        yield
    finally:
        gc.set_threshold(*before)
