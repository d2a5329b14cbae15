"""A whole course page into what it says of the course."""

import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from django.utils.translation import gettext as _

from amls.portal.takeover.page.lectures import LectureReading
from amls.portal.takeover.page.lines import Line, read_lines
from amls.portal.takeover.page.reading import (
    BULLET,
    CLOCK,
    DAY,
    DAY_OF_WEEK,
    DEFAULT_LENGTH,
    IGNORE_CASE,
    NUMBERED,
    PART,
    call_in_of,
    mode_in,
    room_in,
)
from amls.portal.takeover.spec import (
    CourseFileError,
    CourseSpec,
    ExamSpec,
    GradingSpec,
    OfficeHourSpec,
    ProjectSpec,
    SlotSpec,
    StaffSpec,
)
from amls.portal.takeover.words import WEEKDAYS, Term, find_term, parse_weekday

_STAFF = re.compile(
    r"^\s*(?:[•*·–-]\s*)?(?P<role>lecturers?|instructors?|professors?|(?:teaching\s+)?assistants?|TAs?)\s*:\s*(?P<names>.+)$",
    IGNORE_CASE,
)

_CODE = r"\b(?:[A-Z]{2,4}[ -]?)?\d{3}\.\d{3}\b|\b\d{4,6}\b|\b[A-Z]{2,5}-\d{3,5}\b"
_KIND = r"[A-Z]{2,3}(?:\s*[/+]\s*[A-Z]{2,3})*"
# 'VL/UE', 'VL 41078 Title', 'VL 3 SWS', '706.010 VU': a kind stands before or after a code, or alone.
_KINDS = re.compile(rf"(?P<before>{_KIND})(?=\s*$|\s+\d|\s+(?:{_CODE}))|(?:{_CODE})\s+(?P<after>{_KIND})$")


def read_page(text: str, *, slug: str | None = None, year: int | None = None) -> CourseSpec:
    """Return what a course page says, incomplete as pages are.

    Args:
        text: plain text or HTML.
        slug: of the course; by default made of title and term.
        year: in which the term begins, if the page doesn't say or says it wrongly.

    Raises:
        CourseFileError: lines that can't be read, each with its number and why.
    """
    return _Page(read_lines(text), slug, year).read()


