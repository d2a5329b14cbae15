"""The reader of iCalendar: every event, series unfolded, in the calendar's own zone."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import IO, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import recurring_ical_events
from icalendar import Calendar, Component, Event
from icalendar.error import BrokenCalendarProperty
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from amls.files.judges.sources.rows import ReadCell, ReadRow, bounded, fact, tidy
from amls.files.limited.refused import Refused

MAX_EVENTS = 2_000
# A course is over after that; a series without an end would go on for ever.
_LONGEST = timedelta(days=500)
_NAMES = ("date", "title", "room", "description", "url", "status")


def rows(file: IO[bytes], *, base: str = "") -> Iterator[list[object]]:
    """Yield the rows of a file as JSON knows them; the limited child begins here."""
    return bounded(read_calendar(file.read()))


def read_calendar(content: bytes) -> Iterator[ReadRow]:
    """Yield facts and one row for each event; an event's day and times stand in its first cell as ISO 8601.

    Raises:
        Refused: it is no calendar, or has too many events.
    """
    try:
        calendars = Calendar.from_ical(content, multiple=True)
    except (ValueError, IndexError, KeyError) as error:
        raise Refused("no-calendar") from error
    events: list[Event] = []
    for calendar in calendars:
        name = calendar.get("X-WR-CALNAME")
        if name:
            yield fact("title", tidy(str(name)))
        events += _events(calendar)
    zones = Counter(zone for event in events if (zone := _zone(event)))
    named = next((str(calendar["X-WR-TIMEZONE"]) for calendar in calendars if calendar.get("X-WR-TIMEZONE")), "")
    zone = zones.most_common(1)[0][0] if zones else _known(named)
    if zone:
        yield fact("timezone", zone)
    yield ReadRow(0, "header", [ReadCell(name) for name in _NAMES], table=1)
    for number, event in enumerate(events, start=1):
        yield ReadRow(number, "cells", _cells(event, zone), table=1)


def _events(calendar: Calendar) -> list[Event]:
    single = [event for event in calendar.walk("VEVENT") if _moment(event, "DTSTART") is not None]
    if not single:
        return []
    first = min(_day(_moment(event, "DTSTART")) for event in single)
    last = max(_day(_moment(event, "DTSTART")) for event in single)
    events: list[Event] = []
    until = max(last + timedelta(days=1), first + _LONGEST)
    for event in recurring_ical_events.of(calendar, skip_bad_series=True).between(first - timedelta(days=1), until):
        events.append(event)
        if len(events) > MAX_EVENTS:
            raise Refused("too-many-events")
    return sorted(events, key=lambda event: (_sorting(_moment(event, "DTSTART")), str(event.get("SUMMARY", ""))))


def _moment(event: Component, name: str) -> Any:
    """Return the date, datetime or timedelta of a property; None where the event has none."""
    try:
        return getattr(event.get(name), "dt", None)
    except BrokenCalendarProperty:
        return None


def _day(moment: date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _sorting(moment: date) -> str:
    if isinstance(moment, datetime):
        return moment.astimezone(UTC).isoformat() if moment.tzinfo else moment.isoformat()
    return moment.isoformat()


def _known(name: str) -> str:
    name = WINDOWS_TO_OLSON.get(name.strip('"'), name.strip('"'))
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ""
    # UTC is how a calendar says moments, not where a course is held.
    return name if "/" in name and not name.startswith("Etc/") else ""


def _zone(event: Event) -> str:
    """Return the IANA name of an event's zone; Outlook names Windows' zones."""
    begin: Any = event["DTSTART"]
    named = _known(str(begin.params.get("TZID", "")))
    moment = _moment(event, "DTSTART")
    if named or not isinstance(moment, datetime) or not moment.tzinfo:
        return named
    return _known(str(getattr(moment.tzinfo, "key", "")))


def _cells(event: Event, zone: str) -> list[ReadCell]:
    begin, end = _moment(event, "DTSTART"), _moment(event, "DTEND")
    if end is None and _moment(event, "DURATION") is not None:
        end = begin + _moment(event, "DURATION")
    if end is not None and not isinstance(begin, datetime) and not isinstance(end, datetime):
        end -= timedelta(days=1)  # the day after the last (RFC 5545, 3.6.1)
    moment = ReadCell(_shown(begin, zone), begins=_iso(begin, zone), ends=_iso(end, zone) if end is not None else "")
    address = str(event.get("URL", "") or "")
    return [
        moment,
        ReadCell(tidy(str(event.get("SUMMARY", "") or ""))),
        ReadCell(tidy(str(event.get("LOCATION", "") or ""))),
        ReadCell(tidy(str(event.get("DESCRIPTION", "") or ""))),
        ReadCell("url" if address else "", [("url", address)] if address else []),
        ReadCell(str(event.get("STATUS", "") or "").lower()),
    ]


def _iso(moment: Any, zone: str) -> str:
    if not isinstance(moment, datetime):
        return str(moment.isoformat())
    if moment.tzinfo is None:
        return moment.isoformat(timespec="minutes")
    if zone:
        return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None).isoformat(timespec="minutes")
    return moment.astimezone(UTC).isoformat(timespec="minutes")


def _shown(moment: date, zone: str) -> str:
    return _iso(moment, zone).replace("T", " ")
