"""Which lecture and kind an uploaded file belongs to, read from its name."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from amls.courses.models import SessionKind
from lectures.models import Lecture, Material

_KINDS = {
    ".pdf": Material.Kind.PDF,
    ".pptx": Material.Kind.PPTX,
    ".mp4": Material.Kind.MP4,
    ".vtt": Material.Kind.CAPTIONS,
}
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
# Words in front of a number that say of what it is, and short ones that do so where they stand alone.
_WORDS = {
    SessionKind.EXERCISE: (r"exercise|übung|uebung", r"ex|ue|üb"),
    SessionKind.LAB: (r"lab|praktikum", r"lb"),
    SessionKind.TUTORIAL: (r"tutorial|tutorium", r"tut"),
    SessionKind.SEMINAR: (r"seminar", r"sem"),
    SessionKind.LECTURE: (r"lecture|vorlesung|session|unit", r"lec|vl|l"),
}
_MARKED = {
    kind: re.compile(rf"(?:{long}|(?<![A-Za-z])(?:{short}))[ _.-]*0*(\d{{1,3}})(?!\d)", re.IGNORECASE)
    for kind, (long, short) in _WORDS.items()
}
_NUMBER = re.compile(r"(?<!\d)0*(\d{1,3})(?!\d)")


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a file's name says; None where it says nothing."""

    lecture: Lecture | None
    kind: str | None


def recognise(filename: str, lectures: Iterable[Lecture]) -> Recognised:
    """Return which of `lectures` a file such as '05_DataTaskParallel.pdf' belongs to, and its kind.

    A number behind 'lecture', 'lec' or 'vl', or behind 'exercise' or another kind, counts first,
    then the first number that is no year, of lectures before all else, and at last the words of the title.
    """
    path = PurePosixPath(filename)
    kind = _KINDS.get(path.suffix.lower())
    if "transcript" in path.stem.lower():
        kind = Material.Kind.TRANSCRIPT
    known = list(lectures)
    return Recognised(_by_number(path.stem, known) or _by_title(path.stem, known), kind)


def _by_number(stem: str, lectures: list[Lecture]) -> Lecture | None:
    by_number = {(lecture.kind, lecture.number.lstrip("0")): lecture for lecture in lectures if lecture.number}
    without_years = _YEAR.sub(" ", stem)
    for kind, pattern in _MARKED.items():
        for match in pattern.finditer(without_years):
            lecture = by_number.get((kind, match.group(1).lstrip("0")))
            if lecture is not None:
                return lecture
    for match in _NUMBER.finditer(without_years):
        number = match.group(1).lstrip("0")
        alike = [lecture for (_kind, own), lecture in by_number.items() if own == number]
        lecture = by_number.get((SessionKind.LECTURE, number)) or (alike[0] if len(alike) == 1 else None)
        if lecture is not None:
            return lecture
    return None


def _by_title(stem: str, lectures: list[Lecture]) -> Lecture | None:
    words = _words(stem)
    scored = [
        (len(words & _words(lecture.title)) / max(len(_words(lecture.title)), 1), lecture) for lecture in lectures
    ]
    best = max(scored, key=lambda pair: pair[0], default=(0.0, None))
    return best[1] if best[0] >= 0.6 else None


def _words(text: str) -> set[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return {word.lower() for word in re.findall(r"[A-Za-zÀ-ÿ]{3,}", spaced)}
