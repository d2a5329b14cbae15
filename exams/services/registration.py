"""Sign-up: seats, the waiting list, and the way from one date to another.

No seat is sold twice: every write locks the exam's row first (see exams.services.capacity).
What the lock would ever let through, three constraints of the database refuse:
`exam_never_overbooked`, `registration_one_active`, `registration_position_unique`; and of whoever keeps one seat
while waiting for another, `registration_one_wait_beside` and `registration_once_per_exam`.
"""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from amls.core.bounds import spend
from amls.core.meanwhile import changed_meanwhile, is_overtaken
from amls.core.violations import RuleViolation
from amls.courses.models import Course, Enrolment
from amls.desk.history import last_writer
from exams.models import Exam, Registration, Result
from exams.services.capacity import (
    STEPS,
    check_not_frozen,
    check_not_passed,
    check_student,
    check_window,
    check_withdrawal,
    day_of,
    give_up,
    held_registration,
    lock_dates,
    lock_exam,
    need_reason,
    need_seat_now,
    other_exam,
    seat_by_hand,
    take_place,
    tell,
    wait_on_alone,
    write_counters,
)
from exams.services.standing import held_and_passed
from exams.services.waitinglist import promote


def register(*, enrolment: Enrolment, exam_pk: int, now: datetime, needs_seat: bool = False) -> Registration:
    """Sign a person up: with a seat if one is free and nobody waits, else at the end of the waiting list.

    Pressed twice it is the same registration. Admission is another matter (see exams.admission).

    Args:
        enrolment: of a student, with user and course loaded.
        exam_pk: an exam of the enrolment's course.
        now: aware; judged against the window under the exam's lock.
        needs_seat: whether they were promised one, and are to be asked before they wait instead.

    Raises:
        RuleViolation: the course or the window is closed, the person has passed, holds another
            registration of the course, or signed up too often today; or there is no seat, where one is needed.
        Exam.DoesNotExist: the course has no such exam.
    """
    check_student(enrolment)
    return _insert(
        enrolment=enrolment, exam_pk=exam_pk, now=now, kind="exams.registered", checks_window=True, reason="",
        needs_seat=needs_seat,
    )  # fmt: skip


def staff_register(
    *,
    enrolment: Enrolment,
    exam_pk: int,
    reason: str,
    now: datetime,
    is_walk_in: bool = False,
    tells_at: datetime | None = None,
) -> Registration:
    """Sign a person up by hand, outside of any window; the capacity holds for staff too, and so does the waiting list.

    Also who has passed, where a seat is free: see `say_passed`.

    The `reason` is kept with the registration. Once nobody moves up any more, or for a walk-in, who came to the door
    without a seat, there is no waiting list to join: whoever is named, also of those who wait, takes a seat that is free.
    The mail, which says what is so when it is sent, waits until `tells_at`; at the door who waited gets none.

    Raises:
        RuleViolation: there is no reason, the exam is closed or frozen, the person holds another registration, or there
            is neither a free seat nor a waiting list.
    """
    need_reason(reason)
    return _insert(
        enrolment=enrolment, exam_pk=exam_pk, now=now, kind="exams.registered", checks_window=False, reason=reason,
        is_walk_in=is_walk_in, tells_at=tells_at,
    )  # fmt: skip


