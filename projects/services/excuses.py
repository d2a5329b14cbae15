"""Who is excused from an assignment: it counts neither for nor against them."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment, Role, User
from amls.courses.services import lock_course
from projects.models import Assignment, Excuse
from projects.services.locks import follow_in_feeds, lock_enrolment, save_checked, tell

# Whoever pressed on the wrong person takes it back before anybody hears of it.
HELD_BACK = timedelta(minutes=10)


def excuse(*, enrolment: Enrolment, assignment: Assignment, by: User, now: datetime, reason: str = "") -> Excuse:
    """Excuse a person from an assignment, who is told; twice is once, and keeps the newer reason.

    Args:
        enrolment: a student of the assignment's course.
        assignment: any.
        by: who excuses.
        now: the request's clock.
        reason: the person reads it.

    Raises:
        RuleViolation: it is no student of the course.
    """
    with transaction.atomic():
        lock_course(assignment.course_id)
        enrolment = lock_enrolment(enrolment.pk)
        if enrolment.course_id != assignment.course_id or enrolment.role != Role.STUDENT:
            raise RuleViolation(_("Only students of the course are excused."), code="no-student")
        row = Excuse.objects.filter(assignment=assignment, enrolment=enrolment).first()
        if row is not None:
            if reason and row.reason != reason:
                row.reason = reason
                save_checked(row)
            return row
        row = Excuse(assignment=assignment, enrolment=enrolment, by=by, at=now, reason=reason)
        save_checked(row)
        references = {"assignment": assignment.pk, "excuse": row.pk}
        held = now + HELD_BACK
        tell("projects.excused", [enrolment], cause=str(row.pk), now=now, references=references, not_before=held)
        if assignment.takes_questions:
            follow_in_feeds([enrolment], now=now)
    return row


def end_excuse(*, enrolment: Enrolment, assignment: Assignment, now: datetime) -> None:
    """Take an excuse back; the person is told unless they have not heard of it yet. Twice is once."""
    with transaction.atomic():
        lock_course(assignment.course_id)
        row = Excuse.objects.filter(assignment=assignment, enrolment=enrolment).select_related("enrolment").first()
        if row is None:
            return
        cause, was_told = str(row.pk), now >= row.at + HELD_BACK
        row.delete()
        if assignment.takes_questions:
            follow_in_feeds([enrolment], now=now)
        if was_told:
            references = {"assignment": assignment.pk}
            tell("projects.excuse-ended", [lock_enrolment(enrolment.pk)], cause=cause, now=now, references=references)
