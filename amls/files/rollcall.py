"""Stored files that rows name and that are gone: looked for all the time, a part of them at a time."""

import heapq
from datetime import datetime
from itertools import islice
from time import monotonic

from django.core.cache import cache
from django.core.files.storage import default_storage
from django.db import models, transaction

from amls.files.marks import is_storage_own
from amls.files.models import MissingFile
from amls.files.rows import file_fields

# So many are looked for in one round, and for no longer than this: a storage that is far away takes its time.
MOST = 5000
_SECONDS = 20.0
_PLACE = "files:looked-for-until"
_KEPT_SECONDS = 24 * 3600


def look_for_files(*, now: datetime, most: int = MOST) -> int:
    """Look for the next of the files that rows name, and again for those that were missing.

    Begins anew after the last one, and where it is not known how far the last round came. While the storage as a whole
    does not answer, or is not the one of this installation, nothing is said of its files.

    Returns:
        How many are missing at present, as far as is known.
    """
    if not is_storage_own():
        return MissingFile.objects.count()
    names = _next(str(cache.get(_PLACE, "")), most)
    known = list(MissingFile.objects.values_list("name", flat=True))
    back = [name for name in known if not _is_named(name) or default_storage.exists(name)]
    gone, until, ends_at = [], "", monotonic() + _SECONDS
    for name in names:
        if not default_storage.exists(name):
            gone.append(MissingFile(name=name, noticed_at=now))
        until = name
        if monotonic() > ends_at:
            break
    with transaction.atomic():
        MissingFile.objects.filter(name__in=back).delete()
        MissingFile.objects.bulk_create(gone, ignore_conflicts=True)
    is_last = len(names) < most and until == (names[-1] if names else "")
    cache.set(_PLACE, "" if is_last else until, _KEPT_SECONDS)
    return MissingFile.objects.count()


def _next(begin: str, most: int) -> list[str]:
    """Return the first names after `begin`, in order, each once."""
    columns = []
    for model, field in file_fields():
        rows: models.QuerySet[models.Model] = models.QuerySet(model).filter(**{f"{field}__gt": begin})
        columns.append(rows.order_by(field).values_list(field, flat=True).distinct()[:most])
    return list(islice(dict.fromkeys(heapq.merge(*columns)), most))


def _is_named(name: str) -> bool:
    return any(models.QuerySet(model).filter(**{field: name}).exists() for model, field in file_fields())
