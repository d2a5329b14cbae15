"""`migrate` does what stands beside its like in one step: the same statements as Django's, and the same models after them."""

import threading
from typing import Any

import pytest
from django.core.management.base import CommandError
from django.db import connection, migrations, models, transaction
from django.db.migrations.state import ProjectState
from django.db.models.functions import Lower
from pgtrigger.compiler import Trigger, UpsertTriggerSql
from pgtrigger.migrations import AddTrigger, RemoveTrigger

from amls.core.management.commands import migrate
from amls.core.management.commands.migrate import Executor, Together, alone, parts, together
from tests.patience import SECONDS, wait_until
from tests.races import beside

pytestmark = pytest.mark.django_db


GUARD = Trigger(
    name="guard",
    sql=UpsertTriggerSql(
        func="RAISE EXCEPTION 'Kept.';", hash="1", operation="DELETE", pgid="shelf_guard", table="shelves_shelf", when="BEFORE"
    ),
)  # fmt: skip

LOCKED = """
    SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'courses_course'::regclass AND mode = 'AccessExclusiveLock' AND granted)
"""


def table(name: str, /, **fields: models.Field) -> migrations.CreateModel:
    return migrations.CreateModel(name, [("id", models.BigAutoField(primary_key=True)), *fields.items()])


BEFORE = [
    table("Room", name=models.CharField(max_length=9)),
    migrations.AddConstraint("room", models.UniqueConstraint(Lower("name"), name="room_once")),
]
STEPS = [
    # Tables that refer to each other, to one of before and to themselves.
    table("Shelf", room=models.ForeignKey("shelves.Room", models.CASCADE), above=models.ForeignKey("self", models.CASCADE)),
    table("Book", shelf=models.ForeignKey("shelves.Shelf", models.CASCADE), title=models.TextField(db_index=True)),
    # Columns, one of which another is counted from, and a table between two.
    migrations.AddField("book", "price", models.IntegerField(db_default=1)),
    migrations.AddField(
        "book",
        "twice",
        models.GeneratedField(expression=models.F("price") * 2, output_field=models.IntegerField(), db_persist=True),
    ),
    migrations.AddField("room", "books", models.ManyToManyField("shelves.Book")),
    migrations.AddField("shelf", "first", models.OneToOneField("shelves.Book", models.CASCADE, null=True, related_name="+")),
    migrations.AddConstraint("book", models.CheckConstraint(condition=models.Q(twice__gt=0), name="book_price")),
    migrations.AddIndex("shelf", models.Index("first", "room", name="shelf_first")),
    AddTrigger("shelf", GUARD),
    # Anew, as makemigrations says that something has changed.
    RemoveTrigger("shelf", "guard"),
    migrations.RemoveConstraint("room", "room_once"),
    migrations.AlterField("room", "name", models.CharField(max_length=99)),
    AddTrigger("shelf", GUARD),
    migrations.AddConstraint("room", models.UniqueConstraint(fields=["name"], name="room_once")),
]  # fmt: skip


def is_locked(cursor: Any) -> bool:
    cursor.execute(LOCKED)
    return bool(cursor.fetchone()[0])


def migrated(steps: list[Any]) -> tuple[list[str], ProjectState]:
    """Return the statements of these steps, and what the models are after them, with all of them made."""
    state = ProjectState()
    before, migration = migrations.Migration("0001", "shelves"), migrations.Migration("0002", "shelves")
    before.operations, migration.operations = BEFORE, steps  # type: ignore[misc]
    state = before.mutate_state(state)
    assert {model.__name__ for model in state.apps.get_models()} == {"Room"}
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        state = migration.apply(state, editor)
    return editor.collected_sql, state


def described(state: ProjectState) -> dict[str, Any]:
    """Return of each model its fields, its rules, and whether those that it refers to are the ones that there are.

    In which order others refer to it is Django's to say: it makes models anew in that of a set.
    """
    return {
        model._meta.label: (
            sorted(field.name for field in model._meta.get_fields()),
            [*model._meta.constraints, *model._meta.indexes],
            [
                state.apps.get_model(field.related_model._meta.label) is field.related_model
                for field in model._meta.get_fields()
                if field.related_model
            ],
        )
        for model in state.apps.get_models()
    }


def test_the_statements_are_those_of_django_and_the_models_after_them_too() -> None:
    plain, ours = migrated(STEPS), migrated(list(together(STEPS)))
    assert len(plain[0]) > 20
    assert ours[0] == plain[0]
    assert described(ours[1]) == described(plain[1])


def test_only_what_is_alike_and_stands_together_is_done_together() -> None:
    lengths = [len(step._steps) if isinstance(step, Together) else 1 for step in together(STEPS)]
    assert lengths == [2, 4, 3, 2, 1, 2]


@pytest.mark.django_db(transaction=True)
def test_a_request_that_holds_one_table_and_asks_for_another_is_served_and_the_migration_comes_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where deadlocks come from: the migration has the one table, and the request the other."""
    monkeypatch.setattr(migrate, "_TOLD_AFTER", 1)
    holds, in_use, is_served = threading.Event(), threading.Event(), threading.Event()

    def request() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT FROM projects_submission")
            holds.set()
            assert in_use.wait(SECONDS)
            wait_until(lambda: is_locked(cursor))
            cursor.execute("SELECT FROM courses_course")
            is_served.set()

    with beside(request):
        assert holds.wait(SECONDS)
        with alone(connection, in_use.set):
            assert is_served.is_set()


def test_a_table_that_is_always_in_use_is_told_in_a_sentence(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "_TRIES", 2)
    holds, given_up = threading.Event(), threading.Event()

    def dump() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT FROM projects_submission")
            holds.set()
            assert given_up.wait(SECONDS)

    with beside(dump):
        assert holds.wait(SECONDS)
        with pytest.raises(CommandError, match="in use all the time"), alone(connection, lambda: None):
            pytest.fail("It is in use.")
        given_up.set()


def test_what_no_other_node_may_see_halves_of_is_one_part() -> None:
    executor = Executor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes(), clean_start=True)
    joined = [[str(migration) for migration, _ in part] for part in parts(plan)]
    assert [part for part in joined if len(part) > 1] == [
        ["projects.0004_assignments", "projects.0005_assignments_of_rows", "projects.0006_assignments_required"]
    ]
    assert [name for part in joined for name in part] == [str(migration) for migration, _ in plan]
