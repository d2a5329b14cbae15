"""iCalendar files (RFC 5545, 7986) from the ledger, the same bytes for the same rows."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from icalendar import (
    Alarm,
    Calendar,
    Event,
    Timezone,
    TimezoneDaylight,
    TimezoneStandard,
    vDDDTypes,
    vRecur,
    vText,
    vUri,
)

from amls.agenda.models import AgendaItem, ItemKind, Status, absolute
from amls.courses.models import Course, Mode

REFRESH = timedelta(hours=1)
CONTENT_TYPE = "text/calendar; charset=utf-8"
# Kinds that take no time of their own: they leave the calendar free.
_MARKERS = {ItemKind.DEADLINE, ItemKind.OPENING}


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """One event of a feed: a row, and the person's variant of it where there is one."""

    base: AgendaItem
    variant: AgendaItem | None = None

    @property
    def row(self) -> AgendaItem:
        """What is shown: the variant, unless it is revoked or the base item was cancelled."""
        if self.variant is None or self.variant.is_removed or self.base.is_removed:
            return self.base
        return self.variant

    @property
    def sequence(self) -> int:
        """The SEQUENCE: rises with every change of either row and never falls."""
        return self.base.sequence + (self.variant.sequence if self.variant else 0)

    @property
    def changed_at(self) -> datetime:
        """When what is shown last changed: DTSTAMP and LAST-MODIFIED."""
        return max(self.base.changed_at, self.variant.changed_at) if self.variant else self.base.changed_at


def render_feed(
    course: Course,
    entries: Iterable[FeedEvent],
    *,
    name: str,
    source: str,
    shows_call_in: bool,
    with_refresh: bool = True,
    names_course: bool = False,
    alarm: timedelta | None = None,
) -> bytes:
    """Return a feed as bytes.

    Args:
        course: gives zone, language and address.
        entries: in the order in which they are to stand.
        name: of the calendar.
        source: the absolute address of this very feed.
        shows_call_in: whether it is for enrolled people; else only links open to everyone appear.
        with_refresh: False for a single event that nobody polls.
        names_course: whether each title says whose it is, as for somebody who has several courses in one calendar.
        alarm: how long before each event the calendar is to speak up; None: not at all.
    """
    with translation.override(course.language):
        calendar = Calendar()
        calendar.add("version", "2.0")
        calendar.add("prodid", "-//AMLS//Course calendar//EN")
        calendar.add("calscale", "GREGORIAN")
        calendar.add("name", name)
        calendar.add("x-wr-calname", name)
        calendar.add("x-wr-timezone", course.timezone)
        if with_refresh:
            refresh = vDDDTypes(REFRESH)
            refresh.params["VALUE"] = "DURATION"
            calendar.add("refresh-interval", refresh)
            calendar.add("x-published-ttl", vText("PT1H"))
            address = vUri(source)
            address.params["VALUE"] = "URI"
            calendar.add("source", address)
        calendar.add("url", vUri(f"{settings.SITE_URL}{course.get_absolute_url()}"))
        zone_rules = vtimezone(course.zone)
        if zone_rules is not None:
            calendar.add_component(zone_rules)
        for entry in entries:
            event = _event(course, entry, shows_call_in=shows_call_in, in_zone=zone_rules is not None)
            if names_course:
                event["summary"] = vText(f"{event['summary']} · {course.title}")
            if alarm is not None and not (entry.row.is_cancelled or entry.row.is_done or entry.row.is_all_day):
                event.add_component(_alarm(entry.row, alarm, str(event["summary"])))
            calendar.add_component(event)
        return bytes(calendar.to_ical())


def _event(course: Course, entry: FeedEvent, *, shows_call_in: bool, in_zone: bool) -> Event:
    row = entry.row
    is_cancelled = row.status == Status.CANCELLED
    event = Event()
    event.add("uid", f"{entry.base.uid}@{settings.SITE_HOST}")
    event.add("dtstamp", _whole(entry.changed_at))
    event.add("last-modified", _whole(entry.changed_at))
    event.add("created", _whole(entry.base.created_at))
    event.add("sequence", entry.sequence)
    event.add("status", "CANCELLED" if is_cancelled else "CONFIRMED")
    event.add("summary", _summary(row, is_cancelled=is_cancelled))
    if row.is_all_day:
        # Dates, of which the end is the day after the last (RFC 5545, 3.6.1).
        event.add("dtstart", row.starts_at.astimezone(course.zone).date())
        event.add("dtend", row.ends_at.astimezone(course.zone).date())
    else:
        zone = course.zone if in_zone else UTC
        event.add("dtstart", row.starts_at.astimezone(zone))
        event.add("dtend", row.ends_at.astimezone(zone))
    call_in = row.call_in if shows_call_in or row.is_call_in_public else ""
    where = _where(row)
    if where:
        event.add("location", where)
    url = absolute(row.path)
    by = [_("With: %(names)s") % {"names": row.conducted_by}] if row.conducted_by else []
    lines = [str(course), *by, *_notes(row, call_in), url]
    event.add("description", "\n".join(line for line in lines if line))
    event.add("categories", [str(ItemKind(row.kind).label)])
    if url:
        event.add("url", vUri(url))
    if call_in:
        conference = vUri(call_in)
        conference.params["VALUE"] = "URI"
        conference.params["FEATURE"] = "VIDEO"
        conference.params["LABEL"] = _("Call-in link")
        event.add("conference", conference)
    event.add("transp", "TRANSPARENT" if row.kind in _MARKERS or row.is_all_day or is_cancelled else "OPAQUE")
    return event


