"""Days and times as a spreadsheet writes them where a column has no format of its own: numbers of days, parts of a day, '10.15'."""

import re
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from amls.portal.takeover.sourcerows import SourceCell
from amls.portal.takeover.understanding.times import find_times

# Day 60 is 29 February 1900, which was none, so that days are counted from here since 1 March 1900
# (ECMA-376 part 1, 18.17.4.1, '1900 date base system').
_BEFORE_THE_FIRST = datetime.combine(date(1899, 12, 30), time.min)
# Of other centuries is only a slip, or a number that means something else.
_FIRST, _LAST = date(2000, 1, 1), date(2099, 12, 31)
_SERIAL = re.compile(r"\s*(?P<days>\d{4,})(?:[.,](?P<part>\d+))?\s*")
_PART_OF_DAY = re.compile(r"\s*0[.,](?P<part>\d{2,})\s*")
_CLOCK = re.compile(r"\W*(?P<hour>[01]?\d|2[0-3])[.:](?P<minute>[0-5]\d)\W*")


def is_number_of_days(text: str) -> bool:
    """Return whether a text is only a number so large that among dates it must be meant for a spreadsheet's day."""
    return _SERIAL.fullmatch(text) is not None


def day_of_number(text: str) -> str:
    """Return the day of a spreadsheet's number in ISO 8601, with its time where it has one; '' where it is no day of this century."""
    serial = _SERIAL.fullmatch(text)
    if serial is None or len(serial.group("days")) > 5:
        return ""
    moment = _BEFORE_THE_FIRST + timedelta(days=int(serial.group("days"))) + _minutes(serial.group("part"))
    if not _FIRST <= moment.date() <= _LAST:
        return ""
    return moment.date().isoformat() if moment.time() == time.min else moment.strftime("%Y-%m-%d %H:%M")


def with_day(cell: SourceCell) -> SourceCell:
    """Return a cell of a column of dates, with the day that its number means."""
    day = day_of_number(cell.text) if not cell.begins else ""
    return replace(cell, text=day) if day else cell


def with_time(cell: SourceCell) -> SourceCell:
    """Return a cell of a column of times with the time that '10.15', or a part of a day, means."""
    if not cell.text or find_times(cell.text, expects=True):
        return cell
    part, clock = _PART_OF_DAY.fullmatch(cell.text), _CLOCK.fullmatch(cell.text)
    if part is not None:
        return replace(cell, text=(_BEFORE_THE_FIRST + _minutes(part.group("part"))).time().isoformat("minutes"))
    return replace(cell, text=f"{clock.group('hour')}:{clock.group('minute')}") if clock is not None else cell


def _minutes(part: str | None) -> timedelta:
    return timedelta(minutes=round(float(f"0.{part}") * 24 * 60)) if part else timedelta()
