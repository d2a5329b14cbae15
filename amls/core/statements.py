"""Statements that are made by the ORM once, and run often with other values.

To put a statement together costs more than to run it: for one of a few tables the ORM makes some thousand calls, a search's
takes twenty times as long as the database needs for it. `Parameter` stands in a queryset for a value that is only known
when the statement runs. `Statement` gives rows of values, `ModelStatement` models with what they refer to, and
`LockingStatement` the same with their rows locked.

The database, too, takes longer to plan such a statement than to run it. `rows_of` has it keep the plan with the connection
(a prepared statement), as long as settings allow it: `AMLS_DB_PREPARED`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import psycopg
from django.db import DEFAULT_DB_ALIAS, NotSupportedError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.models import BooleanField, Expression, Field, Func, Model, QuerySet
from django.db.models.sql.compiler import SQLCompiler
from django.db.transaction import TransactionManagementError

Kept = TypeVar("Kept", bound=Model)


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


def rows_of(sql: str, values: Sequence[Any] | Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return the rows of a statement whose plan the database keeps: 1 query.

    Args:
        sql: a SELECT that always reads the same, with psycopg's places for values.
        values: for the places. Each is sent beside the statement, so its type has to follow from where it stands.
    """
    # `connection` looks for itself at each of its attributes.
    database = connections[DEFAULT_DB_ALIAS]
    try:
        return _run(database, sql, values)
    except NotSupportedError:
        # A migration has widened a column since the statement was planned, such as while a new release takes the place
        # of this one. After a transaction that failed the connection forgets its plans by itself.
        if database.in_atomic_block:
            raise
        with database.cursor() as cursor:
            cursor.execute("DEALLOCATE ALL")
        return _run(database, sql, values)


