"""The instants at which a course's pages change by themselves, without any write."""

from collections.abc import Callable, Iterable
from datetime import datetime

from amls.core.clock import next_midnight
from amls.core.hooks import Hook
from amls.courses.models import Course

Boundaries = Callable[[Course, datetime], Iterable[datetime]]
# Instants after `now` at which a page would look different: starts, ends, openings, closings, `visible_from`, the
# expiry of tombstones.
boundaries: Hook[Boundaries] = Hook("boundaries in time")
OwnBoundaries = Callable[[int, datetime], Iterable[datetime]]
# The same of what only one person sees, by their enrolment's pk.
own_boundaries: Hook[OwnBoundaries] = Hook("boundaries in time of one person")


def next_boundary(course: Course, now: datetime) -> datetime:
    """Return until when a page rendered at `now` is right: the nearest boundary, local midnight at the latest."""
    later = (instant for source in boundaries for instant in source(course, now) if instant > now)
    return min([next_midnight(now, course.zone), *later])


def next_own_boundary(enrolment: int, now: datetime) -> datetime | None:
    """Return when what only this person sees of their course looks different next, or None."""
    return min(
        (instant for source in own_boundaries for instant in source(enrolment, now) if instant > now), default=None
    )
