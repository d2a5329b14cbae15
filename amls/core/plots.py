"""Plots of bars, drawn on the server as SVG, with the same numbers as a table."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.translation import gettext as _

from amls.core.times import say_date, say_day

_LABEL, _ROW = 64, 26
# The room of a letter of a label, whatever the language: '23. September' is no shorter than it is.
_LETTER = 8
# Between columns, on each side, as a share of a column's room.
_GAP = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class PlotColumn:
    """Where a column stands in a plot and how high it is, in percent.

    Attributes:
        place: its number in the plot, from 0.
        share: of the height that there is, 0 to 1.
        slot: how much of the plot's width it has, in percent.
    """

    place: int
    share: float
    slot: float

    @property
    def x(self) -> float:
        """Where the column begins, from the left."""
        return round(self.slot * (self.place + _GAP), 3)

    @property
    def thickness(self) -> float:
        """How wide the column is."""
        return round(self.slot * (1 - 2 * _GAP), 3)

    @property
    def height(self) -> float:
        """How high the column is."""
        return round(100 * self.share, 3)

    @property
    def top(self) -> float:
        """Where the column begins, from the top."""
        return 100 - self.height


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar(PlotColumn):
    """One number of a plot: as a column, or as a row, in pixels and its length in percent.

    Attributes:
        title: the long label, for the table.
        is_marked: drawn in the other colour, such as what failed.
        before: the number that was there, where a change is previewed; None if nothing changes.
        before_share: of an outline that stands for it.
    """

    label: str
    title: str
    value: int
    is_marked: bool = False
    before: int | None = None
    before_share: float = 0

    @property
    def y(self) -> int:
        """Where the row begins, from the top."""
        return self.place * _ROW + 2

    @property
    def width(self) -> float:
        """How long the row is, in percent of the longest."""
        return round(100 * self.share, 1)

    @property
    def text_y(self) -> int:
        """The baseline of its label."""
        return self.y + 17

    @property
    def before_height(self) -> float:
        """How high the outline is."""
        return round(100 * self.before_share, 3)

    @property
    def before_top(self) -> float:
        """Where the outline begins, from the top."""
        return 100 - self.before_height


def bars_of(
    rows: Sequence[tuple[str, str, int]], *, before: Sequence[int] = (), marked: Collection[int] = ()
) -> list[Bar]:
    """Return the bars of rows of (label, long label, number), in their order.

    Args:
        rows: what is drawn.
        before: the numbers that were there before a change that is previewed.
        marked: the places of those that are drawn in the other colour.
    """
    top = max([*(value for _label, _title, value in rows), *before], default=0) or 1
    former: list[int | None] = [*before] if before else [None] * len(rows)
    return [
        Bar(
            label=label,
            title=title,
            value=value,
            place=place,
            share=value / top,
            slot=100 / len(rows),
            is_marked=place in marked,
            before=was if was != value else None,
            before_share=(was or 0) / top,
        )
        for place, ((label, title, value), was) in enumerate(zip(rows, former, strict=True))
    ]


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
        """The height of the whole drawing, in pixels."""
        return len(self.bars) * _ROW + 4

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
        label_width: the least room of the labels, in pixels; longer ones get what they need.
    """
    needed = max((len(label) for label, _title, _value in rows), default=0) * _LETTER + 12
    return Plot(name, title, column, unit, empty, bars_of(rows), max(label_width, needed))


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
    return [monday_of(last) - timedelta(weeks=back) for back in range(weeks - 1, -1, -1)]


def monday_of(of: date) -> date:
    """Return the Monday of a day's week."""
    return of - timedelta(days=of.weekday())
