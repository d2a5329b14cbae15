"""`manage.py migrate`, one at a time: two nodes that are upgraded at once do it once."""

import zlib
from typing import Any

from django.core.management.commands import migrate
from django.db import connections

_LOCK = zlib.crc32(b"amls.migrate")


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
            super().handle(*args, **options)
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
