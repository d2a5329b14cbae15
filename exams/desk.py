"""What in exams waits for the staff."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q

from amls.courses.models import Course
from exams.models import Exam

# So long before an exam its people should know where they sit.
SEATS_KNOWN = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Exams that something is to be done for, with their courses, in the order of their dates.

    Attributes:
        overfull: coming ones that people wait for; each has the number as `waiting`.
        unseated: those of the next days whose seats nobody has been told.
        unpublished: written ones whose results are not out.
    """

    overfull: list[Exam]
    unseated: list[Exam]
    unpublished: list[Exam]


def waiting_in(courses: Sequence[Course], *, now: datetime) -> Waiting:
    """Return what waits for the staff of these courses: 1 query."""
    holding = Count("registrations", filter=Q(registrations__state__in=["registered", "attended"]))
    exams = (
        Exam.objects.filter(course__in=courses, closed_at__isnull=True)
        .select_related("course")
        .annotate(holding=holding)
        .order_by("starts_at", "pk")
    )
    coming = [one for one in exams if one.starts_at > now]
    written = [one for one in exams if one.ends_at <= now and one.holding]
    return Waiting(
        overfull=[one for one in coming if one.waiting],
        unseated=[
            one
            for one in coming
            if one.holding and one.seats_released_at is None and one.starts_at - now <= SEATS_KNOWN
        ],
        unpublished=[one for one in written if one.results_published_at is None],
    )
