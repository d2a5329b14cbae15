"""How a course is used: numbers for its staff, none of them about a person."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Max, Sum
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from amls.agenda.models import FeedToken
from amls.courses.models import Course
from amls.web.templatetags.amls import day
from lectures.models import Lecture, MaterialCount

# A calendar that has not asked for its feed for so long is no longer subscribed.
SUBSCRIBED_WITHIN = timedelta(days=30)
_WEEKS = 16
_LABEL, _BAR, _ROW, _WIDTH = 64, 470, 26, 640


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of a plot, with its geometry in the plot's own units."""

    label: str
    title: str
    value: int
    y: int
    width: int

    @property
    def text_y(self) -> int:
        """The baseline of its label."""
        return self.y + 17


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot of bars, drawn as SVG, with the same numbers as a table."""

    name: str
    title: str
    column: str
    unit: str
    empty: str
    bars: list[Bar]
    label_width: int = _LABEL

    @property
    def height(self) -> int:
        """Of the whole drawing."""
        return len(self.bars) * _ROW + 4

    @property
    def width(self) -> int:
        """Of the whole drawing."""
        return self.label_width + _BAR + 60

    @property
    def total(self) -> int:
        """The sum of its numbers."""
        return sum(bar.value for bar in self.bars)


def _plot(
    name: str,
    rows: list[tuple[str, str, int]],
    *,
    title: str,
    column: str,
    unit: str,
    empty: str,
    label_width: int = _LABEL,
) -> Plot:
    top = max((value for _label, _title, value in rows), default=0) or 1
    bars = [
        Bar(label, long, value, index * _ROW + 2, round(value / top * _BAR))
        for index, (label, long, value) in enumerate(rows)
    ]
    return Plot(name, title, column, unit, empty, bars, label_width)


def plots(course: Course, *, now: datetime) -> list[Plot]:
    """Return the plots of a course: downloads and watched recordings by lecture, uses by week, calendars by program."""
    return [*_by_lecture(course), _by_week(course, now=now), _by_client(course, now=now)]


def _by_lecture(course: Course) -> list[Plot]:
    lectures = list(Lecture.objects.filter(course=course).order_by("starts_at", "number", "pk"))
    sums = (
        MaterialCount.objects.filter(material__lecture__course=course)
        .values_list("material__lecture", "use")
        .annotate(total=Sum("count"))
        .order_by()
    )
    found = {(lecture, use): total for lecture, use, total in sums}

    def rows(use: str) -> list[tuple[str, str, int]]:
        return [(one.number or "–", str(one), found.get((one.pk, use), 0)) for one in lectures]

    return [
        _plot(
            "downloads", rows(MaterialCount.Use.DOWNLOADED), title=_("Downloads per lecture"), column=_("Lecture"),
            unit=_("Downloads"), empty=_("Nothing has been downloaded yet."),
        ),
        _plot(
            "watched", rows(MaterialCount.Use.WATCHED), title=_("Recordings watched"), column=_("Lecture"),
            unit=_("Times, half a minute or longer"), empty=_("No recording has been watched yet."),
        ),
    ]  # fmt: skip


def _by_week(course: Course, *, now: datetime) -> Plot:
    counts = MaterialCount.objects.filter(material__lecture__course=course)
    last = _last_day(counts.aggregate(newest=Max("day"))["newest"], now.astimezone(course.zone).date())
    first = _monday(last) - timedelta(weeks=_WEEKS - 1)
    weeks = {first + timedelta(weeks=n): 0 for n in range(_WEEKS)}
    sums = counts.filter(day__gte=first).values_list("day").annotate(total=Sum("count")).order_by()
    for used_on, total in sums:
        if _monday(used_on) in weeks:
            weeks[_monday(used_on)] += total
    rows = [
        (date_format(monday, "j M"), _("Week from %(day)s") % {"day": day(monday)}, total)
        for monday, total in weeks.items()
    ]
    return _plot(
        "weeks", rows, title=_("Downloads and recordings by week"), column=_("Week from"), unit=_("Uses"),
        empty=_("Nothing has been used yet."),
    )  # fmt: skip


def _last_day(newest: date | None, today: date) -> date:
    """Return on which day the plot ends: of a course that is long over, on the last day of its use."""
    return newest if newest is not None and newest < today - timedelta(weeks=_WEEKS) else today


def _monday(of: date) -> date:
    return of - timedelta(days=of.weekday())


def _by_client(course: Course, *, now: datetime) -> Plot:
    clients = FeedToken.objects.filter(
        enrolment__course=course, last_fetched_at__gt=now - SUBSCRIBED_WITHIN
    ).values_list("last_client", flat=True)
    counted = Counter(client or _("unknown") for client in clients)
    rows = [(name, name, count) for name, count in sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))]
    return _plot(
        "clients", rows, title=_("Personal calendars by program"), column=_("Program"), unit=_("Calendars"),
        empty=_("No personal calendar has been fetched within 30 days."), label_width=130,
    )  # fmt: skip
