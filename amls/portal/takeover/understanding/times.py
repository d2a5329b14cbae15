"""Finding the clock times that a text names."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from amls.portal.takeover.understanding.dates import DASH

_I = re.IGNORECASE
_REMEMBERED = 4096
_AM = r"[ap]\.?\s?m\b\.?"
_CT = r"(?:[cs]\.?\s?t\b\.?|\((?:[cs]\.?\s?t\.?)\))"
_UHR = r"(?:uhr\b|h\b(?!\s*\d{3})|o'clock\b)"
_HOUR = r"(?:[01]?\d|2[0-4])"
_MINUTE = r"[0-5]\d"
# '4pm', '10:15', '10.15', '10h15', '16 Uhr', '10 c.t.'; a bare number is a time only beside another.
_CLOCK = rf"(?P<{{n}}h>{_HOUR})(?:\s?(?P<{{n}}s>[:.h])(?P<{{n}}m>{_MINUTE})(?!\d))?(?!\d)(?::\d\d)?(?:\s?(?P<{{n}}half>{_AM}))?(?:\s?(?P<{{n}}uhr>{_UHR}))?(?:\s?(?P<{{n}}ct>{_CT}))?"


def _clock(name: str) -> str:
    return _CLOCK.replace("{n}", name)


_SPAN = re.compile(
    rf"(?<![\d.,:/$#-])(?:(?:from|von|between|zwischen|ab)\s+)?{_clock('a')}\s*(?:{DASH}|\bto\b|\bbis\b|\buntil\b|\btill\b|\bund\b|\band\b)\s*{_clock('b')}(?![\d/%]|\.\d)",
    _I,
)
_SINGLE = re.compile(
    rf"(?<![\d.,:/$#-])(?:\b(?P<word>noon|midnight|mittags?|mitternacht)\b|{_clock('a')}(?![\d/%]|[.:]\d))", _I
)
_DURATION = re.compile(r"\b(\d{1,3})\s*(?:-\s*)?(min(?:utes?|uten)?\b|h(?:ours?)?\b|stunden?\b)", _I)
_WORDS = {
    "noon": time(12),
    "midnight": time(23, 59),
    "mittag": time(12),
    "mittags": time(12),
    "mitternacht": time(23, 59),
}
_SHORTEST, _LONGEST = timedelta(minutes=20), timedelta(hours=10)


@dataclass(frozen=True, slots=True)
class Times:
    """Where a text names a time, and which.

    Attributes:
        start, end: where it stands.
        begins, ends: the times; no end is None.
        is_guess: whether the half of the day was not said and the usual one was taken.
        is_loose: whether only the numbers say that it is a time, as in '10-12'.
        problem: what was written where it is no time, such as '13pm'.
    """

    start: int
    end: int
    begins: time
    ends: time | None = None
    is_guess: bool = False
    is_loose: bool = False
    problem: str = ""


def find_times(text: str, *, expects: bool = False) -> list[Times]:
    """Return the times that a text names.

    Args:
        text: without the dates, which look alike.
        expects: whether a time is likely here, so that '10-12' is one.
    """
    return list(_found(text, expects))


@lru_cache(maxsize=_REMEMBERED)
def _found(text: str, expects: bool) -> tuple[Times, ...]:
    spans: list[Times] = []
    if not any(map(str.isdigit, text)):
        return tuple(
            Times(match.start(), match.end(), _WORDS[match.group("word").lower()])
            for match in _SINGLE.finditer(text)
            if match.group("word")
        )
    for match in _SPAN.finditer(text):
        span = _span(match)
        if span is not None and (expects or not span.is_loose):
            spans.append(span)
    for match in _SINGLE.finditer(text):
        if any(match.start() < span.end and span.start < match.end() for span in spans):
            continue
        single = _single(match)
        if single is not None:
            spans.append(single)
    return tuple(sorted(spans, key=lambda span: span.start))


def find_minutes(text: str) -> int | None:
    """Return how long something takes, as '90 min' or '2 hours' say."""
    match = _DURATION.search(text)
    if match is None:
        return None
    number = int(match.group(1))
    minutes = number if match.group(2).lower().startswith("min") else 60 * number
    return minutes if 10 <= minutes <= 600 else None


def add_minutes(begins: time, minutes: int) -> time | None:
    """Return the time some minutes later, on the same day."""
    moment = datetime.combine(date.min, begins) + timedelta(minutes=minutes)
    return moment.time() if moment.date() == date.min else None


def minutes_between(begins: time, ends: time) -> int:
    """Return the minutes from one time to another of the same day."""
    return (datetime.combine(date.min, ends) - datetime.combine(date.min, begins)) // timedelta(minutes=1)


def _half(match: re.Match[str], name: str) -> str:
    half = match.group(f"{name}half")
    return half[0].lower() if half else ""


def _at(hour: int, minute: int, half: str) -> time | None:
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    if hour == 24 and not minute:
        return time(23, 59)
    return time(hour, minute) if hour < 24 else None


def _is_quarter(match: re.Match[str], name: str) -> bool:
    said = match.group(f"{name}ct")
    return bool(said) and said.lower().strip("(").startswith("c")


def _single(match: re.Match[str]) -> Times | None:
    word = match.group("word")
    if word:
        return Times(match.start(), match.end(), _WORDS[word.lower()])
    hour, minute, half = int(match.group("ah")), match.group("am"), _half(match, "a")
    separator = match.group("as")
    is_said = bool(half or match.group("auhr") or match.group("act") or separator in (":", "h"))
    if not is_said:
        return None
    if separator == "." and not (half or match.group("auhr") or match.group("act")):
        return None
    begins = _at(hour, int(minute or 0), half)
    if begins is None:
        return Times(match.start(), match.end(), time(0), problem=match.group().strip())
    is_guess = False
    if (
        not half
        and hour < 7
        and hour > 0
        and len(match.group("ah")) == 1
        and not match.group("auhr")
        and not match.group("act")
        and separator == ":"
    ):
        begins, is_guess = begins.replace(hour=hour + 12), True
    if _is_quarter(match, "a") and begins.minute == 0:
        begins = begins.replace(minute=15)
    return Times(match.start(), match.end(), begins, is_guess=is_guess)


def _is_said(match: re.Match[str]) -> bool:
    """Return whether more than two numbers says that a span is one of times."""
    marks = ("ahalf", "bhalf", "auhr", "buhr", "act", "bct")
    return (
        any(match.group(mark) for mark in marks) or match.group("as") in (":", "h") or match.group("bs") in (":", "h")
    )


def _span(match: re.Match[str]) -> Times | None:
    is_said = _is_said(match)
    joint = match.string[match.end("ah") : match.start("bh")].lower()
    has_dots = [match.group("as") == ".", match.group("bs") == "."]
    if not is_said and (
        "and" in joint or "und" in joint or match.group("ah") == match.group("bh") or sum(has_dots) == 1
    ):
        return None
    both = _both(match)
    if both is None:
        is_wrong = match.group("ahalf") or match.group("bhalf")
        return Times(match.start(), match.end(), time(0), problem=match.group().strip()) if is_wrong else None
    begins, ends, is_guess = _in_the_usual_half(match, *both)
    if _is_quarter(match, "a") or _is_quarter(match, "b"):
        begins, ends = _academic(begins, ends)
    length = timedelta(minutes=minutes_between(begins, ends))
    is_likely = _SHORTEST <= length <= timedelta(hours=6) and begins.hour >= 7 and ends.hour <= 22
    if length > _LONGEST or not (is_said or is_likely):
        return None
    return Times(match.start(), match.end(), begins, ends, is_guess, is_loose=not is_said)


def _both(match: re.Match[str]) -> tuple[time, time] | None:
    """Return begin and end as they are written; None where one of them is no time."""
    first = int(match.group("ah")), int(match.group("am") or 0)
    last = int(match.group("bh")), int(match.group("bm") or 0)
    half_a, half_b = _half(match, "a"), _half(match, "b")
    begins, ends = _at(*first, half_a), _at(*last, half_b)
    if half_b and not half_a:
        # '10-12pm' begins in the morning, '4-5.30pm' does not.
        begins = _at(*first, half_b if first[0] <= 12 else "")
        if begins is not None and ends is not None and begins >= ends:
            begins = _at(*first, "a" if half_b == "p" else "p")
    elif half_a and not half_b and begins is not None and ends is not None and ends <= begins and last[0] <= 12:
        ends = _at(*last, "p")
    return (begins, ends) if begins is not None and ends is not None else None


def _in_the_usual_half(match: re.Match[str], begins: time, ends: time) -> tuple[time, time, bool]:
    """Return both times in the half of the day that is usual, where none is said: 'Tuesday 1:00 to 2:30' is no night class."""
    if match.group("ahalf") or match.group("bhalf"):
        return begins, ends, False
    is_german = any(match.group(mark) for mark in ("auhr", "buhr", "act", "bct"))
    if not is_german and len(match.group("ah")) == 1 and 1 <= begins.hour <= 6:
        return (
            begins.replace(hour=begins.hour + 12),
            ends.replace(hour=ends.hour + 12) if ends.hour < 12 else ends,
            True,
        )
    if ends <= begins and ends.hour < 8:
        return begins, ends.replace(hour=ends.hour + 12), True
    return begins, ends, False


def _academic(begins: time, ends: time) -> tuple[time, time]:
    """Return both times with the academic quarter: '10-12 c.t.' is 10:15 to 11:45."""
    begins = begins.replace(minute=15) if begins.minute == 0 else begins
    return begins, ends.replace(hour=ends.hour - 1, minute=45) if ends.minute == 0 and ends.hour else ends
