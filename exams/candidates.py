"""Whom staff may put on the list of an exam by hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import BooleanField, Case, Exists, OuterRef, Q, Subquery, When

from amls.courses.managers import EnrolmentQuerySet
from amls.courses.models import Enrolment
from exams.models import Exam, Registration
from exams.naming import known_by

_State = Registration.State


@dataclass(frozen=True, slots=True)
class Candidate:
    """A student whom staff may choose.

    Attributes:
        enrolment: with its user loaded.
        known_by: what tells them from everybody of the course, see `exams.naming.known_by`.
        waits: whether they are on the waiting list of this exam.
    """

    enrolment: Enrolment
    known_by: str
    waits: bool


def candidates_at(exam: Exam) -> list[Candidate]:
    """Return who may come without a seat: registered for no exam, or waiting for this one: 1 query."""
    active = Registration.objects.active().filter(enrolment=OuterRef("pk"))
    here = active.filter(exam=exam, state=_State.WAITLISTED)
    students = _students(exam).annotate(waits=Exists(here), is_out=Exists(active) & ~Exists(here))
    return _candidates(students)


def candidates_afterwards(exam: Exam) -> list[Candidate]:
    """Return who may have sat an exam that is closed and is not on its list, also who waited or withdrew: 1 query.

    Who was excused is corrected in the list of who is gone.
    """
    here = Registration.objects.filter(exam=exam, enrolment=OuterRef("pk")).order_by("-pk").values("state")
    newest = _students(exam).annotate(newest=Subquery(here[:1]))
    waits, is_off = Q(newest=_State.WAITLISTED), Q(newest__isnull=True) | Q(newest=_State.WITHDRAWN)
    students = newest.annotate(
        waits=Case(When(waits, then=True), default=False, output_field=BooleanField()),
        is_out=Case(When(waits | is_off, then=False), default=True, output_field=BooleanField()),
    )
    return _candidates(students)


def _students(exam: Exam) -> EnrolmentQuerySet:
    students = Enrolment.objects.students().present().filter(course=exam.course_id)
    return students.select_related("user").order_by("user__sort_name", "pk")


def _candidates(students: Iterable[Any]) -> list[Candidate]:
    """Return those who are not `is_out`, each told from all students of the course: also from who can't be chosen."""
    everyone = list(students)
    known = known_by(everyone)
    return [Candidate(person, known[person.pk], person.waits) for person in everyone if not person.is_out]
