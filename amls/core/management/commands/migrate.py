"""`manage.py migrate`, one at a time, and beside nodes that go on: two nodes that are upgraded at once do it once."""

import gc
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import groupby
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import (
    AddConstraint,
    AddField,
    AddIndex,
    CreateModel,
    Migration,
    RemoveConstraint,
    RemoveIndex,
    RunPython,
)
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations.base import Operation
from django.db.migrations.operations.models import IndexOperation
from django.db.migrations.state import ProjectState
from pgtrigger.migrations import AddTrigger, RemoveTrigger
from psycopg.errors import QueryCanceled

_LOCK = zlib.crc32(b"amls.migrate")
# PostgreSQL looks for a deadlock, and ends one of those in it, when somebody has waited for a second (deadlock_timeout).
_TRY_MS = 900
_BETWEEN_TRIES = 0.5
# Some fail wherever people are at work: that is worth a word when these have, and is given up after minutes.
_TOLD_AFTER = 10
_TRIES = 400
# All that this user may change in the schema that tables are made in.
_TABLES = """
    SELECT string_agg(format('%I.%I', current_schema(), relname), ', ' ORDER BY relname) FROM pg_class
    WHERE relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace AND pg_has_role(relowner, 'USAGE')
"""
_AWAITED = """
    SELECT EXISTS (
        SELECT FROM pg_locks WHERE locktype = 'relation' AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    )
"""
# Every step of a migration makes most models anew: at its default the collector takes a third of all the time.
_COLLECT_AFTER = 50_000
# What stands beside its like and needs none of it. A table is made with whatever its model has by then, and rules speak
# of columns: so these are different steps.
_ALIKE: dict[type[Operation], str] = {
    CreateModel: "tables",
    AddField: "columns",
    **dict.fromkeys((AddConstraint, AddIndex, AddTrigger), "rules"),
    **dict.fromkeys((RemoveConstraint, RemoveIndex, RemoveTrigger), "rules that go"),
}


class Together(Operation):
    """Steps of one kind in one app, for all of which Django makes the models anew once, and not once for each."""

    def __init__(self, steps: list[Any]) -> None:
        self._steps = steps

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change what the models are made from, and then make those anew that this concerns."""
        # Where there are no models yet, none are made anew.
        models = state.__dict__.pop("apps", None)
        for step in self._steps:
            step.state_forwards(app_label, state)
        if models is not None:
            state.apps = models
            names = [(app_label, _model_of(step)) for step in self._steps]
            # As Django does it: what refers to a model whose rules change goes on with the one before, until code asks.
            state.reload_models(names, delay=isinstance(self._steps[0], IndexOperation))

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Run each of them."""
        for step in self._steps:
            step.database_forwards(app_label, schema_editor, from_state, to_state)


def _model_of(step: Any) -> str:
    name: str = step.name_lower if isinstance(step, CreateModel) else step.model_name_lower
    return name


def together(operations: Iterable[Operation]) -> Iterator[Operation]:
    """Yield the same operations in the same order, with those of one kind that follow each other as one."""
    for kind, run in groupby(operations, key=lambda operation: _ALIKE.get(type(operation))):
        if kind is None:
            yield from run
        else:
            yield Together(list(run))


@contextmanager
def alone(connection: BaseDatabaseWrapper, on_wait: Callable[[], None]) -> Iterator[None]:
    """Do the block in one transaction in which nobody else uses any table, so that no other node sees half of it.

    A migration that took its locks one by one, while requests hold some and ask for others, would end in a deadlock,
    of the migration or of somebody's request. So all are taken first, by tries that are given up before PostgreSQL
    ends anybody who waits.

    Args:
        connection: of the database.
        on_wait: called once, where tables are in use for long.

    Raises:
        CommandError: they still are after some minutes.
    """
    for count in range(1, _TRIES + 1):
        with transaction.atomic(using=connection.alias):
            if has_locked := _has_locked_all(connection):
                yield
                is_awaited = _is_awaited(connection)
        if has_locked:
            # Who had to wait comes to an end before what is next has them wait again.
            time.sleep(_BETWEEN_TRIES if is_awaited else 0)
            return
        if count == _TOLD_AFTER:
            on_wait()
        time.sleep(_BETWEEN_TRIES)
    raise CommandError(
        "The tables were in use all the time: see in pg_stat_activity by whom, end it, and migrate again. What is said to be "
        "OK above is done."
    )


