"""All rows of the test database, to be put back as they were written: past keys, guards and histories."""

from django.core.cache import cache
from django.db import connection, transaction

from amls.agenda import fetches
from amls.pagecache import store as pagecache
from amls.portal.search.find import kept_searches
from tests.tools.flushing import filled_tables

# By table, as COPY writes them.
Rows = dict[str, bytes]


def read_rows() -> Rows:
    """Return what is there, but for what the migrated database came with."""
    return {table: _read(table) for table in filled_tables()}


def put_back(rows: Rows) -> None:
    """Write what was read into tables that are empty again."""
    with transaction.atomic(), connection.cursor() as cursor:
        # The role in which servers copy rows of others: no key and no trigger speaks up.
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table, written in rows.items():
            with cursor.copy(f"COPY {connection.ops.quote_name(table)} FROM STDIN") as target:
                target.write(written)
        cursor.execute("SET LOCAL session_replication_role = origin")
    # Rows of other tests had the same numbers: nothing in memory may know what those did.
    cache.clear()
    fetches.forget_noted()
    kept_searches.clear()
    pagecache.store.clear()


def read_numbers() -> dict[str, int]:
    """Return the number that rows were given last, by sequence; those that gave none are left out."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sequencename, last_value FROM pg_sequences WHERE last_value IS NOT NULL")
        return dict(cursor.fetchall())


def go_on_from(numbers: dict[str, int]) -> None:
    """Have rows be given numbers after these: never any that a row had before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval(quote_ident(sequencename)::regclass, number) FROM pg_sequences "
            "JOIN unnest(%s::text[], %s::bigint[]) AS given (sequencename, number) USING (sequencename) "
            "WHERE last_value IS NULL OR last_value < number",
            [list(numbers), list(numbers.values())],
        )


def _read(table: str) -> bytes:
    with connection.cursor() as cursor, cursor.copy(f"COPY {connection.ops.quote_name(table)} TO STDOUT") as rows:
        return b"".join(bytes(piece) for piece in rows)
