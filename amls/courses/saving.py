"""Saving at the desk: courses, who is in them, and what belongs to them and has no rule of its own."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amls.core.preview import seal_of_shown
from amls.core.violations import RuleViolation
from amls.courses.models import Course, Enrolment, Role, StaffMember, User
from amls.courses.participation import begin_teaching, end_teaching, enrol, take_out
from amls.courses.services import finish_course_change, lock_course, loose_ends_of, need_without_charge

# The kind of held act that gives a course another state.
STATE_ACT = "courses.state"


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


def remove_staff_member(member: StaffMember, *, by: User | None = None, now: datetime) -> None:
    """Take somebody off a course's page.

    Raises:
        RuleViolation: they are in charge of something in it; see `need_without_charge`.
    """
    with transaction.atomic():
        lock_course(member.course_id)
        need_without_charge(member)
        delete_row(member, now=now)


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


def change_state(*, course: Course, was: str, state: str, loose_ends: str, now: datetime) -> str:
    """Archive a course, reopen it or make it a draft again, as somebody saw it; return what is said of it.

    Args:
        course: which.
        was: the state that they saw.
        state: the one that they want.
        loose_ends: what names the loose ends that they saw, from `name_loose_ends`.
        now: the request's clock, or when it is done.

    Raises:
        RuleViolation: the course is in another state by now, or something else in it is not finished.
    """
    with transaction.atomic():
        locked = lock_course(course.pk)
        if locked.state != was:
            raise RuleViolation(
                _("The course is in another state by now: %(state)s.") % {"state": locked.get_state_display()},
                code="other-state",
            )
        if state == Course.State.ARCHIVED and name_loose_ends(loose_ends_of(locked)) != loose_ends:
            raise RuleViolation(
                _("Something else is not finished by now. Look at it, and archive the course again."),
                code="changed-meanwhile",
            )
        locked.state = Course.State(state)
        locked.save(update_fields=["state"])
        finish_course_change(locked, now=now)
    said = {
        Course.State.DRAFT: _("The course is a draft again: its staff alone see it."),
        Course.State.RUNNING: _("The course is open again."),
        Course.State.ARCHIVED: _("The course is archived."),
    }
    return said[locked.state]


def name_loose_ends(loose_ends: Sequence[str]) -> str:
    """Return what names the things that are not finished in a course, in whatever language they are said."""
    return seal_of_shown([[letter for letter in said if letter.isdigit()] for said in loose_ends])


def need_deletable(course: Course) -> None:
    """Refuse to delete a course in which students take part: what is theirs is not lost by a click.

    Raises:
        RuleViolation: there are some.
    """
    count = Enrolment.objects.students().filter(course=course).count()
    if not count:
        return
    raise RuleViolation(
        ngettext(
            "%(course)s is not deleted: %(count)d student takes part in it. Archive it instead. Then nothing changes "
            "in it any more, and what is personal is deleted when it has been kept long enough.",
            "%(course)s is not deleted: %(count)d students take part in it. Archive it instead. Then nothing changes "
            "in it any more, and what is personal is deleted when it has been kept long enough.",
            count,
        )
        % {"course": course, "count": count},
        code="in-use",
    )


def delete_course(course: Course, *, by: User | None, now: datetime) -> None:
    """Delete a course with all that belongs to it.

    Raises:
        RuleViolation: students take part in it.
    """
    with transaction.atomic():
        locked = lock_course(course.pk)
        need_deletable(locked)
        locked.delete()


def save_enrolment(enrolment: Enrolment, *, by: User | None = None, now: datetime) -> list[str]:
    """Keep a person's part in a course, new or changed; who teaches takes part in nothing that is assessed.

    Returns:
        What somebody who teaches no more had to do, and is free for others now, in words.

    Raises:
        RuleViolation: a student is to teach who still takes part; see `need_free_to_teach`.
    """
    with transaction.atomic():
        course = lock_course(enrolment.course_id)
        former = Enrolment.objects.filter(pk=enrolment.pk).select_related("user", "course").first()
        freed: list[str] = []
        if former is not None and not former.is_staff and enrolment.is_staff:
            begin_teaching(former)
        elif former is not None and former.is_staff and not enrolment.is_staff:
            freed = end_teaching(former)
        enrolment.save()
        finish_course_change(course, now=now)
    return freed


def remove_enrolment(enrolment: Enrolment, *, by: User, now: datetime) -> list[str]:
    """Take a person out of a course.

    Returns:
        What they had to do, if they taught, and is free for others now, in words.

    Raises:
        RuleViolation: they may not leave; see `take_out`.
    """
    with transaction.atomic():
        course = lock_course(enrolment.course_id)
        freed = take_out(enrolments=[enrolment], by=by)
        finish_course_change(course, now=now)
    return freed
