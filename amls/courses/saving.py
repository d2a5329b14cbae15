"""Saving at the desk: courses, who is in them, and what belongs to them and has no rule of its own."""

from datetime import datetime
from typing import Any

from django.db import models, transaction

from amls.courses.models import Course, Enrolment, Role, User
from amls.courses.services import enrol, finish_course_change, lock_course, take_out


def save_row(row: Any, *, by: User | None = None, now: datetime) -> None:
    """Keep a row with a `course`, new or changed; what follows of a course's change follows.

    A row that moves from one course to another changes both.
    """
    with transaction.atomic():
        rows: models.QuerySet[Any] = models.QuerySet(type(row))
        former = rows.filter(pk=row.pk).values_list("course_id", flat=True)
        courses = [lock_course(pk) for pk in sorted({row.course_id, *former})]
        row.save()
        for course in courses:
            finish_course_change(course, now=now)


def delete_row(row: Any, *, by: User | None = None, now: datetime) -> None:
    """Delete a row with a `course`; what follows of a course's change follows."""
    with transaction.atomic():
        course = lock_course(row.course_id)
        row.delete()
        finish_course_change(course, now=now)


def save_apart(row: models.Model, *, by: User | None = None, now: datetime) -> None:
    """Keep a row of no course, new or changed, of which nothing follows."""
    row.save()


def delete_apart(row: models.Model, *, by: User | None = None, now: datetime) -> None:
    """Delete a row of no course, of which nothing follows."""
    row.delete()


def save_course(course: Course, *, by: User | None, now: datetime) -> None:
    """Keep a course, new or changed; whoever adds one and does not run the site becomes its lecturer."""
    with transaction.atomic():
        is_new = not course.pk
        if not is_new:
            lock_course(course.pk)
        course.save()
        if is_new and by is not None and not by.is_superuser:
            enrol(user=by, course=course, role=Role.LECTURER)
        finish_course_change(course, now=now)


def delete_course(course: Course, *, by: User | None, now: datetime) -> None:
    """Delete a course with all that belongs to it."""
    with transaction.atomic():
        lock_course(course.pk).delete()


def remove_enrolment(enrolment: Enrolment, *, by: User, now: datetime) -> None:
    """Take a person out of a course.

    Raises:
        RuleViolation: they may not leave; see `take_out`.
    """
    with transaction.atomic():
        course = lock_course(enrolment.course_id)
        take_out(enrolments=[enrolment], by=by)
        finish_course_change(course, now=now)
