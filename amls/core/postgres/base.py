"""Django's backend, without a log of queries because of DEBUG, and with moments that are read in a tenth of the time."""

from datetime import UTC, datetime
from typing import Any

from django.db.backends.postgresql.base import DatabaseWrapper as PostgreSQL
from psycopg.types.datetime import TimestamptzLoader


class MomentLoader(TimestamptzLoader):
    """A moment as the database writes it to a connection whose zone is UTC, as all of Django's are here.

    Django's own loader is psycopg's in Python, which takes longer for the moments of a list than the database for its rows.
    """

    # Django asks for it.
    timezone = UTC

    def load(self, data: Any) -> datetime:
        """Return the moment, in UTC.

        Raises:
            psycopg.DataError: Python knows no such moment, such as infinity.
        """
        try:
            return datetime.fromisoformat(str(data, "ascii"))
        except ValueError:
            return super().load(data)


class DatabaseWrapper(PostgreSQL):
    """A connection that notes its queries only where somebody asks it to, as tests do.

    With DEBUG Django's own writes out every statement with its values, and keeps 9,000 of them.
    """

    @property
    def queries_logged(self) -> bool:
        """Whether the queries are noted."""
        return self.force_debug_cursor

    def get_connection_params(self) -> dict[str, Any]:
        """Return what a connection begins with, such as how values are read."""
        params: dict[str, Any] = super().get_connection_params()
        if self.timezone == UTC:
            params["context"].adapters.register_loader("timestamptz", MomentLoader)
        return params
