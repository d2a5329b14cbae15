"""What a lecture's page shows of its files: slides one by one, chapters, versions."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from django.urls import reverse

from amls.courses.access import Access
from amls.courses.models import User
from lectures.counts import last_downloads
from lectures.models import Chapter, Lecture, Material, MaterialFile, Passage, WatchPosition
from lectures.services.chapters import proposed_from, stamp


@dataclass(frozen=True)
class Slide:
    """One slide as a picture and as text."""

    number: int
    title: str
    lines: list[str]
    notes: list[str]
    image: str = ""
    thumb: str = ""
    width: int = 0
    height: int = 0


@dataclass(frozen=True)
class Deck:
    """The slides of a lecture.

    Attributes:
        material: whose file it is.
        has_pictures: of every page; a presentation without a PDF has text only.
        missing: how many pages of the file could not be read.
    """

    material: Material
    slides: list[Slide]
    has_pictures: bool
    missing: int = 0

    @cached_property
    def has_text(self) -> bool:
        """Whether there is anything to read."""
        return any(slide.title or slide.lines or slide.notes for slide in self.slides)


Texts = dict[int, list[Passage]]


def texts_of(materials: list[Material]) -> Texts:
    """Return what was read of the slides among these materials, by their files' primary keys: 1 query."""
    pks = [material.current_id for material in materials if material.kind in (Material.Kind.PDF, Material.Kind.PPTX)]
    texts: Texts = {}
    for passage in Passage.objects.filter(file__in=[pk for pk in pks if pk]).defer("vector", "cues").order_by("number"):
        texts.setdefault(passage.file_id, []).append(passage)
    return texts


def deck_of(access: Access, material: Material | None, notes: Material | None, texts: Texts) -> Deck | None:
    """Return the slides of a material that the worker has read, or None.

    Args:
        access: as whom the page is read.
        material: whose file the slides are.
        notes: a presentation with the same slides: it gives the speaker notes, and the text of scans.
        texts: what was read, as `texts_of` returns it.
    """
    if material is None or material.current is None:
        return None
    beside = {passage.number: passage for passage in texts.get(notes.current_id or 0, [])} if notes is not None else {}
    version, total = material.current.version, material.current.pages or 0

    def address(name: str, number: int) -> str:
        return f"{reverse(name, args=[access.course.slug, material.pk, number])}?v={version}"

    slides = []
    for passage in texts.get(material.current_id or 0, []):
        other = beside.get(passage.number, passage)
        source = passage if passage.text or passage.title else other
        slides.append(
            Slide(
                passage.number,
                source.title,
                source.lines,
                [line for line in other.notes.splitlines() if line],
                address("lectures:slide", passage.number) if passage.image else "",
                address("lectures:thumb", passage.number) if passage.thumb else "",
                passage.width,
                passage.height,
            )
        )
    if not slides:
        return None
    return Deck(material, slides, all(slide.image for slide in slides), max(0, total - len(slides)))


@dataclass(frozen=True, slots=True)
class ShownChapter:
    """A chapter with its time in words."""

    seconds: int
    time: str
    title: str
    page: int | None


def chapters_of(lecture: Lecture, materials: list[Material], deck: Deck | None) -> list[ShownChapter]:
    """Return the chapters of a recording, with the slides that the page has: 2 queries.

    Proposed ones say what slides are called: only those who may open these slides get them.
    """
    chapters = list(Chapter.objects.filter(lecture=lecture).order_by("seconds"))
    if any(chapter.is_proposed for chapter in chapters):
        visible = {material.pk for material in materials}
        if not visible.issuperset(proposed_from(lecture)):
            chapters = [chapter for chapter in chapters if not chapter.is_proposed]
    pages = {slide.number for slide in deck.slides} if deck is not None else set()
    return [
        ShownChapter(
            chapter.seconds, stamp(chapter.seconds), chapter.title, chapter.page if chapter.page in pages else None
        )
        for chapter in chapters
    ]


def add_versions(materials: list[Material]) -> None:
    """Give each material its `shown_versions`, newest first: 1 query."""
    pks = [material.pk for material in materials]
    files: dict[int, list[MaterialFile]] = {}
    for file in MaterialFile.objects.filter(material__in=pks).order_by("-version"):
        files.setdefault(file.material_id, []).append(file)
    for material in materials:
        material.shown_versions = files.get(material.pk, [])  # type: ignore[attr-defined]


def changed_since_download(user: User | None, versions: Mapping[int, int | None]) -> tuple[int, ...]:
    """Return the materials of which there is another version than the one that this person downloaded: 1 query.

    Args:
        user: None for a visitor.
        versions: the newest version of each material, by their primary keys.
    """
    downloaded = last_downloads(user, list(versions)) if user is not None and versions else {}
    return tuple(sorted(pk for pk, file in downloaded.items() if file != versions[pk]))


def position_of(user: User | None, recording: int | None) -> dict[str, object] | None:
    """Return where a person stopped watching a recording (a material's pk), in seconds and in words, or None."""
    if user is None or recording is None:
        return None
    seconds = WatchPosition.objects.filter(user=user, material=recording).values_list("seconds", flat=True).first()
    return None if seconds is None else {"seconds": seconds, "time": stamp(seconds)}
