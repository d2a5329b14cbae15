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


def next_boundary(course: Course, now: datetime) -> datetime:
    """Return until when a page rendered at `now` is right: the nearest boundary, local midnight at the latest."""
    later = (instant for source in boundaries for instant in source(course, now) if instant > now)
    return min([next_midnight(now, course.zone), *later])
