"""The days without class of a new term: what those of the old one are called, and on which days they lie anew."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from django.utils.translation import gettext as _

from amls.core.text import say_some
from amls.core.times import say_day
from amls.portal.takeover.spec import FreeDaySpec

_DAY = timedelta(days=1)
# So many are named in one line; the others are counted.
_NAMED = 6
# Holidays of German-speaking countries that lie on one date each year, by month and day …
_FIXED = {
    (1, 1), (1, 2), (1, 6), (3, 8), (5, 1), (8, 1), (8, 15), (9, 20), (10, 3), (10, 26), (10, 31), (11, 1), (12, 8),
    (12, 24), (12, 25), (12, 26), (12, 31),
}  # fmt: skip
# … and so many days after Easter Sunday: Maundy Thursday to Easter Monday, Ascension Day, Whitsun, Corpus Christi.
_AFTER_EASTER = {-3, -2, -1, 0, 1, 39, 49, 50, 60}


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the days without class of an old term say of a new one.

    Attributes:
        days: those whose dates in the new term follow from the calendar, to be confirmed.
        left: those that lie elsewhere each year, as they were.
    """

    days: tuple[FreeDaySpec, ...]
    left: tuple[FreeDaySpec, ...]


def proposed(old: Iterable[FreeDaySpec], *, first: date, last: date) -> Proposal:
    """Return which days without class of an old term lie where in a new one that has these days."""
    days, left = dict[tuple[date, date | None], FreeDaySpec](), []
    for free_day in old:
        anew = list(_anew(free_day, first, last))
        if not anew and not _is_known(free_day):
            left.append(free_day)
        days |= {(day.date, day.last): day for day in anew}
    return Proposal(tuple(days[key] for key in sorted(days, key=lambda key: key[0])), tuple(left))


def _is_known(free_day: FreeDaySpec) -> bool:
    return all(_is_fixed(day) or _after_easter(day) in _AFTER_EASTER for day in _ends(free_day))


def _anew(free_day: FreeDaySpec, first: date, last: date) -> Iterator[FreeDaySpec]:
    """Yield a day without class in each year of the new term in which it lies there."""
    begins, ends = _ends(free_day)
    for year in range(first.year, last.year + 1):
        if _is_fixed(begins) and _is_fixed(ends):
            new = date(year, begins.month, begins.day)
            until = date(year + ends.year - begins.year, ends.month, ends.day)
        elif {_after_easter(begins), _after_easter(ends)} <= _AFTER_EASTER:
            new, until = (easter(year) + _after_easter(day) * _DAY for day in (begins, ends))
        else:
            return
        if first <= new and until <= last:
            yield replace(free_day, date=new, last=until if free_day.last else None)


def _ends(free_day: FreeDaySpec) -> tuple[date, date]:
    return free_day.date, free_day.last or free_day.date


def _is_fixed(day: date) -> bool:
    return (day.month, day.day) in _FIXED


def _after_easter(day: date) -> int:
    return (day - easter(day.year)).days


def easter(year: int) -> date:
    """Return Easter Sunday of a year in the Gregorian calendar (the 'anonymous' algorithm, Nature, 20 April 1876)."""
    century, rest = divmod(year, 100)
    golden = year % 19
    moon = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    to_sunday = (32 + 2 * (century % 4) + 2 * (rest // 4) - moon - rest % 4) % 7
    month, day = divmod(moon + to_sunday - 7 * ((golden + 11 * moon + 22 * to_sunday) // 451) + 114, 31)
    return date(year, month, day + 1)


def days_of(free_days: Iterable[FreeDaySpec]) -> dict[date, str]:
    """Return each single day of days without class, with why."""
    return {
        begins + number * _DAY: free_day.title
        for free_day in free_days
        for begins, ends in (_ends(free_day),)
        for number in range((ends - begins).days + 1)
    }


def as_free_days(days: Collection[date], names: Mapping[date, str]) -> tuple[FreeDaySpec, ...]:
    """Return single days as days without class; those that follow each other under one name are one."""
    free_days: list[FreeDaySpec] = []
    for day in sorted(set(days)):
        name, before = names.get(day, ""), free_days[-1] if free_days else None
        if before and _ends(before)[1] + _DAY == day and before.title == name:
            free_days[-1] = replace(before, last=day)
        else:
            free_days.append(FreeDaySpec(date=day, title=name))
    return tuple(free_days)


def as_lines(free_days: Iterable[FreeDaySpec], *, but: Collection[date] = ()) -> list[str]:
    """Return days without class as somebody may type them, one to a line, without those whose days are all typed already."""
    return [
        f"{day.date.isoformat()}{f' – {day.last.isoformat()}' if day.last else ''} {day.title}".strip()
        for day in free_days
        if not set(days_of([day])) <= set(but)
    ]


def said(free_days: Iterable[FreeDaySpec]) -> str:
    """Return days without class in words, such as 'Christmas (Mon 21 Dec 2026 – Sat 2 Jan 2027)'."""
    return say_some([_said(day) for day in free_days], most=_NAMED)


def _said(free_day: FreeDaySpec) -> str:
    days = " – ".join(say_day(day) for day in dict.fromkeys(_ends(free_day)))
    return f"{free_day.title} ({days})" if free_day.title else days


def not_in_the_new(old: Collection[FreeDaySpec], new: Collection[FreeDaySpec], *, first: date, last: date) -> list[str]:
    """Return the line that names days without class of an old term which the new one doesn't have, if there are any."""
    proposal = proposed(old, first=first, last=last)
    names, days = {day.title.casefold() for day in new}, set(days_of(new))
    missing = [day for day in proposal.days if not set(days_of([day])) <= days]
    # One without a name is found again under none.
    missing += [day for day in proposal.left if (day.title.casefold() not in names if day.title else not new)]
    if not missing:
        return []
    why = _("Days without teaching of the old term that the new one doesn't have: %(days)s. Enter those that are free.")
    return [why % {"days": said(missing)}]
