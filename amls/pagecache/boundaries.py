"""The instants at which a course's pages change by themselves, without any write."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache
from typing import Any

from django.db.models import DateTimeField, QuerySet

from amls.core.clock import next_midnight
from amls.core.hooks import Hook
from amls.core.statements import Parameter, Statement
from amls.courses.models import Course

COURSE, ENROLMENT, NOW = Parameter("course"), Parameter("enrolment"), Parameter("now", DateTimeField())
# Makes querysets of one column of instants, or nulls, at which a page of `COURSE` looks different: starts, ends, openings,
# closings, `visible_from`, the expiry of tombstones. What is over by `NOW` may be among them.
Boundaries = Callable[[], Iterable[QuerySet[Any, Any]]]
boundaries: Hook[Boundaries] = Hook("boundaries in time")
# The same of what only one person sees, whose place in the course is `ENROLMENT`.
own_boundaries: Hook[Boundaries] = Hook("boundaries in time of one person")


def next_boundary(course: Course, now: datetime) -> datetime:
    """Return until when a page rendered at `now` is right: the nearest boundary, local midnight at the latest; 1 query."""
    midnight = next_midnight(now, course.zone)
    return min(midnight, _next(tuple(boundaries), now, course=course.pk) or midnight)


def next_own_boundary(enrolment: int, now: datetime) -> datetime | None:
    """Return when what only this person sees of their course looks different next, or None; 1 query."""
    return _next(tuple(own_boundaries), now, enrolment=enrolment)


def _next(sources: tuple[Boundaries, ...], now: datetime, **given: int) -> datetime | None:
    instants = _instants_of(sources).run({**given, "now": now})
    return min((instant for (instant,) in instants if instant is not None and instant > now), default=None)


@cache
def _instants_of(sources: tuple[Boundaries, ...]) -> Statement:
    first, *others = (rows.order_by() for source in sources for rows in source())
    return Statement.of(first.union(*others, all=True) if others else first)
