"""The oral exams of a day as one thing: which they are, by room, who comes to each when, and how their papers are called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from django.db.models import QuerySet
from django.utils.text import slugify

from amls.courses.models import Course
from exams.admission import Admission, admissions_of
from exams.models import Exam, Registration
from exams.naming import file_stem, known_by


class Extent(StrEnum):
    """How much of a day a paper is of: all oral exams of the day of a date, or those in its room alone."""

    DAY = "day"
    ROOM = "room"


def day_of(exam: Exam) -> date:
    """Return the day of an exam in its course's zone."""
    return exam.starts_at.astimezone(exam.course.zone).date()


def oral_exams_of(course: Course, day: date) -> QuerySet[Exam]:
    """Return the oral exams of a day in the course's zone, cancelled ones too, in the order of time: part of a query."""
    begins, ends = (
        datetime.combine(midnight, time(), tzinfo=course.zone) for midnight in (day, day + timedelta(days=1))
    )
    rows = Exam.objects.filter(course=course, kind=Exam.Kind.ORAL, starts_at__gte=begins, starts_at__lt=ends)
    return rows.order_by("starts_at", "pk")


def dates_of(exam: Exam, extent: Extent) -> QuerySet[Exam]:
    """Return the oral exams of the day of one of them, or those of them that are at its place: part of a query."""
    rows = oral_exams_of(exam.course, day_of(exam))
    return rows.filter(place=exam.place) if extent == Extent.ROOM else rows


def stem_of(exam: Exam, extent: Extent) -> str:
    """Return how the names of files of a whole day or room begin, as 'algorithms-oral-exams-2026-12-10-room-a': at most 1 query.

    Two rooms whose names are told apart by nothing that stands in a file's name are told apart by a key of one's exams.
    """
    parts = [exam.course.slug, "oral-exams", day_of(exam).isoformat()]
    if extent == Extent.ROOM:
        parts += [_name_of_room(exam)]
    return "-".join(filter(None, parts))


def _name_of_room(exam: Exam) -> str:
    name = slugify(exam.place, allow_unicode=True)
    first = dict[str, int]()
    for pk, place in dates_of(exam, Extent.DAY).values_list("pk", "place"):
        first.setdefault(place, pk)
    is_alone = sum(slugify(place, allow_unicode=True) == name for place in first) == 1
    return name if name and is_alone else "-".join(filter(None, [name, str(first[exam.place])]))


def stem_of_person(registration: Registration) -> str:
    """Return how the names of files of one person in an exam begin: with the exam's, and who it is. 1 query."""
    name = slugify(str(registration.enrolment.user), allow_unicode=True)
    return "-".join(filter(None, [file_stem(registration.exam), name, str(registration.pk)]))


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A slot with one of those who come to it, or without anybody.

    Attributes:
        registration: with the person loaded; None where nobody holds a seat.
        admission: of that person.
        known_by: what tells them from somebody of the same name, see `known_by`.
        ends_at: for this person, with what they are granted.
        has_more_time: whether that is later than for others.
        note: what supervisors need to know beside the time.
    """

    exam: Exam
    registration: Registration | None = None
    admission: Admission | None = None
    known_by: str = ""
    ends_at: datetime | None = None
    has_more_time: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class RoomPlan:
    """Who comes to one room on a day, in the order of time.

    Attributes:
        exam: one of its dates that is held, by which its papers are found; None where all are cancelled.
        examiners: where all of its dates have the same.
        call_in: where all of its dates have the same link.
    """

    place: str
    exam: Exam | None
    rows: Sequence[PlanRow]
    examiners: str
    call_in: str

    @property
    def people_count(self) -> int:
        """How many come."""
        return sum(row.registration is not None for row in self.rows)


def plan_of(exams: Iterable[Exam], course: Course, *, now: datetime) -> list[RoomPlan]:
    """Return who comes to each of these exams, by room: 1 query for the people, and those of their admission.

    Args:
        exams: of one day, in the order of time.
        course: whose they are.
        now: the request's clock.
    """
    by_room: dict[str, list[Exam]] = {}
    for exam in exams:
        exam.course = course
        by_room.setdefault(exam.place, []).append(exam)
    dates = [exam for of_room in by_room.values() for exam in of_room]
    people = list(
        Registration.objects.holding()
        .filter(exam__in=[exam.pk for exam in dates])
        .select_related("enrolment__user", "enrolment__course", "enrolment__accommodation")
        .by_name()
    )
    admissions = admissions_of(course, [person.enrolment for person in people], now=now)
    known = known_by([person.enrolment for person in people])
    by_exam: dict[int, list[Registration]] = {}
    for person in people:
        by_exam.setdefault(person.exam_id, []).append(person)

    def rows_of(exam: Exam) -> list[PlanRow]:
        rows = [
            _row(exam, person, admissions[person.enrolment_id], known[person.enrolment_id])
            for person in by_exam.get(exam.pk, ())
        ]
        return rows or [PlanRow(exam)]

    return [
        RoomPlan(
            place=place,
            exam=next((exam for exam in of_room if not exam.is_cancelled), None),
            rows=[row for exam in of_room for row in rows_of(exam)],
            examiners=_only({exam.examiners for exam in of_room}),
            call_in=_only({exam.call_in for exam in of_room}),
        )
        for place, of_room in sorted(by_room.items())
    ]


def _only(values: set[str]) -> str:
    return next(iter(values)) if len(values) == 1 else ""


def _row(exam: Exam, person: Registration, admission: Admission, name: str) -> PlanRow:
    own_end = person.own_end(exam)
    granted = getattr(person.enrolment, "accommodation", None)
    note = granted.for_supervisors if granted is not None else ""
    return PlanRow(exam, person, admission, name, own_end or exam.ends_at, own_end is not None, note)
