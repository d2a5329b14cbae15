"""Reading the ledger."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.db.models.expressions import Combinable

if TYPE_CHECKING:
    from amls.agenda.models import AgendaItem  # noqa: F401
    from amls.courses.models import Enrolment

# How long a cancelled item stays in feeds, so that every client has fetched it (standards).
TOMBSTONE_DAYS = timedelta(days=90)
# The join link stands on the page from this long before the start.
JOIN_LEAD = timedelta(minutes=15)


class AgendaItemQuerySet(models.QuerySet["AgendaItem"]):
    """Agenda items."""

    def base(self) -> AgendaItemQuerySet:
        """Return what everyone shares, without anyone's variant."""
        return self.filter(enrolment__isnull=True)

    def present(self) -> AgendaItemQuerySet:
        """Return what its source still names, cancelled or not: what pages show."""
        return self.filter(is_removed=False)

    def in_feeds_at(self, now: datetime | Combinable) -> AgendaItemQuerySet:
        """Return what a feed shows: without what was cancelled more than 90 days ago."""
        return self.filter(Q(cancelled_at__isnull=True) | Q(cancelled_at__gt=now - TOMBSTONE_DAYS))

    def visible_to(self, enrolment: Enrolment | None) -> AgendaItemQuerySet:
        """Return the shared items that `enrolment` may see; without one, the public ones. None are for who takes part alone."""
        shared = self.base().filter(is_for_participants=False)
        return shared if enrolment is not None else shared.filter(audience="public")
