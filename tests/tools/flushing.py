"""What tests that commit leave is cleared away from the few tables that hold it.

Django empties all 120 and fills in content types and permissions anew, which takes longer than most of these tests.
"""

from typing import Any

import pytest
from django.contrib.contenttypes.management import create_contenttypes
from django.db import connection
from django.db.models.signals import post_migrate

# What the migrated database came with, and what stays true of it.
_KEPT = ("auth_permission", "django_content_type")


def flush_what_is_there() -> None:
    """From now on, have Django's flush delete rows where there are any, past keys, guards and histories.

    By whichever connection: while a browser is open its loop runs in the thread of the tests, and where a loop runs Django
    keeps connections of their own.
    """
    pytest.MonkeyPatch().setattr(type(connection.ops), "sql_flush", _sql_flush)
    post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
    post_migrate.disconnect(create_contenttypes)


def filled_tables(tables: list[str] | None = None) -> list[str]:
    """Return the tables in which there are rows, but for what the migrated database came with.

    Args:
        tables: of these; by default of all of models.
    """
    if tables is None:
        tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    names = {table: connection.ops.quote_name(table) for table in tables if table not in _KEPT}
    asked = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT FROM {name})" for table, name in names.items())
    with connection.cursor() as cursor:
        cursor.execute(asked)
        return [table for (table,) in cursor.fetchall()]


def _sql_flush(
    operations: Any, style: Any, tables: list[str], *, reset_sequences: bool = False, allow_cascade: bool = False
) -> list[str]:
    if reset_sequences:
        raise NotImplementedError("Tests know rows by what they are, not by their numbers.")
    filled = filled_tables(tables)
    if not filled:
        return []
    # The role in which servers copy rows of others: no key and no trigger speaks up.
    role = "SET LOCAL session_replication_role = replica"
    return [role, *(f"DELETE FROM {connection.ops.quote_name(table)}" for table in filled)]
