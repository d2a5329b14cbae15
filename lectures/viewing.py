"""What a lecture's page shows of its files: slides one by one, chapters, versions."""

from dataclasses import dataclass
from functools import cached_property

from django.urls import reverse

from amls.courses.access import Access
from amls.courses.models import User
from lectures.counts import last_downloads
from lectures.models import Chapter, Lecture, Material, MaterialFile, Passage, WatchPosition
from lectures.services.chapters import stamp


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
        has_pictures: of every page; a presentation without a PDF has text only.
    """

    slides: list[Slide]
    has_pictures: bool

    @cached_property
    def has_text(self) -> bool:
        """Whether there is anything to read."""
        return any(slide.title or slide.lines or slide.notes for slide in self.slides)


def deck_of(access: Access, lecture: Lecture, of_kind: dict[str, Material]) -> Deck | None:
    """Return the slides that the worker has read, or None: 1 query.

    The PDF gives pictures and text, the presentation the speaker notes where it has as many slides.
    """
    pdf, pptx = of_kind.get(Material.Kind.PDF), of_kind.get(Material.Kind.PPTX)
    pks = [one.current_id for one in (pdf, pptx) if one is not None and one.current_id is not None]
    if not pks:
        return None
    by_file: dict[int, list[Passage]] = {}
    for passage in Passage.objects.filter(file__in=pks).defer("vector", "cues").order_by("number"):
        by_file.setdefault(passage.file_id, []).append(passage)
    pages = by_file.get(pdf.current_id or 0, []) if pdf is not None else []
    presented = by_file.get(pptx.current_id or 0, []) if pptx is not None else []
    notes = (
        {one.number: one.notes.splitlines() for one in presented} if len(presented) == len(pages) or not pages else {}
    )
    shown, of = (pages, pdf) if pages else (presented, pptx)
    if not shown or of is None or of.current is None:
        return None
    version = of.current.version

    def address(name: str, number: int) -> str:
        return f"{reverse(name, args=[access.course.slug, of.pk, number])}?v={version}"

    slides = [
        Slide(
            one.number,
            one.title,
            one.lines,
            [line for line in notes.get(one.number, []) if line],
            address("lectures:slide", one.number) if one.image else "",
            address("lectures:thumb", one.number) if one.thumb else "",
            one.width,
            one.height,
        )
        for one in shown
    ]
    return Deck(slides, all(slide.image for slide in slides))


@dataclass(frozen=True, slots=True)
class ShownChapter:
    """A chapter with its time in words."""

    seconds: int
    time: str
    title: str
    page: int | None


def chapters_of(lecture: Lecture) -> list[ShownChapter]:
    """Return the chapters of a recording: 1 query."""
    return [
        ShownChapter(one.seconds, stamp(one.seconds), one.title, one.page)
        for one in Chapter.objects.filter(lecture=lecture).order_by("seconds")
    ]


def add_versions(materials: list[Material], user: User | None) -> None:
    """Give each material its `shown_versions`, newest first, and whether it `has_changed` for this person: 2 queries."""
    pks = [material.pk for material in materials]
    files: dict[int, list[MaterialFile]] = {}
    for file in MaterialFile.objects.filter(material__in=pks).order_by("-version"):
        files.setdefault(file.material_id, []).append(file)
    downloaded = last_downloads(user, pks) if user is not None else {}
    for material in materials:
        material.shown_versions = files.get(material.pk, [])  # type: ignore[attr-defined]
        seen = downloaded.get(material.pk)
        material.has_changed = seen is not None and seen != material.current_id  # type: ignore[attr-defined]


def position_of(user: User | None, recording: Material | None) -> dict[str, object] | None:
    """Return where a person stopped watching, in seconds and in words, or None."""
    if user is None or recording is None:
        return None
    found = WatchPosition.objects.filter(user=user, material=recording).values_list("seconds", flat=True).first()
    return None if found is None else {"seconds": found, "time": stamp(found)}
