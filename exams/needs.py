"""What exams need of their staff."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q

from amls.core.statements import ModelStatement, Parameter, is_among
from amls.courses.models import Course
from exams.models import Exam, Room

# So long before an exam its people should know where they sit.
SEATS_KNOWN = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class WaitingExams:
    """Exams that something is to be done for, with their courses, in the order of their dates.

    Attributes:
        overfull: coming ones that people wait for; each has the number as `waiting`.
        unseated: those of the next days, in rooms, whose seats nobody has been told.
        misplaced: coming ones whose seats are released, though some of their people have none, or none in the
            own room that is granted to them; with how many they are.
        unpublished: written ones whose results are not out.
    """

    overfull: list[Exam]
    unseated: list[Exam]
    misplaced: list[tuple[Exam, int]]
    unpublished: list[Exam]


def waiting_in(courses: Sequence[Course], *, now: datetime) -> WaitingExams:
    """Return what waits for the staff of these courses: 1 query."""
    by_key = {course.pk: course for course in courses}
    exams: list[Any] = _open_exams().read({"courses": list(by_key)})
    for exam in exams:
        exam.course = by_key[exam.course_id]
    coming = [exam for exam in exams if exam.starts_at > now]
    written = [exam for exam in exams if exam.ends_at <= now and exam.holding]
    return WaitingExams(
        overfull=[exam for exam in coming if exam.waiting],
        unseated=[
            exam
            for exam in coming
            if exam.holding
            and exam.has_rooms
            and exam.seats_released_at is None
            and exam.starts_at - now <= SEATS_KNOWN
        ],
        misplaced=[(exam, exam.misplaced) for exam in coming if exam.misplaced and exam.seats_released_at is not None],
        unpublished=[exam for exam in written if exam.results_published_at is None],
    )


@cache
def _open_exams() -> ModelStatement[Exam]:
    """Return the statement for the exams of some courses that are not closed, with what `waiting_in` asks of their people."""
    holds = Q(registrations__state__in=["registered", "attended"])
    no_own_room = Q(
        registrations__enrolment__accommodation__own_room=True, registrations__seat__room__is_separate=False
    )
    exams = (
        Exam.objects.filter(is_among("course_id", Parameter("courses")), closed_at__isnull=True)
        .annotate(
            holding=Count("registrations", filter=holds),
            misplaced=Count("registrations", filter=holds & (Q(registrations__seat__isnull=True) | no_own_room)),
            has_rooms=Exists(Room.objects.filter(exam=OuterRef("pk"))),
        )
        .order_by("starts_at", "pk")
    )
    return ModelStatement.of(exams, annotated=["holding", "misplaced", "has_rooms"])
