"""Sign-up: seats, the waiting list, and the way from one date to another.

No seat is sold twice: every write locks the exam's row first, and then decides by the
counters that it holds. Under that lock nothing happens but counter, registration,
position and outbox row; calendars follow after the commit. What the lock would ever let
through, three constraints of the database refuse: `exam_never_overbooked`,
`registration_one_active`, `registration_position_unique`.
"""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from amls.courses.models import Course, Enrolment
from amls.notifications.services import notify
from amls.web.violations import RuleViolation
from exams.following import follow_people
from exams.models import Exam, Registration, Seat
from exams.models.exam import SignUp

_COUNTERS = ["seats_taken", "waiting", "last_position"]


def register(*, enrolment: Enrolment, exam_pk: int, now: datetime) -> Registration:
    """Sign a person up: with a seat if one is free and nobody waits, else at the end of the waiting list.

    Pressed twice it is the same registration. Admission is another matter (see exams.admission).

    Args:
        enrolment: of a student, with user and course loaded.
        exam_pk: an exam of the enrolment's course.
        now: aware; judged against the window under the exam's lock.

    Raises:
        RuleViolation: the course or the window is closed, or the person holds another
            registration of the course.
        Exam.DoesNotExist: the course has no such exam.
    """
    _check_student(enrolment)
    return _insert(
        enrolment=enrolment, exam_pk=exam_pk, now=now, kind="exams.registered", checks_window=True, reason=""
    )


def staff_register(
    *, enrolment: Enrolment, exam_pk: int, reason: str, now: datetime, is_walk_in: bool = False
) -> Registration:
    """Sign a person up by hand, outside of any window; the capacity and the waiting list hold for staff too.

    The `reason` is kept with the registration. A walk-in came to the door without one: then
    there is no waiting list to join.

    Raises:
        RuleViolation: there is no reason, the exam is closed, the person holds another
            registration, or there is no free seat for a walk-in.
    """
    _need_reason(reason)
    return _insert(
        enrolment=enrolment, exam_pk=exam_pk, now=now, kind="exams.registered", checks_window=False, reason=reason,
        is_walk_in=is_walk_in,
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
) -> Registration:
    try:
        with transaction.atomic():
            exam = _lock(exam_pk, enrolment.course)
            held = Registration.objects.active().filter(enrolment=enrolment).select_related("exam").first()
            if held is not None:
                if held.exam_id == exam.pk:
                    return held
                raise _other_exam(held.exam, enrolment.course)
            if checks_window:
                _check_window(exam, enrolment.course, now)
            elif exam.closed_at is not None:
                raise RuleViolation(_("This exam is closed. Nobody can be registered for it any more."), "exam-closed")
            if is_walk_in and not _has_seat_now(exam):
                raise RuleViolation(
                    _("Every seat is taken. Raise the capacity of the exam first, if the room has space."),
                    code="exam-full",
                )
            registration = _take_place(exam, enrolment, now=now, reason=reason, is_walk_in=is_walk_in)
            _tell(registration, kind, now=now)
    except IntegrityError as error:
        # The same person signed up for another date at the same moment: one of the two stands.
        if "registration_one_active" not in str(error):
            raise
        raise _other_exam(None, enrolment.course) from error
    return registration


def _take_place(
    exam: Exam, enrolment: Enrolment, *, now: datetime, reason: str = "", is_walk_in: bool = False
) -> Registration:
    """Give the next place under the exam's lock: a seat, or a position."""
    registration = Registration(
        course_id=exam.course_id, exam=exam, enrolment=enrolment, created_at=now, changed_at=now, reason=reason,
        is_walk_in=is_walk_in,
    )  # fmt: skip
    if exam.has_free_seat or (is_walk_in and _has_seat_now(exam)):
        exam.seats_taken += 1
    else:
        exam.waiting += 1
        exam.last_position += 1
        registration.state = Registration.State.WAITLISTED
        registration.position = exam.last_position
    registration.save(force_insert=True)
    _write_counters(exam)
    follow_people([enrolment.pk], now=now)
    return registration


