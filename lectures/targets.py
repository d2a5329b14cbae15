"""Where a reader is led to a passage: the very slide or second, and only where the page really shows it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from lectures.models import Lecture, Material, Passage
from lectures.services.chapters import stamp


@dataclass(frozen=True, slots=True)
class Shown:
    """What a lecture's page shows of the files that one reader may open.

    Attributes:
        page: its address.
        deck: whose pages are the slides: the PDF, else the presentation.
        notes: the presentation whose slides are the deck's, one by one.
        apart: the presentation that has other slides than the deck: text of its own.
        recording: what is watched here or, without a file, elsewhere.
        is_only_recording: whether the lecture has no second one, to which other captions may belong.
    """

    page: str
    deck: Material | None = None
    notes: Material | None = None
    apart: Material | None = None
    recording: Material | None = None
    captions: Material | None = None
    is_only_recording: bool = True

    def plays(self, captions: Material) -> bool:
        """Return whether the page has the recording that these captions belong to."""
        if self.recording is None or self.recording.current_id is None:
            return False
        return self.is_only_recording or captions == self.captions


def shown_of(lecture: Lecture, materials: Iterable[Material], pages: Mapping[int, int]) -> Shown:
    """Return what the page shows.

    Args:
        lecture: with its course.
        materials: its own that the reader may open, in their order.
        pages: how many pages were read of a file, by its primary key.
    """
    openable = list(materials)

    def read(kind: str) -> Material | None:
        return next(
            (material for material in openable if material.kind == kind and pages.get(material.current_id or 0)), None
        )

    pdf, pptx = read(Material.Kind.PDF), read(Material.Kind.PPTX)
    is_same = pdf is not None and pptx is not None and pages[pdf.current_id or 0] == pages[pptx.current_id or 0]
    return Shown(
        page=lecture.get_absolute_url(),
        deck=pdf or pptx,
        notes=pptx if is_same else None,
        apart=pptx if pdf is not None and not is_same else None,
        recording=first_of(openable, Material.Kind.MP4),
        captions=first_of(openable, Material.Kind.CAPTIONS),
        is_only_recording=sum(material.kind == Material.Kind.MP4 for material in openable) < 2,
    )


def first_of(materials: Iterable[Material], kind: str) -> Material | None:
    """Return the first material of a kind that can be opened, a file before a link."""
    available = [material for material in materials if material.kind == kind and material.is_available]
    return next(
        (material for material in available if material.current_id is not None), available[0] if available else None
    )


@dataclass(frozen=True, slots=True)
class Target:
    """One place to go to.

    Attributes:
        where: such as 'Slide 23' or 'Recording, 12:30'.
        key: equal for what leads to the same place.
    """

    url: str
    where: str
    key: tuple[str, int]


def place_of(passage: Passage, *, cue: int, lecture: Lecture, material: Material, shown: Shown) -> Target:
    """Return where a passage of one of the lecture's files is seen or heard.

    Args:
        passage: of one of the lecture's newest files.
        cue: which caption of it, from 0.
        lecture: with its course.
        material: whose file it is.
        shown: what the lecture's page shows to this reader.
    """
    if passage.kind == Passage.Kind.CAPTION:
        return _second(passage, cue, lecture, material, shown)
    page, number = shown.page, passage.number
    if material in (shown.deck, shown.notes):
        return Target(f"{page}#page={number}", _("Slide %(number)d") % {"number": number}, ("slide", number))
    if material == shown.apart:
        where = _("Presentation, slide %(number)d") % {"number": number}
        return Target(f"{page}?presentation#presentation={number}", where, ("presentation", number))
    where = _("%(material)s, page %(number)d") % {"material": material, "number": number}
    return Target(f"{material.get_absolute_url()}#page={number}", where, (f"file{passage.file_id}", number))


def _second(passage: Passage, cue: int, lecture: Lecture, material: Material, shown: Shown) -> Target:
    second = int(passage.cues[cue][0]) // 1000 if passage.cues else 0
    time = {"time": stamp(second), "material": material}
    if shown.plays(material):
        where = _("Recording, %(time)s") % time
        return Target(f"{shown.page}?t={second}#recording", where, ("second", second))
    if material == shown.captions:
        address = reverse("lectures:lecture_transcript", args=[lecture.course.slug, lecture.ref])
        return Target(f"{address}#said-{passage.number}-{cue}", _("Transcript, %(time)s") % time, ("said", second))
    return Target(material.get_absolute_url(), _("%(material)s, %(time)s") % time, (f"file{passage.file_id}", second))
