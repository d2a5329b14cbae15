"""Conditions that hold for each row, asked for in the database's own words before a row is written."""

from __future__ import annotations

from contextlib import nullcontext
from functools import cache
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, models, transaction

from amls.core.statements import rows_of

# The condition as the database keeps it, with the columns that it speaks of and their types, without lengths: a word that is
# too long would be cut. Nothing of a constraint that is not there.
_KEPT = """
SELECT pg_get_expr(c.conbin, c.conrelid), array_agg(a.attname::text ORDER BY a.attnum),
  array_agg(format_type(a.atttypid, NULL) ORDER BY a.attnum)
FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
WHERE c.conrelid = to_regclass(%(table)s) AND c.conname = %(name)s AND c.contype = 'c'
GROUP BY c.oid
"""


class RowCheck(models.CheckConstraint):
    """A CHECK of the database, which is asked whether a row would hold by a statement that is made once.

    Django puts it together anew for each constraint of each row, which takes ten times as long as to run it: a thousand times
    for a course that comes in. In migrations it is Django's own.
    """

    def deconstruct(self) -> tuple[str, Any, dict[str, Any]]:
        """Return what a migration makes of it."""
        _path, args, kwargs = super().deconstruct()
        return "django.db.models.CheckConstraint", args, kwargs

    def validate(
        self,
        model: type[models.Model],
        instance: models.Model,
        exclude: set[str] | None = None,
        using: str = DEFAULT_DB_ALIAS,
    ) -> None:
        """Refuse a row for which the condition does not hold; where it is unknown, as for NULL, it does.

        Args:
            model: whose constraint it is.
            instance: the row.
            exclude: names of fields that are not looked at: without one that the condition speaks of nothing is asked.
            using: the database.

        Raises:
            ValidationError: the condition does not hold.
        """
        try:
            sql, columns = _statement_of(model._meta.db_table, self.name)  # noqa: SLF001 - Django's documented name
        except (LookupError, DatabaseError):
            # A migration that makes it is still to come; or nothing can be asked any more.
            super().validate(model, instance, exclude=exclude, using=using)
            return
        by_column = {field.column: field for field in model._meta.concrete_fields}  # noqa: SLF001 - as above
        fields = [by_column[column] for column in columns]
        values = [getattr(instance, field.attname) for field in fields]
        if any(hasattr(value, "resolve_expression") for value in values):
            super().validate(model, instance, exclude=exclude, using=using)
        elif not any(field.name in (exclude or ()) for field in fields):
            given = [field.get_db_prep_save(value, connection) for field, value in zip(fields, values, strict=True)]
            if not _holds(sql, given):
                raise ValidationError(self.get_violation_error_message(), code=self.violation_error_code)


def _holds(sql: str, values: list[Any]) -> bool:
    """Return what the database says; what it can't judge it refuses when the row is written."""
    try:
        with transaction.atomic() if connection.in_atomic_block else nullcontext():
            return rows_of(sql, values)[0][0] is not False
    except (DatabaseError, OverflowError):
        return True


@cache
def _statement_of(table: str, name: str) -> tuple[str, tuple[str, ...]]:
    """Return the statement that says whether a condition holds for values, and for which columns it takes them.

    Raises:
        LookupError: the database has no such constraint.
    """
    kept = rows_of(_KEPT, {"table": connection.ops.quote_name(table), "name": name})
    if not kept:
        raise LookupError(name)
    ((condition, columns, kinds),) = kept
    places = ", ".join(
        f"%s::{kind} AS {connection.ops.quote_name(column)}" for column, kind in zip(columns, kinds, strict=True)
    )
    return f"SELECT {condition.replace('%', '%%')} FROM (SELECT {places}) AS held", tuple(columns)  # noqa: S608 - its own words
