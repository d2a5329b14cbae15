"""How a course is used: numbers for its staff, none of them about a person."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta

from django.db.models import Max, Sum
from django.utils.translation import gettext as _

from amls.agenda.fetches import OTHER
from amls.agenda.models import FeedToken, FeedUse
from amls.core.plots import Plot, by_week, draw, last_weeks
from amls.courses.models import Course
from lectures.models import MaterialCount
from lectures.queries import lectures_of

# A calendar that has not asked for its feed for so long is no longer subscribed.
SUBSCRIBED_WITHIN = timedelta(days=30)
_WEEKS = 16


def plots(course: Course, *, now: datetime) -> list[Plot]:
    """Return the plots of a course: downloads and watched recordings by lecture, uses by week, calendars by program."""
    return [*_by_lecture(course), _by_week(course, now=now), *_by_client(course, now=now)]


def _by_lecture(course: Course) -> list[Plot]:
    lectures = lectures_of(course)
    sums = (
        MaterialCount.objects.filter(material__lecture__course=course)
        .values_list("material__lecture", "use")
        .annotate(total=Sum("count"))
        .order_by()
    )
    totals = {(lecture, use): total for lecture, use, total in sums}

    def rows(use: str) -> list[tuple[str, str, int]]:
        return [
            (lecture.label or lecture.number or "–", str(lecture), totals.get((lecture.pk, use), 0))
            for lecture in lectures
        ]

    return [
        draw(
            "downloads", rows(MaterialCount.Use.DOWNLOADED), title=_("Downloads per lecture"), column=_("Lecture"),
            unit=_("Downloads"), empty=_("Nothing has been downloaded yet."),
        ),
        draw(
            "watched", rows(MaterialCount.Use.WATCHED), title=_("Recordings watched"), column=_("Lecture"),
            unit=_("Times, half a minute or longer"), empty=_("No recording has been watched yet."),
        ),
    ]  # fmt: skip


def _by_week(course: Course, *, now: datetime) -> Plot:
    counts = MaterialCount.objects.filter(material__lecture__course=course)
    last = _last_day(counts.aggregate(newest=Max("day"))["newest"], now.astimezone(course.zone).date())
    first = last_weeks(last, weeks=_WEEKS)[0]
    sums = counts.filter(day__gte=first).values_list("day").annotate(total=Sum("count")).order_by()
    return by_week(
        "weeks", sums, last=last, weeks=_WEEKS, title=_("Downloads and recordings by week"), unit=_("Uses"),
        empty=_("Nothing has been used yet."),
    )  # fmt: skip


def _last_day(newest: date | None, today: date) -> date:
    """Return on which day the plot ends: of a course that is long over, on the last day of its use."""
    return newest if newest is not None and newest < today - timedelta(weeks=_WEEKS) else today


def _by_client(course: Course, *, now: datetime) -> list[Plot]:
    own = FeedToken.objects.filter(enrolment__course=course, last_fetched_at__gt=now - SUBSCRIBED_WITHIN)
    counted = Counter(client or _("unknown") for client in own.values_list("last_client", flat=True))
    days = FeedUse.objects.filter(course=course, day__gt=(now - SUBSCRIBED_WITHIN).date())
    most = days.order_by().values_list("client").annotate(most=Max("count"))
    public = {_("unknown") if client == OTHER else client: count for client, count in most}
    return [
        draw(
            "clients", _ranked(counted), title=_("Personal calendars by program"), column=_("Program"),
            unit=_("Calendars"), empty=_("No personal calendar has been fetched within 30 days."), label_width=130,
        ),
        draw(
            "public-clients", _ranked(public), title=_("Calendars for everyone by program"), column=_("Program"),
            unit=_("Calendars, the most on one of 30 days"), label_width=130,
            empty=_("The calendar for everyone has not been fetched within 30 days."),
        ),
    ]  # fmt: skip


def _ranked(counted: Mapping[str, int]) -> list[tuple[str, str, int]]:
    return [(name, name, count) for name, count in sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))]
