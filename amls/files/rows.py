"""Which stored files rows name, and what becomes of those that none names any more.

Every `FileField` of the site counts, of apps to come as well; what the history keeps of a row does not.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.core.files.storage import default_storage
from django.db import connection, models, transaction
from django.db.models.signals import post_delete

from amls.files.storing import MARK, delete_stored

# An upload is stored before its row is: what is younger may still get one.
_SETTLED = timedelta(days=1)


def file_fields() -> list[tuple[type[models.Model], str]]:
    """Return every column that names stored files, with its model."""
    return [
        (model, field.attname)
        for model in apps.get_models()
        if not hasattr(model, "pgh_tracked_model")
        for field in model._meta.concrete_fields  # noqa: SLF001 - Django's public name for it
        if isinstance(field, models.FileField)
    ]


def named() -> set[str]:
    """Return the stored files that rows name: one query per column."""
    return {name for model, field in file_fields() for name in _names(model, field)}


def forget_files(names: Iterable[str]) -> None:
    """Delete stored files after the commit, those that no row names then.

    Rows may share a file, such as the slides of a course that was taken over from last year's.
    """
    wanted = {name for name in names if name}
    if not wanted:
        return
    for waiting in connection.run_on_commit:
        known: set[str] | None = getattr(waiting[1], "wanted_files", None)
        if known is not None:
            known.update(wanted)
            return

    def call() -> None:
        # Who forgets more from now on asks anew.
        del call.wanted_files  # type: ignore[attr-defined]
        still = {name for model, field in file_fields() for name in _names(model, field, wanted)}
        delete_stored(sorted(wanted - still))

    call.wanted_files = wanted  # type: ignore[attr-defined]
    transaction.on_commit(call, robust=True)


def _names(model: type[models.Model], field: str, among: set[str] | None = None) -> "models.QuerySet[Any, str]":
    rows: models.QuerySet[Any] = models.QuerySet(model).exclude(**{field: ""})
    return (rows if among is None else rows.filter(**{f"{field}__in": among})).values_list(field, flat=True)


def follow_deletions() -> None:
    """Let files follow their rows, however these are deleted: by services, at the desk, or with what they belong to."""
    for model in {model for model, _field in file_fields()}:
        post_delete.connect(_forget_files_of, sender=model, dispatch_uid=f"files-follow-{model._meta.label}")  # noqa: SLF001


def _forget_files_of(sender: type[models.Model], instance: models.Model, **_kwargs: Any) -> None:
    forget_files(getattr(instance, field).name for model, field in file_fields() if model is sender)


@dataclass(frozen=True, slots=True)
class Strays:
    """What storage and database say of each other that is not so.

    Attributes:
        unnamed: stored files that no row names.
        missing: files that rows name and the storage does not have.
        young: how many that no row names were stored within the last day: they may still get one.
    """

    unnamed: tuple[str, ...]
    missing: tuple[str, ...]
    young: int


def find_strays(*, now: datetime) -> Strays:
    """Compare the storage with the rows; what was stored within the last day is left alone. Writes nothing."""
    stored = set(stored_names())
    wanted = named()
    nameless = stored - wanted
    unnamed = [name for name in nameless if default_storage.get_modified_time(name) < now - _SETTLED]
    return Strays(tuple(sorted(unnamed)), tuple(sorted(wanted - stored)), len(nameless) - len(unnamed))


def stored_names() -> list[str]:
    """Return everything that is in the storage."""
    return _stored("")


def _stored(folder: str) -> list[str]:
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:
        # Nothing was ever stored.
        return []
    inner = f"{folder}/" if folder else ""
    return [
        *(f"{inner}{name}" for name in files if f"{inner}{name}" != MARK),
        *(name for folder in folders for name in _stored(f"{inner}{folder}")),
    ]
