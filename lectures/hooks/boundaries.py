"""When materials become visible by themselves."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from amls.pagecache.boundaries import COURSE, NOW, boundaries
from lectures.models import Material


@boundaries
def material_boundaries() -> Iterator[QuerySet[Any, Any]]:
    """Yield each `visible_from` that is still to come."""
    yield Material.objects.filter(lecture__course=COURSE, visible_from__gt=NOW).values_list("visible_from")
