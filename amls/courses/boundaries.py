"""The instants at which a course's pages change by themselves, without any write."""

from collections.abc import Callable, Iterable
from datetime import datetime

from amls.courses.models import Course
from amls.web.localtime import next_midnight

Boundaries = Callable[[Course, datetime], Iterable[datetime]]
_sources: list[Boundaries] = []


def boundaries(source: Boundaries) -> Boundaries:
    """Register, as a decorator, instants after `now` at which a page would look different.

    Starts, ends, openings, closings, `visible_from`, the expiry of tombstones.
    """
    _sources.append(source)
    return source


def next_boundary(course: Course, now: datetime) -> datetime:
    """Return until when a page rendered at `now` is right: the nearest boundary, local midnight at the latest."""
    later = (instant for source in _sources for instant in source(course, now) if instant > now)
    return min([next_midnight(now, course.zone), *later])
