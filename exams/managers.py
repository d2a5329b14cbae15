"""Reading registrations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Exists, OuterRef

if TYPE_CHECKING:
    from exams.models.registration import Registration  # noqa: F401


class RegistrationQuerySet(models.QuerySet["Registration"]):
    """Registrations."""

    def active(self) -> RegistrationQuerySet:
        """Return those that keep a person from another exam of the course."""
        return self.filter(closed_at__isnull=True)

    def main(self) -> RegistrationQuerySet:
        """Return the active ones but those who wait beside a seat that they hold: at most one for each person."""
        return self.active().filter(keeps_seat=False)

    def holding(self) -> RegistrationQuerySet:
        """Return those that hold a seat."""
        return self.filter(state__in=("registered", "attended", "absent"))

    def waiting(self) -> RegistrationQuerySet:
        """Return the waiting list, in the order in which it is served."""
        return self.filter(state="waitlisted").order_by("position")

    def with_people(self) -> RegistrationQuerySet:
        """Load the person and the exam with each: one query."""
        return self.select_related("enrolment__user", "enrolment__course", "exam", "course")

    def with_wait_beside(self) -> RegistrationQuerySet:
        """Say of each, as `waits_beside`, whether its person waits for another date and would give this one back."""
        beside = self.model.objects.filter(enrolment=OuterRef("enrolment"), keeps_seat=True)
        return self.annotate(waits_beside=Exists(beside.exclude(pk=OuterRef("pk"))))

    def by_name(self) -> RegistrationQuerySet:
        """Return them in the order of the people's family names."""
        return self.order_by("enrolment__user__sort_name", "pk")
