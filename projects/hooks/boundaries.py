"""When assignments and their files become visible by themselves."""

from collections.abc import Iterator
from datetime import datetime

from amls.courses.models import Course
from amls.pagecache.boundaries import boundaries
from projects.models import Assignment, Handout


@boundaries
def assignment_boundaries(course: Course, now: datetime) -> Iterator[datetime]:
    """Yield each `visible_from` that is still to come: 2 queries."""
    assignments = Assignment.objects.filter(course=course, visible_from__gt=now)
    handouts = Handout.objects.filter(assignment__course=course, visible_from__gt=now)
    for rows in (assignments, handouts):
        yield from rows.values_list("visible_from", flat=True)  # type: ignore[misc]
