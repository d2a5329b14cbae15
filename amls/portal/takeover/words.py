"""Dates, times, rooms and modes as lecturers write them."""

import re
from dataclasses import dataclass
from datetime import date, time

from django.utils.translation import gettext as _

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
WEEKDAY = r"(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?(?:'?s)?"
TIME = r"\d{1,2}(?:[.:]\d{2})?\s*(?:am|pm)|\d{1,2}:\d{2}"
DATE = (
    rf"(?:(?P<weekday>{WEEKDAY})\.?,?\s+)?(?:(?P<month>{_MONTH})\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?"
    rf"|(?P<day2>\d{{1,2}})\.?\s+(?P<month2>{_MONTH})|(?P<day3>\d{{1,2}})\.(?P<month3>\d{{1,2}})\.)"
    r"(?:,?\s*(?P<year>(?:19|20)\d\d))?"
)
ROOM = r"[A-ZÄÖÜ][\w.-]*?(?:[ -]?[A-Za-z]{0,3}\d[\w.-]*)"


@dataclass(frozen=True)
class Term:
    """A term such as 'SS2024' or 'WS2021/22': its first year, and whether it runs into the next."""

    label: str
    year: int
    is_winter: bool

    def year_of(self, month: int) -> int:
        """Return the year in which a month of this term lies."""
        return self.year + 1 if self.is_winter and month < 7 else self.year


_TERM = re.compile(
    r"\b(?P<season>SS|WS|SoSe|WiSe|Summer|Winter|Spring|Fall|Autumn)\s*(?:term|semester)?\s*"
    r"(?P<year>(?:20)?\d\d)(?:\s*/\s*(?:20)?\d\d)?\b",
    re.IGNORECASE,
)


def find_term(text: str, year: int | None = None) -> tuple[re.Match[str], Term] | None:
    """Return the term named in `text` and where it stands; `year` overrides its year."""
    match = _TERM.search(text)
    if match is None:
        return None
    found = int(match.group("year"))
    first = year or (found if found > 99 else 2000 + found)
    is_winter = match.group("season").lower() in {"ws", "wise", "winter", "fall", "autumn"}
    return match, Term(" ".join(match.group().split()), first, is_winter)


def parse_weekday(text: str) -> int:
    """Return 0 for any spelling of Monday, and so on."""
    return next(n for n, name in enumerate(WEEKDAYS) if name.startswith(text.lower()[:3]))


def parse_time(text: str) -> time:
    """Return the time of '4pm', '11.59pm', '10.15am', '16:00'.

    Raises:
        ValueError: there is no such time.
    """
    match = re.fullmatch(r"(\d{1,2})(?:[.:](\d{2}))?\s*(am|pm)?", text.strip().lower())
    if match is None:
        raise ValueError(_("'%(text)s' is not a time") % {"text": text})
    hour, minute, half = int(match.group(1)), int(match.group(2) or 0), match.group(3)
    if half is not None:
        if not 1 <= hour <= 12:
            raise ValueError(_("'%(text)s' is not a time") % {"text": text})
        hour = hour % 12 + (12 if half == "pm" else 0)
    if hour > 23 or minute > 59:
        raise ValueError(_("'%(text)s' is not a time") % {"text": text})
    return time(hour, minute)


def parse_date(match: re.Match[str], term: Term) -> tuple[date, int | None]:
    """Return the date of a match of DATE, and the weekday that was written before it.

    Raises:
        ValueError: there is no such day.
    """
    word = match.group("month") or match.group("month2")
    month = _MONTHS.index(word.lower()[:3]) + 1 if word else int(match.group("month3"))
    day = int(match.group("day") or match.group("day2") or match.group("day3"))
    year = int(match.group("year")) if match.group("year") else term.year_of(month)
    try:
        found = date(year, month, day)
    except ValueError:
        what = _("there is no '%(day)s' in %(year)d") % {"day": match.group().strip(), "year": year}
        raise ValueError(what) from None
    written = match.group("weekday")
    return found, parse_weekday(written) if written else None


def clean_room(text: str) -> str:
    """Return a room as written, but for one space between letters and digits: 'H0111' is 'H 0111'."""
    room = " ".join(text.strip(" .,;").split())
    return re.sub(r"^([A-ZÄÖÜ]+)(\d)", r"\1 \2", room)
