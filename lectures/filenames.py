"""Which lecture and kind an uploaded file belongs to, read from its name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath

from amls.courses.models import SessionKind
from lectures.models import Lecture, Material

_KINDS = {
    ".pdf": Material.Kind.PDF,
    ".pptx": Material.Kind.PPTX,
    ".mp4": Material.Kind.MP4,
    ".vtt": Material.Kind.CAPTIONS,
}
_DAYS = (
    re.compile(r"(?<!\d)(?P<year>20\d\d)[-_.]?(?P<month>\d\d)[-_.]?(?P<day>\d\d)(?!\d)"),
    re.compile(r"(?<!\d)(?P<day>\d?\d)[-_.](?P<month>\d?\d)[-_.](?P<year>20\d\d)(?!\d)"),
)
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
# What says of a name that it is a later version of the same: 'v2', 'rev. 3', '(1)' of a browser, 'final'.
_VERSION_MARKS = re.compile(
    r"(?<![^\W\d_])(?:v|version|rev)[ _.-]*\d+(?![^\W_])|\(\d+\)"
    r"|(?<![^\W_])(?:final|new|neu|copy|kopie|corrected|korrigiert|korrektur)(?![^\W_])",
    re.IGNORECASE,
)
_OF_ANY_LECTURE = frozenset(
    re.findall(
        r"\w+",
        "slides slide folien presentation pdf pptx recording video aufzeichnung aufnahme mp4 captions subtitles untertitel vtt"
        " transcript transkript lecture vorlesung session unit lec vl l exercise übung uebung ex ue üb lab praktikum lb"
        " tutorial tutorium tut seminar sem",
    )
)


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a file's name says; None where it says nothing."""

    lecture: Lecture | None
    kind: str | None


@dataclass(frozen=True, slots=True)
class FileName:
    """What tells a file of a lecture from its others.

    Attributes:
        suffix: such as '.pdf'.
        words: and numbers, in small letters and without marks of versions.
        is_only_lecture: whether it says only of which lecture it is, as '05_Slides.pdf' does: then it is the one of its
            kind that every lecture has, whatever words it says that with.
    """

    suffix: str
    words: tuple[str, ...]
    is_only_lecture: bool

    def is_like(self, other: FileName) -> bool:
        """Return whether both are recognisably names of one file."""
        return self.suffix == other.suffix and (
            self.words == other.words or (self.is_only_lecture and other.is_only_lecture)
        )


def read_name(filename: str, lecture: Lecture, kind: str) -> FileName:
    """Return what the name of a file of this lecture says; of what is of no kind, no name says only the lecture."""
    path = PurePosixPath(unicodedata.normalize("NFC", filename))
    words = _words_and_numbers(_VERSION_MARKS.sub(" ", _spaced(path.stem))) or _words_and_numbers(path.stem)
    course = lecture.course
    said = f"{lecture.number} {lecture.held_on or ''} {lecture.title} {course.slug} {course.title}"
    is_only_lecture = kind != Material.Kind.OTHER and _OF_ANY_LECTURE.union(_words_and_numbers(said)).issuperset(words)
    return FileName(path.suffix.lower(), words, is_only_lecture)


def _words_and_numbers(text: str) -> tuple[str, ...]:
    return tuple(word.lstrip("0").lower() for word in re.findall(r"[^\W\d_]+|\d+", _spaced(text)))


def recognise(filename: str, lectures: Iterable[Lecture]) -> Recognised:
    """Return which of `lectures` a file such as '05_DataTaskParallel.pdf' belongs to, and its kind.

    The day on which one lecture is held counts before all else. A number behind 'lecture', 'lec' or 'vl', or behind 'exercise' or another kind, counts next,
    then the first number that is no year, of lectures before all else, and at last the words of the title.
    """
    path = PurePosixPath(unicodedata.normalize("NFC", filename))
    kind = _KINDS.get(path.suffix.lower())
    if "transcript" in path.stem.lower():
        kind = Material.Kind.TRANSCRIPT
    known = list(lectures)
    return Recognised(_by_day(path.stem, known) or _by_number(path.stem, known) or _by_title(path.stem, known), kind)


def _by_day(stem: str, lectures: list[Lecture]) -> Lecture | None:
    """Return the one lecture that is held on the day which a name says: '2024-05-16', '20240516' or '16.05.2024'."""
    for pattern in _DAYS:
        for match in pattern.finditer(stem):
            said = {name: int(number) for name, number in match.groupdict().items()}
            on_it = [lecture for lecture in lectures if lecture.held_on and _is_on(lecture.held_on, said)]
            if len(on_it) == 1:
                return on_it[0]
    return None


def _is_on(day: date, said: dict[str, int]) -> bool:
    return (day.year, day.month, day.day) == (said["year"], said["month"], said["day"])


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
    return {word.lower() for word in re.findall(r"[A-Za-zÀ-ÿ]{3,}", _spaced(text))}


def _spaced(text: str) -> str:
    """Return a text with its CamelCase words apart."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
