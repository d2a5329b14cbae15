"""Reading what is held back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Count, Q

from amls.courses.models import Course

if TYPE_CHECKING:
    from amls.held.models import HeldAct  # noqa: F401


class HeldActQuerySet(models.QuerySet["HeldAct"]):
    """Acts that wait, or did."""

    def waiting(self) -> HeldActQuerySet:
        """Return those that are not done yet."""
        return self.filter(state="waiting")

    def waiting_in(self, course: Course, kind: str) -> HeldActQuerySet:
        """Return those of a kind that wait in a course, the next first, with who asked for them."""
        rows = self.waiting().filter(course=course, kind=kind).select_related("by", "course")
        return rows.order_by("apply_at", "pk")

    def count_waiting(self, courses: Sequence[Course]) -> dict[int, int]:
        """Return how many wait, by the keys of those of some courses where any do: 1 query."""
        rows = self.waiting().filter(course__in=courses).order_by("course").values_list("course")
        return dict(rows.annotate(count=Count("pk")))

    def free(self, now: datetime) -> HeldActQuerySet:
        """Return those that wait, and that no worker has."""
        return self.waiting().filter(Q(leased_until__isnull=True) | Q(leased_until__lte=now))

    def due(self, now: datetime) -> HeldActQuerySet:
        """Return those whose time has come, and that no worker has."""
        return self.free(now).filter(apply_at__lte=now)