def _alarm(row: AgendaItem, before: timedelta, said: str) -> Alarm:
    """Return the alarm of an event (RFC 5545, 3.6.6): before what is due the end counts, else the beginning."""
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", said)
    alarm.add("trigger", -before)
    if row.kind == ItemKind.DEADLINE:
        alarm["trigger"].params["RELATED"] = "END"
    return alarm


def _whole(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(microsecond=0)


def _summary(row: AgendaItem, *, is_cancelled: bool) -> str:
    if is_cancelled:
        return _("Cancelled: %(title)s") % {"title": row.title}
    if row.is_time_open:
        return _("%(title)s (time open)") % {"title": row.title}
    return f"✓ {row.title}" if row.is_done else row.title


def _where(row: AgendaItem) -> vText | None:
    words = [row.place] if row.place else []
    if row.mode in (Mode.HYBRID, Mode.VIRTUAL):
        words.append(_("online"))
    return vText(", ".join(words)) if words else None


def _notes(row: AgendaItem, call_in: str) -> list[str]:
    if call_in:
        return [_("Call-in: %(link)s") % {"link": call_in}]
    if row.call_in:
        return [_("The call-in link stands on the course's page once you have signed in.")]
    return []


def vtimezone(zone: ZoneInfo) -> Timezone | None:
    """Return a VTIMEZONE made of rules, or None where the zone has no yearly rules to state.

    Rules, not lists of dates: some clients misread RDATE observances by an hour. They are
    derived from the zone's own changes, and given only if they hold for every year from
    2000 to 2037; for any other zone events are written in UTC.
    """
    observances = _observances(zone)
    if observances is None:
        return None
    component = Timezone()
    component.add("tzid", zone.key)
    for observance in observances:
        component.add_component(observance)
    return component


# Where the present rules began, as RFC 5545's clients expect it; derived zones begin in 2000.
_KNOWN_STARTS = {
    "Europe/Berlin": (datetime(1981, 3, 29, 2), datetime(1996, 10, 27, 3)),
}
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_YEARS = range(2010, 2038)


def _observances(zone: ZoneInfo) -> list[TimezoneDaylight | TimezoneStandard] | None:
    changes = {year: _changes(zone, year) for year in _YEARS}
    if not any(changes.values()):
        return [_fixed(zone)]
    if any(len(yearly) != 2 for yearly in changes.values()):
        return None
    rules = []
    for index in range(2):
        yearly = [changes[year][index] for year in _YEARS]
        rule = _rule(yearly)
        if rule is None or len({(change.before, change.after, change.name) for change in yearly}) != 1:
            return None
        rules.append(_observance(zone, yearly[0], rule))
    return rules


@dataclass(frozen=True, slots=True)
class _ClockChange:
    """A change of the clock: local time before it, offsets, and whether summer begins."""

    local: datetime
    before: timedelta
    after: timedelta
    name: str
    is_summer: bool


def _changes(zone: ZoneInfo, year: int) -> list[_ClockChange]:
    changes = []
    hour = timedelta(hours=1)
    moment = datetime(year, 1, 1, tzinfo=UTC)
    offset = moment.astimezone(zone).utcoffset()
    while moment.year == year:
        following = moment + timedelta(days=1)
        if following.astimezone(zone).utcoffset() != offset:
            while (moment + hour).astimezone(zone).utcoffset() == offset:
                moment += hour
            exact = moment + hour
            before, local = offset or timedelta(), exact.astimezone(zone)
            after = local.utcoffset() or timedelta()
            naive = (exact + before).replace(tzinfo=None)
            changes.append(_ClockChange(naive, before, after, local.tzname() or "", bool(local.dst())))
            offset = after
        moment = following
    return changes


def _rule(yearly: list[_ClockChange]) -> vRecur | None:
    months, times = {change.local.month for change in yearly}, {change.local.time() for change in yearly}
    weekdays = {change.local.weekday() for change in yearly}
    if len(months) != 1 or len(times) != 1 or len(weekdays) != 1:
        return None
    nth = {(change.local.day - 1) // 7 + 1 for change in yearly}
    is_last = all((change.local + timedelta(days=7)).month != change.local.month for change in yearly)
    if is_last:
        position = -1
    elif len(nth) == 1:
        position = nth.pop()
    else:
        return None
    weekday = _WEEKDAYS[weekdays.pop()]
    return vRecur({"FREQ": "YEARLY", "BYDAY": f"{position}{weekday}", "BYMONTH": months.pop()})


def _observance(zone: ZoneInfo, change: _ClockChange, rule: vRecur) -> TimezoneDaylight | TimezoneStandard:
    observance = TimezoneDaylight() if change.is_summer else TimezoneStandard()
    known = _KNOWN_STARTS.get(zone.key)
    start = known[0 if change.is_summer else 1] if known else change.local
    observance.add("dtstart", start)
    observance.add("rrule", rule)
    observance.add("tzoffsetfrom", change.before)
    observance.add("tzoffsetto", change.after)
    observance.add("tzname", change.name)
    return observance


def _fixed(zone: ZoneInfo) -> TimezoneStandard:
    moment = datetime(_YEARS.start, 1, 1, tzinfo=UTC).astimezone(zone)
    observance = TimezoneStandard()
    observance.add("dtstart", datetime(1970, 1, 1))
    observance.add("tzoffsetfrom", moment.utcoffset())
    observance.add("tzoffsetto", moment.utcoffset())
    observance.add("tzname", moment.tzname() or zone.key)
    return observance
