"""The way from one date to another, in one step: what is held goes only once the other seat is certain."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from amls.core.bounds import spend
from amls.core.meanwhile import changed_meanwhile, is_overtaken
from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment
from amls.desk.history import last_writer
from exams.models import Exam, Registration
from exams.services.capacity import (
    STEPS,
    check_not_frozen,
    check_not_passed,
    check_student,
    check_window,
    check_withdrawal,
    day_of,
    give_up,
    has_seat_now,
    held_registration,
    lock_dates,
    need_reason,
    not_registered,
    take_place,
    tell,
    write_counters,
)
from exams.services.standing import held_and_passed
from exams.services.waitinglist import promote


def move(*, enrolment: Enrolment, exam_pk: int, now: datetime) -> Registration:
    """Move a person's registration to another date in one step; the held seat goes only once the new one is certain.

    `exam_pk` is the date to move to; the exams are locked in the order of their keys. Whoever waits for a third
    date beside the seat goes on waiting there.

    Raises:
        RuleViolation: the person has passed, nothing is held, the held one can't be given up any more, the other date is closed or
            has no free seat, or the person moved too often today; the held seat stays.
    """
    check_student(enrolment)
    held, passed = held_and_passed(enrolment)
    check_not_passed(passed, enrolment.course)
    if held is None:
        raise not_registered()
    if held.exam_id == exam_pk:
        return held
    with transaction.atomic():
        spend(STEPS, who=enrolment.pk, now=now)
        exams = lock_dates(enrolment.course, along=exam_pk)
        source, target = exams.get(held.exam_id, held.exam), exams[exam_pk]
        registration = held_registration(source, enrolment)
        check_withdrawal(source, registration, enrolment.course, now)
        check_window(target, enrolment.course, now)
        if not target.has_free_seat:
            raise RuleViolation(
                _("%(exam)s on %(day)s has no free seat. Nothing changed: you keep what you have.")
                % {"exam": target, "day": day_of(target, enrolment.course)},
                code="target-full",
            )
        held_seat = registration.holds_seat
        give_up(source, registration, Registration.State.WITHDRAWN, now=now)
        moved = take_place(target, enrolment, now=now)
        promote(exams, source, now=now)
        write_counters(source)
        tell(moved, "exams.moved", now=now, moved_from=registration.pk, held_seat=held_seat)
    return moved


def staff_move(
    *, registration_pk: int, exam_pk: int, reason: str, now: datetime, seen: str | None = None
) -> Registration:
    """Move a person to another date by hand, in one step: what they hold goes only once the seat of the other date is theirs.

    Outside of any window, until the person's exam is closed or the other date begins. Whoever waits for a third date
    beside the seat goes on waiting there.

    Args:
        registration_pk: of the person, by which they take part in a date or wait for it.
        exam_pk: the date to move to; where they wait for it, they have a seat there by it.
        reason: why; they read it.
        now: the request's clock.
        seen: the state of the registration as the page showed it; None doesn't ask.

    Raises:
        RuleViolation: there is no reason, the registration has ended, the door has noted them, the other date is over, closed
            or has no free seat, or it stands otherwise than it was shown (code 'changed-meanwhile'). What they hold stays.
        Exam.DoesNotExist: the course has no such exam.
    """
    need_reason(reason)
    unlocked = Registration.objects.with_people().get(pk=registration_pk)
    with transaction.atomic():
        exams = lock_dates(unlocked.course, along=exam_pk)
        target = exams[exam_pk]
        rows = Registration.objects.select_for_update(of=("self",)).with_people()
        registration = rows.get(pk=registration_pk)
        _check_staff_move(registration, exams, target, now, seen)
        source, held_seat = exams[registration.exam_id], registration.holds_seat
        give_up(source, registration, Registration.State.WITHDRAWN, now=now, reason=reason)
        _leave_line(target, registration.enrolment, now=now)
        moved = take_place(target, registration.enrolment, now=now, reason=reason, past_line=True)
        promote(exams, source, now=now)
        write_counters(source)
        tell(moved, "exams.moved", now=now, moved_from=registration.pk, held_seat=held_seat)
    return moved


def _check_staff_move(
    registration: Registration, exams: Mapping[int, Exam], target: Exam, now: datetime, seen: str | None
) -> None:
    if registration.closed_at is not None or registration.exam_id not in exams:
        raise RuleViolation(
            _("This registration has ended already: %(state)s.") % {"state": registration.get_state_display()},
            code="registration-ended",
        )
    if registration.keeps_seat:
        raise RuleViolation(
            _("This person holds a seat of another date while they wait here. Move them from there."), code="keeps-seat"
        )
    if registration.has_been:
        raise RuleViolation(
            _("This person is on record for the exam already. Correct the check-in first, if that is wrong."),
            code="has-been",
        )
    if registration.exam_id == target.pk:
        raise RuleViolation(_("They are in this date already. Choose another one."), code="same-date", field="target")
    if is_overtaken(seen, stands=str(registration.state)):
        raise changed_meanwhile(last_writer(registration), registration.get_state_display())
    check_not_frozen(target)
    if target.closed_at is not None or target.starts_at <= now:
        raise RuleViolation(
            _("%(day)s has begun already: nobody is moved there. Choose another date.")
            % {"day": day_of(target, registration.course)},
            code="exam-begun",
            field="target",
        )
    # Who waits there goes before whom staff move, as long as anybody moves up.
    if not (target.has_free_seat or (not target.may_withdraw(now) and has_seat_now(target))):
        raise RuleViolation(
            _("%(exam)s on %(day)s has no free seat. Nothing changed: they keep what they have. Raise its capacity first, if the room has space.")
            % {"exam": target, "day": day_of(target, registration.course)},
            code="target-full",
            field="target",
        )  # fmt: skip


def _leave_line(exam: Exam, enrolment: Enrolment, *, now: datetime) -> None:
    """End the wait for a date of whoever is about to have a seat there."""
    for waiting in Registration.objects.waiting().filter(exam=exam, enrolment=enrolment):
        give_up(exam, waiting, Registration.State.WITHDRAWN, now=now)
