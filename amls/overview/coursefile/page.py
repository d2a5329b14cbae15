"""A course page, as lecturers keep it by hand: plain text or HTML."""

import re
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from bs4 import BeautifulSoup

from amls.overview.coursefile.spec import (
    CourseFileError,
    CourseSpec,
    ExamSpec,
    GradingSpec,
    LectureSpec,
    MaterialSpec,
    OfficeHourSpec,
    PartSpec,
    ProjectSpec,
    SlotSpec,
    StaffSpec,
)
from amls.overview.coursefile.words import (
    DATE,
    ROOM,
    TIME,
    WEEKDAY,
    WEEKDAYS,
    Term,
    clean_room,
    find_term,
    parse_date,
    parse_time,
    parse_weekday,
)
from amls.web.text import clean_line

_I = re.IGNORECASE
_DATE, _TIME, _WEEKDAY = re.compile(DATE, _I), re.compile(rf"(?:{TIME})", _I), re.compile(rf"\b{WEEKDAY}\b", _I)
_RANGE = re.compile(rf"(?P<start>{TIME}|\d{{1,2}}(?:[.:]\d{{2}})?)\s*(?:-|–|to)\s*(?P<end>{TIME})", _I)
_BULLET = re.compile(r"^\s*[•*·▪◦‣o–-]\s+")
_NUMBERED = re.compile(r"^\s*\d{1,2}[a-z]?\s+\S.*\[")
_LECTURE = re.compile(r"^(?:(?P<number>\d{1,2}[a-z]?)[.:]?\s+)?(?P<title>.+?)\s*\[(?P<brackets>[^\[\]]*)\]\s*\.?$")
_PART = re.compile(r"^\s*(?:Part\s+)?(?P<letter>[A-Z])\s*[:.)]\s+(?P<title>\S.{2,118})$")
_KINDS = {
    "pdf": "pdf", "slides": "pdf", "pptx": "pptx", "ppt": "pptx", "mp4": "mp4", "video": "mp4", "recording": "mp4",
    "vtt": "captions", "captions": "captions", "transcript": "transcript", "zip": "other", "code": "other", "ipynb": "other",
}  # fmt: skip
_MODES = {
    "virtual only": "virtual", "virtual": "virtual", "virtually": "virtual", "online": "virtual", "online only": "virtual",
    "zoom": "virtual", "via zoom": "virtual", "hybrid": "hybrid", "in person": "in_person", "on site": "in_person",
}  # fmt: skip
_STAFF = re.compile(
    r"^\s*(?:[•*·–-]\s*)?(?P<role>lecturers?|instructors?|professors?|(?:teaching\s+)?assistants?|TAs?)\s*:\s*(?P<names>.+)$",
    _I,
)
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_BLOCKS = [*_HEADINGS, "p", "li", "td", "dt", "dd", "div"]
_DEFAULT_LENGTH = timedelta(minutes=90)


@dataclass(frozen=True)
class Line:
    """A line of the page, with the links that stand in it by their text."""

    number: int
    text: str
    links: dict[str, str] = field(default_factory=dict)


def read_page(text: str, *, slug: str | None = None, year: int | None = None) -> CourseSpec:
    """Return what a course page says, incomplete as pages are.

    Args:
        text: plain text or HTML.
        slug: of the course; by default made of title and term.
        year: in which the term begins, if the page doesn't say or says it wrongly.

    Raises:
        CourseFileError: lines that can't be read, each with its number and why.
    """
    is_html = re.search(r"<(?:html|body|ul|li|p|h\d)\b", text, _I) is not None
    lines = _html_lines(text) if is_html else _text_lines(text)
    return _Page(lines, slug, year).read()


def _text_lines(text: str) -> list[Line]:
    lines = [Line(number, clean_line(raw)) for number, raw in enumerate(text.splitlines(), start=1)]
    return [line for line in lines if line.text]


