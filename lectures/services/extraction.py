"""From an upload to its text: claim, commit, read in a child process, store, mark."""

import logging
import re
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.models import F

from amls.core.fulltext import words_sql
from amls.core.jobs import Claim, LostClaimError, Queue
from amls.courses.models import Course
from amls.courses.services import lock_course, touch
from amls.files.missing import tell_of_missing
from amls.files.storing import delete_stored
from lectures.extraction.run import (
    KINDS,
    Extracted,
    ReadingStoppedError,
    draw_presentation,
    limits_of_settings,
    read_file,
)
from lectures.managers import NO_FAULT_OF_THE_FILE, ExtractionQuerySet
from lectures.models import Extraction, Lecture, Material, MaterialFile, Passage, Problem
from lectures.services.chapters import propose_chapters

logger = logging.getLogger(__name__)

EXTRACT = "lectures.tasks.extract"
LEASE = timedelta(minutes=2)
MAX_ATTEMPTS = 3
# Words of the vocabulary: letters only, neither too short to be mistyped nor a hash.
# Lines at the edge of a page that are looked at for headers and footers, of how many pages, on what share of them.
_EDGE, _ENOUGH_PAGES, _MOST = 2, 4, 0.6
_WORD_REGEX = r"^[[:alpha:]][[:alpha:]-]{2,39}$"
# As they are written: passages are found by folded words, but 'prufung' is nothing to suggest.
_WRITTEN_WORDS = f"SELECT {words_sql(['title', 'text', 'notes'])} FROM lectures_passage"  # noqa: S608 - no value in it


def readable_kind(filename: str) -> str | None:
    """Return what reads a file of this name, or None if nothing does."""
    return KINDS.get(PurePosixPath(filename.lower()).suffix)


def await_extraction(file: MaterialFile, *, now: datetime) -> None:
    """Note, in the transaction of an upload, that its text is to be read; drop the text of older versions.

    Rings after the commit; beat sweeps in any case.
    """
    forget_texts(file.material, keep=file)
    if readable_kind(file.filename) is None:
        return
    Extraction.objects.bulk_create([Extraction(file=file, created_at=now)], ignore_conflicts=True)
    EXTRACTIONS.ring()


def retry_extraction(file: MaterialFile, *, now: datetime) -> None:
    """Have a file read again that could not be read, or not all of it: the limits may be wider by now."""
    failed = Extraction.objects.filter(file=file).exclude(problem="")
    if failed.update(state=Extraction.State.WAITING, problem="", attempts=0, created_at=now, finished_at=None):
        EXTRACTIONS.ring()


def forget_texts(material: Material, *, keep: MaterialFile | None = None) -> None:
    """Drop what was read in the files of a material, but for one; its pictures go after the commit."""
    passages = Passage.objects.filter(file__material=material)
    extractions = Extraction.objects.filter(file__material=material)
    if keep is not None:
        passages, extractions = passages.exclude(file=keep), extractions.exclude(file=keep)
    passages.delete()
    extractions.delete()
    if keep is not None:
        # Chapters of the old slides don't outlive them either.
        propose_chapters(lecture=material.lecture)


def adopt_files(*, now: datetime) -> int:
    """Queue newest versions that nobody queued, such as those from before texts were read; return how many."""
    known = MaterialFile.objects.filter(material__current=F("pk"), extraction__isnull=True)
    missing = [
        Extraction(file_id=pk, created_at=now)
        for pk, filename in known.values_list("pk", "filename")
        if readable_kind(filename) is not None
    ]
    Extraction.objects.bulk_create(missing, ignore_conflicts=True)
    return len(missing)


def align_languages() -> int:
    """Let passages follow a change of their course's language; return how many did."""
    return sum(
        Passage.objects.filter(course__language=language).exclude(language=language).update(language=language)
        for language in ("de", "en")
    )


