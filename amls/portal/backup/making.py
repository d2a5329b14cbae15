"""Making a backup: database, media and keys, so that no row lacks its file."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection, transaction

from amls.files.rows import named, stored_names
from amls.portal.backup.fingerprint import fingerprint
from amls.portal.backup.postgres import BackupError, run_tool

FORMAT = 1
MANIFEST, DUMP, KEYS, MEDIA = "manifest.json", "database.dump", "keys.json", "media"
_CHUNK = 1024**2


def make_backup(target: Path, *, now: datetime) -> dict[str, Any]:
    """Write everything into a new folder, which has its name when it is whole; return its manifest.

    Files are copied, then the database is, then the files that came in the meantime: a file that a row of the database
    names is stored before its row, and is there unless somebody deleted both meanwhile.

    Raises:
        BackupError: the folder is there already, the disk is full, or the database can't be read. Nothing is left then.
    """
    if target.exists():
        raise BackupError(f"{target} is there already: name a folder that is not, such as one with the date.")
    draft = target.with_name(f"{target.name}.partial")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        (draft / MEDIA).mkdir(mode=0o700, parents=True)
        draft.chmod(0o700)
        manifest = _write(draft, now)
        draft.rename(target)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise BackupError(
            f"The backup could not be written to {target}: {error.strerror or error}. Nothing was left there."
        ) from error
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return manifest


def _write(folder: Path, now: datetime) -> dict[str, Any]:
    files = dict(_copied(folder / MEDIA, stored_names()))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        (snapshot,) = cursor.fetchone()
        run_tool("pg_dump", ["--format=custom", f"--snapshot={snapshot}", "--file", folder / DUMP])
        prints, wanted = fingerprint(key=settings.SECRET_KEY), named()
    files |= dict(_copied(folder / MEDIA, sorted(wanted - files.keys())))
    private(
        folder / KEYS,
        json.dumps({"SECRET_KEY": settings.SECRET_KEY, "SECRET_KEY_FALLBACKS": settings.SECRET_KEY_FALLBACKS}),
    )
    manifest = {
        "format": FORMAT,
        "made_at": now.isoformat(),
        "site": settings.SITE_URL,
        "database": {"sha256": sha256_of_file(folder / DUMP), **prints},
        "media": files,
        # Gone before: of these there is nothing to restore.
        "missing": sorted(wanted - files.keys()),
    }
    private(folder / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True))
    return manifest


def _copied(folder: Path, names: list[str]) -> Iterator[tuple[str, str]]:
    """Copy stored files; yield each name with the hash of what was copied. What is gone meanwhile is left out."""
    for name in names:
        try:
            source = default_storage.open(name, "rb")
        except FileNotFoundError:
            continue
        place = folder / name
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with source, place.open("wb") as copy:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                copy.write(chunk)
        yield name, digest.hexdigest()


def sha256_of_file(path: Path) -> str:
    """Return the hash of a file's content, in hexadecimal digits."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def private(path: Path, text: str) -> None:
    """Write a new text file that only its user can read."""
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