class _Page(LectureReading):
    """The reading of a whole page."""

    def __init__(self, lines: list[Line], slug: str | None, year: int | None) -> None:
        super().__init__(lines, year)
        self.slug = slug

    def read(self) -> CourseSpec:
        if not self.lines:
            raise CourseFileError([_("The page is empty.")])
        title = self._title()
        kinds, codes = self._codes()
        self._slot()
        office_hours = self._office_hours()
        parts, lectures = self.lectures()
        spec = CourseSpec(
            slug=self.slug or make_slug(title, self.term.label),
            title=title,
            term=self.term.label,
            kinds=kinds,
            codes=codes,
            ects=self._module_ects(),
            timezone="",
            description=self._description(),
            slots=() if self.slot == SlotSpec() else (self.slot,),
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
                _("No lecture was found: each stands on its own line, such as '• 01 Title [Apr 18, pdf]'.")
            )
        if self.problems:
            raise CourseFileError(self.problems)
        self.warn_of_dates_left_over()
        return replace(spec, warnings=tuple(self.warnings))

    def _title(self) -> str:
        first = self.lines[0]
        found = find_term(first.text, self.year)
        if found is None:
            if self.year is None:
                self.problem(first, _("the first line must end with the term, such as 'SS2024'"))
                raise CourseFileError(self.problems)
            self.term = Term(str(self.year), self.year, is_winter=False)
            return first.text.rstrip(" ,-–(")
        match, self.term = found
        return (first.text[: match.start()] + first.text[match.end() :]).strip(" ,-–()|:")

    def _codes(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        second = next((line.text for line in self.lines[1:3] if line.text.startswith("(")), "")
        inner = second.strip("() ")
        codes = tuple(re.findall(_CODE, inner))
        named = (_KINDS.match(entry) for entry in re.split(r"\s*[,;]\s*", inner))
        kinds = [
            kind for match in named if match for kind in re.split(r"\s*[/+]\s*", match["before"] or match["after"])
        ]
        return tuple(dict.fromkeys(kinds)), codes

    def _slot(self) -> None:
        for line, sentence in self.sentences():
            if re.search(r"office hour", sentence, IGNORE_CASE) or not re.search(
                r"take[s]? place|lectures?\b", sentence, IGNORE_CASE
            ):
                continue
            weekday = DAY_OF_WEEK.search(sentence)
            if weekday is None:
                continue
            rest = sentence[weekday.end() :]
            start, end = self.times(line, rest)
            if start is None:
                continue
            self.slot = SlotSpec(
                weekday=WEEKDAYS[parse_weekday(weekday.group())], start=start, end=end, room=room_in(rest), mode=mode_in(rest),
                call_in=call_in_of(line, of_office_hour=False),
            )  # fmt: skip
            return

    def _office_hours(self) -> tuple[OfficeHourSpec, ...]:
        for line, sentence in self.sentences():
            if not re.search(r"office hours?", sentence, IGNORE_CASE):
                continue
            weekday = DAY_OF_WEEK.search(sentence)
            if weekday is None:
                continue
            rest = sentence[weekday.end() :]
            start, end = self.times(line, rest)
            if start is None:
                continue
            first = None
            starting = re.search(r"(?:starting|from|beginning)\s+(?:on\s+)?(?P<when>.+)", rest, IGNORE_CASE)
            if starting is not None and (match := DAY.search(starting.group("when"))):
                first = self.day(line, match)
            end = end or (datetime.combine(date.min, start) + DEFAULT_LENGTH).time()
            return (
                OfficeHourSpec(
                    weekday=WEEKDAYS[parse_weekday(weekday.group())], start=start, end=end, room=room_in(rest),
                    mode=mode_in(rest), call_in=call_in_of(line, of_office_hour=True), first=first,
                ),
            )  # fmt: skip
        return ()

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
            if PART.match(line.text) or BULLET.match(line.text) or NUMBERED.match(line.text):
                break
            is_data = line.text.startswith("(") or re.search(r"take[s]? place|office hours?", line.text, IGNORE_CASE)
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
                due = self.moment(line, line.text[lowered.index("submission deadline") :])
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

    def _exams(self) -> tuple[ExamSpec, ...]:
        exams: list[ExamSpec | None] = []
        for line in self.lines:
            match = re.search(
                r"(?:final\s+)?(?P<kind>written|oral)?\s*exams?\s*:\s*(?P<dates>.+)", line.text, IGNORE_CASE
            )
            if match is None or re.match(r"\s*(?:[•*·–-]\s*)?grading", line.text, IGNORE_CASE):
                continue
            kind = (match.group("kind") or "written").lower()
            for entry in re.split(r"\s*;\s*", match.group("dates").strip(" .")):
                exams += [self._exam(line, kind, one) for one in _dated(entry)]
        return tuple(exam for exam in exams if exam is not None)

    def _exam(self, line: Line, kind: str, text: str) -> ExamSpec | None:
        days = list(DAY.finditer(text))
        # What stands behind a further day is that day's, such as the end of the registration.
        own = text[: days[1].start()] if len(days) > 1 else text
        moment = self.moment(line, own)
        if moment is None:
            return None
        exam = ExamSpec(kind=kind, starts_at=moment, place=room_in(text))
        _start, end = self.times(line, own[days[0].end() :])
        if end is None:
            return exam
        minutes = (datetime.combine(moment.date(), end) - moment) // timedelta(minutes=1)
        if minutes <= 0:
            self.problem(line, _("the exam ends before it starts"))
        return replace(exam, duration_minutes=minutes)

    def _grading(self) -> GradingSpec:
        for line in self.lines:
            match = re.match(r"\s*(?:[•*·–-]\s*)?grading\s*:\s*(?P<rule>.+)", line.text, IGNORE_CASE)
            if match is None:
                continue
            rule = match.group("rule")
            percent = re.search(r"(\d+)\s*%\s*(?:final\s+)?(?:written\s+)?exam", rule, IGNORE_CASE)
            extra = re.search(r"(\d+(?:\.\d)?)\s*extra\s+points", rule, IGNORE_CASE)
            return GradingSpec(
                exam_percent=int(percent.group(1)) if percent else None,
                project_is_prerequisite=bool(
                    re.search(r"(?:project|exercise)s?\s+(?:as|is|are)\s+(?:a\s+)?prerequisite", rule, IGNORE_CASE)
                ),
                max_extra_points=Decimal(extra.group(1)) if extra else Decimal(0),
            )
        return GradingSpec()


def _dated(entry: str) -> list[str]:
    """Return an entry of a list of exams cut before each further day that has a time.

    A day without one, or in parentheses, belongs to the exam before it: 'Jul 18, 4pm (register until Jul 11)'.
    """
    days = list(DAY.finditer(entry))
    cuts = [0]
    for day, until in zip(days[1:], [*(later.start() for later in days[2:]), len(entry)], strict=False):
        is_note = entry.count("(", 0, day.start()) > entry.count(")", 0, day.start())
        if not is_note and CLOCK.search(entry, day.end(), until):
            cuts.append(day.start())
    return [entry[a:b] for a, b in pairwise([*cuts, len(entry)]) if entry]


def make_slug(title: str, term: str) -> str:
    """Return an address for a course, such as 'amls-ss2024': initials and term."""
    words = re.findall(r"[A-Za-z0-9]+", title)
    initials = "".join(word if word.isupper() else word[0] for word in words if word[0].isupper() or word.isupper())
    short = initials.lower() if len(initials) > 1 else "-".join(words[:3]).lower()
    return f"{short or 'course'}-{re.sub(r'[^a-z0-9]+', '-', term.lower()).strip('-')}"
