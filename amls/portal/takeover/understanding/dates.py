"""Finding the days that a text names, in English and German and in every order; which day it is, is decided later."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, time
from functools import lru_cache

# The same few words are asked about many times while one source is read.
_REMEMBERED = 4096
_MONTH_NAMES = (
    ("jan", "jän"), ("feb",), ("mar", "mär", "mrz", "mae"), ("apr",), ("may", "mai"), ("jun",), ("jul",), ("aug",), ("sep",),
    ("oct", "okt"), ("nov",), ("dec", "dez"),
)  # fmt: skip
MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, start=1) for name in names}
MONTH = (
    r"(?:jan(?:uary|uar|ner)?|jän(?:ner)?|feb(?:ruary|ruar|er)?|mar(?:ch)?|märz?|maerz|mrz|apr(?:il)?|may|mai|june?|juni"
    r"|july?|juli|aug(?:ust)?|sept?(?:ember)?|o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?)(?![a-zäöü])\.?"
)
_WEEKDAY_NAMES = (("mo",), ("tu", "di"), ("we", "mi"), ("th", "do"), ("fr",), ("sa",), ("su", "so"))
_LETTERS = {"m": 0, "t": 1, "w": 2, "r": 3, "f": 4}
WEEKDAY = (
    r"(?:mon(?:day|tag)?s?|tue(?:s(?:day)?)?s?|wed(?:nesday|s)?s?|thu(?:r(?:s(?:day)?)?)?s?|fri(?:day)?s?|sat(?:urday)?s?|sun(?:day)?s?"
    r"|dienstags?|mittwochs?|donnerstags?|freitags?|samstags?|sonnabends?|sonntags?|montags?)"
)
SHORT_WEEKDAY = rf"(?:{WEEKDAY}|mo|di|mi|do|fr|sa|so|tu|th|we|(?-i:[MTWRF]))"
_AHEAD = rf"(?:\b(?P<weekday>{SHORT_WEEKDAY})\.?(?:\s*[,:(]\s*|\s+)(?:(?:the|den|dem|der|am|on|kw\s*\d+,?)\s+)?)?"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_YEAR = r"(?:19|20)\d\d"
# What shows that a number after a date is a time, or a count, and no day.
_NO_TIME = (
    r"(?!\d|[.:h]\d|\s*(?:[ap]\.?m\b|uhr\b|h\b)|\s*[-–—]\s*\d|\s*(?:pages?|points?|ects|lp|cp|min|hours?|std)\b|%)"
)
# Before a colon a number is one of a list: 'Sep 10, 3: Hashing'; 'Oct 10-13: Fall break' has a range before it.
_NO_DAY = rf"(?!\s*:){_NO_TIME}"
_CLOCK = (
    r"(?:[T ](?P<hour>[01]?\d|2[0-4]):(?P<minute>[0-5]\d)(?::\d\d(?:\.\d+)?)?\s?(?P<offset>Z|[+-]\d\d:?\d\d)?(?!\d))"
)
DASH = r"(?:-{1,3}|[–—])"
_BETWEEN = rf"\s*(?:{DASH}|bis(?:\s+(?:zum|einschließlich|einschl\.|inkl\.|inklusive))*|to|until|through)\s*"


@dataclass(frozen=True, slots=True)
class WrittenDay:
    """A day as it is written: its year may be missing, and which of two numbers is its month may be open.

    Attributes:
        numbers: day and month in the order in which they stand, where that order is open; else None.
    """

    day: int
    month: int
    year: int | None = None
    numbers: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Mention:
    """A place in a text that names days, or a week of the term.

    Attributes:
        start, end: where it stands.
        days: one, or several of a list.
        until: the last day of a range.
        weekday: that is written with it, 0 for Monday.
        week: of the term, or of the year where `is_calendar_week`.
        at: the time that belongs to it, of ISO 8601; `offset` its offset.
        is_loose: whether it may be something else, such as '10.15' or '1/2': a date only where one is expected.
        is_open: whether it says that the date is still open.
    """

    start: int
    end: int
    days: tuple[WrittenDay, ...] = ()
    until: WrittenDay | None = None
    weekday: int | None = None
    week: int | None = None
    last_week: int | None = None
    is_calendar_week: bool = False
    at: time | None = None
    offset: str = ""
    is_loose: bool = False
    is_open: bool = False


_I = re.IGNORECASE
_ISO = re.compile(
    rf"{_AHEAD}(?<![\d.])(?P<year>{_YEAR})[-/.](?P<month>0?[1-9]|1[0-2])[-/.](?P<day>{_DAY})(?!\d){_CLOCK}?", _I
)
_CJK = re.compile(rf"(?P<year>{_YEAR})\s?年\s?(?P<month>1[0-2]|0?[1-9])\s?月\s?(?P<day>{_DAY})\s?日", _I)
_MONTH_FIRST = re.compile(
    rf"{_AHEAD}\b(?P<month>{MONTH})[\s-]*(?P<day>{_DAY})(?:st|nd|rd|th)?(?!\d|\.\d|:\d|[ap]m\b)"
    rf"(?P<range>(?:{DASH}(?P<until>{_DAY})|\s*{DASH}\s*(?P<apart>{_DAY})(?:st|nd|rd|th)?(?!\s*:))(?:st|nd|rd|th)?{_NO_TIME})?"
    rf"(?P<more>(?:\s*(?:,|&|/|\+|\band\b|\bund\b)\s*{_DAY}(?:st|nd|rd|th)?{_NO_DAY}(?!\s*{MONTH}))*)"
    rf"(?:,?\s*(?P<year>{_YEAR})(?!\d|:\d))?",
    _I,
)
_DAY_FIRST = re.compile(
    rf"{_AHEAD}(?<![\d.,])(?:(?P<from>{_DAY})(?:st|nd|rd|th)?\.?\s*(?P<joint>[-–—/&,]|\band\b|\bund\b|\bbis\b|\bto\b)\s*)?(?P<day>{_DAY})(?:st|nd|rd|th)?\.?"
    rf"[\s-]*(?:of\s+)?(?P<month>\b{MONTH}|(?<=\d){MONTH})(?:[\s,-]*(?P<year>{_YEAR})(?!\d|:\d)|[\s-]*'?(?P<short>\d\d)(?![\d:.]|\s*(?:uhr|h\b|[ap]m|[-–])))?",
    _I,
)
_DOTS = re.compile(
    rf"{_AHEAD}(?<![\d.])(?<![A-Za-z]-)(?:(?P<from>{_DAY})\.\s?(?P<joint>[-–—/&,+]|und|bis)\s?)?(?P<day>{_DAY})\.\s?(?P<month>0?[1-9]|1[0-2])"
    rf"(?:\.(?:\s?(?P<year>{_YEAR})(?!\d)|(?P<short>\d\d)(?![\d.:]|\s*(?:uhr|h\b|[-–]\s*\d)))?|(?P<loose>(?![\d.])))",
    _I,
)
_SLASH = re.compile(
    rf"{_AHEAD}(?<![\d/.])(?P<a>{_DAY})/(?P<b>{_DAY})(?:/(?P<year>{_YEAR}|\d\d)(?![\d/]))?(?![\d/]|\.\d)", _I
)
_DASHES = re.compile(rf"{_AHEAD}(?<![\d-])(?P<a>{_DAY})-(?P<b>{_DAY})-(?P<year>{_YEAR})(?![\d-])", _I)
_WEEK = re.compile(
    r"\b(?:(?P<calendar>KW|calendar\s+week|kalenderwoche)|week|wk\.?|woche|(?-i:W)(?=\d))[\s.#:]*(?P<week>[0-5]?\d)\b(?:\s*[-–&+]\s*(?P<last>[0-5]?\d)\b)?"
    r"|\b(?P<ordinal>[0-5]?\d)\.\s*(?:woche|week)\b",
    _I,
)
_OPEN = re.compile(
    r"(?<!\w)(?:tb[acd]|t\.\s?b\.\s?[acd]\.?|n\.\s?n\.|to be (?:announced|determined|confirmed|decided|scheduled)|date open|"
    r"(?:termin|datum)\s+(?:ist\s+)?(?:noch\s+)?offen|wird\s+(?:noch\s+)?bekannt\s?gegeben|noch offen)(?!\w)",
    _I,
)
_RANGE = re.compile(rf"^{_BETWEEN}$", _I)
# As in 'Sep 4 (F)' and '14.10. (Mi)'.
_WEEKDAY_BEHIND = re.compile(rf"\s*\((?P<weekday>{SHORT_WEEKDAY})\.?\)", _I)


def weekday_of(name: str) -> int:
    """Return 0 for any spelling of Monday in English or German, and so on."""
    lowered = name.lower().strip(". ")
    if len(lowered) == 1:
        return _LETTERS[lowered]
    return next(number for number, names in enumerate(_WEEKDAY_NAMES) if lowered[:2] in names)


def month_of(name: str) -> int:
    """Return 1 for any spelling of January in English or German, and so on."""
    return MONTHS[name.lower()[:3]]


def find_days(text: str) -> list[Mention]:
    """Return all places of a text that name days, in their order, without those that lie within others."""
    return list(_found(text))


@lru_cache(maxsize=_REMEMBERED)
def _found(text: str) -> tuple[Mention, ...]:
    if not any(map(str.isdigit, text)):
        return tuple(_open(text))
    candidates = [
        mention
        for hint, pattern, read in _READERS
        if hint.search(text)
        for match in pattern.finditer(text)
        if (mention := read(match))
    ]
    mentions: list[Mention] = []
    for mention in sorted([*candidates, *_open(text)], key=lambda mention: (mention.start, -mention.end)):
        if not mentions or mention.start >= mentions[-1].end:
            mentions.append(mention)
    return tuple(_with_weekday_behind(text, mention) for mention in _with_ranges(text, mentions))


def _with_weekday_behind(text: str, mention: Mention) -> Mention:
    """Return a day with the weekday that stands in parentheses behind it."""
    behind = _WEEKDAY_BEHIND.match(text, mention.end) if len(mention.days) == 1 and mention.until is None else None
    if behind is None or mention.weekday is not None:
        return mention
    return replace(mention, end=behind.end(), weekday=weekday_of(behind.group("weekday")), is_loose=False)


def _with_ranges(text: str, mentions: list[Mention]) -> list[Mention]:
    """Join two days with a dash, or 'to', between them."""
    joined: list[Mention] = []
    for mention in mentions:
        last = joined[-1] if joined else None
        if (
            last is not None
            and last.until is None
            and len(last.days) == len(mention.days) == 1
            and last.at is None
            and _RANGE.match(text[last.end : mention.start])
        ):
            joined[-1] = replace(
                last, end=mention.end, until=mention.days[0], is_loose=last.is_loose and mention.is_loose
            )
        else:
            joined.append(mention)
    return joined


def _open(text: str) -> Iterator[Mention]:
    for match in _OPEN.finditer(text):
        yield Mention(match.start(), match.end(), is_open=True)


def _ahead(match: re.Match[str]) -> int | None:
    name = match.group("weekday")
    return weekday_of(name) if name else None


def _full_year(match: re.Match[str]) -> int | None:
    groups = match.groupdict()
    year = groups.get("year") or groups.get("short")
    if not year:
        return None
    return int(year) if len(year) == 4 else 2000 + int(year)


def _iso(match: re.Match[str]) -> Mention | None:
    hour = match.group("hour")
    at = time(int(hour) % 24, int(match.group("minute"))) if hour else None
    day = WrittenDay(int(match.group("day")), int(match.group("month")), int(match.group("year")))
    return Mention(match.start(), match.end(), (day,), weekday=_ahead(match), at=at, offset=match.group("offset") or "")


def _cjk(match: re.Match[str]) -> Mention:
    day = WrittenDay(int(match.group("day")), int(match.group("month")), int(match.group("year")))
    return Mention(match.start(), match.end(), (day,))


def _month_first(match: re.Match[str]) -> Mention:
    month, year = month_of(match.group("month")), _full_year(match)
    first = int(match.group("day"))
    days = [WrittenDay(first, month, year)]
    end = match.end()
    more = match.group("more")
    for number in re.finditer(r"\d+", more):
        if int(number.group()) <= days[-1].day:
            # 'Sep 10, 3 exercises': no further day.
            end = match.start("more") + number.start()
            end = match.start() + len(match.string[match.start() : end].rstrip(" ,&/+"))
            break
        days.append(WrittenDay(int(number.group()), month, year))
    until = match.group("until") or match.group("apart")
    last = WrittenDay(int(until), month, year) if until and int(until) > first else None
    if until and last is None:
        end = match.start("range")
        days = days[:1]
    return Mention(match.start(), end, tuple(days), last, _ahead(match))


def _day_first(match: re.Match[str]) -> Mention | None:
    month, year = month_of(match.group("month")), _full_year(match)
    day = WrittenDay(int(match.group("day")), month, year)
    return _from(match, day)


def _from(match: re.Match[str], day: WrittenDay, *, is_loose: bool = False) -> Mention:
    """Return the mention of a day before which another of its month may stand: '3.–5. Mai', '7 and 9 January'."""
    before = match.group("from")
    first = WrittenDay(int(before), day.month, day.year) if before else None
    if first is None or first.day >= day.day:
        start = match.start() if first is None else match.start("day")
        return Mention(start, match.end(), (day,), weekday=_ahead(match) if first is None else None, is_loose=is_loose)
    if match.group("joint") in {"-", "–", "—", "bis", "to"}:
        return Mention(match.start(), match.end(), (first,), day, _ahead(match))
    return Mention(match.start(), match.end(), (first, day), weekday=_ahead(match))


def _dots(match: re.Match[str]) -> Mention | None:
    day = WrittenDay(int(match.group("day")), int(match.group("month")), _full_year(match))
    is_loose = match.group("loose") is not None and match.group("weekday") is None
    return _from(match, day, is_loose=is_loose)


def _two_numbers(match: re.Match[str]) -> Mention | None:
    first, second, year = int(match.group("a")), int(match.group("b")), _full_year(match)
    if first > 12 and second > 12:
        return None
    day = WrittenDay(0, 0, year, (first, second))
    is_loose = year is None and match.group("weekday") is None
    return Mention(match.start(), match.end(), (day,), weekday=_ahead(match), is_loose=is_loose)


def _week(match: re.Match[str]) -> Mention:
    week = int(match.group("week") or match.group("ordinal"))
    last = match.group("last")
    return Mention(
        match.start(), match.end(), week=week, last_week=int(last) if last else None,
        is_calendar_week=match.group("calendar") is not None,
    )  # fmt: skip


_MONTH_HINT = re.compile(r"jan|jän|feb|mar|mär|mae|mrz|apr|ma[yi]|jun|jul|aug|sep|o[ck]t|nov|de[cz]", _I)
# What must stand in a text for a pattern to find anything, by which most of them need not look.
_READERS: tuple[tuple[re.Pattern[str], re.Pattern[str], Callable[[re.Match[str]], Mention | None]], ...] = (
    (re.compile(r"\d{4}[-/.]\d"), _ISO, _iso),
    (re.compile("年"), _CJK, _cjk),
    (_MONTH_HINT, _MONTH_FIRST, _month_first),
    (_MONTH_HINT, _DAY_FIRST, _day_first),
    (re.compile(r"\d-\d{1,2}-\d"), _DASHES, _two_numbers),
    (re.compile(r"\d\.\s?\d"), _DOTS, _dots),
    (re.compile(r"\d/\d"), _SLASH, _two_numbers),
    (re.compile(r"w[eo][ec][kh]|wk|kw|w\d|\d\.\s*w", _I), _WEEK, _week),
)


def exists(year: int, month: int, day: int) -> date | None:
    """Return the day, or None where the calendar has no such day."""
    try:
        return date(year, month, day)
    except ValueError:
        return None
