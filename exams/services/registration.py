"""Sign-up: seats, the waiting list, and the way from one date to another.

No seat is sold twice: every write locks the exam's row first (see exams.services.capacity).
What the lock would ever let through, three constraints of the database refuse:
`exam_never_overbooked`, `registration_one_active`, `registration_position_unique`; and of whoever keeps one seat
while waiting for another, `registration_one_wait_beside` and `registration_once_per_exam`.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amls.core.bounds import spend
from amls.core.meanwhile import changed_meanwhile, is_overtaken
from amls.core.statements import ModelStatement, Parameter
from amls.core.violations import RuleViolation
from amls.courses.models import Course, Enrolment
from amls.desk.history import last_change, last_writer
from exams.models import Exam, Registration, Result
from exams.models.results import HAS_PASSED
from exams.services.calendars import follow_later
from exams.services.cancelled import check_not_cancelled
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
    lock_exam,
    need_reason,
    need_seat_now,
    not_registered,
    other_exam,
    seat_by_hand,
    take_place,
    tell,
    wait_on_alone,
    write_counters,
)
from exams.services.two_dates import end_waits
from exams.services.waitinglist import promote


def register(*, enrolment: Enrolment, exam_pk: int, now: datetime) -> Registration:
    """Sign a person up: with a seat if one is free and nobody waits, else at the end of the waiting list.

    Pressed twice it is the same registration. Admission is another matter (see exams.admission).

    Args:
        enrolment: of a student, with user and course loaded.
        exam_pk: an exam of the enrolment's course.
        now: aware; judged against the window under the exam's lock.

    Raises:
        RuleViolation: the course or the window is closed, the person has passed, holds another
            registration of the course, or signed up too often today.
        Exam.DoesNotExist: the course has no such exam.
    """
    check_student(enrolment)
    return _insert(
        enrolment=enrolment, exam_pk=exam_pk, now=now, kind="exams.registered", checks_window=True, reason=""
    )


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
) -> Registration:
    # Looked at before the lock, which many wait for. Who slips in between is met by the constraint.
    if checks_window:
        held, passed = _held_and_passed(enrolment)
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
            held, passed = _held_and_passed(enrolment) if not checks_window else (None, None)
            past_line = not checks_window and (is_walk_in or not exam.may_withdraw(now))
            is_in_line = held is not None and held.exam_id == exam.pk and held.state == Registration.State.WAITLISTED
            if held is not None and not (is_in_line and past_line):
                return _same_exam(held, exam_pk, enrolment.course, by_hand=by_hand)
            if checks_window:
                check_window(exam, enrolment.course, now)
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
        held, _passed = _held_and_passed(enrolment)
        if held is None:
            raise other_exam(None, enrolment.course) from error
        return _same_exam(held, exam_pk, enrolment.course, by_hand=by_hand)
    return registration


def _seat_who_waits(
    exam: Exam, waiting: Registration, *, reason: str, is_walk_in: bool, tells_at: datetime | None, now: datetime
) -> Registration:
    """Give somebody who waits a free seat by hand, and tell them, unless they stand at the door."""
    seat_by_hand(exam, waiting, reason=reason, is_walk_in=is_walk_in, now=now)
    if not is_walk_in:
        tell(waiting, "exams.promoted", now=now, not_before=tells_at)
    return waiting


def say_passed(enrolment: Enrolment) -> str:
    """Return in words, for staff who register somebody by hand, that they have passed; empty where they have not: 1 query."""
    _held, passed = _held_and_passed(enrolment)
    if passed is None:
        return ""
    return _("They have passed the exam of %(day)s already.") % {"day": day_of(passed.exam, enrolment.course)}


def _held_and_passed(enrolment: Enrolment) -> tuple[Registration | None, Registration | None]:
    """Return by what a person takes part in a date or waits for it without a seat, and by what they have passed: 1 query."""
    rows = _standing().read({"enrolment": enrolment.pk})
    held = next((registration for registration in rows if registration.closed_at is None), None)
    return held, next((registration for registration in rows if registration.has_passed), None)


@cache
def _standing() -> ModelStatement[Registration]:
    is_main = Q(closed_at__isnull=True, keeps_seat=False)
    rows = Registration.objects.filter(is_main | HAS_PASSED, enrolment=Parameter("enrolment"))
    return ModelStatement.of(rows.order_by("pk"), along=["result"])


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


def move(*, enrolment: Enrolment, exam_pk: int, now: datetime) -> Registration:
    """Move a person's registration to another date in one step; the held seat goes only once the new one is certain.

    `exam_pk` is the date to move to; the exams are locked in the order of their keys. Whoever waits for a third
    date beside the seat goes on waiting there.

    Raises:
        RuleViolation: the person has passed, nothing is held, the held one can't be given up any more, the other date is closed or
            has no free seat, or the person moved too often today; the held seat stays.
    """
    check_student(enrolment)
    held, passed = _held_and_passed(enrolment)
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


def promote_waiting(*, exam_pk: int, now: datetime) -> list[Registration]:
    """Give free seats to those who wait, lowest position first; nobody gets one after the last moment to withdraw."""
    course = Course.objects.get(exams=exam_pk)
    with transaction.atomic():
        exams = lock_dates(course, along=exam_pk)
        exam = exams[exam_pk]
        promoted = promote(exams, exam, now=now)
        write_counters(exam)
    return promoted


def name_of_capacity(exam: Exam) -> str:
    """Return what names how many seats there are, as a page sends it back; '' for no limit."""
    return "" if exam.capacity is None else str(exam.capacity)


def set_capacity(*, exam_pk: int, capacity: int | None, now: datetime, seen: str | None = None) -> list[Registration]:
    """Change how many seats there are, None for no limit; return who gets a seat by it.

    Args:
        exam_pk: the exam.
        capacity: so many.
        now: the request's clock.
        seen: from `name_of_capacity` what the page showed; None doesn't ask.

    Raises:
        RuleViolation: more people hold a seat than there would be, or somebody changed it meanwhile (code
            'changed-meanwhile').
    """
    course = Course.objects.get(exams=exam_pk)
    with transaction.atomic():
        exams = lock_dates(course, along=exam_pk)
        exam = exams[exam_pk]
        if exam.capacity != capacity and is_overtaken(seen, stands=name_of_capacity(exam)):
            by, _said = last_change(exam, "capacity") or (None, "")
            raise changed_meanwhile(by, name_of_capacity(exam), field="capacity")
        if capacity is not None and capacity < exam.seats_taken:
            raise RuleViolation(
                ngettext(
                    "%(count)d person holds a seat. The capacity can't be lower: withdraw them first.",
                    "%(count)d people hold a seat. The capacity can't be lower: withdraw some of them first.",
                    exam.seats_taken,
                )
                % {"count": exam.seats_taken},
                code="capacity-too-low",
                field="capacity",
            )
        exam.capacity = capacity
        exam.save(update_fields=["capacity"])
        promoted = promote(exams, exam, now=now)
        write_counters(exam)
    return promoted


def close_exam(*, exam_pk: int, now: datetime) -> int:
    """Close an exam, so that everyone in it may register for a later date; return how many registrations ended.

    Raises:
        RuleViolation: it is not over yet, or closed already, or cancelled.
    """
    course = Course.objects.get(exams=exam_pk)
    with transaction.atomic():
        # Who waits for another date beside a seat of this one has nothing left to give back.
        end_waits(course=course, now=now)
        exam = lock_exam(exam_pk, course)
        check_not_cancelled(exam)
        if now < exam.ends_at:
            raise RuleViolation(_("The exam is not over yet. Close it afterwards."), code="exam-not-over")
        if exam.closed_at is not None:
            raise RuleViolation(_("This exam is closed already."), code="exam-closed")
        exam.closed_at = now
        exam.save(update_fields=["closed_at"])
        active = Registration.objects.active().filter(exam=exam)
        people = list(active.values_list("enrolment_id", flat=True))
        active.update(closed_at=now, changed_at=now, keeps_seat=False)
        follow_later(people)
    return len(people)
