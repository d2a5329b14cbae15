"""Keeping uploads: hashed, under random names, and gone again when what they belong to fails."""

from __future__ import annotations

import errno
import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_guid import get_guid

from amls.core.violations import RuleViolation
from amls.files.checks import CheckedFile

logger = logging.getLogger(__name__)

# Of what is refused as the storage does not take it, whatever was sent.
NOT_STORED = "storage"
# A file of the storage that no row names and that nobody sent; see `amls.files.marks`.
MARK = ".amls-installation"
# What the operating system says in English only.
_REASONS = {
    errno.ENOSPC: gettext_lazy("the disk is full"),
    errno.EDQUOT: gettext_lazy("the disk is full"),
    errno.EROFS: gettext_lazy("the disk can't be written to"),
    errno.EACCES: gettext_lazy("the disk can't be written to"),
}


@dataclass(frozen=True, slots=True)
class KeptFile:
    """An upload that was stored.

    Attributes:
        name: in the storage.
        size: in bytes.
        sha256: in hexadecimal digits.
    """

    name: str
    checked: CheckedFile
    size: int
    sha256: str


@contextmanager
def keeping(
    uploads: Sequence[tuple[UploadedFile[Any], CheckedFile]], name_for: Callable[[Any, str], str]
) -> Iterator[list[KeptFile]]:
    """Store uploads around the transaction that they belong to; if it fails nothing is left behind.

    Args:
        uploads: each with what it was found to be.
        name_for: gives the storage's name for (None, file name).

    Raises:
        RuleViolation: the storage refuses, such as when the disk is full.
    """
    kept: list[KeptFile] = []
    try:
        for upload, checked in uploads:
            name = name_for(None, checked.filename)
            kept.append(KeptFile(name, checked, upload.size or 0, sha256_of(upload)))
            _store(upload, name, checked.filename)
        yield kept
    except BaseException:
        delete_stored(file.name for file in kept)
        raise


def delete_stored(names: Iterable[str]) -> None:
    """Delete files of the storage that no row names any more; one that stays keeps none of the others.

    Only the log tells what is left to delete by hand.
    """
    for name in names:
        try:
            default_storage.delete(name)
        except OSError:
            logger.exception("A stored file could not be deleted: %s", name)


def is_lost(name: str) -> bool:
    """Return whether the storage certainly does not have a file: one that is away at the moment proves nothing."""
    try:
        return not default_storage.exists(name)
    except OSError:
        logger.exception("The storage could not be asked for a file: %s", name)
        return False


def sha256_of(upload: UploadedFile[Any]) -> str:
    """Return the SHA-256 of an upload in hexadecimal digits, and leave it at its start."""
    digest = hashlib.sha256()
    for chunk in upload.chunks():
        digest.update(chunk)
    upload.seek(0)
    return digest.hexdigest()


def _store(upload: UploadedFile[Any], name: str, filename: str) -> None:
    try:
        default_storage.save(name, File(upload, name=name))
    except OSError as error:
        # The person has a number to name, under which whoever runs the installation finds what it was.
        logger.exception("An upload could not be stored in the storage: %s", name)
        said = _("'%(name)s' could not be stored: %(reason)s. Nothing was kept; tell whoever runs this installation.") % {
            "name": filename, "reason": _REASONS.get(error.errno or 0) or error.strerror or error
        }  # fmt: skip
        if number := get_guid():
            said += " " + _("They find it in the log by the number %(number)s.") % {"number": number}
        raise RuleViolation(said, code=NOT_STORED) from error
