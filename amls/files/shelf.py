"""Uploads that are kept for the next try: a form was wrong, or its preview is looked at first.

Browsers forget chosen files with every answer. What was sent waits here for a day, for the person who sent it and for the
purpose for which it was sent; the page names it by a token, which says nothing to anybody else.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import QuerySet

from amls.core.statements import ModelStatement, Parameter
from amls.files.checks import clean_filename
from amls.files.models import KEPT_FOLDER, KeptUpload
from amls.files.storing import delete_stored, sha256_of

logger = logging.getLogger(__name__)

LASTS = timedelta(days=1)
# Of one person, for all purposes together: beyond that the oldest go.
MOST_BYTES = 512 * 1024**2
MOST_FILES = 50


@dataclass(frozen=True, slots=True)
class Shelf:
    """What one person sent for one purpose.

    Attributes:
        owner_id: pk of the person.
        purpose: such as 'exams.points:7'.
        now: the request's clock.
    """

    owner_id: int
    purpose: str
    now: datetime

    def all(self) -> list[KeptUpload]:
        """Return everything on it, oldest first."""
        since = self.now - LASTS
        return _kept().read({"owner": self.owner_id, "purpose": self.purpose, "since": since, "now": self.now})

    def find(self, tokens: Iterable[str]) -> list[KeptUpload]:
        """Return what these tokens name, as far as it is on this shelf."""
        known = set()
        for token in tokens:
            with suppress(ValueError):
                known.add(uuid.UUID(token))
        return [row for row in self.all() if row.token in known] if known else []

    def keep(self, upload: UploadedFile[Any]) -> KeptUpload | None:
        """Keep an upload, unless the storage is full; what the person sent before goes where it would be too much."""
        filename = clean_filename(upload.name or "")
        kept = KeptUpload(
            owner_id=self.owner_id, purpose=self.purpose, filename=filename, size=upload.size or 0,
            sha256=sha256_of(upload), kept_at=self.now,
        )  # fmt: skip
        place = kept.place()
        try:
            name = default_storage.save(place, File(upload, name=filename))
        except OSError:
            delete_stored([place])
            # Whoever sent it hears what was wrong, and chooses the file again.
            logger.exception("An upload could not be kept for the next try.")
            return None
        kept.file.name = name
        try:
            with transaction.atomic():
                kept.save()
                _beyond_bounds(self.owner_id).delete()
        except BaseException:
            delete_stored([name])
            raise
        return kept

    def drop(self, but: Sequence[KeptUpload] = ()) -> None:
        """Delete everything on it, but some."""
        spared = {file.pk for file in but}
        if gone := [row.pk for row in self.all() if row.pk not in spared]:
            KeptUpload.objects.filter(pk__in=gone).delete()


@cache
def _kept() -> ModelStatement[KeptUpload]:
    rows = KeptUpload.objects.filter(owner=Parameter("owner"), purpose=Parameter("purpose"))
    return ModelStatement.of(rows.filter(kept_at__gt=Parameter("since"), kept_at__lte=Parameter("now")).order_by("pk"))


@contextmanager
def opened(rows: Iterable[KeptUpload]) -> Iterator[list[UploadedFile[Any]]]:
    """Open kept uploads as if they had just been sent."""
    with ExitStack() as stack:
        yield [
            UploadedFile(stack.enter_context(default_storage.open(row.file.name or "")), row.filename, size=row.size)
            for row in rows
        ]


def forget_kept(*, owner_id: int) -> None:
    """Delete whatever a person sent that is kept."""
    KeptUpload.objects.filter(owner=owner_id).delete()


def purge_kept(now: datetime, *, dry_run: bool) -> int:
    """Delete what was kept for a day, or only count it; return how many."""
    rows = KeptUpload.objects.filter(kept_at__lte=now - LASTS)
    count = rows.count()
    if not dry_run:
        rows.delete()
        delete_stored(_left_behind(now))
    return count


def _left_behind(now: datetime) -> list[str]:
    """Return the files whose rows went with the transaction that wrote them."""
    with suppress(FileNotFoundError):
        names = [f"{KEPT_FOLDER}/{name}" for name in default_storage.listdir(KEPT_FOLDER)[1]]
        known = set(KeptUpload.objects.values_list("file", flat=True))
        return [name for name in names if name not in known and default_storage.get_modified_time(name) < now - LASTS]
    return []


def _beyond_bounds(owner_id: int) -> QuerySet[KeptUpload]:
    total, fitting = 0, []
    for pk, size in KeptUpload.objects.filter(owner=owner_id).order_by("-pk").values_list("pk", "size")[:MOST_FILES]:
        total += size
        if total > MOST_BYTES:
            break
        fitting.append(pk)
    return KeptUpload.objects.filter(owner=owner_id).exclude(pk__in=fitting)
