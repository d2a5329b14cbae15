"""Restoring a backup into an empty installation, and comparing an installation with a backup."""

import hashlib
import json
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import connection, transaction

from amls.files.marks import before_the_database, mark_restored
from amls.files.rows import stored_names
from amls.files.storing import delete_stored
from amls.mail.hold import hold_mail
from amls.portal.backup.fingerprint import differences, fingerprint
from amls.portal.backup.making import DUMP, FORMAT, KEYS, MANIFEST, MEDIA, sha256_of_file
from amls.portal.backup.postgres import BackupError, run_tool


def restore_backup(source: Path, *, now: datetime) -> dict[str, Any]:
    """Fill an empty database and an empty storage from a backup, and hold all mail back; return its manifest.

    Everything that can be known is looked at before anything is written.

    Raises:
        BackupError: the backup is damaged, the key is another one, there is something already, or it does not fit.
            Nothing is left then.
    """
    manifest = read_manifest(source)
    problem = _why_not(source, manifest)
    if problem:
        raise BackupError(f"{problem} Nothing was restored.")
    kept: list[str] = []
    try:
        with before_the_database():
            _restore_media(source / MEDIA, manifest["media"], kept)
        run_tool("pg_restore", ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", "--no-comments", source / DUMP])  # fmt: skip
    except OSError as error:
        delete_stored(kept)
        raise BackupError(f"The files could not be stored: {error.strerror or error}. Nothing was restored.") from error
    except BaseException:
        delete_stored(kept)
        raise
    mark_restored()
    hold_mail(as_of=datetime.fromisoformat(manifest["made_at"]), now=now)
    return manifest


def verify_backup(source: Path) -> list[str]:
    """Return how this installation differs from a backup, in words: rows, files, receipts and feeds.

    Raises:
        BackupError: it is no backup, or is damaged, or there is nothing yet to compare it with.
    """
    manifest, keys = read_manifest(source), read_keys(source)
    if not connection.introspection.table_names():
        raise BackupError("The database is empty: restore the backup first, then verify what became of it.")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        said = differences(manifest["database"], fingerprint(key=keys[0]))
    if count := _count_lacking(keys):
        said.append(
            f"{count} of the {len(keys)} keys in {source / KEYS} count here no more: receipts, feeds and links by them are not valid"
        )
    stored = set(stored_names())
    said += [f"file {name} is missing" for name in sorted(manifest["media"].keys() - stored)]
    said += [f"file {name} is new" for name in sorted(stored - manifest["media"].keys())]
    for name in sorted(stored & manifest["media"].keys()):
        with default_storage.open(name, "rb") as opened:
            if hashlib.file_digest(opened, "sha256").hexdigest() != manifest["media"][name]:
                said.append(f"file {name} has another content")
    return said


def read_manifest(source: Path) -> dict[str, Any]:
    """Return what a backup says that it holds.

    Raises:
        BackupError: it is no backup, one that was never finished, one that is damaged, or of a later release.
    """
    try:
        manifest = json.loads((source / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise BackupError(
            f"{source.absolute()} is no backup that was finished: {MANIFEST} in it can't be read ({reason})."
        ) from error
    if not isinstance(manifest, dict) or "format" not in manifest:
        raise BackupError(f"{source} is no backup: {MANIFEST} is none of AMLS.")
    if manifest["format"] != FORMAT:
        raise BackupError(f"{source} was made by another release of AMLS: restore it with that one.")
    if not _is_whole(manifest):
        raise BackupError(f"{source / MANIFEST} is damaged: take another backup.")
    return manifest


def _is_whole(manifest: dict[str, Any]) -> bool:
    try:
        datetime.fromisoformat(manifest["made_at"])
        database, media = manifest["database"], manifest["media"]
        texts = [*media.values(), *(database[name] for name in ("sha256", "receipts", "feeds", "revisions"))]
        counted = [(count, total) for count, total in database["tables"].values()]
    except (LookupError, TypeError, ValueError, AttributeError):
        return False
    return all(isinstance(text, str) for text in texts) and all(isinstance(count, int) for count, _total in counted)


def read_keys(source: Path) -> list[str]:
    """Return the keys that counted where the backup was made, the present one of then first.

    Raises:
        BackupError: they are not in it, or damaged.
    """
    try:
        said = json.loads((source / KEYS).read_text(encoding="utf-8"))
        keys = [said["SECRET_KEY"], *said["SECRET_KEY_FALLBACKS"]]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise BackupError(f"{source / KEYS} is missing or damaged: take another backup.") from error
    if not all(isinstance(key, str) for key in keys):
        raise BackupError(f"{source / KEYS} is missing or damaged: take another backup.")
    return keys


def _count_lacking(keys: list[str]) -> int:
    return len({*keys} - {settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS})


def _why_not(source: Path, manifest: dict[str, Any]) -> str:
    """Return why this can't be restored here, and what to do; empty where it can."""
    keys = read_keys(source)
    if _count_lacking(keys[:1]):
        return (
            f"SECRET_KEY is another one than the backup's: set it to what stands in {source / KEYS}, or name that in "
            "SECRET_KEY_FALLBACKS; else its receipts, feeds and links would not be valid."
        )
    if count := _count_lacking(keys):
        return (
            f"SECRET_KEY_FALLBACKS lacks {count} of the backup's: name there all that stand in {source / KEYS}; else receipts, "
            "feeds and links of before the key was replaced would not be valid."
        )
    if tables := connection.introspection.table_names():
        return (
            f"The database is not empty ({len(tables)} tables): restore into a new one, then point DATABASE_URL at it."
        )
    if stored := stored_names():
        return f"{settings.MEDIA_ROOT} is not empty ({len(stored)} files): name an empty folder in MEDIA_ROOT."
    return _damage(source, manifest) or _lack_of_room(source, manifest)


def _damage(source: Path, manifest: dict[str, Any]) -> str:
    try:
        if sha256_of_file(source / DUMP) != manifest["database"]["sha256"]:
            return f"{source / DUMP} is damaged: take another backup."
        lacking = [name for name in manifest["media"] if not (source / MEDIA / name).is_file()]
    except OSError as error:
        return f"The backup can't be read ({error}): take another one."
    return f"The backup lacks {len(lacking)} of its files, such as {lacking[0]}: take another one." if lacking else ""


def _lack_of_room(source: Path, manifest: dict[str, Any]) -> str:
    needed = sum((source / MEDIA / name).stat().st_size for name in manifest["media"])
    place = Path(settings.MEDIA_ROOT)
    there = next(path for path in (place, *place.parents) if path.exists())
    free = shutil.disk_usage(there).free
    return f"{place} has room for {free} bytes, and {needed} are needed: make room." if needed > free else ""


def _restore_media(folder: Path, files: dict[str, str], kept: list[str]) -> None:
    for name, expected in files.items():
        if sha256_of_file(folder / name) != expected:
            raise BackupError(f"{folder / name} is damaged: take another backup. Nothing was restored.")
        with (folder / name).open("rb") as opened:
            stored = default_storage.save(name, File(opened))
        kept.append(stored)
        if stored != name:
            raise BackupError(f"{name} could not be stored under its name. Nothing was restored.")
