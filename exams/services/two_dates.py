"""Hold a seat of one date while waiting for another: one more place on the waiting list that is there."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from amls.core.bounds import spend
from amls.core.violations import RuleViolation
from amls.courses.models import Course, Enrolment
from exams.models import Exam, Registration
from exams.models.results import HAS_PASSED
from exams.queries import exam_rules
from exams.services.capacity import (
    STEPS,
    check_not_passed,
    check_student,
    check_window,
    check_withdrawal,
    day_of,
    lock_dates,
    not_registered,
    take_place,
    tell,
    write_counters,
)
from exams.services.waitinglist import end_idle_waits, held_beside, promote


def wait_beside(*, enrolment: Enrolment, exam_pk: int, now: datetime) -> Registration:
    """Join the waiting list of a date that is full, and keep the seat of another one until a seat there is free.

    Whoever moves up gets the one seat and gives back the other in the same step; the seat given back goes to the
    first who waits there. Pressed twice it is the same place.

    Args:
        enrolment: of a student who holds a seat, with user and course loaded.
        exam_pk: the date to wait for.
        now: aware; judged under the locks of the exams.

    Returns:
        The place on the waiting list; the seat itself, where one became free meanwhile.

    Raises:
        RuleViolation: the person has passed, the course doesn't offer it, no seat is held or it can't be given up any
            more, the other date is closed or nobody moves up there any more, the person waits elsewhere already, or stepped too
            often today. What is held stays.
        Exam.DoesNotExist: the course has no such exam.
    """
    check_student(enrolment)
    standing = Registration.objects.active().filter(enrolment=enrolment, exam=exam_pk).first()
    if standing is not None:
        return standing
    with transaction.atomic():
        exams, own, standing = _locked_dates(enrolment, exam_pk, now)
        if standing is not None:
            return standing
        target = exams[exam_pk]
        _check_may_wait_beside(target, own, enrolment.course, now)
        registration = take_place(target, enrolment, now=now, keeps_seat=True)
        promoted = promote(exams, target, now=now)
        write_counters(target)
        if registration not in promoted:
            tell(registration, "exams.registered", now=now)
            return registration
    registration.refresh_from_db(fields=["state", "position", "keeps_seat"])
    return registration


def _locked_dates(
    enrolment: Enrolment, exam_pk: int, now: datetime
) -> tuple[dict[int, Exam], list[Registration], Registration | None]:
    """Return the dates under their locks, what the person has, and what they have of this date: pressed twice at once.

    Raises:
        RuleViolation: the person has passed, or stepped too often today.
        Exam.DoesNotExist: the course has no such exam.
    """
    # Before the lock, as every step does: two of one person would wait for each other.
    spend(STEPS, who=enrolment.pk, now=now)
    exams = lock_dates(enrolment.course, along=exam_pk)
    known = _known(enrolment)
    check_not_passed(next((registration for registration in known if registration.has_passed), None), enrolment.course)
    own = [registration for registration in known if registration.closed_at is None]
    return exams, own, next((registration for registration in own if registration.exam_id == exam_pk), None)


def _known(enrolment: Enrolment) -> list[Registration]:
    """Return by what a person takes part in dates, waits for them or has passed one: 1 query."""
    rows = Registration.objects.filter(Q(closed_at__isnull=True) | HAS_PASSED, enrolment=enrolment)
    return list(rows.select_related("exam", "result").order_by("pk"))


def _check_may_wait_beside(target: Exam, own: Sequence[Registration], course: Course, now: datetime) -> None:
    held = next((registration for registration in own if not registration.keeps_seat), None)
    if held is None:
        raise not_registered()
    if not exam_rules(course).keeps_seat_while_waiting:
        raise RuleViolation(
            _("In this course nobody waits for one date while holding a seat of another. Withdraw first, or keep it."),
            code="no-waiting-beside",
        )
    if held.state == Registration.State.WAITLISTED:
        raise RuleViolation(
            _("You wait for %(day)s already, without a seat. Leave that waiting list first.")
            % {"day": day_of(held.exam, course)},
            code="waits-already",
        )
    beside = next((registration for registration in own if registration.keeps_seat), None)
    if beside is not None:
        raise RuleViolation(
            _("You wait for %(day)s already. Leave that waiting list first: one can wait for one date at a time.")
            % {"day": day_of(beside.exam, course)},
            code="waits-already",
        )
    check_withdrawal(held.exam, held, course, now)
    check_window(target, course, now)
    if not target.may_withdraw(now):
        raise RuleViolation(
            _("Nobody moves up for %(day)s any more. You keep what you have.") % {"day": day_of(target, course)},
            code="nobody-moves-up",
        )


def hold_beside(*, enrolment: Enrolment, exam_pk: int, now: datetime) -> Registration:
    """Take a free seat of one date, and keep the place on the waiting list of another one.

    From then on it is as if the seat had been there first: see `wait_beside`. Pressed twice it is the same seat.

    Args:
        enrolment: of a student who waits without a seat, with user and course loaded.
        exam_pk: the date with a free seat.
        now: aware; judged under the locks of the exams.

    Raises:
        RuleViolation: the person has passed, the course doesn't offer it, they wait nowhere or nobody moves up there any more, the
            other date is closed or full or its seats can't be given back any more, or the person stepped too often
            today. The place on the waiting list stays.
        Exam.DoesNotExist: the course has no such exam.
    """
    check_student(enrolment)
    with transaction.atomic():
        exams, own, standing = _locked_dates(enrolment, exam_pk, now)
        if standing is not None:
            return standing
        target = exams[exam_pk]
        waits = _check_may_hold_beside(target, own, enrolment.course, now)
        waits.keeps_seat = True
        waits.save(update_fields=["keeps_seat"])
        registration = take_place(target, enrolment, now=now)
        tell(registration, "exams.registered", now=now)
    return registration


def _check_may_hold_beside(target: Exam, own: Sequence[Registration], course: Course, now: datetime) -> Registration:
    """Return the place on a waiting list that is kept.

    Raises:
        RuleViolation: as `hold_beside`.
    """
    waits = own[0] if len(own) == 1 and own[0].state == Registration.State.WAITLISTED else None
    if waits is None:
        raise RuleViolation(_("You wait for no other date without a seat."), code="waits-nowhere")
    if not exam_rules(course).keeps_seat_while_waiting:
        raise RuleViolation(
            _("In this course nobody waits for one date while holding a seat of another. Withdraw first, or keep it."),
            code="no-waiting-beside",
        )
    check_window(target, course, now)
    if not waits.exam.may_withdraw(now):
        raise RuleViolation(
            _("Nobody moves up for %(day)s any more. You keep what you have.") % {"day": day_of(waits.exam, course)},
            code="nobody-moves-up",
        )
    if not target.has_free_seat or not target.may_withdraw(now):
        raise RuleViolation(
            _("%(exam)s on %(day)s has no free seat. Nothing changed: you keep what you have.")
            % {"exam": target, "day": day_of(target, course)},
            code="target-full",
        )
    return waits


def why_not_beside(*, enrolment: Enrolment, exam_pk: int, now: datetime, waits: bool) -> str:
    """Return why `wait_beside`, or without `waits` `hold_beside`, is refused to somebody now; '' where nothing refuses it: 2 queries.

    Raises:
        Exam.DoesNotExist: the course has no such exam.
    """
    course = enrolment.course
    target = Exam.objects.get(pk=exam_pk, course=course)
    known = _known(enrolment)
    check = _check_may_wait_beside if waits else _check_may_hold_beside
    try:
        check_student(enrolment)
        check_not_passed(next((registration for registration in known if registration.has_passed), None), course)
        check(target, [registration for registration in known if registration.closed_at is None], course, now)
    except RuleViolation as violation:
        return str(violation.message)
    return ""


def end_waits(*, course: Course, now: datetime) -> int:
    """End the waits of those who can no longer give back the seat that they keep; return how many they are.

    It is the last moment to withdraw from what they hold, or the door, that ends them: beat looks for it.
    """
    waits = Registration.objects.waiting().filter(course=course, keeps_seat=True)
    if not waits.exists():
        return 0
    ended = 0
    with transaction.atomic():
        first = waits.values_list("exam_id", flat=True)[0]
        exams = lock_dates(course, along=first)
        by_exam: dict[int, list[Registration]] = {}
        for waiter in waits.select_related("enrolment__user", "enrolment__course"):
            by_exam.setdefault(waiter.exam_id, []).append(waiter)
        for exam_pk, waiters in by_exam.items():
            ended += len(end_idle_waits(exams, exams[exam_pk], waiters, held_beside(waiters), now=now))
            write_counters(exams[exam_pk])
    return ended
