"""When assignments and their files become visible by themselves."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from amls.pagecache.boundaries import COURSE, NOW, boundaries
from projects.models import Assignment, Handout


@boundaries
def assignment_boundaries() -> Iterator[QuerySet[Any, Any]]:
    """Yield each `visible_from` that is still to come."""
    yield Assignment.objects.filter(course=COURSE, visible_from__gt=NOW).values_list("visible_from")
    yield Handout.objects.filter(assignment__course=COURSE, visible_from__gt=NOW).values_list("visible_from")