def withdraw(*, enrolment: Enrolment, exam_pk: int, now: datetime) -> Registration:
    """Give up one's seat or place on the waiting list; the first who waits gets the seat in the same transaction.

    Raises:
        RuleViolation: there is nothing to withdraw from, or the last moment to do so is over.
    """
    with transaction.atomic():
        exam = _lock(exam_pk, enrolment.course)
        registration = _held(exam, enrolment)
        _check_withdrawal(exam, registration, enrolment.course, now)
        _give_up(exam, registration, Registration.State.WITHDRAWN, now=now)
        _tell(registration, "exams.withdrawn", now=now)
        _promote(exam, now=now)
        _write_counters(exam)
    return registration


def staff_withdraw(*, registration_pk: int, reason: str, now: datetime) -> Registration:
    """Take a person off an exam by hand, at any time before it is closed; a freed seat is given on while it may be.

    Raises:
        RuleViolation: there is no reason, or the registration is no longer active.
    """
    return _end(registration_pk, Registration.State.WITHDRAWN, "exams.withdrawn", reason=reason, now=now)


def excuse(*, registration_pk: int, reason: str, now: datetime) -> Registration:
    """Excuse a person, before the exam or after it; they may register for another date. It is no failed attempt.

    Raises:
        RuleViolation: there is no reason, they attended, or the registration is no longer active.
    """
    return _end(registration_pk, Registration.State.EXCUSED, "exams.excused", reason=reason, now=now)


def _end(registration_pk: int, state: Registration.State, kind: str, *, reason: str, now: datetime) -> Registration:
    _need_reason(reason)
    found = Registration.objects.with_people().get(pk=registration_pk)
    with transaction.atomic():
        exam = _lock(found.exam_id, found.course)
        registration = Registration.objects.select_for_update(of=("self",)).with_people().get(pk=registration_pk)
        if registration.closed_at is not None:
            raise RuleViolation(
                _("This registration has ended already: %(state)s.") % {"state": registration.get_state_display()},
                code="registration-ended",
            )
        if registration.state == Registration.State.ATTENDED:
            raise RuleViolation(
                _("This person attended the exam. Take the check-in back first, if that is wrong."), code="attended"
            )
        _give_up(exam, registration, state, now=now, reason=reason)
        _tell(registration, kind, now=now)
        _promote(exam, now=now)
        _write_counters(exam)
    return registration


def move(*, enrolment: Enrolment, exam_pk: int, now: datetime) -> Registration:
    """Move a person's registration to another date in one step; the held seat goes only once the new one is certain.

    `exam_pk` is the date to move to; both exams are locked, in the order of their keys.

    Raises:
        RuleViolation: nothing is held, the held one can't be given up any more, or the other
            date is closed or has no free seat; the held seat stays.
    """
    _check_student(enrolment)
    held = Registration.objects.active().filter(enrolment=enrolment).first()
    if held is None:
        raise RuleViolation(_("You are not registered for any date yet: register for this one."), "not-registered")
    if held.exam_id == exam_pk:
        return held
    with transaction.atomic():
        both = Exam.objects.select_for_update(no_key=True).filter(
            pk__in=[held.exam_id, exam_pk], course=enrolment.course
        )
        exams = {exam.pk: exam for exam in both.order_by("pk")}
        if exam_pk not in exams:
            raise Exam.DoesNotExist
        source, target = exams[held.exam_id], exams[exam_pk]
        registration = _held(source, enrolment)
        _check_withdrawal(source, registration, enrolment.course, now)
        _check_window(target, enrolment.course, now)
        if not target.has_free_seat:
            raise RuleViolation(
                _("%(exam)s on %(day)s has no free seat. Nothing changed: you keep what you have.")
                % {"exam": target, "day": _day(target, enrolment.course)},
                code="target-full",
            )
        _give_up(source, registration, Registration.State.WITHDRAWN, now=now)
        moved = _take_place(target, enrolment, now=now)
        _promote(source, now=now)
        _write_counters(source)
        _tell(moved, "exams.moved", now=now, moved_from=registration.pk)
    return moved