def _insert(
    *,
    enrolment: Enrolment,
    exam_pk: int,
    now: datetime,
    kind: str,
    checks_window: bool,
    reason: str,
    is_walk_in: bool = False,
    tells_at: datetime | None = None,
    needs_seat: bool = False,
) -> Registration:
    # Looked at before the lock, which many wait for. Who slips in between is met by the constraint.
    if checks_window:
        held, passed = held_and_passed(enrolment)
        check_not_passed(passed, enrolment.course)
        if held is not None:
            return _same_exam(held, exam_pk, enrolment.course)
    by_hand = not checks_window
    try:
        with transaction.atomic():
            if checks_window:
                # Before the lock, under which as little as possible happens.
                spend(STEPS, who=enrolment.pk, now=now)
            exam = lock_exam(exam_pk, enrolment.course)
            # Who waits may be given a seat at this moment.
            held, passed = held_and_passed(enrolment) if not checks_window else (None, None)
            past_line = not checks_window and (is_walk_in or not exam.may_withdraw(now))
            is_in_line = held is not None and held.exam_id == exam.pk and held.state == Registration.State.WAITLISTED
            if held is not None and not (is_in_line and past_line):
                return _same_exam(held, exam_pk, enrolment.course, by_hand=by_hand)
            if checks_window:
                check_window(exam, enrolment.course, now)
                _check_promise(exam, enrolment.course, needs_seat=needs_seat)
            else:
                _check_still_open(exam, needs_seat=past_line)
                _check_needs_not_wait(exam, passed, past_line=past_line)
            if held is not None:
                return _seat_who_waits(exam, held, reason=reason, is_walk_in=is_walk_in, tells_at=tells_at, now=now)
            registration = take_place(
                exam, enrolment, now=now, reason=reason, is_walk_in=is_walk_in, past_line=past_line
            )
            tell(registration, kind, now=now, not_before=tells_at)
    except IntegrityError as error:
        # The same person signed up at the same moment: one of the two stands. Which index the database looks into
        # first depends on how it was restored.
        if not any(name in str(error) for name in ("registration_one_active", "registration_once_per_exam")):
            raise
        held, _passed = held_and_passed(enrolment)
        if held is None:
            raise other_exam(None, enrolment.course) from error
        return _same_exam(held, exam_pk, enrolment.course, by_hand=by_hand)
    return registration


def _check_promise(exam: Exam, course: Course, *, needs_seat: bool) -> None:
    if needs_seat and not exam.has_free_seat:
        raise RuleViolation(
            _("%(day)s was taken while you looked at it. Nothing changed: choose another date, or wait for this one.")
            % {"day": day_of(exam, course)},
            code="taken-meanwhile",
        )


def _seat_who_waits(
    exam: Exam, waiting: Registration, *, reason: str, is_walk_in: bool, tells_at: datetime | None, now: datetime
) -> Registration:
    """Give somebody who waits a free seat by hand, and tell them, unless they stand at the door."""
    seat_by_hand(exam, waiting, reason=reason, is_walk_in=is_walk_in, now=now)
    if not is_walk_in:
        tell(waiting, "exams.promoted", now=now, not_before=tells_at)
    return waiting


def _same_exam(held: Registration, exam_pk: int, course: Course, *, by_hand: bool = False) -> Registration:
    """Return what is held, if it is of this very exam; `by_hand` the refusal speaks to staff.

    Raises:
        RuleViolation: it is of another date.
    """
    if held.exam_id != exam_pk:
        raise _is_elsewhere(held, course) if by_hand else other_exam(held, course)
    return held


def _is_elsewhere(held: Registration, course: Course) -> RuleViolation:
    """Return the refusal to register somebody by hand who takes part in another date."""
    named = {"person": held.enrolment.user, "day": day_of(held.exam, course)}
    if held.has_been:
        said = _("%(person)s is on record for the exam of %(day)s. Close that exam first.")
        return RuleViolation(said % named, code="has-been")
    said = _(
        "%(person)s is in the list of %(day)s already. Move them from there: on the page of that date, under their name, "
        "choose this one at 'Move to another date'."
    )
    return RuleViolation(said % named, code="other-exam")


def _check_still_open(exam: Exam, *, needs_seat: bool) -> None:
    check_not_frozen(exam)
    if exam.closed_at is not None:
        raise RuleViolation(
            _(
                "This exam is closed. Who sat it without being on its list is entered on its page, under 'People and seats'."
            ),
            code="exam-closed",
        )
    if needs_seat:
        need_seat_now(exam)


def _check_needs_not_wait(exam: Exam, passed: Registration | None, *, past_line: bool) -> None:
    """Refuse to put somebody on the waiting list who has passed: whoever has leaves it."""
    if passed is not None and not (past_line or exam.has_free_seat):
        raise RuleViolation(
            _(
                "They have passed the exam of %(day)s already, and nobody waits who has passed. Raise the capacity of the exam "
                "first, if the room has space."
            )
            % {"day": day_of(passed.exam, exam.course)},
            code="passed-waits",
        )


