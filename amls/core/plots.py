"""Plots of bars, drawn on the server as SVG, with the same numbers as a table."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.translation import gettext as _

from amls.core.times import say_date, say_day

_LABEL, _BAR, _ROW = 64, 470, 26


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


def draw(
    name: str,
    rows: list[tuple[str, str, int]],
    *,
    title: str,
    column: str,
    unit: str,
    empty: str,
    label_width: int = _LABEL,
) -> Plot:
    """Return the plot of rows of (label, long label, number).

    Args:
        name: unique among the plots of a page.
        rows: in the order of the drawing, from the top.
        title: what the plot is of.
        column: the heading of the labels in the table.
        unit: what is counted.
        empty: what is said instead where every number is 0.
        label_width: the room of the labels, in the plot's own units.
    """
    top = max((value for _label, _title, value in rows), default=0) or 1
    bars = [
        Bar(label, long, value, index * _ROW + 2, round(value / top * _BAR))
        for index, (label, long, value) in enumerate(rows)
    ]
    return Plot(name, title, column, unit, empty, bars, label_width)


def by_week(
    name: str,
    counted: Iterable[tuple[date, int]],
    *,
    last: date,
    weeks: int,
    at_least: int | None = None,
    title: str,
    unit: str,
    empty: str,
) -> Plot:
    """Return the plot of numbers by day, summed up by week, Mondays to Sundays.

    Args:
        name: unique among the plots of a page.
        counted: days, each as often as one likes, with their numbers; those of other weeks are left out.
        last: a day of the last week.
        weeks: how many at most.
        at_least: how many in any case; older ones before the first that counts something are left out. None: all.
        title: what the plot is of.
        unit: what is counted.
        empty: what is said instead where every number is 0.
    """
    sums = dict.fromkeys(last_weeks(last, weeks=weeks), 0)
    for counted_on, number in counted:
        week = monday_of(counted_on)
        if week in sums:
            sums[week] += number
    shown = list(sums.items())
    while at_least is not None and len(shown) > at_least and not shown[0][1]:
        shown.pop(0)
    rows = [(say_date(monday), _("Week from %(day)s") % {"day": say_day(monday)}, total) for monday, total in shown]
    return draw(name, rows, title=title, column=_("Week from"), unit=unit, empty=empty)


def last_weeks(last: date, *, weeks: int) -> list[date]:
    """Return the Mondays of so many weeks, in order; the last is that of the given day."""
    return [monday_of(last) - timedelta(weeks=n) for n in range(weeks - 1, -1, -1)]


def monday_of(of: date) -> date:
    """Return the Monday of a day's week."""
    return of - timedelta(days=of.weekday())