def _has_locked_all(connection: BaseDatabaseWrapper) -> bool:
    try:
        # What was locked by a try that is given up is free again.
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(_TABLES)
            (tables,) = cursor.fetchone()
            if tables:
                cursor.execute(f"SET LOCAL statement_timeout = {_TRY_MS}")
                cursor.execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")
                cursor.execute("SET LOCAL statement_timeout TO DEFAULT")
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            return False
        raise
    return True


def _is_awaited(connection: BaseDatabaseWrapper) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_AWAITED)
        return bool(cursor.fetchone()[0])


def parts(plan: Iterable[tuple[Migration, bool]]) -> Iterator[list[tuple[Migration, bool]]]:
    """Yield what is done in one transaction: one migration, with those behind it that say `with_the_one_before`."""
    part: list[tuple[Migration, bool]] = []
    for step in plan:
        if part and not getattr(step[0], "with_the_one_before", False):
            yield part
            part = []
        part.append(step)
    if part:
        yield part


class Executor(MigrationExecutor):
    """Django's own, which makes hundreds of models anew for every single operation, and locks tables one by one."""

    def migrate(
        self,
        targets: Sequence[tuple[str, str | None]] | None,
        plan: Sequence[tuple[Migration, bool]] | None = None,
        state: ProjectState | None = None,
        fake: bool = False,
        fake_initial: bool = False,
    ) -> ProjectState:
        """Go forwards by the command's plan part by part, each of which alters the database at once for all who use it."""
        if not plan or fake or any(is_backwards for _migration, is_backwards in plan):
            return super().migrate(targets, plan=plan, state=state, fake=fake, fake_initial=fake_initial)
        first, *others = parts(plan)
        state = self._migrate_part(targets, first, state, fake_initial=fake_initial)
        for part in others:
            state = self._migrate_part(targets, part, state, fake_initial=fake_initial)
        return state

    def _migrate_part(
        self,
        targets: Sequence[tuple[str, str | None]] | None,
        part: Sequence[tuple[Migration, bool]],
        state: ProjectState | None,
        *,
        fake_initial: bool,
    ) -> ProjectState:
        # Rows can be changed beside who reads and writes them.
        is_about_rows = all(isinstance(step, RunPython) for migration, _ in part for step in migration.operations)
        with nullcontext() if is_about_rows else alone(self.connection, self._say_in_use):
            return super().migrate(targets, plan=part, state=state, fake_initial=fake_initial)

    def apply_migration(
        self, state: ProjectState, migration: Migration, fake: bool = False, fake_initial: bool = False
    ) -> ProjectState:
        """Apply it with what goes together done together; by `--fake-initial` as it stands, which is looked into."""
        if not fake_initial:
            migration.operations = list(together(migration.operations))  # type: ignore[misc]
        state = super().apply_migration(state, migration, fake=fake, fake_initial=fake_initial)
        # What is checked at the end of a transaction is checked now: PostgreSQL alters no table that waits for it.
        if self.connection.in_atomic_block:
            self.connection.check_constraints()
        return state

    def _say_in_use(self) -> None:
        if self.progress_callback:
            self.progress_callback("in_use")


# The command has no other place to say by what it migrates.
migrate.MigrationExecutor = Executor  # type: ignore[attr-defined]


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

    def migration_progress_callback(self, action: str, migration: Migration | None = None, fake: bool = False) -> None:
        """Say what goes on, as Django does, and that something is waited for."""
        if action == "in_use":
            self.stdout.write("  Tables are in use by other nodes, or a backup: trying until they are free.")
        super().migration_progress_callback(action, migration, fake)


@contextmanager
def _rarely_collected() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(_COLLECT_AFTER)
    try:
        yield
    finally:
        gc.set_threshold(*before)
