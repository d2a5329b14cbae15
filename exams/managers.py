"""Reading registrations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from exams.models.registration import Registration  # noqa: F401


class RegistrationQuerySet(models.QuerySet["Registration"]):
    """Registrations."""

    def active(self) -> RegistrationQuerySet:
        """Return those that keep a person from another exam of the course."""
        return self.filter(closed_at__isnull=True)

    def holding(self) -> RegistrationQuerySet:
        """Return those that hold a seat."""
        return self.filter(state__in=("registered", "attended", "absent"))

    def waiting(self) -> RegistrationQuerySet:
        """Return the waiting list, in the order in which it is served."""
        return self.filter(state="waitlisted").order_by("position")

    def with_people(self) -> RegistrationQuerySet:
        """Load the person and the exam with each: one query."""
        return self.select_related("enrolment__user", "enrolment__course", "exam", "course")

    def by_name(self) -> RegistrationQuerySet:
        """Return them in the order of the people's family names."""
        return self.order_by("enrolment__user__sort_name", "pk")