def promote_waiting(*, exam_pk: int, now: datetime) -> list[Registration]:
    """Give free seats to those who wait, lowest position first; nobody gets one after the last moment to withdraw."""
    course = Course.objects.get(exams=exam_pk)
    with transaction.atomic():
        exam = _lock(exam_pk, course)
        promoted = _promote(exam, now=now)
        _write_counters(exam)
    return promoted


def set_capacity(*, exam_pk: int, capacity: int | None, now: datetime) -> list[Registration]:
    """Change how many seats there are, None for no limit; return who gets a seat by it.

    Raises:
        RuleViolation: more people hold a seat than there would be.
    """
    course = Course.objects.get(exams=exam_pk)
    with transaction.atomic():
        exam = _lock(exam_pk, course)
        if capacity is not None and capacity < exam.seats_taken:
            raise RuleViolation(
                _("%(count)d people hold a seat. The capacity can't be lower: withdraw some of them first.")
                % {"count": exam.seats_taken},
                code="capacity-too-low",
                field="capacity",
            )
        exam.capacity = capacity
        exam.save(update_fields=["capacity"])
        promoted = _promote(exam, now=now)
        _write_counters(exam)
    return promoted


def close_exam(*, exam_pk: int, now: datetime) -> int:
    """Close an exam, so that everyone in it may register for a later date; return how many registrations ended.

    Raises:
        RuleViolation: it is not over yet, or closed already.
    """
    course = Course.objects.get(exams=exam_pk)
    with transaction.atomic():
        exam = _lock(exam_pk, course)
        if now < exam.ends_at:
            raise RuleViolation(_("The exam is not over yet. Close it afterwards."), code="exam-not-over")
        if exam.closed_at is not None:
            raise RuleViolation(_("This exam is closed already."), code="exam-closed")
        exam.closed_at = now
        exam.save(update_fields=["closed_at"])
        active = Registration.objects.active().filter(exam=exam)
        people = list(active.values_list("enrolment_id", flat=True))
        active.update(closed_at=now, changed_at=now)
        follow_people(people, now=now)
    return len(people)


# ── under the lock ──


def _lock(exam_pk: int, course: Course) -> Exam:
    exam = Exam.objects.select_for_update(no_key=True).get(pk=exam_pk, course_id=course.pk)
    exam.course = course
    return exam


def _held(exam: Exam, enrolment: Enrolment) -> Registration:
    registration = (
        Registration.objects.active()
        .select_for_update(of=("self",))
        .filter(exam=exam, enrolment=enrolment)
        .with_people()
        .first()
    )
    if registration is None:
        raise RuleViolation(_("You are not registered for this exam."), code="not-registered")
    return registration


def _give_up(
    exam: Exam, registration: Registration, state: Registration.State, *, now: datetime, reason: str = ""
) -> None:
    if registration.holds_seat:
        exam.seats_taken -= 1
    else:
        exam.waiting -= 1
    registration.state = state
    registration.position = None
    registration.closed_at = registration.changed_at = now
    registration.reason = reason
    registration.save(update_fields=["state", "position", "closed_at", "changed_at", "reason"])
    # An assigned seat is free for somebody else.
    Seat.objects.filter(registration=registration).delete()
    follow_people([registration.enrolment_id], now=now)


