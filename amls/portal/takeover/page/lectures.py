"""The lectures of a page, by part, with what stands in their brackets."""

import re
from datetime import date, datetime, time, timedelta

from django.utils.translation import gettext as _

from amls.portal.takeover.page.lines import Line, is_whole
from amls.portal.takeover.page.reading import (
    BULLET,
    CLOCK,
    DAY,
    DEFAULT_LENGTH,
    IGNORE_CASE,
    NUMBERED,
    PART,
    SPAN,
    Reading,
)
from amls.portal.takeover.spec import LectureSpec, MaterialSpec, PartSpec
from amls.portal.takeover.words import ROOM, clean_room

_LECTURE = re.compile(r"^(?:(?P<number>\d{1,2}[a-z]?)[.:]?\s+)?(?P<title>.+?)\s*\[(?P<brackets>[^\[\]]*)\]\s*\.?$")
# A bullet that can only be a lecture, and one that stands among them and is none.
_IS_NUMBERED = re.compile(r"0\d[a-z]?[.:]?\s")
_IS_OTHER = re.compile(
    r"(?:[\w.]+\s+)*(?:lecturers?|instructors?|professors?|assistants?|TAs?|exams?|grading)\s*:", IGNORE_CASE
)
_KINDS = {
    "pdf": "pdf", "slides": "pdf", "pptx": "pptx", "ppt": "pptx", "mp4": "mp4", "video": "mp4", "recording": "mp4",
    "vtt": "captions", "captions": "captions", "transcript": "transcript", "zip": "other", "code": "other", "ipynb": "other",
}  # fmt: skip
_MODES = {
    "virtual only": "virtual", "virtual": "virtual", "virtually": "virtual", "online": "virtual", "online only": "virtual",
    "zoom": "virtual", "via zoom": "virtual", "hybrid": "hybrid", "in person": "in_person", "on site": "in_person",
}  # fmt: skip


class LectureReading(Reading):
    """The part of a reading that finds the lectures."""

    def lectures(self) -> tuple[tuple[PartSpec, ...], tuple[LectureSpec, ...]]:
        """Return the parts and the lectures, in the page's order."""
        parts: list[PartSpec] = []
        lectures: list[LectureSpec] = []
        is_inside = False
        for line in self.lines[1:]:
            heading = PART.match(line.text)
            if heading is not None and not BULLET.match(line.text) and not line.text.endswith("."):
                parts.append(PartSpec(letter=heading.group("letter"), title=heading.group("title").strip()))
                is_inside = True
                continue
            is_bullet = BULLET.match(line.text) is not None
            if not is_bullet and not NUMBERED.match(line.text):
                is_inside = False
                continue
            text = BULLET.sub("", line.text, count=1)
            match = _LECTURE.match(text)
            if match is not None:
                lecture = self._lecture(line, match, parts[-1].letter if parts else "")
                if lecture is not None:
                    lectures.append(lecture)
                is_inside = True
            elif _IS_NUMBERED.match(text) or (is_inside and not _IS_OTHER.match(text)):
                self.problem(line, _("a lecture needs its date in brackets at the end, such as [Apr 18, pdf]"))
        numbers = [lecture.number for lecture in lectures if lecture.number]
        for number in sorted({n for n in numbers if numbers.count(n) > 1}):
            self.problems.append(_("Lecture %(number)s stands on the page more than once.") % {"number": number})
        return tuple(parts), tuple(lectures)

    def _lecture(self, line: Line, match: re.Match[str], part: str) -> LectureSpec | None:
        before = len(self.problems)
        brackets = _Brackets(self, line, match.group("brackets"))
        if brackets.day is None or len(self.problems) > before:
            if len(self.problems) == before:
                self.problem(line, _("the brackets hold no date such as Apr 18"))
            return None
        start = brackets.start or self.slot.start
        if start is None:
            self.problem(line, _("it has no time, and the page names no weekly time of the lectures"))
            return None
        if start.hour < 6:
            at_night = _("%(time)s at night is surely a slip; it is imported as written")
            self.warn(line, at_night % {"time": f"{start:%H:%M}"})
        starts_at = datetime.combine(brackets.day, start)
        ends_at = datetime.combine(brackets.day, brackets.end) if brackets.end else starts_at + self._length()
        if ends_at <= starts_at:
            self.problem(line, _("it ends before it starts"))
            return None
        mode = brackets.mode or self.slot.mode
        return LectureSpec(
            number=match.group("number") or "",
            part=part,
            title=match.group("title").strip(),
            starts_at=starts_at,
            ends_at=ends_at,
            room="" if mode == "virtual" else brackets.room or self.slot.room,
            mode=mode,
            materials=tuple(brackets.materials),
        )

    def _length(self) -> timedelta:
        if self.slot.start and self.slot.end:
            return datetime.combine(date.min, self.slot.end) - datetime.combine(date.min, self.slot.start)
        return DEFAULT_LENGTH


class _Brackets:
    """What stands in the brackets of a lecture, in any order after the date."""

    def __init__(self, page: Reading, line: Line, text: str) -> None:
        self.page, self.line = page, line
        self.day: date | None = None
        self.start: time | None = None
        self.end: time | None = None
        self.room = self.mode = ""
        self.materials: list[MaterialSpec] = []
        match = DAY.search(text)
        if match is not None:
            self.day = page.day(line, match)
            text = f"{text[: match.start()]},{text[match.end() :]}"
        for token in re.split(r"\s*[,;()]\s*", text):
            if token:
                self._token(token)

    def _token(self, token: str) -> None:
        lowered = token.lower().strip(". ")
        kind = _KINDS.get(lowered)
        if kind is not None:
            url = self.line.links.get(lowered, "")
            if url and not is_whole(url):
                what = _(
                    "the link '%(url)s' leads nowhere from here; '%(kind)s' is announced, upload its file yourself"
                )
                self.page.warn(self.line, what % {"url": url[:80], "kind": lowered})
            self.materials.append(MaterialSpec(kind=kind, url=url, title=lowered if kind == "other" else ""))
        elif lowered in _MODES:
            self.mode = _MODES[lowered]
        elif (span := SPAN.fullmatch(token)) or CLOCK.fullmatch(token):
            self.start, end = self.page.times(self.line, token)
            self.end = end if span else None
        elif (place := re.fullmatch(rf"(?:in\s+|room\s+)*(?P<room>{ROOM})", token)) or (
            place := re.fullmatch(r"in\s+(?P<room>\S.*)", token, IGNORE_CASE)
        ):
            self.room = clean_room(place.group("room"))
        else:
            what = _("'%(word)s' in the brackets is no date, time, place, mode or material")
            self.page.problem(self.line, what % {"word": token})
