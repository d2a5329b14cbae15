"""Django's backend, without a log of queries because of DEBUG, with moments that are read in a tenth of the time.

And with a pool for a database that may go away and come back: nobody waits for what isn't there, and nobody is given a
connection that has ended meanwhile.
"""

from __future__ import annotations

import select
from datetime import UTC, datetime
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

import psycopg
from django.db import InterfaceError, OperationalError
from django.db.backends.postgresql.base import DatabaseWrapper as PostgreSQL
from psycopg.types.datetime import TimestamptzLoader

if TYPE_CHECKING:
    # Workers have none.
    from psycopg_pool import ConnectionPool

# After a failure nobody tries to connect for so long.
_PAUSE_SECONDS = 1.0
# Servers that stop or start, and too many connections (PostgreSQL, appendix A); class 08 are connections that can't be made
# or are lost, and what has no code never reached a server.
_AWAY = {"57P01", "57P02", "57P03", "53300"}


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

    _connection_pools: ClassVar[dict[str, ConnectionPool[Any]]]
    # Of all connections of this process: until when the database is taken to be away.
    _away_until = float("-inf")

    @property
    def pool(self) -> ConnectionPool[Any] | None:
        """Return what this process' threads share connections by, if the settings say so."""
        if options := self.settings_dict["OPTIONS"].get("pool"):
            options.setdefault("reconnect_failed", self._give_up)
        shared: ConnectionPool[Any] | None = super().pool
        return shared

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a connection that lives.

        Raises:
            psycopg.OperationalError: the database is away, or was so a moment ago; with a pool also: all are in use.
        """
        if monotonic() < self._away_until:
            raise psycopg.OperationalError("The database was away a moment ago.")
        connection = super().get_new_connection(conn_params)
        while self.pool is not None and _has_ended(connection):
            # The pool lets go of it and makes another one.
            connection.close()
            self.pool.putconn(connection)
            connection = super().get_new_connection(conn_params)
        return connection

    @classmethod
    def _give_up(cls, pool: ConnectionPool[Any]) -> None:
        """Send those away who wait for a pool that has no connection and can't make one.

        Psycopg's own has them wait, and tries again after 1, 2, 4, … seconds. The next who asks later begins a new pool.
        """
        if pool.get_stats()["pool_size"]:
            return
        cls._away_until = monotonic() + _PAUSE_SECONDS
        for alias in [alias for alias, kept in cls._connection_pools.items() if kept is pool]:
            cls._connection_pools.pop(alias, None)
        # It waits for its own threads, of which this is one.
        Thread(target=pool.close, daemon=True).start()

    def get_connection_params(self) -> dict[str, Any]:
        """Return what a connection begins with, such as how values are read."""
        params: dict[str, Any] = super().get_connection_params()
        if self.timezone == UTC:
            params["context"].adapters.register_loader("timestamptz", MomentLoader)
        return params


def is_away(error: BaseException | None) -> bool:
    """Return whether it was for want of a database that something failed, so that it may be tried again later."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    code: str | None = getattr(error.__cause__, "sqlstate", None)
    return code is None or code in _AWAY or code.startswith("08")


def _has_ended(connection: psycopg.Connection[Any]) -> bool:
    """Return whether the server ended a connection while nobody used it; asks the server only if it said something."""
    said = select.poll()
    said.register(connection.fileno(), select.POLLIN)
    if not said.poll(0):
        return False
    try:
        connection.execute("")
    except psycopg.Error:
        return True
    return False
