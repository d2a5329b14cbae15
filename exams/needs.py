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
        unpublished: written ones of which no results are out, also once they are closed.
        late: written ones whose results are out, but for some of those who were there; with how many they are.
    """

    overfull: list[Exam]
    unseated: list[Exam]
    misplaced: list[tuple[Exam, int]]
    unpublished: list[Exam]
    late: list[tuple[Exam, int]]


def waiting_in(courses: Sequence[Course], *, now: datetime) -> WaitingExams:
    """Return what waits for the staff of these courses: 1 query."""
    by_key = {course.pk: course for course in courses}
    exams: list[Any] = _unfinished_exams().read({"courses": list(by_key)})
    for exam in exams:
        exam.course = by_key[exam.course_id]
    coming = [exam for exam in exams if exam.starts_at > now and exam.closed_at is None]
    written = [exam for exam in exams if exam.ends_at <= now]
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
        unpublished=[exam for exam in written if exam.holding and exam.results_published_at is None],
        late=[
            (exam, exam.without_result)
            for exam in written
            if exam.without_result and exam.results_published_at is not None
        ],
    )


@cache
def _unfinished_exams() -> ModelStatement[Exam]:
    """Return the statement for the exams of some courses that are not frozen, with what `waiting_in` asks of their people.

    Once an exam is closed nobody is expected there any more who was not seen.
    """
    was_there = Q(registrations__state="attended")
    holds = was_there | Q(registrations__state="registered", registrations__closed_at__isnull=True)
    no_own_room = Q(
        registrations__enrolment__accommodation__own_room=True, registrations__seat__room__is_separate=False
    )
    exams = (
        Exam.objects.filter(is_among("course_id", Parameter("courses")), frozen_at__isnull=True)
        .annotate(
            holding=Count("registrations", filter=holds),
            misplaced=Count("registrations", filter=holds & (Q(registrations__seat__isnull=True) | no_own_room)),
            without_result=Count("registrations", filter=was_there & ~Q(registrations__result__state="published")),
            has_rooms=Exists(Room.objects.filter(exam=OuterRef("pk"))),
        )
        .order_by("starts_at", "pk")
    )
    return ModelStatement.of(exams, annotated=["holding", "misplaced", "without_result", "has_rooms"])
