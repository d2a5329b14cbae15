"""Reading exports."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from amls.courses.models import User
    from amls.exports.models import Export  # noqa: F401


class ExportQuerySet(models.QuerySet["Export"]):
    """Exports."""

    def claimable_at(self, now: datetime) -> ExportQuerySet:
        """Return what may be made: what waits, and what a worker began and left."""
        return self.filter(Q(state="waiting", not_before__lte=now) | Q(state="running", leased_until__lte=now))

    def failed_since(self, moment: datetime) -> ExportQuerySet:
        """Return what was given up after `moment`."""
        return self.filter(state="failed", finished_at__gte=moment)

    def expired_at(self, now: datetime) -> ExportQuerySet:
        """Return what has been kept long enough, whatever became of it."""
        return self.filter(expires_at__lte=now).exclude(state="running")

    def of_person(self, user: User) -> ExportQuerySet:
        """Return what was made for a person."""
        return self.filter(requested_by=user)