def _promote(exam: Exam, *, now: datetime) -> list[Registration]:
    """Give the free seats to those who have waited longest; the caller holds the lock and writes the counters."""
    if exam.waiting == 0 or not exam.may_withdraw(now):
        return []
    free = exam.waiting if exam.capacity is None else min(exam.waiting, exam.capacity - exam.seats_taken)
    if free <= 0:
        return []
    promoted = list(
        Registration.objects.waiting().filter(exam=exam).select_related("enrolment__user", "enrolment__course")[:free]
    )
    for registration in promoted:
        registration.state = Registration.State.REGISTERED
        registration.position = None
        registration.changed_at = now
    Registration.objects.bulk_update(promoted, ["state", "position", "changed_at"])
    exam.seats_taken += len(promoted)
    exam.waiting -= len(promoted)
    for registration in promoted:
        _tell(registration, "exams.promoted", now=now)
    follow_people([registration.enrolment_id for registration in promoted], now=now)
    return promoted


def _write_counters(exam: Exam) -> None:
    exam.save(update_fields=_COUNTERS)


def _has_seat_now(exam: Exam) -> bool:
    return exam.capacity is None or exam.seats_taken < exam.capacity


def _tell(registration: Registration, kind: str, *, now: datetime, moved_from: int | None = None) -> None:
    enrolment = registration.enrolment
    notify(
        key=f"{kind}:{registration.pk}",
        kind=kind,
        now=now,
        recipient=enrolment.user,
        course=enrolment.course,
        references={"registration": registration.pk, **({"moved_from": moved_from} if moved_from else {})},
    )


# ── rules ──


def _check_student(enrolment: Enrolment) -> None:
    if enrolment.is_staff:
        raise RuleViolation(_("You teach in this course: only its students register for exams."), code="not-a-student")


def _check_window(exam: Exam, course: Course, now: datetime) -> None:
    if course.state != Course.State.RUNNING:
        raise RuleViolation(_("This course is over. Ask its staff."), code="course-not-running")
    state = exam.sign_up(now)
    if state == SignUp.NONE:
        raise RuleViolation(_("The dates of the sign-up are not fixed yet."), code="sign-up-not-set")
    if state == SignUp.UPCOMING and exam.opens_at is not None:
        raise RuleViolation(
            _("Sign-up opens %(when)s.") % {"when": _moment(exam.opens_at, course)}, code="sign-up-not-open"
        )
    if state == SignUp.CLOSED:
        raise RuleViolation(
            _("Sign-up closed %(when)s. Ask the staff of the course if you have to take this exam.")
            % {"when": _moment(exam.last_moment_to_sign_up, course)},
            code="sign-up-closed",
        )


def _check_withdrawal(exam: Exam, registration: Registration, course: Course, now: datetime) -> None:
    # Whoever only waits holds nothing that another could still be given.
    if registration.state == Registration.State.WAITLISTED and exam.closed_at is None and now < exam.starts_at:
        return
    if registration.state != Registration.State.REGISTERED or not exam.may_withdraw(now):
        raise RuleViolation(
            _("The last moment to withdraw was %(when)s. If you are ill, tell the staff of the course.")
            % {"when": _moment(exam.last_moment_to_withdraw, course)},
            code="too-late-to-withdraw",
        )


def _need_reason(reason: str) -> None:
    if not reason.strip():
        raise RuleViolation(_("Give a reason: it is kept with what you do."), code="no-reason", field="reason")


def _other_exam(exam: Exam | None, course: Course) -> RuleViolation:
    if exam is None:
        return RuleViolation(_("You are registered for another date already. Move to this one instead."), "other-exam")
    return RuleViolation(
        _("You are registered for %(day)s already. Move to this date instead.") % {"day": _day(exam, course)},
        code="other-exam",
    )


def _moment(value: datetime, course: Course) -> str:
    local = value.astimezone(course.zone)
    return f"{date_format(local, 'D j M Y, H:i', use_l10n=False)} ({course.timezone})"


def _day(exam: Exam, course: Course) -> str:
    return date_format(exam.starts_at.astimezone(course.zone), "D j M Y", use_l10n=False)