class _Extractions(Queue[Extraction]):
    """Mail waits for the same workers: files never take all of them."""

    model, task, lease, most_attempts = Extraction, EXTRACT, LEASE, MAX_ATTEMPTS
    claimed = {"state": Extraction.State.WORKING, "pages_done": 0, "pages_total": 0}
    since_field = "created_at"

    def waiting(self, *, now: datetime) -> ExtractionQuerySet:
        """Return the files that nobody reads yet."""
        return Extraction.objects.claimable_at(now)

    def choose(self, *, now: datetime, limit: int) -> Iterable[Extraction]:
        """Return the files that wait longest, locked."""
        if Extraction.objects.being_worked_at(now).count() >= settings.EXTRACTION_WORKERS:
            return []
        waiting = self.waiting(now=now).select_related("file__material__lecture__course")
        return self.free(waiting).order_by("created_at", "pk")[:limit]


EXTRACTIONS = _Extractions()


def extract_next(now: datetime) -> bool:
    """Claim one file that waits and read it; return whether there was one."""
    for claim in EXTRACTIONS.claim(now=now):
        with tempfile.TemporaryDirectory(prefix="amls-reading-") as name:
            try:
                # Where it is one too many, three workers died over it.
                reading = Extracted(problem=Problem.BROKEN) if claim.is_one_too_many else _read(claim, Path(name))
                if reading.problem in NO_FAULT_OF_THE_FILE:
                    # What was read in it before stays.
                    later = {"problem": reading.problem, "attempts": 0, "finished_at": claim.clock.now()}
                    claim.finish(state=Extraction.State.FAILED, **later)
                else:
                    _finish(claim, reading, Path(name))
            except (ReadingStoppedError, LostClaimError):
                logger.info("reading taken over or removed file=%s", claim.row.pk)
        return True
    return False


def _read(claim: Claim[Extraction], folder: Path) -> Extracted:
    file = claim.row.file
    kind = readable_kind(file.filename)
    if kind is None:
        return Extracted(problem=Problem.BROKEN)
    try:
        path = _local_path(file.file.name or "", folder)
        if path.stat().st_size != file.size:
            raise OSError("the storage gives other bytes than were stored")
    except OSError:
        # Uploaded to another node's disk, or a storage that is away: nothing that can be said of the file itself.
        logger.exception("A stored file is missing or can't be read: %s", file.file.name)
        tell_of_missing()
        return Extracted(problem=Problem.MISSING)
    most, limits = settings.EXTRACTION_MAX_PAGES, limits_of_settings()
    reading = read_file(
        path,
        kind=kind,
        folder=folder,
        most=most,
        limits=limits,
        on_progress=lambda done, total: claim.prolong(pages_done=done, pages_total=total),
    )
    if kind == "pptx" and reading.pages and not _has_pdf(file.material.lecture):
        draw_presentation(path, reading, folder=folder, most=most, limits=limits, goes_on=claim.prolong)
    return reading


def _has_pdf(lecture: Lecture) -> bool:
    """Return whether a lecture has slides that are shown without drawing any."""
    return lecture.materials.filter(kind=Material.Kind.PDF, current__isnull=False).exists()


def _local_path(name: str, folder: Path) -> Path:
    """Return where the file lies on this machine, fetched there if the storage is elsewhere."""
    try:
        path = Path(default_storage.path(name))
    except NotImplementedError:
        path = folder / "file"
        with default_storage.open(name, "rb") as source, path.open("wb") as target:
            for chunk in source.chunks():
                target.write(chunk)
    if not path.exists():
        raise FileNotFoundError(name)
    return path


