"""Django's backend, which keeps no log of queries because of DEBUG: what a newcomer feels is the real speed."""

from django.db.backends.postgresql.base import DatabaseWrapper as PostgreSQL


class DatabaseWrapper(PostgreSQL):
    """A connection that notes its queries only where somebody asks it to, as tests do.

    With DEBUG Django's own writes out every statement with its values, and keeps 9,000 of them.
    """

    @property
    def queries_logged(self) -> bool:
        """Whether the queries are noted."""
        return self.force_debug_cursor