def withdraw(*, enrolment: Enrolment, exam_pk: int, now: datetime) -> Registration:
    """Give up one's seat or place on the waiting list; the first who waits gets the seat in the same transaction.

    Whoever waits for another date beside the seat keeps that place, now without a seat.

    Raises:
        RuleViolation: there is nothing to withdraw from, or the last moment to do so is over.
    """
    with transaction.atomic():
        exams = lock_dates(enrolment.course, along=exam_pk)
        exam = exams[exam_pk]
        registration = held_registration(exam, enrolment)
        check_withdrawal(exam, registration, enrolment.course, now)
        give_up(exam, registration, Registration.State.WITHDRAWN, now=now)
        wait_on_alone(registration)
        tell(registration, "exams.withdrawn", now=now)
        promote(exams, exam, now=now)
        write_counters(exam)
    return registration


def staff_withdraw(*, registration_pk: int, reason: str, now: datetime, seen: str | None = None) -> Registration:
    """Take a person off an exam by hand, at any time before it is closed; a freed seat is given on while it may be.

    Whom staff put on the list once it was closed (`enter_afterwards`) they take off it later as well.

    Args:
        registration_pk: of the person.
        reason: why.
        now: the request's clock.
        seen: the state of the registration as the page showed it; None doesn't ask.

    Raises:
        RuleViolation: there is no reason, the registration is no longer active, they have points, the results are frozen,
            or it stands otherwise than it was shown (code 'changed-meanwhile').
    """
    return _end(registration_pk, Registration.State.WITHDRAWN, "exams.withdrawn", reason=reason, now=now, seen=seen)


def excuse(*, registration_pk: int, reason: str, now: datetime, seen: str | None = None) -> Registration:
    """Excuse a person, before the exam or after it; they may register for another date. It is no failed attempt.

    A certificate often comes when the exam is closed already: that does not matter. Arguments as of `staff_withdraw`.

    Raises:
        RuleViolation: there is no reason, they attended, they gave the registration up
            before, the results are frozen, or it stands otherwise than it was shown (code 'changed-meanwhile').
    """
    return _end(registration_pk, Registration.State.EXCUSED, "exams.excused", reason=reason, now=now, seen=seen)


def _end(
    registration_pk: int, state: Registration.State, kind: str, *, reason: str, now: datetime, seen: str | None
) -> Registration:
    need_reason(reason)
    unlocked = Registration.objects.with_people().get(pk=registration_pk)
    with transaction.atomic():
        exams = lock_dates(unlocked.course, along=unlocked.exam_id)
        exam = exams[unlocked.exam_id]
        rows = Registration.objects.select_for_update(of=("self",)).with_people().with_wait_beside()
        registration = rows.get(pk=registration_pk)
        check_not_frozen(exam)
        # Whom staff put on the list of a closed exam by mistake they take off it again.
        is_taken_off = state == Registration.State.WITHDRAWN and registration.was_added_afterwards
        may_be_closed = is_taken_off or (state == Registration.State.EXCUSED and registration.holds_seat)
        if registration.closed_at is not None and not may_be_closed:
            raise RuleViolation(
                _("This registration has ended already: %(state)s.") % {"state": registration.get_state_display()},
                code="registration-ended",
            )
        if is_taken_off:
            _need_no_result(registration)
        elif registration.state == Registration.State.ATTENDED:
            raise RuleViolation(
                _("This person attended the exam. Take the check-in back first, if that is wrong."), code="attended"
            )
        if is_overtaken(seen, stands=str(registration.state)):
            raise changed_meanwhile(last_writer(registration), registration.get_state_display())
        give_up(exam, registration, state, now=now, reason=reason)
        wait_on_alone(registration)
        # Whose excuse was taken back may be excused again.
        tell(registration, kind, now=now, key=f"{kind}:{registration.pk}:{now.isoformat()}")
        promote(exams, exam, now=now)
        write_counters(exam)
    return registration


def _need_no_result(registration: Registration) -> None:
    if Result.objects.filter(registration=registration).exists():
        raise RuleViolation(
            _("%(person)s has points in this exam. Take their result away first.")
            % {"person": registration.enrolment.user},
            code="has-points",
        )