def _finish(claim: Claim[Extraction], reading: Extracted, folder: Path) -> None:
    """Store what was read in place of what was read before, and mark the row, if the claim still holds."""
    file = claim.row.file
    lecture = file.material.lecture
    drop_running_lines(reading.pages)
    passages = [_passage(page, file, lecture.course) for page in reading.pages]
    stored = _store_pictures(passages, folder)
    try:
        with transaction.atomic():
            course = lock_course(lecture.course_id)
            held = claim.held().select_for_update().first()
            if held is None:
                raise LostClaimError
            for passage in passages:
                passage.language = course.language
            Passage.objects.filter(file=file).delete()
            Passage.objects.bulk_create(passages, batch_size=200)
            held.state = Extraction.State.DONE if passages else Extraction.State.FAILED
            held.problem = reading.problem or ("" if passages else Problem.NO_TEXT)
            held.pages_done, held.pages_total = len(passages), max(reading.total, len(passages))
            held.cues_dropped, held.is_tagged = reading.cues_dropped, reading.is_tagged
            now = claim.clock.now()
            held.leased_until, held.finished_at = None, now
            held.save()
            follow_texts(lecture)
            touch(course, now=now)
    except BaseException:
        delete_stored(stored)
        raise
    logger.info("file read file=%s pages=%s problem=%s", file.pk, len(passages), reading.problem)


def drop_running_lines(pages: list[dict[str, Any]]) -> None:
    """Take out of the text what stands at the top or bottom of most pages, numbers aside: headers and footers.

    Else every slide of a lecture would be found by the lecture's title.
    """
    if len(pages) < _ENOUGH_PAGES or any(page["kind"] != Passage.Kind.PAGE for page in pages):
        return
    edges: Counter[str] = Counter()
    for page in pages:
        lines = page["text"].split("\n")
        edges.update({_without_numbers(line) for line in (*lines[:_EDGE], *lines[-_EDGE:])})
    running = {line for line, count in edges.items() if count > _MOST * len(pages)}
    for page in pages:
        lines = page["text"].split("\n")
        kept = [
            line
            for index, line in enumerate(lines)
            if line in page["title"] or _without_numbers(line) not in running or _EDGE <= index < len(lines) - _EDGE
        ]
        page["text"] = "\n".join(kept)


def _without_numbers(line: str) -> str:
    return re.sub(r"\d+", "", line).strip()


def _passage(page: dict[str, Any], file: MaterialFile, course: Course) -> Passage:
    return Passage(
        course=course, file=file, kind=page["kind"], number=page["number"], title=page["title"], text=page["text"],
        notes=page["notes"], cues=page["cues"], width=page.get("width", 0), height=page.get("height", 0),
    )  # fmt: skip


def _store_pictures(passages: list[Passage], folder: Path) -> list[str]:
    """Put the pictures of pages into the storage, under a name that nobody can guess."""
    stored: list[str] = []
    shelf = f"slides/{uuid.uuid4().hex}"
    try:
        for passage in passages:
            for field, suffix in (("image", ""), ("thumb", "-thumb")):
                source = folder / f"{passage.number}{suffix}.webp"
                if passage.width and source.exists():
                    with source.open("rb") as stream:
                        name = default_storage.save(f"{shelf}/{source.name}", File(stream))
                    stored.append(name)
                    setattr(passage, field, name)
    except BaseException:
        delete_stored(stored)
        raise
    return stored


def follow_texts(lecture: Lecture) -> None:
    """Propose chapters and count words anew after the texts of a lecture changed. Call it under the course's lock."""
    propose_chapters(lecture=lecture)
    rebuild_vocabulary(lecture.course)


def rebuild_vocabulary(course: Course) -> None:
    """Count anew which words stand in how many passages of the course's newest files."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM lectures_wordlist WHERE course_id = %s", [course.pk])
        cursor.execute(
            "INSERT INTO lectures_wordlist (course_id, length, words, passages)"
            " SELECT %s, length(word), string_agg(word, E'\\n' ORDER BY ndoc DESC, word),"
            " array_agg(ndoc ORDER BY ndoc DESC, word) FROM ts_stat(%s) WHERE word ~ %s GROUP BY length(word)",
            [course.pk, f"{_WRITTEN_WORDS} WHERE course_id = {course.pk:d}", _WORD_REGEX],
        )
