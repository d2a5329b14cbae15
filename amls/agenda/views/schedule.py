"""Every dated item of a course, as list or month."""

import calendar
from collections import defaultdict
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, datetime, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from amls.agenda.feeds import present_items
from amls.agenda.models import SESSIONS, AgendaItem, ItemKind
from amls.agenda.sources import registry
from amls.core.request import htmx_of
from amls.courses.access import Access, open_course
from amls.courses.models import Course
from amls.pagecache.parts import Shared
from amls.pagecache.signed_in import kept_for_reader
from amls.pagecache.store import cacheable

# What every course may be filtered by; other kinds only where a course has them.
_USUAL = {ItemKind.LECTURE, ItemKind.OFFICE_HOUR, ItemKind.DEADLINE, ItemKind.OPENING, ItemKind.EXAM}


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the month's grid."""

    date: date
    is_in_month: bool
    is_today: bool
    items: list[AgendaItem]


@require_safe
@kept_for_reader
def schedule(request: HttpRequest, slug: str) -> HttpResponse:
    """The schedule; `?view=month&month=2024-05` shows a month, `?kind=lecture` only one kind."""
    access = open_course(request, slug, own=["feed_token"])
    kind = request.GET.get("kind", "")
    kind = kind if kind in ItemKind.values else ""
    everything = present_items(access.course, access.enrolment, now=access.now)
    items = [item for item in everything if not kind or item.kind == kind]
    is_month = request.GET.get("view") == "month"
    context = {
        "access": access,
        "shared": Shared(access),
        "course": access.course,
        "kind": kind,
        "kind_name": ItemKind(kind).label if kind else "",
        "kinds": _kinds_among(everything),
        "is_month": is_month,
        "tab": "schedule",
    }
    if is_month:
        context |= _month_context(request.GET.get("month", ""), items, access)
    else:
        undated = [entry for undated_of in registry.undated for entry in undated_of(access.course)]
        over, coming = _around_today(items, access)
        context |= {
            "over": _by_month(over, access),
            "over_count": len(over),
            "months": _by_month(coming, access),
            "undated": [entry for entry in undated if not kind or entry.kind == kind],
        }
    part = bool(htmx_of(request))
    response = render(request, "agenda/_schedule.html" if part else "agenda/schedule.html", context)
    patch_vary_headers(response, ["HX-Request"])
    if request.user.is_authenticated:
        return response
    return cacheable(response, course=access.course, now=access.now)


def _kinds_among(items: list[AgendaItem]) -> list[tuple[str, str]]:
    """Return the kinds to choose from: the usual ones, and of the others those that the course has."""
    there = {item.kind for item in items}
    return [(kind.value, str(kind.label)) for kind in ItemKind if kind in _USUAL or kind in there]


def _local_day(moment: datetime, access: Access) -> date:
    return moment.astimezone(access.course.zone).date()


def _around_today(items: list[AgendaItem], access: Access) -> tuple[list[AgendaItem], list[AgendaItem]]:
    """Return what ended before today, which is folded, and the rest; of a course that is over nothing is folded."""
    today = _local_day(access.now, access)
    over: list[AgendaItem] = []
    coming: list[AgendaItem] = []
    for item in items:
        (over if _local_day(item.last_moment, access) < today else coming).append(item)
    return (over, coming) if coming else ([], over)


def _by_month(items: list[AgendaItem], access: Access) -> list[tuple[date, list[AgendaItem]]]:
    months: dict[date, list[AgendaItem]] = defaultdict(list)
    for item in items:
        months[_local_day(item.moment, access).replace(day=1)].append(item)
    return sorted(months.items())


def _month_context(asked: str, items: list[AgendaItem], access: Access) -> dict[str, object]:
    today = _local_day(access.now, access)
    days: dict[date, list[AgendaItem]] = defaultdict(list)
    for item in items:
        for day in _days_of(item, access):
            days[day].append(item)
    first = _first_of(asked) or _month_to_open(items, sorted(days), access)
    weeks = [
        [Day(day, day.month == first.month, day == today, days.get(day, [])) for day in week]
        for week in calendar.Calendar().monthdatescalendar(first.year, first.month)
    ]
    busy = sorted({day.replace(day=1) for day in days})
    return {
        "month": first,
        "weeks": weeks,
        "earlier": max((month for month in busy if month < first), default=None),
        "later": min((month for month in busy if month > first), default=None),
    }


def _days_of(item: AgendaItem, access: Access) -> list[date]:
    """Return the days on which the month shows an item: days without class on each, all else where it matters."""
    first = _local_day(item.moment, access)
    if not item.is_all_day:
        return [first]
    return [first + timedelta(days=number) for number in range((_local_day(item.last_moment, access) - first).days + 1)]


def _first_of(asked: str) -> date | None:
    try:
        first = date.fromisoformat(f"{asked}-01")
    except ValueError:
        return None
    # The weeks of the first and the last month of all reach beyond what a date can say.
    return first if MINYEAR < first.year < MAXYEAR else None


def _month_to_open(items: list[AgendaItem], days: list[date], access: Access) -> date:
    """Return the month in which the course is: this one, else the next with something in it, else the last one.

    A course that is archived opens where it began.
    """
    today = _local_day(access.now, access)
    if not days:
        return today.replace(day=1)
    if access.course.state == Course.State.ARCHIVED:
        sessions = [_local_day(item.moment, access) for item in items if item.kind in SESSIONS]
        return min(sessions or days).replace(day=1)
    months = sorted({day.replace(day=1) for day in days})
    return next((month for month in months if month >= today.replace(day=1)), months[-1])