def _html_lines(text: str) -> list[Line]:
    soup = BeautifulSoup(text, "html.parser")
    for unwanted in soup(["script", "style", "nav", "footer", "title", "head"]):
        unwanted.decompose()
    for br in soup("br"):
        br.replace_with("\n")
    found: list[Line] = []
    for block in soup(_BLOCKS):
        inner = block.find_all(_BLOCKS)
        for nested in inner if block.name == "li" else []:
            nested.extract()
        if inner and block.name != "li":
            continue
        links = {clean_line(a.get_text()).lower(): str(a["href"]) for a in block("a", href=True)}
        rows = [f"• {block.get_text(' ')}"] if block.name == "li" else block.get_text().split("\n")
        words = [clean_line(row) for row in ([" ".join(rows)] if block.name in _HEADINGS else rows)]
        found += [Line(block.sourceline or 0, word, links) for word in words if word not in ("", "•")]
        for nested in inner if block.name == "li" else []:
            block.append(nested)
    return found


class _Page:
    """One reading of a page: collects problems and warnings with their lines."""

    def __init__(self, lines: list[Line], slug: str | None, year: int | None) -> None:
        self.lines, self.slug, self.year = lines, slug, year
        self.problems: list[str] = []
        self.warnings: list[str] = []
        self.term = Term("", 0, is_winter=False)
        self.slot = SlotSpec()

    def read(self) -> CourseSpec:
        if not self.lines:
            raise CourseFileError(["The page is empty."])
        title = self._title()
        kinds, codes = self._codes()
        self._slot()
        office_hours = self._office_hours()
        parts, lectures = self._lectures()
        spec = CourseSpec(
            slug=self.slug or make_slug(title, self.term.label),
            title=title,
            term=self.term.label,
            kinds=kinds,
            codes=codes,
            ects=self._module_ects(),
            description=self._description(),
            slot=self.slot,
            staff=self._staff(),
            office_hours=office_hours,
            parts=parts,
            lectures=lectures,
            projects=self._projects(),
            exams=self._exams(),
            grading=self._grading(),
            is_complete=False,
        )
        if not lectures and not self.problems:
            self.problems.append(
                "No lecture was found: each stands on its own line, such as '• 01 Title [Apr 18, pdf]'."
            )
        if self.problems:
            raise CourseFileError(self.problems)
        return replace(spec, warnings=tuple(self.warnings))

    def _problem(self, line: Line, why: str) -> None:
        self.problems.append(f"Line {line.number}: {why}: {line.text[:120]}")

    def _warn(self, line: Line, what: str) -> None:
        self.warnings.append(f"Line {line.number}: {what}: {line.text[:120]}")

    def _title(self) -> str:
        first = self.lines[0]
        found = find_term(first.text, self.year)
        if found is None:
            if self.year is None:
                raise CourseFileError(
                    [
                        f"Line {first.number}: the first line must end with the term, such as 'SS2024': {first.text[:120]}"
                    ]
                )
            self.term = Term(str(self.year), self.year, is_winter=False)
            return first.text.rstrip(" ,-–(")
        match, self.term = found
        return (first.text[: match.start()] + first.text[match.end() :]).strip(" ,-–()|:")

    def _codes(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        second = next((line.text for line in self.lines[1:3] if line.text.startswith("(")), "")
        inner = second.strip("() ")
        codes = tuple(re.findall(r"\b(?:[A-Z]{2,4}[ -]?)?\d{3}\.\d{3}\b|\b\d{4,6}\b|\b[A-Z]{2,5}-\d{3,5}\b", inner))
        kinds = re.match(r"[A-Z]{2,3}(?:\s*[/+,]\s*[A-Z]{2,3})*(?![\w-])", inner)
        return tuple(re.split(r"\s*[/+,]\s*", kinds.group())) if kinds else (), codes

    def _sentences(self) -> list[tuple[Line, str]]:
        return [
            (line, sentence)
            for line in self.lines
            if not _BULLET.match(line.text)
            for sentence in re.split(r"(?<=[a-z)\d!?]\.)\s+(?=[A-Z])|(?<=[!?])\s+", line.text)
        ]

    def _slot(self) -> None:
        for line, sentence in self._sentences():
            if re.search(r"office hour", sentence, _I) or not re.search(r"take[s]? place|lectures?\b", sentence, _I):
                continue
            weekday = _WEEKDAY.search(sentence)
            if weekday is None:
                continue
            rest = sentence[weekday.end() :]
            start, end = self._times(line, rest)
            if start is None:
                continue
            self.slot = SlotSpec(
                weekday=WEEKDAYS[parse_weekday(weekday.group())], start=start, end=end, room=_room(rest), mode=_mode(rest),
                call_in=_call_in(line, "office"),
            )  # fmt: skip
            return

    def _times(self, line: Line, text: str) -> tuple[time | None, time | None]:
        span = _RANGE.search(text)
        try:
            if span is not None:
                end = parse_time(span.group("end"))
                start = span.group("start")
                if not re.search(r"[ap]m|:", start, _I):
                    start += "pm" if end.hour >= 12 and int(re.split(r"[.:]", start)[0]) <= end.hour % 12 else "am"
                return parse_time(start), end
            single = _TIME.search(text)
            return (parse_time(single.group()), None) if single else (None, None)
        except ValueError as error:
            self._problem(line, str(error))
            return None, None

    def _office_hours(self) -> tuple[OfficeHourSpec, ...]:
        for line, sentence in self._sentences():
            if not re.search(r"office hours?", sentence, _I):
                continue
            weekday = _WEEKDAY.search(sentence)
            if weekday is None:
                continue
            rest = sentence[weekday.end() :]
            start, end = self._times(line, rest)
            if start is None:
                continue
            first = None
            starting = re.search(r"(?:starting|from|beginning)\s+(?:on\s+)?(?P<when>.+)", rest, _I)
            if starting is not None and (match := _DATE.search(starting.group("when"))):
                first = self._date(line, match)
            end = end or (datetime.combine(date.min, start) + _DEFAULT_LENGTH).time()
            call_in = next((url for text, url in line.links.items() if "office" in text), "")
            return (
                OfficeHourSpec(
                    weekday=WEEKDAYS[parse_weekday(weekday.group())], start=start, end=end, room=_room(rest),
                    mode=_mode(rest), call_in=call_in, first=first,
                ),
            )  # fmt: skip
        return ()

    def _date(self, line: Line, match: re.Match[str]) -> date | None:
        try:
            day, weekday = parse_date(match, self.term)
        except ValueError as error:
            self._problem(line, str(error))
            return None
        if weekday is not None and weekday != day.weekday():
            self._warn(
                line, f"{day.isoformat()} is a {WEEKDAYS[day.weekday()].title()}, not a {WEEKDAYS[weekday].title()}"
            )
        return day

    def _lectures(self) -> tuple[tuple[PartSpec, ...], tuple[LectureSpec, ...]]:
        parts: list[PartSpec] = []
        lectures: list[LectureSpec] = []
        is_inside = False
        for line in self.lines[1:]:
            heading = _PART.match(line.text)
            if heading is not None and not _BULLET.match(line.text) and not line.text.endswith("."):
                parts.append(PartSpec(letter=heading.group("letter"), title=heading.group("title").strip()))
                is_inside = True
                continue
            is_bullet = _BULLET.match(line.text) is not None
            if not is_bullet and not _NUMBERED.match(line.text):
                is_inside = False
                continue
            text = _BULLET.sub("", line.text, count=1)
            match = _LECTURE.match(text)
            if match is not None:
                lecture = self._lecture(line, match, parts[-1].letter if parts else "")
                if lecture is not None:
                    lectures.append(lecture)
            elif is_inside:
                self._problem(line, "a lecture needs its date in brackets at the end, such as [Apr 18, pdf]")
        numbers = [lecture.number for lecture in lectures if lecture.number]
        for number in sorted({n for n in numbers if numbers.count(n) > 1}):
            self.problems.append(f"Lecture {number} stands on the page more than once.")
        return tuple(parts), tuple(lectures)

    def _lecture(self, line: Line, match: re.Match[str], part: str) -> LectureSpec | None:
        before = len(self.problems)
        brackets = _Brackets(self, line, match.group("brackets"))
        if brackets.day is None or len(self.problems) > before:
            if len(self.problems) == before:
                self._problem(line, "the brackets hold no date such as Apr 18")
            return None
        start = brackets.start or self.slot.start
        if start is None:
            self._problem(line, "it has no time, and the page names no weekly time of the lectures")
            return None
        if start.hour < 6:
            self._warn(line, f"{start:%H:%M} at night is surely a slip; it is imported as written")
        starts_at = datetime.combine(brackets.day, start)
        ends_at = datetime.combine(brackets.day, brackets.end) if brackets.end else starts_at + self._length()
        if ends_at <= starts_at:
            self._problem(line, "it ends before it starts")
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
        return _DEFAULT_LENGTH

    def _module_ects(self) -> Decimal | None:
        for line in self.lines:
            if "project" in line.text.lower():
                continue
            match = re.search(r"(\d+(?:\.\d)?)\s*ECTS", line.text)
            if match is not None:
                return Decimal(match.group(1))
        return None

    def _description(self) -> str:
        """Return the paragraphs before the first part or lecture, without those that were read as data."""
        found = []
        for line in self.lines[1:]:
            if _PART.match(line.text) or _BULLET.match(line.text) or _NUMBERED.match(line.text):
                break
            is_data = line.text.startswith("(") or re.search(r"take[s]? place|office hours?", line.text, _I)
            if not is_data and len(line.text) > 80:
                found.append(line.text)
        return "\n\n".join(found)

    def _staff(self) -> tuple[StaffSpec, ...]:
        staff = []
        for line in self.lines:
            match = _STAFF.match(line.text)
            if match is None:
                continue
            word = match.group("role").lower()
            role = "assistant" if "assistant" in word or word.startswith("ta") else "lecturer"
            for entry in re.split(r"\s*;\s*|\s+and\s+", match.group("names")):
                name, _comma, affiliation = entry.partition(",")
                if name.strip():
                    staff.append(StaffSpec(role=role, name=name.strip(), affiliation=affiliation.strip(" .")))
        return tuple(staff)

    def _projects(self) -> ProjectSpec | None:
        spec = ProjectSpec()
        for line in self.lines:
            lowered = line.text.lower()
            if "submission deadline" in lowered:
                due = self._moment(line, line.text[lowered.index("submission deadline") :])
                spec = replace(spec, submission_deadline=due)
            if "project" in lowered and not _STAFF.match(line.text) and not lowered.startswith(("•", "grading")):
                hours = re.search(r"(\d+)\s*(?:working\s+)?hours", lowered)
                ects = re.search(r"(\d+(?:\.\d)?)\s*ects", lowered)
                spec = replace(
                    spec,
                    hours=int(hours.group(1)) if hours else spec.hours,
                    ects=Decimal(ects.group(1)) if ects else spec.ects,
                    mandatory=spec.mandatory or "mandatory" in lowered,
                )
        return spec if spec != ProjectSpec() else None

    def _moment(self, line: Line, text: str, default: time | None = None) -> datetime | None:
        match = _DATE.search(text)
        if match is None:
            self._problem(line, "no date such as 'Jul 08' was found")
            return None
        day = self._date(line, match)
        start, _end = self._times(line, text[match.end() :])
        if day is None:
            return None
        if start is None and default is None:
            self._problem(line, "no time such as '11.59pm' was found")
            return None
        return datetime.combine(day, start or default or time())

    def _exams(self) -> tuple[ExamSpec, ...]:
        exams = []
        for line in self.lines:
            match = re.search(r"(?:final\s+)?(?P<kind>written|oral)?\s*exams?\s*:\s*(?P<dates>.+)", line.text, _I)
            if match is None or re.match(r"\s*(?:[•*·–-]\s*)?grading", line.text, _I):
                continue
            kind = (match.group("kind") or "written").lower()
            for entry in re.split(r"\s*;\s*", match.group("dates").strip(" .")):
                moment = self._moment(line, entry) if entry else None
                if moment is not None:
                    place = re.search(rf"\(?in\s+(?P<room>{ROOM})\)?", entry)
                    exams.append(
                        ExamSpec(kind=kind, starts_at=moment, place=clean_room(place.group("room")) if place else "")
                    )
        return tuple(exams)

    def _grading(self) -> GradingSpec:
        for line in self.lines:
            match = re.match(r"\s*(?:[•*·–-]\s*)?grading\s*:\s*(?P<rule>.+)", line.text, _I)
            if match is None:
                continue
            rule = match.group("rule")
            percent = re.search(r"(\d+)\s*%\s*(?:final\s+)?(?:written\s+)?exam", rule, _I)
            extra = re.search(r"(\d+(?:\.\d)?)\s*extra\s+points", rule, _I)
            return GradingSpec(
                exam_percent=int(percent.group(1)) if percent else None,
                project_is_prerequisite=bool(
                    re.search(r"(?:project|exercise)s?\s+(?:as|is|are)\s+(?:a\s+)?prerequisite", rule, _I)
                ),
                max_extra_points=Decimal(extra.group(1)) if extra else Decimal(0),
            )
        return GradingSpec()


class _Brackets:
    """What stands in the brackets of a lecture, in any order after the date."""

    def __init__(self, page: _Page, line: Line, text: str) -> None:
        self.page, self.line = page, line
        self.day: date | None = None
        self.start: time | None = None
        self.end: time | None = None
        self.room = self.mode = ""
        self.materials: list[MaterialSpec] = []
        match = _DATE.search(text)
        if match is not None:
            self.day = page._date(line, match)  # noqa: SLF001 - two halves of one reading
            text = f"{text[: match.start()]},{text[match.end() :]}"
        for token in re.split(r"\s*[,;()]\s*", text):
            if token:
                self._token(token)

    def _token(self, token: str) -> None:
        lowered = token.lower().strip(". ")
        kind = _KINDS.get(lowered)
        if kind is not None:
            url = self.line.links.get(lowered, "")
            self.materials.append(MaterialSpec(kind=kind, url=url, title=lowered if kind == "other" else ""))
        elif lowered in _MODES:
            self.mode = _MODES[lowered]
        elif (span := _RANGE.fullmatch(token)) or _TIME.fullmatch(token):
            self.start, end = self.page._times(self.line, token)  # noqa: SLF001
            self.end = end if span else None
        elif (place := re.fullmatch(rf"(?:in\s+|room\s+)*(?P<room>{ROOM})", token)) or (
            place := re.fullmatch(r"in\s+(?P<room>\S.*)", token, _I)
        ):
            self.room = clean_room(place.group("room"))
        else:
            self.page._problem(self.line, f"'{token}' in the brackets is no date, time, place, mode or material")  # noqa: SLF001


def _room(text: str) -> str:
    match = re.search(rf"\bin\s+(?P<room>{ROOM})", text)
    return clean_room(match.group("room")) if match else ""


def _mode(text: str) -> str:
    is_online = re.search(r"\b(?:virtual|virtually|online|zoom|hybrid)\b", text, _I) is not None
    has_room = bool(_room(text)) or re.search(r"\bhybrid\b", text, _I) is not None
    if is_online:
        return "hybrid" if has_room else "virtual"
    return "in_person"


def _call_in(line: Line, other_than: str) -> str:
    return next(
        (url for text, url in line.links.items() if re.search(r"call|zoom|link", text) and other_than not in text), ""
    )


def make_slug(title: str, term: str) -> str:
    """Return an address for a course, such as 'amls-ss2024': initials and term."""
    words = re.findall(r"[A-Za-z0-9]+", title)
    initials = "".join(word if word.isupper() else word[0] for word in words if word[0].isupper() or word.isupper())
    short = initials.lower() if len(initials) > 1 else "-".join(words[:3]).lower()
    return f"{short or 'course'}-{re.sub(r'[^a-z0-9]+', '-', term.lower()).strip('-')}"
