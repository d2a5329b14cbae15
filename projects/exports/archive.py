"""Hand-ins as one ZIP archive, streamed: whatever its size, only a piece of it is in memory."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import date

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
# From so many bytes on an archive is made in the background.
LONG = 300 * 1024**2
# Windows refuses these names, with any ending (Microsoft, Naming Files, Paths, and Namespaces).
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
# Old unpackers stop at paths of 260 characters: 3 folders and a name stay below.
_LONGEST_FOLDER, _LONGEST_NAME = 90, 120
MANIFEST = "manifest.csv"
# The kind of export that a long archive is.
HAND_INS = "projects.hand-ins"
_COLUMNS = (
    "path", "project", "topic", "team", "numbers", "addresses", "attempt", "counts", "late", "deducted_percent", "began_at", "received_at", "bytes", "sha256",
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


def folder_name(view: TeamView) -> str:
    """Return a team's folder, such as '017_Sparse-kernels_Größe-Łukasiewicz': number, topic, family names as they are written.

    Each part is cut by itself, so that a long topic leaves room for the names.
    """
    families = "-".join(_letters(str(member.user).split("@")[0].split()[-1]) for member in view.members)
    parts = [f"{view.project.pk:03}", _cut(_letters(view.project.title), 40), _cut(families, 40)]
    return safe_name("_".join(filter(None, parts)), longest=_LONGEST_FOLDER)


def _letters(text: str) -> str:
    """Return letters and digits of any script, with a hyphen for what is between them."""
    return re.sub(r"[\W_]+", "-", unicodedata.normalize("NFC", text)).strip("-")


def _cut(text: str, longest: int) -> str:
    """Return so much of a text as has at most so many bytes."""
    return text.encode()[:longest].decode(errors="ignore").strip("-")


def distinct(name: str, taken: set[str]) -> str:
    """Return the name, or 'name (2).zip' where another file has it: without regard to case, as Windows has it."""
    stem, dot, ending = name.partition(".") if not name.startswith(".") else (name, "", "")
    candidate, number = name, 1
    while candidate.casefold() in taken:
        number += 1
        candidate = f"{stem} ({number}){dot}{ending}"
    taken.add(candidate.casefold())
    return candidate


def archive_of(views: Sequence[TeamView], *, is_complete: bool = True) -> ZipStream:
    """Return hand-ins as a ZIP archive that is written while it is read: a folder for each team, and the manifest.

    Args:
        views: whose; with their attempts and files.
        is_complete: every attempt, each in a folder of its own; else only the one that counts, in the team's. What waits
            to be accepted is named in the manifest then.
    """
    stream = ZipStream(compress_type=ZIP_STORED)
    rows: list[list[Cell]] = []
    for view in views:
        if not is_complete:
            rows += [_waiting(view, attempt) for attempt in view.waiting_late[:1]]
        wanted = [attempt for attempt in view.attempts if is_complete or attempt.counts]
        for attempt in sorted(wanted, key=lambda attempt: attempt.row.attempt):
            folder = folder_name(view)
            _add_attempt(
                stream, rows, view, attempt, f"{folder}/attempt-{attempt.row.attempt}" if is_complete else folder
            )
    stream.add(_manifest(rows, get_language() or "en"), MANIFEST)
    return stream


def archive_name(views: Sequence[TeamView], *, is_complete: bool, on: date) -> str:
    """Return how an archive is called, without its ending: by course, assignment, what of them and the day.

    Such as 'hand-ins-amls-Blatt-3-counting-32-teams-2026-12-01'; of several courses or assignments without these.
    """
    assignments = {view.project.assignment_id: view.project.assignment for view in views}
    courses = {assignment.course.slug for assignment in assignments.values()}
    parts = ["hand-ins"]
    if len(courses) == 1:
        parts += courses
    if len(assignments) == 1:
        parts += [_cut(_letters(str(assignment)), 60) for assignment in assignments.values()]
    teams = f"{len(views)}-team{'s' if len(views) != 1 else ''}"
    parts += ["all" if is_complete else "counting", teams, on.isoformat()]
    return "-".join(filter(None, parts))


def bytes_of(views: Sequence[TeamView], *, is_complete: bool) -> int:
    """Return how many bytes the files of an archive have, of every attempt or of those that count."""
    wanted = [attempt.row for view in views for attempt in view.attempts if is_complete or attempt.counts]
    return sum(file.size for row in wanted for file in row.files.all())


def is_long(views: Sequence[TeamView], *, is_complete: bool) -> bool:
    """Return whether an archive is so large that it is made in the background, for whoever's line breaks off."""
    return bytes_of(views, is_complete=is_complete) > LONG


def archive_response(views: Sequence[TeamView], *, filename: str, is_complete: bool = True) -> StreamingHttpResponse:
    """Return hand-ins as a ZIP archive that is written while it is sent.

    Args:
        views: whose; with their attempts and files.
        filename: of the archive, without its ending.
        is_complete: every attempt; else only the one that counts.
    """
    stream = archive_of(views, is_complete=is_complete)
    response = StreamingHttpResponse(iter(stream), content_type="application/zip")
    response["Content-Disposition"] = content_disposition_header(True, f"{filename}.zip") or "attachment"
    response["Cache-Control"] = "private, no-store"
    # nginx would keep the whole of it on disk first.
    response["X-Accel-Buffering"] = "no"
    return response


def _described(view: TeamView, attempt: Attempt) -> list[Cell]:
    """Return what the manifest says of an attempt in each of its lines, between the path and the bytes."""
    row, zone = attempt.row, view.project.course.zone
    return [
        view.project.pk,
        view.project.title,
        ", ".join(str(member.user) for member in view.members),
        ", ".join(filter(None, (member.number for member in view.members))),
        ", ".join(member.user.email for member in view.members if not member.user.is_nameless),
        row.attempt,
        "yes" if attempt.counts else "no",
        "yes" if attempt.is_late else "no",
        attempt.percent,
        row.began_at.astimezone(zone).isoformat(timespec="seconds"),
        row.received_at.astimezone(zone).isoformat(timespec="seconds"),
    ]


def _waiting(view: TeamView, attempt: Attempt) -> list[Cell]:
    """Return the manifest's line of an attempt that waits for the staff, and so has no file in an archive of what counts."""
    row = attempt.row
    proof = [row.repository_url, row.commit, receipt_code(row.pk)]
    return ["", *_described(view, attempt), "", "", *proof, "late, waits to be accepted"]


def _add_attempt(stream: ZipStream, rows: list[list[Cell]], view: TeamView, attempt: Attempt, folder: str) -> None:
    row = attempt.row
    shared = _described(view, attempt)
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
