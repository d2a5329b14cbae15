"""Reading lectures and materials."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from amls.core.keys import primary_key

if TYPE_CHECKING:
    from amls.courses.models import Enrolment
    from lectures.models import Extraction, Lecture, Material, Passage  # noqa: F401


# After this, a file that was not in the storage is looked for again.
AGAIN_AFTER = timedelta(minutes=10)
# Problems of the storage and of the installation.
NO_FAULT_OF_THE_FILE = ("missing", "unable")


class LectureQuerySet(models.QuerySet["Lecture"]):
    """Lectures."""

    def at(self, ref: str) -> LectureQuerySet:
        """Return what `ref` stands for in an address; see `Lecture.ref`."""
        kind, dash, rest = ref.partition("-")
        if not dash:
            return self.filter(kind="lecture", number=ref)
        return (
            self.filter(number="", pk=primary_key(rest)) if kind == "session" else self.filter(kind=kind, number=rest)
        )


class ExtractionQuerySet(models.QuerySet["Extraction"]):
    """Readings of files."""

    def claimable_at(self, now: datetime) -> ExtractionQuerySet:
        """Return what waits, what a worker that died left behind, and in a while again what was no fault of the file."""
        again = Q(state="failed", problem__in=NO_FAULT_OF_THE_FILE, finished_at__lte=now - AGAIN_AFTER)
        return self.filter(Q(state="waiting") | Q(state="working", leased_until__lte=now) | again)

    def being_worked_at(self, now: datetime) -> ExtractionQuerySet:
        """Return what a living worker reads."""
        return self.filter(state="working", leased_until__gt=now)

    def current(self) -> ExtractionQuerySet:
        """Return the readings of newest versions."""
        return self.filter(file__material__current=models.F("file"))


class PassageQuerySet(models.QuerySet["Passage"]):
    """Passages."""

    def current(self) -> PassageQuerySet:
        """Return what stands in newest versions: an older one is never found, whatever is left of it."""
        return self.filter(file__material__current=models.F("file"))


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
