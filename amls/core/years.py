"""Years that no calendar has, asked of the database: nothing is in them, instead of a fault of the server.

Django turns `…__year=` into bounds as dates, which only reach from year 1 to 9999; of whole numbers that are too
large for a column it sees to that by itself.
"""

from datetime import MAXYEAR, MINYEAR
from typing import TYPE_CHECKING, Any

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db.models.functions import ExtractIsoYear, ExtractYear
from django.db.models.lookups import Lookup, YearExact, YearGt, YearGte, YearLt, YearLte

if TYPE_CHECKING:
    _Lookup = Lookup[int]
else:
    _Lookup = object


class _CalendarYears(_Lookup):
    """What a comparison with a year comes to where no date has that year."""

    holds_below = holds_above = False

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        """Compare, unless the answer is known.

        Raises:
            EmptyResultSet: nothing is in such a year.
            FullResultSet: everything is before or after it.
        """
        if self.rhs_is_direct_value() and not MINYEAR <= self.rhs <= MAXYEAR:
            holds = self.holds_below if self.rhs < MINYEAR else self.holds_above
            raise FullResultSet if holds else EmptyResultSet
        return super().as_sql(compiler, connection)


class _Exact(_CalendarYears, YearExact):
    """In a year."""


class _After(_CalendarYears, YearGt):
    """After a year."""

    holds_below = True


class _Since(_CalendarYears, YearGte):
    """In a year or after it."""

    holds_below = True


class _Before(_CalendarYears, YearLt):
    """Before a year."""

    holds_above = True


class _Until(_CalendarYears, YearLte):
    """In a year or before it."""

    holds_above = True


def use_calendar_years() -> None:
    """Let every comparison with a year know the years of the calendar."""
    for part in (ExtractYear, ExtractIsoYear):
        for lookup in (_Exact, _After, _Since, _Before, _Until):
            part.register_lookup(lookup)
