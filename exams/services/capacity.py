"""Places of an exam under its lock: taken, given up, given on; and the rules that are judged there.

Every write locks the exam's row first, and then decides by the counters that it holds. Under
that lock nothing happens but counter, registration, position and outbox row; calendars follow
after the commit.
"""

from datetime import datetime

from django.utils.translation import gettext as _

from amls.core.times import say_day, say_time
from amls.core.violations import RuleViolation
from amls.courses.models import Course, Enrolment
from amls.mail.outbox import notify
from exams.models import Exam, Registration, Seat
from exams.models.exam import SignUp
from exams.services.calendars import follow_people

_COUNTERS = ["seats_taken", "waiting", "last_position"]


def take_place(
    exam: Exam, enrolment: Enrolment, *, now: datetime, reason: str = "", is_walk_in: bool = False
) -> Registration:
    """Give the next place under the exam's lock: a seat, or a position."""
    registration = Registration(
        course_id=exam.course_id, exam=exam, enrolment=enrolment, created_at=now, changed_at=now, reason=reason,
        is_walk_in=is_walk_in,
    )  # fmt: skip
    if exam.has_free_seat or (is_walk_in and has_seat_now(exam)):
        exam.seats_taken += 1
    else:
        exam.waiting += 1
        exam.last_position += 1
        registration.state = Registration.State.WAITLISTED
        registration.position = exam.last_position
    registration.save(force_insert=True)
    write_counters(exam)
    follow_people([enrolment.pk], now=now)
    return registration


def lock_exam(exam_pk: int, course: Course) -> Exam:
    """Return the exam under its lock; every write to it or to its registrations begins with it."""
    exam = Exam.objects.select_for_update(no_key=True).get(pk=exam_pk, course_id=course.pk)
    exam.course = course
    return exam


def held_registration(exam: Exam, enrolment: Enrolment) -> Registration:
    """Return what the person holds of the exam, locked.

    Raises:
        RuleViolation: they hold nothing.
    """
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


def give_up(
    exam: Exam, registration: Registration, state: Registration.State, *, now: datetime, reason: str = ""
) -> None:
    """End a registration and count what it held as free; the caller holds the lock, promotes, and writes the counters."""
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


def promote(exam: Exam, *, now: datetime) -> list[Registration]:
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
        tell(registration, "exams.promoted", now=now)
    follow_people([registration.enrolment_id for registration in promoted], now=now)
    return promoted


def write_counters(exam: Exam) -> None:
    """Write the counters back; the caller holds the lock."""
    exam.save(update_fields=_COUNTERS)


def has_seat_now(exam: Exam) -> bool:
    """Return whether a seat is free at this moment, whoever waits for it."""
    return exam.capacity is None or exam.seats_taken < exam.capacity


def tell(registration: Registration, kind: str, *, now: datetime, **references: int | bool) -> None:
    """Leave a letter about the registration for the outbox, once for each kind, with further references."""
    enrolment = registration.enrolment
    notify(
        key=f"{kind}:{registration.pk}",
        kind=kind,
        now=now,
        recipient=enrolment.user,
        course=enrolment.course,
        references={"registration": registration.pk, **references},
    )


def seat_at_the_door(exam: Exam, registration: Registration, *, reason: str, now: datetime) -> None:
    """Let somebody who waits take a free seat at the door.

    Before the last moment to withdraw there is none while anybody waits; afterwards nobody
    moves up any more, and who comes may have what stays empty.
    """
    exam.seats_taken += 1
    exam.waiting -= 1
    registration.state = Registration.State.REGISTERED
    registration.position = None
    registration.is_walk_in = True
    registration.reason = reason
    registration.changed_at = now
    registration.save(update_fields=["state", "position", "is_walk_in", "reason", "changed_at"])
    write_counters(exam)
    follow_people([registration.enrolment_id], now=now)


# ── rules ──


def check_not_frozen(exam: Exam) -> None:
    """Refuse what would change the examination office's list under its hands.

    Raises:
        RuleViolation: the exam is frozen.
    """
    if exam.frozen_at is not None:
        raise RuleViolation(
            _("The results are frozen for the examination office. Unfreeze them first, with a reason."), code="frozen"
        )


def check_student(enrolment: Enrolment) -> None:
    """Refuse who teaches in the course.

    Raises:
        RuleViolation: they do.
    """
    if enrolment.is_staff:
        raise RuleViolation(_("You teach in this course: only its students register for exams."), code="not-a-student")


def check_window(exam: Exam, course: Course, now: datetime) -> None:
    """Refuse a sign-up outside of the exam's window, by the clock of the request.

    Raises:
        RuleViolation: it says when sign-up opens or closed.
    """
    if course.state != Course.State.RUNNING:
        raise RuleViolation(_("This course is over. Ask its staff."), code="course-not-running")
    state = exam.sign_up(now)
    if state == SignUp.NONE:
        raise RuleViolation(_("The dates of the sign-up are not fixed yet."), code="sign-up-not-set")
    if state == SignUp.UPCOMING and exam.opens_at is not None:
        raise RuleViolation(
            _("Sign-up opens %(when)s.") % {"when": say_time(exam.opens_at, course.zone)}, code="sign-up-not-open"
        )
    if state == SignUp.CLOSED:
        raise RuleViolation(
            _("Sign-up closed %(when)s. Ask the staff of the course if you have to take this exam.")
            % {"when": say_time(exam.last_moment_to_sign_up, course.zone)},
            code="sign-up-closed",
        )


def check_withdrawal(exam: Exam, registration: Registration, course: Course, now: datetime) -> None:
    """Refuse to give up what can no longer be given up.

    Raises:
        RuleViolation: the last moment to withdraw is over, or the exam is.
    """
    # Whoever only waits holds nothing that another could still be given.
    if registration.state == Registration.State.WAITLISTED and exam.closed_at is None and now < exam.starts_at:
        return
    if registration.has_been:
        raise has_been(exam, course)
    if registration.state != Registration.State.REGISTERED or not exam.may_withdraw(now):
        raise RuleViolation(
            _("The last moment to withdraw was %(when)s. If you are ill, tell the staff of the course.")
            % {"when": say_time(exam.last_moment_to_withdraw, course.zone)},
            code="too-late-to-withdraw",
        )


def need_reason(reason: str) -> None:
    """Refuse an act of staff without a reason.

    Raises:
        RuleViolation: there is none.
    """
    if not reason.strip():
        raise RuleViolation(_("Give a reason: it is kept with what you do."), code="no-reason", field="reason")


def other_exam(held: Registration | None, course: Course) -> RuleViolation:
    """Return the refusal of a second registration beside the one that is held, where that is known."""
    if held is None:
        return RuleViolation(_("You are registered for another date already. Move to this one instead."), "other-exam")
    exam = held.exam
    if held.has_been:
        return has_been(exam, course)
    return RuleViolation(
        _("You are registered for %(day)s already. Move to this date instead.") % {"day": day_of(exam, course)},
        code="other-exam",
    )


def has_been(exam: Exam, course: Course) -> RuleViolation:
    """Return the refusal of another date to whom the door has noted at an exam that is not closed yet."""
    return RuleViolation(
        _("You are on record for the exam of %(day)s. You can register for another date once the staff have closed it.")
        % {"day": day_of(exam, course)},
        code="has-been",
    )


def day_of(exam: Exam, course: Course) -> str:
    """Return the day of the exam in the course's zone, in words."""
    return say_day(exam.starts_at, course.zone)
