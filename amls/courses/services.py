"""Writes to people and courses."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from amls.courses.models import Course, Enrolment, Role, RosterEntry, User


def lock_course(pk: int) -> Course:
    """Return the course, locked until the transaction ends: the first lock that any write takes."""
    return Course.objects.select_for_update(no_key=True).get(pk=pk)


def touch(course: Course, *, now: datetime) -> None:
    """Give the course a new revision: the ETag and cache key of all that visitors see."""
    Course.objects.filter(pk=course.pk).update(revision=F("revision") + 1, revised_at=now)
    course.refresh_from_db(fields=["revision", "revised_at"])


def touch_enrolment(enrolment: Enrolment) -> None:
    """Give one person's view of the course a new revision."""
    Enrolment.objects.filter(pk=enrolment.pk).update(revision=F("revision") + 1)
    enrolment.refresh_from_db(fields=["revision"])


Finisher = Callable[[Course, datetime], Any]
_finishers: list[Finisher] = []


def after_course_change(finisher: Finisher) -> Finisher:
    """Register, as a decorator, what must follow every change of a course's shared content.

    The agenda registers its reconcile here: apps above are not known below.
    """
    _finishers.append(finisher)
    return finisher


def finish_course_change(course: Course, *, now: datetime) -> list[Any]:
    """Bump the revision and let the agenda follow; call once at the end of a change.

    Returns what the finishers returned; the agenda's is its list of changes.
    """
    with transaction.atomic():
        touch(course, now=now)
        return [found for finisher in _finishers for found in finisher(course, now)]


def enrol(*, user: User, course: Course, role: Role = Role.STUDENT) -> Enrolment:
    """Give a person a part in a course; whoever has one keeps it."""
    enrolment, _created = Enrolment.objects.get_or_create(user=user, course=course, defaults={"role": role})
    return enrolment


def join_roster_entries(*, user: User, email: str) -> list[Enrolment]:
    """Enrol a person whose address `email` was just confirmed in the courses whose roster names it.

    Name and matriculation number are taken over where the person has none yet; a number
    that comes from the university's roster counts as verified.
    """
    with transaction.atomic():
        entries = RosterEntry.objects.select_for_update().filter(email__iexact=email, enrolment__isnull=True)
        joined = []
        for entry in entries.select_related("course"):
            entry.enrolment = enrol(user=user, course=entry.course)
            entry.save(update_fields=["enrolment"])
            joined.append(entry.enrolment)
            if entry.name and not user.display_name:
                user.display_name = entry.name
            if entry.matriculation_number and not user.matriculation_number:
                user.matriculation_number = entry.matriculation_number
                user.is_matriculation_verified = True
        if joined:
            user.save(update_fields=["display_name", "matriculation_number", "is_matriculation_verified"])
    return joined
