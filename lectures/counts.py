"""Uses of materials: counted in the cache, written down by beat, and without persons.

The one thing that is kept by person is which version they downloaded last, which the pages
show to that person only.
"""

from datetime import UTC, datetime
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.db.models import F

from amls.courses.models import User
from lectures.models import LastDownload, Material, MaterialCount, MaterialFile

_KEPT_SECONDS = 3 * 24 * 60 * 60
_COUNT, _PERSON = "material-count:", "material-last:"
_BATCH = 1000


def note_download(*, file: MaterialFile, user: User | None, now: datetime) -> None:
    """Note in the cache that a file was downloaded, and by whom if they are signed in."""
    _count(file.material_id, MaterialCount.Use.DOWNLOADED)
    if user is not None:
        key = f"{_PERSON}{user.pk}"
        # Two downloads of one person at the same instant may lose one note: it only decides a hint.
        cache.set(key, {**cache.get(key, {}), file.material_id: (file.pk, now.isoformat())}, _KEPT_SECONDS)


def note_watched(*, material: Material) -> None:
    """Note in the cache that somebody watched half a minute of a recording."""
    _count(material.pk, MaterialCount.Use.WATCHED)


def _count(pk: int, use: str) -> None:
    key = f"{_COUNT}{use}:{pk}"
    if not cache.add(key, 1, _KEPT_SECONDS):
        try:
            cache.incr(key)
        except ValueError:
            # Flushed between the two.
            cache.add(key, 1, _KEPT_SECONDS)


def last_downloads(user: User, materials: list[int]) -> dict[int, int]:
    """Return which version (a file's pk) of each material a person downloaded last, this minute's included."""
    rows = LastDownload.objects.filter(user=user, material__in=materials).values_list("material_id", "file_id")
    noted: dict[int, tuple[int, str]] = cache.get(f"{_PERSON}{user.pk}", {})
    return {**dict(rows), **{pk: noted[pk][0] for pk in materials if pk in noted}}


def forget_noted(user: User) -> None:
    """Drop what the cache knows of a person's downloads."""
    cache.delete(f"{_PERSON}{user.pk}")


def flush_counts(*, now: datetime) -> int:
    """Write down what the cache counted; return how many rows changed."""
    return _flush_uses(now) + _flush_persons()


def _flush_uses(now: datetime) -> int:
    changed, day = 0, now.astimezone(UTC).date()
    pks = list(Material.objects.filter(current__isnull=False).values_list("pk", flat=True))
    for use in MaterialCount.Use.values:
        for start in range(0, len(pks), _BATCH):
            keys = {f"{_COUNT}{use}:{pk}": pk for pk in pks[start : start + _BATCH]}
            for key, count in cache.get_many(keys).items():
                # What is counted between reading and deleting is lost: rare, and only a number.
                cache.delete(key)
                row, _created = MaterialCount.objects.get_or_create(material_id=keys[key], day=day, use=use)
                MaterialCount.objects.filter(pk=row.pk).update(count=F("count") + count)
                changed += 1
    return changed


def _flush_persons() -> int:
    changed = 0
    pks = list(User.objects.filter(is_active=True).values_list("pk", flat=True))
    for start in range(0, len(pks), _BATCH):
        keys = {f"{_PERSON}{pk}": pk for pk in pks[start : start + _BATCH]}
        for key, noted in cache.get_many(keys).items():
            cache.delete(key)
            changed += _write_downloads(keys[key], noted)
    return changed


def _write_downloads(user_pk: int, noted: dict[int, Any]) -> int:
    with transaction.atomic():
        files = dict(
            MaterialFile.objects.filter(pk__in=[pk for pk, _at in noted.values()]).values_list("pk", "material_id")
        )
        rows = [
            LastDownload(user_id=user_pk, material_id=files[pk], file_id=pk, downloaded_at=datetime.fromisoformat(at))
            for pk, at in noted.values()
            if pk in files
        ]
        LastDownload.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["user", "material"],
            update_fields=["file", "downloaded_at"],
        )
    return len(rows)
