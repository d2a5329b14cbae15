"""`manage.py migrate`, one at a time: two nodes that are upgraded at once do it once."""

import gc
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import Any

from django.core.management.commands import migrate
from django.db import connections
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import (
    AddConstraint,
    AddField,
    AddIndex,
    CreateModel,
    Migration,
    RemoveConstraint,
    RemoveIndex,
)
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations.base import Operation
from django.db.migrations.operations.models import IndexOperation
from django.db.migrations.state import ProjectState
from pgtrigger.migrations import AddTrigger, RemoveTrigger

_LOCK = zlib.crc32(b"amls.migrate")
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


class Executor(MigrationExecutor):
    """Django's own, which makes hundreds of models anew for every single operation."""

    def apply_migration(
        self, state: ProjectState, migration: Migration, fake: bool = False, fake_initial: bool = False
    ) -> ProjectState:
        """Apply it with what goes together done together; by `--fake-initial` as it stands, which is looked into."""
        if not fake_initial:
            migration.operations = list(together(migration.operations))  # type: ignore[misc]
        return super().apply_migration(state, migration, fake=fake, fake_initial=fake_initial)


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


@contextmanager
def _rarely_collected() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(_COLLECT_AFTER)
    try:
        yield
    finally:
        gc.set_threshold(*before)
