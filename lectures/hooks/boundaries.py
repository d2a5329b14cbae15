"""When materials become visible by themselves."""

from collections.abc import Iterator
from datetime import datetime

from amls.courses.models import Course
from amls.pagecache.boundaries import boundaries
from lectures.models import Material


@boundaries
def material_boundaries(course: Course, now: datetime) -> Iterator[datetime]:
    """Yield each `visible_from` that is still to come."""
    later = Material.objects.filter(lecture__course=course, visible_from__gt=now)
    for moment in later.values_list("visible_from", flat=True):
        if moment is not None:
            yield moment