def _run(database: BaseDatabaseWrapper, sql: str, values: Sequence[Any] | Mapping[str, Any]) -> list[tuple[Any, ...]]:
    # Whoever notes queries, as tests do, wants to read them with their values.
    with database.cursor() if database.queries_logged else _keeping_cursor(database) as cursor:
        cursor.execute(sql, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _keeping_cursor(database: BaseDatabaseWrapper) -> CursorWrapper:
    database.ensure_connection()
    with database.wrap_database_errors:
        # Django's own writes the values into the statement, which is another one each time.
        cursor: Any = psycopg.Cursor(database.connection)
    return database.make_cursor(cursor)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement with places for values.

    Attributes:
        sql: in which '%s' are the places.
        places: what is put in, each by its name.
    """

    sql: str
    places: tuple[str, ...]

    @classmethod
    def of(cls, rows: QuerySet[Any, Any]) -> Statement:
        """Make the statement of a queryset that names columns or values, in the database's own words.

        What is no `Parameter` becomes a part of the statement, as a plan that is kept needs it to know which index serves.
        """
        sql, values = rows.query.sql_with_params()
        if sql.startswith("("):
            # It would be taken for a write by the history.
            sql = f"SELECT * FROM ({sql}) AS kept"  # noqa: S608 - made by the ORM, with parameters
        connection.ensure_connection()
        following = iter(values)
        places = tuple(value.name for value in values if isinstance(value, Parameter))
        return cls(_PLACE.sub(lambda place: _written(place, following), sql), places)

    def run(self, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Return its rows: 1 query.

        Args:
            given: a value for each name that stands in the statement.

        Raises:
            KeyError: a value is lacking.
        """
        return rows_of(self.sql, [given[place] for place in self.places])


# A place for a value, or a percent sign.
_PLACE = re.compile("%[s%]")


def _written(place: re.Match[str], values: Iterator[Any]) -> str:
    """Return what stands at a place of a statement: the place itself where its value is only known later."""
    if place[0] == "%%" or isinstance(value := next(values), Parameter):
        return place[0]
    operations: Any = connection.ops
    return str(operations.compose_sql("%s", [value])).replace("%", "%%")


# As the ORM calls what makes a field's value of the database's.
_Converter = Callable[[Any, Any, BaseDatabaseWrapper], Any]


@dataclass(frozen=True, slots=True)
class _ModelPlace:
    """A model in the rows of a statement.

    Attributes:
        owner: the place among the parts of the model that refers to it; None for the first.
        relation: by which that does.
        names: of its fields.
        begin: where their values begin in a row.
        key: where its primary key stands.
    """

    model: type[Model]
    owner: int | None
    relation: Any
    names: tuple[str, ...]
    begin: int
    key: int

    @property
    def end(self) -> int:
        """Where its values end in a row."""
        return self.begin + len(self.names)


@dataclass(frozen=True, slots=True)
class ModelStatement(Generic[Kept]):
    """A statement whose rows are models, each with those that it refers to, as `select_related` gives them."""

    statement: Statement
    parts: tuple[_ModelPlace, ...]
    annotated: tuple[str, ...]
    converted: tuple[tuple[int, _Converter], ...]

    @classmethod
    def of(
        cls, rows: QuerySet[Kept, Kept], *, along: Sequence[str] = (), annotated: Sequence[str] = ()
    ) -> ModelStatement[Kept]:
        """Make the statement of a queryset.

        Args:
            rows: all fields of a model, as filtered and ordered.
            along: what is read with it, such as 'project__topic': relations to one other model each.
            annotated: names of annotations that are wanted on the models.
        """
        parts, places = [_part(rows.model, None, None, 0)], {"": 0}
        columns = list(parts[0].names)
        for path in along:
            walked = ""
            for name in path.split("__"):
                owner, walked = places[walked], f"{walked}__{name}" if walked else name
                if walked not in places:
                    relation = parts[owner].model._meta.get_field(name)  # noqa: SLF001 - Django's documented name
                    places[walked] = len(parts)
                    parts.append(_part(relation.related_model, owner, relation, len(columns)))
                    columns += [f"{walked}__{field}" for field in parts[-1].names]
        fields: list[Any] = [field for part in parts for field in part.model._meta.concrete_fields]  # noqa: SLF001 - as above
        fields += [rows.query.annotations[name].output_field for name in annotated]
        statement = Statement.of(rows.values_list(*columns, *annotated))
        return cls(
            statement,
            tuple(parts),
            tuple(annotated),
            tuple(
                (number, convert)
                for number, field in enumerate(fields)
                for convert in field.get_db_converters(connection)
            ),
        )

    def read(self, given: Mapping[str, Any]) -> list[Kept]:
        """Return its models, in their order: 1 query.

        Args:
            given: a value for each name that stands in the statement.
        """
        return [self._made(row) for row in self.statement.run(given)]

    def first(self, given: Mapping[str, Any]) -> Kept | None:
        """Return the first of them, or None: 1 query."""
        return next(iter(self.read(given)), None)

    def _made(self, row: Sequence[Any]) -> Kept:
        if self.converted:
            row = list(row)
            for number, convert in self.converted:
                row[number] = convert(row[number], None, connection)
        made: list[Any] = []
        for part in self.parts:
            is_there = row[part.key] is not None
            model = part.model.from_db(DEFAULT_DB_ALIAS, part.names, row[part.begin : part.end]) if is_there else None
            if part.owner is not None and made[part.owner] is not None:
                _refer(made[part.owner], part.relation, model)
            made.append(model)
        for name, value in zip(reversed(self.annotated), reversed(row), strict=False):
            setattr(made[0], name, value)
        first: Kept = made[0]
        return first


@dataclass(frozen=True, slots=True)
class LockingStatement(Generic[Kept]):
    """A statement whose rows are models that stay locked until the transaction ends, but not those that they refer to.

    It locks as `select_for_update(no_key=True, of=("self",))`: with columns by name the ORM can't.
    """

    models: ModelStatement[Kept]

    @classmethod
    def of(cls, rows: QuerySet[Kept, Kept], *, along: Sequence[str] = ()) -> LockingStatement[Kept]:
        """Make the statement of a queryset; see `ModelStatement.of`."""
        models = ModelStatement.of(rows, along=along)
        table = connection.ops.quote_name(rows.model._meta.db_table)  # noqa: SLF001 - Django's documented name
        sql = f"{models.statement.sql} FOR NO KEY UPDATE OF {table}"
        return cls(replace(models, statement=replace(models.statement, sql=sql)))

    def lock(self, given: Mapping[str, Any]) -> list[Kept]:
        """Lock its rows, in their order, and return their models: 1 query.

        Args:
            given: a value for each name that stands in the statement.

        Raises:
            TransactionManagementError: no transaction is open.
        """
        if not connection.in_atomic_block:
            message = "What is locked stays so until the transaction ends: there is none."
            raise TransactionManagementError(message)
        return self.models.read(given)

    def lock_first(self, given: Mapping[str, Any]) -> Kept | None:
        """Lock the first of them, and return it, or None: 1 query."""
        return next(iter(self.lock(given)), None)


def _part(model: Any, owner: int | None, relation: Any, begin: int) -> _ModelPlace:
    fields = model._meta.concrete_fields  # noqa: SLF001 - as above
    key = begin + fields.index(model._meta.pk)  # noqa: SLF001 - as above
    return _ModelPlace(model, owner, relation, tuple(field.attname for field in fields), begin, key)


def _refer(owner: Model, relation: Any, model: Model | None) -> None:
    """Let a model know which other one it refers to, or that there is none, as the ORM does."""
    relation.set_cached_value(owner, model)
    if model is not None and not (relation.many_to_one or relation.one_to_many):
        relation.remote_field.set_cached_value(model, owner)
