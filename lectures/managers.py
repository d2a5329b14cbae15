"""Reading lectures and materials."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from amls.courses.models import Enrolment
    from lectures.models import Lecture, Material  # noqa: F401


class LectureQuerySet(models.QuerySet["Lecture"]):
    """Lectures."""


class MaterialQuerySet(models.QuerySet["Material"]):
    """Materials."""

    def visible_to(self, enrolment: Enrolment | None, *, now: datetime, is_manager: bool = False) -> MaterialQuerySet:
        """Return what `enrolment` may open at `now`; without one, the public materials.

        Whoever manages the course sees everything, also what is not visible yet.
        """
        if is_manager:
            return self.all()
        timely = self.filter(Q(visible_from__isnull=True) | Q(visible_from__lte=now))
        return timely if enrolment is not None else timely.filter(audience="public")
