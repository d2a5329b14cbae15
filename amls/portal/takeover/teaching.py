"""Where the days of a term lie in another one: on the same teaching days, counted from its beginning."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import date, timedelta
from itertools import count, pairwise

from django.utils.translation import gettext as _

from amls.core.times import say_day
from amls.core.violations import RuleViolation

WEEK, DAY = timedelta(weeks=1), timedelta(days=1)
# A kind of session that pauses for longer, or begins later, begins anew there: a block course stays on its weekdays.
_PAUSE = 4
_YEARS_OFF = 10


class TeachingWeeks:
    """To which days those of a term move in another one.

    Each kind of session has its own pace, since a free Friday concerns only what is held on Fridays. A kind held on
    several weekdays takes their days one after the other: after a free Monday its next session is on Wednesday. Days
    without teaching of the old term are no teaching days which the new one would have to find room for.
    """

    def __init__(
        self,
        sessions: Iterable[tuple[str, date]],
        *,
        first: date,
        weeks: int,
        free: Collection[date],
        skip: Collection[date],
        slots: Collection[tuple[str, int]] = (),
    ) -> None:
        """Move all sessions.

        Args:
            sessions: kinds and days of those of the old term.
            first: the Monday with which the old term begins.
            weeks: by which that Monday moves.
            free: days without teaching of the old term.
            skip: days without teaching of the new term.
            slots: kinds and weekdays of the weekly slots; weekdays on which a kind is often held count as well.
        """
        self.weeks, self._sessions, self._kinds = weeks, dict[tuple[str, date], date](), dict[str, _KindOfSession]()
        held: dict[str, list[date]] = {}
        for name, day in sorted(set(sessions)):
            held.setdefault(name, []).append(day)
        for name, days in held.items():
            declared = {weekday for kind, weekday in slots if kind == name}
            kind = _KindOfSession(days, _usual_weekdays(days, declared), first, weeks, frozenset(free), frozenset(skip))
            self._kinds[name] = kind
            self._sessions |= {(name, day): new for day, new in kind.moved.items()}
        self._held = sorted((day, new, name) for (name, day), new in self._sessions.items())

    def of_session(self, kind: str, day: date) -> date:
        """Return to which day the sessions of a kind on a day move."""
        return self._sessions[kind, day]

    def is_usual(self, kind: str, day: date) -> bool:
        """Return whether sessions of a kind are usually held on the weekday of a day."""
        return day.weekday() in self._kinds[kind].weekdays

    def left_empty(self) -> Iterator[tuple[str, list[date]]]:
        """Yield each kind of session with the days of the new term on which it could be held and is not.

        What is held every second week or less often, or pauses for long, leaves its days empty on purpose.
        """
        for name, kind in self._kinds.items():
            new = sorted(kind.moved.values()) if kind.weekdays else []
            empty = [day for earlier, later in pairwise(new) for day in kind.new.between(earlier, later)]
            if empty and len(empty) * 3 <= len(new):
                yield name, empty

    def of_day(self, day: date) -> int:
        """Return by how many weeks anything else of a day moves: with the sessions of its week, never to before one that it follows.

        In a week without sessions it keeps its distance to the last session of each kind before it, as far as the
        session after it leaves room. What comes before the term moves as its beginning.
        """
        before = [(held, new, name) for held, new, name in self._held if held <= day]
        after = next(((held, new) for held, new, _name in self._held if held > day), None)
        same_week = [_weeks(held, new) for held, new, _name in self._held if monday(held) == monday(day)]
        if not before and not same_week:
            return self.weeks
        last = {name: _weeks(held, new) for held, new, name in before}
        by = same_week[0] if same_week else max(last.values())
        if after and not same_week:
            while by > _weeks(*after) and day + by * WEEK > after[1]:
                by -= 1
        earliest = max((new for _held, new, _name in before), default=date.min)
        while day + by * WEEK < earliest:
            by += 1
        return by


class _KindOfSession:
    """One kind of session: on which weekdays it is usual, and where each day on which it was held moves."""

    def __init__(
        self, days: list[date], weekdays: Collection[int], first: date, weeks: int, free: Collection[date],
        skip: Collection[date],
    ) -> None:  # fmt: skip
        self.weekdays, self._weeks, self._skip = frozenset(weekdays), weeks, skip
        # A session on a free day of the old term is one all the same.
        self.old = _TeachingDays(first, self.weekdays, frozenset(free) - frozenset(days))
        self.new = _TeachingDays(first + weeks * WEEK, self.weekdays, skip)
        self.moved: dict[date, date] = {}
        last: tuple[date, date] | None = None
        for day in days:
            new = self._moved(day, last)
            self.moved[day], last = new, (day, new)

    def _moved(self, day: date, last: tuple[date, date] | None) -> date:
        """Return where a day moves: as many teaching days after the one before it as it was.

        Where a break of the old term was never written down as free days, that would count the new term's break on
        top: so it comes no later than with the same time between, unless that day itself is free.
        """
        pace = _weeks(*last) if last else self._weeks
        same_gap = day + pace * WEEK
        if not self.weekdays:
            return self._first_free(same_gap, last)
        at, before = self.old.upto(day), self.old.upto(last[0]) if last else -1
        counted = self.new.upto(last[1]) + at - before if last else at
        if at - before > _PAUSE * len(self.weekdays) or counted < 0 or at < 0:
            return self._first_free(same_gap, last)
        if day.weekday() not in self.weekdays:
            by = _weeks(self.old[at], self.new[counted])
            return self._first_free(min(day + by * WEEK, same_gap), last)
        return min(self.new[counted], self.new.from_day(last[1] + (day - last[0]) if last else same_gap))

    def _first_free(self, day: date, last: tuple[date, date] | None) -> date:
        while day in self._skip or (last and day <= last[1]):
            day += WEEK
        return day


class _TeachingDays:
    """Days of some weekdays since a first one, without those that are left out; as many as are asked for."""

    def __init__(self, first: date, weekdays: Collection[int], without: Collection[date]) -> None:
        self._all = (
            day
            for number in count()
            if (day := first + number * DAY).weekday() in weekdays and day not in without
        )  # fmt: skip
        self._known: list[date] = []

    def __getitem__(self, number: int) -> date:
        while len(self._known) <= number:
            self._known.append(next(self._all))
        return self._known[number]

    def upto(self, day: date) -> int:
        """Return the number of the last one that is not after a day; -1 before the first one."""
        while self[-1 if self._known else 0] <= day:
            self._known.append(next(self._all))
        return bisect_right(self._known, day) - 1

    def from_day(self, day: date) -> date:
        """Return the first one that is not before a day."""
        return self[self.upto(day - DAY) + 1]

    def between(self, earlier: date, later: date) -> list[date]:
        """Return those after one day and before another."""
        return self._known[self.upto(earlier) + 1 : self.upto(later - DAY) + 1]


def _usual_weekdays(days: Collection[date], declared: Collection[int]) -> set[int]:
    """Return the weekdays on which something is held that was held on some days: not those of single exceptions."""
    held = Counter(day.weekday() for day in days)
    often = max(2, max(held.values()) / 3)
    return {weekday for weekday, times in held.items() if times >= often or weekday in declared}


def _weeks(old: date, new: date) -> int:
    return (monday(new) - monday(old)) // WEEK


def check_start(start: date, today: date) -> None:
    """Refuse a term that begins more than ten years from today: a year with a slip in it.

    Raises:
        RuleViolation: it is so far off.
    """
    if abs(start.year - today.year) > _YEARS_OFF:
        why = _("The term can't begin on %(day)s, more than ten years from now. Look at the year.")
        raise RuleViolation(why % {"day": start.isoformat()}, "start")


def beside_the_old(start: date, first: date, last: date) -> str:
    """Return what is to be looked at where a new term does not begin after the old one; '' where it does.

    Args:
        start: a day of the first teaching week of the new term.
        first: day of the old term.
        last: day of the old term.
    """
    if monday(start) == monday(first):
        why = _("This is the term in which the course was held already: it began on %(first)s. Look at the year.")
    elif start < first:
        why = _("The new term lies before the old one, which began on %(first)s. Look at the year.")
    elif start <= last:
        why = _("The new term begins before the old one ends, on %(last)s. Look at the day.")
    else:
        return ""
    return why % {"first": say_day(first), "last": say_day(last)}


def monday(day: date) -> date:
    """Return the first day of its week."""
    return day - timedelta(days=day.weekday())
