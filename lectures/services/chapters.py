"""Chapters of recordings: written by staff, else proposed from captions and slides."""

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Max, Q
from django.utils.translation import gettext as _

from amls.core.text import clean_line
from amls.core.violations import RuleViolation
from amls.courses.services import lock_course, touch
from lectures.models import Chapter, Lecture, Material, Passage

MAX_CHAPTERS = 100
_LINE = re.compile(r"^(?:(\d{1,2}):)?(\d{1,3}):([0-5]\d)\s+(.*?)(?:\s+#(\d{1,4}))?$")
_WORD = re.compile(r"[^\W\d_]{3,}")
# A title counts as said when this share of its words stands in a caption or the one after it.
_SAID = 0.75
_MOST_PLACES = 30
# What a chapter says beside the second at which it begins.
_SAID_OF_ONE = ("title", "page", "is_proposed")


@dataclass(frozen=True, slots=True)
class ChapterLine:
    """One chapter as staff write it."""

    seconds: int
    title: str
    page: int | None = None

    def __str__(self) -> str:
        return f"{stamp(self.seconds)} {self.title}" + (f" #{self.page}" if self.page else "")


def stamp(seconds: int) -> str:
    """Return a place in a recording as '1:02:03' or '2:03'."""
    hours, rest = divmod(int(seconds), 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


@dataclass(frozen=True, slots=True)
class Length:
    """How long the recording of a lecture is, and how many slides it has; None where that is not known."""

    seconds: int | None = None
    slides: int | None = None


_NOT_KNOWN = Length()


def length_of(lecture: Lecture) -> Length:
    """Return how much there is for chapters to lead to: of several files the longest: 1 query."""
    slides = Q(kind__in=(Material.Kind.PDF, Material.Kind.PPTX))
    return Length(
        **Material.objects.filter(lecture=lecture).aggregate(
            seconds=Max("current__seconds", filter=Q(kind=Material.Kind.MP4)),
            slides=Max("current__pages", filter=slides),
        )
    )


def chapter_in(line: str) -> ChapterLine | None:
    """Return the chapter that a cleaned line such as '12:30 Operator fusion #23' says; None where it says none."""
    match = _LINE.match(line)
    if match is None or not match[4] or len(match[4]) > 200 or (match[5] and int(match[5]) < 1):
        return None
    seconds = int(match[1] or 0) * 3600 + int(match[2]) * 60 + int(match[3])
    return ChapterLine(seconds, match[4], int(match[5]) if match[5] else None)


def read_chapters(text: str, length: Length = _NOT_KNOWN) -> list[ChapterLine]:
    """Return the chapters that lines such as '12:30 Operator fusion #23' say; #23 is the slide.

    Raises:
        RuleViolation: a line can't be read, begins after the recording's end, names a slide that there is not, or begins at
            the same second as another; with the line.
    """
    chapters: dict[int, ChapterLine] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        cleaned = clean_line(line)
        if not cleaned:
            continue
        chapter = chapter_in(cleaned)
        if chapter is None:
            raise RuleViolation(
                _("Line %(number)d, '%(line)s', is no chapter. Write a time and a title, such as '12:30 Fusion #23'.")
                % {"number": number, "line": cleaned[:60]},
                code="chapter-line",
                field="chapters",
            )
        seconds, page = chapter.seconds, chapter.page
        if seconds in chapters:
            raise RuleViolation(
                _("Line %(number)d begins at the same second as another one.") % {"number": number},
                code="chapter-twice",
                field="chapters",
            )
        if length.seconds is not None and seconds > length.seconds:
            raise RuleViolation(
                _("Line %(number)d, '%(line)s', begins after the end of the recording, which is at %(end)s.")
                % {"number": number, "line": cleaned[:60], "end": stamp(length.seconds)},
                code="chapter-after-end",
                field="chapters",
            )
        if length.slides is not None and page is not None and page > length.slides:
            raise RuleViolation(
                _("Line %(number)d, '%(line)s', names a slide that there is not: the last one is #%(last)d.")
                % {"number": number, "line": cleaned[:60], "last": length.slides},
                code="chapter-no-slide",
                field="chapters",
            )
        chapters[seconds] = chapter
    if len(chapters) > MAX_CHAPTERS:
        raise RuleViolation(
            _("At most %(limit)d chapters, please.") % {"limit": MAX_CHAPTERS}, code="chapters-many", field="chapters"
        )
    return [chapters[seconds] for seconds in sorted(chapters)]


def set_chapters(*, lecture: Lecture, chapters: Iterable[ChapterLine], now: datetime) -> None:
    """Make a lecture's chapters those of its staff; without any, they are proposed again.

    Only what differs is written, so that the history says who changed what.
    """
    with transaction.atomic():
        course = lock_course(lecture.course_id)
        wanted = list(chapters)
        _settle(lecture, wanted or _proposals(lecture), is_proposed=not wanted)
        touch(course, now=now)


def propose_chapters(*, lecture: Lecture) -> None:
    """Find where the captions say the titles of the slides, unless staff wrote the chapters.

    Call it under the course's lock.
    """
    if not lecture.chapters.filter(is_proposed=False).exists():
        _settle(lecture, _proposals(lecture), is_proposed=True)


def _proposals(lecture: Lecture) -> list[ChapterLine]:
    """Return where the captions say the titles of the slides; none without both."""
    sources = proposed_from(lecture)
    if len(sources) < 2:
        return []
    passages = Passage.objects.current().filter(file__material__in=sources).order_by("number")
    pages: list[tuple[int, str]] = []
    cues: list[list[int | str]] = []
    for passage in passages.defer("vector", "text", "notes"):
        if passage.kind == Passage.Kind.CAPTION:
            cues += passage.cues
        else:
            pages.append((passage.number, passage.title))
    return _align(pages, cues)


def proposed_from(lecture: Lecture) -> list[int]:
    """Return from which materials chapters are proposed: the slides that were read, and the captions: 1 query."""
    kinds = (Material.Kind.PDF, Material.Kind.PPTX, Material.Kind.CAPTIONS)
    first = dict(
        Material.objects.filter(lecture=lecture, kind__in=kinds, current__extraction__pages_done__gt=0)
        .order_by("-position", "-pk")
        .values_list("kind", "pk")
    )
    slides = first.get(Material.Kind.PDF, first.get(Material.Kind.PPTX))
    return [pk for pk in (slides, first.get(Material.Kind.CAPTIONS)) if pk is not None]


def _settle(lecture: Lecture, chapters: Iterable[ChapterLine], *, is_proposed: bool) -> None:
    """Write how the chapters that there are differ from these: each is known by the second at which it begins."""
    there = {row.seconds: row for row in Chapter.objects.filter(lecture=lecture)}
    wanted = {
        line.seconds: Chapter(
            lecture=lecture, seconds=line.seconds, title=line.title, page=line.page, is_proposed=is_proposed
        )
        for line in chapters
    }
    if gone := [row.pk for seconds, row in there.items() if seconds not in wanted]:
        Chapter.objects.filter(pk__in=gone).delete()
    changed = [seconds for seconds, row in wanted.items() if seconds in there and _said(row) != _said(there[seconds])]
    for seconds in changed:
        wanted[seconds].pk = there[seconds].pk
    Chapter.objects.bulk_update([wanted[seconds] for seconds in changed], _SAID_OF_ONE)
    Chapter.objects.bulk_create(row for seconds, row in wanted.items() if seconds not in there)


def _said(chapter: Chapter) -> list[object]:
    return [getattr(chapter, name) for name in _SAID_OF_ONE]


def _align(pages: list[tuple[int, str]], cues: list[list[int | str]]) -> list[ChapterLine]:
    """Return the longest series of slides whose titles are said one after the other."""
    words = [set(_words(str(cue[2]))) for cue in cues]
    places: list[tuple[int, int, str]] = []
    before = ""
    for page, title in pages:
        wanted = set(_words(title))
        if not wanted or title == before:
            continue
        before = title
        said = [
            index
            for index, here in enumerate(words)
            if wanted & here
            and len(wanted & (here | (words[index + 1] if index + 1 < len(words) else set()))) >= _SAID * len(wanted)
        ][:_MOST_PLACES]
        # Latest first, so that one slide is never in a series twice.
        places.extend((index, page, title) for index in reversed(said))
    tails: list[int] = []
    chains: list[list[tuple[int, int, str]]] = []
    for place in places:
        at = bisect_left(tails, place[0])
        chain = [*(chains[at - 1] if at else []), place]
        tails[at : at + 1] = [place[0]]
        chains[at : at + 1] = [chain]
    best = chains[-1] if len(chains) > 1 else []
    starts = {
        int(cues[index][0]) // 1000: ChapterLine(int(cues[index][0]) // 1000, title, page)
        for index, page, title in best
    }
    return [starts[seconds] for seconds in sorted(starts)][:MAX_CHAPTERS]


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]
