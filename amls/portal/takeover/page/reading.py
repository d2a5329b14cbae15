"""What every part of a page's reading has in common: days, clock times, rooms, and what is wrong."""

import re
from datetime import date, datetime, time, timedelta

from django.utils.translation import gettext as _

from amls.courses.models import Weekday
from amls.portal.takeover.page.lines import Line, is_whole
from amls.portal.takeover.spec import SlotSpec
from amls.portal.takeover.words import (
    DATE,
    ROOM,
    TIME,
    WEEKDAY,
    Term,
    clean_room,
    parse_date,
    parse_time,
)

IGNORE_CASE = re.IGNORECASE
DAY = re.compile(DATE, IGNORE_CASE)
CLOCK = re.compile(rf"(?:{TIME})", IGNORE_CASE)
DAY_OF_WEEK = re.compile(rf"\b{WEEKDAY}\b", IGNORE_CASE)
SPAN = re.compile(rf"(?P<start>{TIME}|\d{{1,2}}(?:[.:]\d{{2}})?)\s*(?:-|–|to)\s*(?P<end>{TIME})", IGNORE_CASE)
BULLET = re.compile(r"^\s*[•*·▪◦‣o–-]\s+")
NUMBERED = re.compile(r"^\s*\d{1,2}[a-z]?\s+\S.*\[")
PART = re.compile(r"^\s*(?:Part\s+)?(?P<letter>[A-Z])\s*[:.)]\s+(?P<title>\S.{2,118})$")
DEFAULT_LENGTH = timedelta(minutes=90)


class Reading:
    """One reading of a page: its term and weekly slot once they are found, and problems and warnings by line."""

    def __init__(self, lines: list[Line], year: int | None) -> None:
        self.lines, self.year = lines, year
        self.problems: list[str] = []
        self.warnings: list[str] = []
        # The dates that were read, by the number of their line: what is left over is said.
        self.dates_read: dict[int, set[str]] = {}
        self.term = Term("", 0, is_winter=False)
        self.slot = SlotSpec()

    def problem(self, line: Line, why: str) -> None:
        """Note why a line can't be read."""
        self.problems.append(_at(line, why))

    def warn(self, line: Line, what: str) -> None:
        """Note what was read as written but looks like a slip."""
        self.warnings.append(_at(line, what))

    def sentences(self) -> list[tuple[Line, str]]:
        """Return the sentences that are no entry of a list, each with its line."""
        return [
            (line, sentence)
            for line in self.lines
            if not BULLET.match(line.text)
            for sentence in re.split(r"(?<=[a-z)\d!?]\.)\s+(?=[A-Z])|(?<=[!?])\s+", line.text)
        ]

    def times(self, line: Line, text: str) -> tuple[time | None, time | None]:
        """Return start and end as `text` names them; a slip is noted with the line."""
        span = SPAN.search(text)
        try:
            if span is not None:
                end = parse_time(span.group("end"))
                start = span.group("start")
                if not re.search(r"[ap]m|:", start, IGNORE_CASE):
                    start += "pm" if end.hour >= 12 and int(re.split(r"[.:]", start)[0]) <= end.hour % 12 else "am"
                return parse_time(start), end
            single = CLOCK.search(text)
            return (parse_time(single.group()), None) if single else (None, None)
        except ValueError as error:
            self.problem(line, str(error))
            return None, None

    def day(self, line: Line, match: re.Match[str]) -> date | None:
        """Return the day of a match of DAY, or None with a problem noted."""
        self.dates_read.setdefault(line.number, set()).add(match.group().strip())
        try:
            day, weekday = parse_date(match, self.term)
        except ValueError as error:
            self.problem(line, str(error))
            return None
        if weekday is not None and weekday != day.weekday():
            self.warn(
                line,
                _("%(day)s is a %(right)s, not a %(written)s")
                % {"day": day.isoformat(), "right": Weekday(day.weekday()).label, "written": Weekday(weekday).label},
            )
        return day

    def warn_of_dates_left_over(self) -> None:
        """Warn of every date that nothing was made of: what is dated must not vanish in silence."""
        for line in self.lines:
            known = self.dates_read.get(line.number, set())
            left = [found for match in DAY.finditer(line.text) if (found := match.group().strip()) not in known]
            if left:
                self.warn(line, _("not read, enter it by hand: %(dates)s") % {"dates": ", ".join(left)})

    def moment(self, line: Line, text: str, default: time | None = None) -> datetime | None:
        """Return the day and time that `text` names, or None with a problem noted; `default` is the time where it names none."""
        match = DAY.search(text)
        if match is None:
            self.problem(line, _("no date such as 'Jul 08' was found"))
            return None
        day = self.day(line, match)
        start, _end = self.times(line, text[match.end() :])
        if day is None:
            return None
        if start is None and default is None:
            self.problem(line, _("no time such as '11.59pm' was found"))
            return None
        return datetime.combine(day, start or default or time())


def _at(line: Line, what: str) -> str:
    return _("Line %(line)d: %(what)s: %(text)s") % {"line": line.number, "what": what, "text": line.text[:120]}


def room_in(text: str) -> str:
    """Return the room that `text` names, or nothing."""
    match = re.search(rf"\bin\s+(?:(?:the\s+)?(?:lecture\s+)?(?:room|hall)\s+)?(?P<room>{ROOM})", text)
    return clean_room(match.group("room")) if match else ""


def mode_in(text: str) -> str:
    """Return how `text` says that something is held."""
    is_online = re.search(r"\b(?:virtual|virtually|online|zoom|hybrid)\b", text, IGNORE_CASE) is not None
    has_room = bool(room_in(text)) or re.search(r"\bhybrid\b", text, IGNORE_CASE) is not None
    if is_online:
        return "hybrid" if has_room else "virtual"
    return "in_person"


def call_in_of(line: Line, *, of_office_hour: bool) -> str:
    """Return the line's call-in link: the office hour's, which says so in its text, or the lectures'."""
    names = [name for name, url in line.links.items() if is_whole(url)]
    wanted = [
        name
        for name in names
        if ("office" in name) == of_office_hour and (of_office_hour or re.search(r"call|zoom|link", name))
    ]
    return line.links[wanted[0]] if wanted else ""
