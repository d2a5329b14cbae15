"""Statements that are made by the ORM once, and run often with other values.

To put a statement together costs more than to run it where it has many parts: a search's takes twenty times as long as the
database needs for it. `Parameter` stands in a queryset for a value that is only known when the statement runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, Expression, Field, Func, QuerySet
from django.db.models.sql.compiler import SQLCompiler


class Parameter(Expression):
    """A value that is put in each time a statement runs.

    Attributes:
        name: under which it is given.
    """

    def __init__(self, name: str, output_field: Field[Any, Any] | None = None) -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        """Return the place of the value."""
        return "%s", (self,)


def is_among(column: str, keys: Expression) -> Func:
    """Return the condition that a column is one of some keys, a list of numbers; an empty one matches nothing."""
    return Func(column, keys, template="%(expressions)s)", arg_joiner=" = ANY(", output_field=BooleanField())


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement with places for values."""

    sql: str
    places: tuple[Any, ...]

    @classmethod
    def of(cls, rows: QuerySet[Any, Any]) -> Statement:
        """Make the statement of a queryset that names columns or values, in the database's own words."""
        sql, places = rows.query.sql_with_params()
        # What begins with a bracket would be taken for a write by the history.
        return cls(f"SELECT * FROM ({sql}) AS kept", tuple(places))  # noqa: S608 - made by the ORM, with parameters

    def run(self, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Return its rows: 1 query.

        Args:
            given: a value for each name that stands in the statement.

        Raises:
            KeyError: a value is lacking.
        """
        values = [given[place.name] if isinstance(place, Parameter) else place for place in self.places]
        with connection.cursor() as cursor:
            cursor.execute(self.sql, values)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
