"""The mark by which a node knows that the storage is the one of this installation, and not an empty mount point below it.

The first upload, or `start`, writes a file with a random text into the storage and the same text into the database. From then
on nothing is stored where the file is missing or says something else. A restored database has its row, and `restore` writes
the file anew; where a folder was copied without it, `manage.py adopt_storage` does.
"""

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connection, models, transaction
from django.utils.translation import gettext as _

from amls.core import clock
from amls.files.models import StorageMark
from amls.files.rows import file_fields
from amls.files.storing import MARK

logger = logging.getLogger(__name__)

# So many of the files that rows name are looked for where nothing was ever marked: one that is there vouches for the rest.
_SAMPLE = 20
_SIZE = 64
# What the database says of the mark, which never changes: what this process remembers.
_token = ""
_is_asked: ContextVar[bool] = ContextVar("_is_asked", default=True)


class StrangeStorageError(OSError):
    """The storage is not the one in which this installation keeps its files."""


class MarkedStorage:
    """Mixed into a storage: it takes nothing unless it has the mark of this installation."""

    # A disk may be taken away at any time, so a folder is asked for its mark each time; a bucket stays what it was.
    is_asked_once = False
    is_known = False

    def _save(self, name: str, content: Any) -> str:
        if _is_asked.get() and not (self.is_asked_once and self.is_known):
            require_own(self)
            self.is_known = True
        return str(super()._save(name, content))  # type: ignore[misc]

    def write_mark(self, token: str) -> None:
        """Mark the storage, whatever mark it had.

        Raises:
            OSError: it can't be written to.
        """
        self.delete(MARK)  # type: ignore[attr-defined]
        super()._save(MARK, ContentFile(token.encode()))  # type: ignore[misc]


class FolderStorage(MarkedStorage, FileSystemStorage):
    """The folder MEDIA_ROOT, on this machine's disk or one that several nodes share."""


def require_own(storage: Any) -> None:
    """Have a storage be the one of this installation; a new installation's is marked.

    Raises:
        StrangeStorageError: it is another one, such as an empty mount point; the sentence is for who sent something.
        OSError: it can't be read, or not be marked.
    """
    if not _own(storage):
        logger.error("The storage is not the one of this installation: %s is missing or another's in it", MARK)
        raise StrangeStorageError(
            _("the storage of uploads is not the one of this site; perhaps its disk is not mounted")
        )


def is_storage_own() -> bool:
    """Return whether, as far as can be told by looking, the storage is the one of this installation; writes nothing.

    A bucket is not asked: it may take long to answer, and refuses by itself what does not belong into it.
    """
    storage: Any = default_storage
    if storage.is_asked_once:
        return True
    try:
        token, here = _known_token(), _read(storage)
        return here == token if token else bool(here) or _is_new_or_has_files(storage)
    except OSError:
        # What can't be read is told of by the folder's own look.
        return True


def adopt_storage(*, without_files: bool = False) -> bool:
    """Mark the storage as the one of this installation, where it has files that rows name, or no row names any.

    Args:
        without_files: mark it also where none of them is there, as after a loss.

    Returns:
        Whether it is marked now.
    """
    storage: Any = default_storage
    if not without_files and not _is_new_or_has_files(storage):
        return False
    _mark(storage, _known_token() or _read(storage))
    return True


def mark_new_storage() -> bool:
    """Mark the storage where none was marked yet, so that no other node takes an empty mount point for it.

    Returns:
        Whether the storage is the one of this installation.

    Raises:
        OSError: it can't be read or written to.
    """
    return _own(default_storage)


def mark_restored() -> None:
    """Mark the storage that was filled from a backup as the restored database knows it, if it knows one.

    Raises:
        OSError: it can't be written to.
    """
    # That of an older release gets the table by its migrations, and the mark by the first upload.
    if StorageMark._meta.db_table in connection.introspection.table_names() and (token := _known_token()):  # noqa: SLF001
        storage: Any = default_storage
        storage.write_mark(token)


@contextmanager
def before_the_database() -> Iterator[None]:
    """Store without asking for the mark: a restore fills the storage first, and then the database that knows it."""
    token = _is_asked.set(False)
    try:
        yield
    finally:
        _is_asked.reset(token)


def forget(token: str = "") -> None:
    """Have this process believe of the mark what is said, or ask the database anew."""
    global _token  # noqa: PLW0603 - what this process remembers
    _token = token


def _own(storage: Any) -> bool:
    if token := _known_token():
        return _read(storage) == token
    here = _read(storage)
    if not here and not _is_new_or_has_files(storage):
        return False
    return _mark(storage, here, is_new=True)


def _mark(storage: Any, token: str, *, is_new: bool = False) -> bool:
    with transaction.atomic():
        # Of two that come at once one waits here, and finds what the other wrote.
        row, is_made = StorageMark.objects.get_or_create(
            pk=1, defaults={"token": token or secrets.token_hex(16), "made_at": clock.now()}
        )
        if _read(storage) != row.token and (is_made or not is_new):
            storage.write_mark(row.token)
    return _read(storage) == row.token


def _known_token() -> str:
    global _token  # noqa: PLW0603 - what this process remembers
    _token = _token or StorageMark.objects.values_list("token", flat=True).first() or ""
    return _token


def _read(storage: Any) -> str:
    try:
        with storage.open(MARK, "rb") as opened:
            return str(opened.read(_SIZE).decode(errors="replace"))
    except (FileNotFoundError, NotADirectoryError):
        return ""


def _is_new_or_has_files(storage: Any) -> bool:
    """Return whether no row names a file, or one of some that rows name is there."""
    is_named = False
    for model, field in file_fields():
        rows: models.QuerySet[models.Model] = models.QuerySet(model).exclude(**{field: ""})
        for name in rows.order_by("-pk").values_list(field, flat=True)[:_SAMPLE]:
            if storage.exists(name):
                return True
            is_named = True
    return not is_named
