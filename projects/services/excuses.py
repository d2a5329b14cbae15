"""Who is excused from an assignment: it counts neither for nor against them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from amls.core.attempts import the_only
from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment, Role, User
from amls.courses.services import lock_course
from amls.mail.outbox import notify_each
from projects.models import Assignment, Excuse
from projects.services.locks import follow_in_feeds, lock_enrolments, require_valid, save_checked, told_of

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
    return the_only(excuse_each(enrolments=[enrolment], assignment=assignment, by=by, now=now, reason=reason))


def excuse_each(
    *, enrolments: Iterable[Enrolment], assignment: Assignment, by: User, now: datetime, reason: str = ""
) -> dict[int, Excuse | RuleViolation]:
    """Excuse many people from an assignment, each as `excuse`: as many queries for many as for one.

    Returns:
        By enrolment the excuse, or why there is none.
    """
    kind = "projects.excused"
    with transaction.atomic():
        lock_course(assignment.course_id)
        people = lock_enrolments(*(enrolment.pk for enrolment in enrolments))
        answers: dict[int, Excuse | RuleViolation] = {}
        for pk, person in people.items():
            if person.course_id != assignment.course_id or person.role != Role.STUDENT:
                answers[pk] = RuleViolation(_("Only students of the course are excused."), code="no-student")
        rows = Excuse.objects.filter(assignment=assignment, enrolment__in=people.keys() - answers.keys())
        standing = {row.enrolment_id: row for row in rows}
        answers |= standing
        for row in standing.values():
            if reason and row.reason != reason:
                row.reason = reason
                save_checked(row)
        new = [
            Excuse(assignment=assignment, enrolment=person, by=by, at=now, reason=reason)
            for pk, person in people.items()
            if pk not in answers
        ]
        for row in new:
            require_valid(row, asks=False)
        Excuse.objects.bulk_create(new)
        told = [
            told_of(kind, row.enrolment, str(row.pk), {"assignment": assignment.pk, "excuse": row.pk}) for row in new
        ]
        notify_each(told, kind=kind, now=now, not_before=now + HELD_BACK)
        if new:
            follow_in_feeds([row.enrolment for row in new], now=now)
    return answers | {row.enrolment_id: row for row in new}


def end_excuse(*, enrolment: Enrolment, assignment: Assignment, now: datetime) -> None:
    """Take an excuse back; the person is told in ten minutes unless they have not heard of it yet. Twice is once."""
    end_excuses(enrolments=[enrolment], assignment=assignment, now=now)


def end_excuses(*, enrolments: Iterable[Enrolment], assignment: Assignment, now: datetime) -> None:
    """Take the excuses of many people back, each as `end_excuse`: as many queries for many as for one."""
    kind, pks = "projects.excuse-ended", [enrolment.pk for enrolment in enrolments]
    with transaction.atomic():
        lock_course(assignment.course_id)
        rows = list(Excuse.objects.filter(assignment=assignment, enrolment__in=pks).order_by("enrolment"))
        if not rows:
            return
        people = lock_enrolments(*(row.enrolment_id for row in rows))
        told = [
            told_of(kind, people[row.enrolment_id], str(row.pk), {"assignment": assignment.pk})
            for row in rows
            if now >= row.at + HELD_BACK
        ]
        Excuse.objects.filter(pk__in=[row.pk for row in rows]).delete()
        follow_in_feeds(people.values(), now=now)
        notify_each(told, kind=kind, now=now, not_before=now + HELD_BACK)
