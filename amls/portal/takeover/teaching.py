"""Where the days of a term lie in another one: in the same teaching weeks, on the same weekdays."""

from collections.abc import Collection, Iterable
from datetime import date, timedelta

WEEK = timedelta(weeks=1)


class TeachingWeeks:
    """By how many weeks each day of a term moves into another one.

    Each kind of session has its own pace, since a free Friday concerns only what is held on Fridays. Days without
    teaching of the old term are no teaching days which the new one would have to find room for.
    """

    def __init__(
        self,
        sessions: Iterable[tuple[str, date]],
        *,
        first: date,
        weeks: int,
        free: Collection[date],
        skip: Collection[date],
    ) -> None:
        """Move all sessions.

        Args:
            sessions: kinds and days of those of the old term.
            first: the Monday with which the old term begins.
            weeks: by which that Monday moves.
            free: days without teaching of the old term.
            skip: days without teaching of the new term.
        """
        self._weeks, self._free, self._skip = weeks, frozenset(free), frozenset(skip)
        self._sessions: dict[tuple[str, date], int] = {}
        last: dict[str, tuple[date, int]] = {}
        for kind, day in sorted(set(sessions), key=lambda session: session[1]):
            before, pace = last.get(kind, (first - timedelta(days=1), weeks))
            by = self._as_far_behind(day, before, pace)
            self._sessions[kind, day] = by
            last[kind] = day, by
        self._held = sorted((day, by) for (_kind, day), by in self._sessions.items())

    def _as_far_behind(self, day: date, before: date, pace: int) -> int:
        """Return by how many weeks a session moves that follows one on the day `before`, which moves by `pace`.

        It comes as many teaching days of its weekday later as it did. Where a break of the old term was never written
        down as free days that would count the new term's break on top: so it comes no later than with the same weeks
        between, unless that day itself is free.
        """
        weeks_between = -((before - day) // WEEK)
        teaching_days = sum(day - number * WEEK not in self._free for number in range(1, weeks_between)) + 1
        counted = day + (pace - weeks_between) * WEEK
        while teaching_days:
            counted += WEEK
            teaching_days -= counted not in self._skip
        same_gap = day + pace * WEEK
        while same_gap in self._skip:
            same_gap += WEEK
        return (min(counted, same_gap) - day) // WEEK

    def of_session(self, kind: str, day: date) -> int:
        """Return by how many weeks the sessions of a kind on a day move."""
        return self._sessions[kind, day]

    def of_day(self, day: date) -> int:
        """Return by how many weeks anything else of a day moves: with the sessions of its week, never to before one that it follows.

        In a week without sessions it keeps its distance to the session before it, as far as the one after it leaves
        room. What comes before the term moves as its beginning.
        """
        before = [(held, by) for held, by in self._held if held <= day]
        after = [(held, by) for held, by in self._held if held > day]
        around = before[-1:] + after[:1]
        same_week = [by for held, by in around if monday(held) == monday(day)]
        if not before and not same_week:
            return self._weeks
        by = same_week[0] if same_week else min(by for _held, by in around)
        earliest = max((held + pace * WEEK for held, pace in before), default=date.min)
        while day + by * WEEK < earliest:
            by += 1
        return by


def monday(day: date) -> date:
    """Return the first day of its week."""
    return day - timedelta(days=day.weekday())
