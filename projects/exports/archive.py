"""Hand-ins as one ZIP archive, streamed: whatever its size, only a piece of it is in memory."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from django.core.files.storage import default_storage
from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.utils.translation import get_language
from zipstream import ZIP_STORED, ZipStream

from amls.files.tables.writing import Cell, write_csv
from projects.models import SubmissionFile
from projects.queries import Attempt, TeamView
from projects.receipts import receipt_code

_CHUNK = 256 * 1024
# Windows refuses these names, with any ending (Microsoft, Naming Files, Paths, and Namespaces).
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
# Old unpackers stop at paths of 260 characters: 3 folders and a name stay below.
_LONGEST_FOLDER, _LONGEST_NAME = 70, 120
MANIFEST = "manifest.csv"
_COLUMNS = (
    "path", "project", "topic", "team", "attempt", "counts", "late", "deducted_percent", "began_at", "received_at", "bytes", "sha256",
    "repository", "commit", "receipt", "problem",
)  # fmt: skip


def safe_name(name: str, *, longest: int = _LONGEST_NAME) -> str:
    """Return a file name that every system can unpack, with its ending kept."""
    cleaned = "".join(
        "_" if char in '<>:"/\\|?*' or unicodedata.category(char)[0] == "C" else char
        for char in unicodedata.normalize("NFC", name)
    ).strip(" .")
    if not cleaned or _RESERVED.fullmatch(cleaned):
        cleaned = f"_{cleaned}"
    if len(cleaned.encode()) <= longest:
        return cleaned
    stem, dot, ending = cleaned.rpartition(".")
    ending = f"{dot}{ending}" if stem and len(ending) <= 10 else ""
    kept = (stem if ending else cleaned).encode()[: longest - len(ending.encode())].decode(errors="ignore")
    return f"{kept.rstrip(' .')}{ending}"


def slug(text: str) -> str:
    """Return text as a part of a folder's name: small ASCII letters, digits and hyphens."""
    letters = text.lower().replace("ß", "ss").replace("ø", "o").replace("ł", "l").replace("æ", "ae").replace("ı", "i")
    plain = unicodedata.normalize("NFKD", letters).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def folder_name(view: TeamView) -> str:
    """Return a team's folder, such as '017_sparse-kernels_lee-kim': number, topic, family names."""
    families = "-".join(filter(None, (slug(str(member.user).split("@")[0].split()[-1]) for member in view.members)))
    topic = slug(view.project.title)[:40].strip("-")
    return "_".join(filter(None, [f"{view.project.pk:03}", topic, families]))[:_LONGEST_FOLDER].rstrip("-_.")


def distinct(name: str, taken: set[str]) -> str:
    """Return the name, or 'name (2).zip' where another file has it: without regard to case, as Windows has it."""
    stem, dot, ending = name.partition(".") if not name.startswith(".") else (name, "", "")
    candidate, number = name, 1
    while candidate.casefold() in taken:
        number += 1
        candidate = f"{stem} ({number}){dot}{ending}"
    taken.add(candidate.casefold())
    return candidate


def archive_response(views: Sequence[TeamView], *, filename: str, is_complete: bool = True) -> StreamingHttpResponse:
    """Return hand-ins as a ZIP archive that is written while it is sent.

    Args:
        views: whose; with their attempts and files.
        filename: of the archive, without its ending.
        is_complete: every attempt; else only the one that counts.
    """
    stream = ZipStream(compress_type=ZIP_STORED)
    rows: list[list[Cell]] = []
    for view in views:
        wanted = [attempt for attempt in view.attempts if is_complete or attempt.counts]
        for attempt in sorted(wanted, key=lambda attempt: attempt.row.attempt):
            _add_attempt(stream, rows, view, attempt)
    stream.add(_manifest(rows, get_language() or "en"), MANIFEST)
    response = StreamingHttpResponse(iter(stream), content_type="application/zip")
    response["Content-Disposition"] = content_disposition_header(True, f"{filename}.zip") or "attachment"
    response["Cache-Control"] = "private, no-store"
    # nginx would keep the whole of it on disk first.
    response["X-Accel-Buffering"] = "no"
    return response


def _add_attempt(stream: ZipStream, rows: list[list[Cell]], view: TeamView, attempt: Attempt) -> None:
    row, zone = attempt.row, view.project.course.zone
    folder = f"{folder_name(view)}/attempt-{row.attempt}"
    shared: list[Cell] = [
        view.project.pk,
        view.project.title,
        ", ".join(str(member.user) for member in view.members),
        row.attempt,
        "yes" if attempt.counts else "no",
        "yes" if attempt.is_late else "no",
        attempt.percent,
        row.began_at.astimezone(zone).isoformat(timespec="seconds"),
        row.received_at.astimezone(zone).isoformat(timespec="seconds"),
    ]
    proof = [row.repository_url, row.commit, receipt_code(row.pk)]
    taken: set[str] = set()
    for file in row.files.all():
        path = f"{folder}/{distinct(safe_name(file.filename), taken)}"
        line = [path, *shared, file.size, file.sha256, *proof, ""]
        rows.append(line)
        stream.add(_content(file, line), path)
    if row.repository_url:
        path = f"{folder}/{distinct('repository.txt', taken)}"
        rows.append([path, *shared, "", "", *proof, ""])
        stream.add(f"{row.repository_url}\n{row.commit}\n", path)


def _content(file: SubmissionFile, line: list[Cell]) -> Iterator[bytes]:
    """Yield a file's bytes; one that is gone is named in the manifest instead of breaking the archive."""
    try:
        with default_storage.open(file.file.name or "", "rb") as stored:
            while chunk := stored.read(_CHUNK):
                yield chunk
    except OSError as error:
        line[-1] = f"could not be read: {error.strerror or error}"


def _manifest(rows: list[list[Cell]], language: str) -> Iterator[bytes]:
    """Yield the manifest; asked for last, when every file has been read."""
    yield from write_csv(_COLUMNS, rows, language=language)
