"""Places of an exam under its lock: taken, given up, given on; and the rules that are judged there.

Every write locks the exam's row first, and then decides by the counters that it holds. Under
that lock nothing happens but counter, registration, position and outbox row; calendars follow
after the commit.

Whatever can give a seat on locks all dates of the course, in the order of their keys: whoever moves up may hold a seat
of another date, which is then free for those who wait there; and of one that is closed a result may be published at
this moment, by which they need no seat. Who moves up says `exams.services.waitinglist`.
"""

from datetime import datetime, timedelta
from functools import cache

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.bounds import Bound
from amls.core.statements import LockingStatement, Parameter
from amls.core.times import say_time
from amls.core.violations import RuleViolation
from amls.courses.models import Course, Enrolment
from amls.mail.outbox import notify
from exams.models import Exam, Registration, Seat
from exams.models.exam import SignUp
from exams.services.calendars import follow_later
from exams.services.cancelled import check_not_cancelled

# Each step is a mail, and a seat that is freed and taken again moves the waiting list. Whoever holds a seat may
# always give it up.
STEPS = Bound(
    "exams.steps",
    most=10,
    per=timedelta(days=1),
    message=gettext_lazy(
        "You signed up or moved %(most)s times today. Go on in %(wait)s; what you hold stays as it is. "
        "If you can't wait, write to the staff."
    ),
)
_COUNTERS = ["seats_taken", "waiting", "last_position"]


def take_place(
    exam: Exam,
    enrolment: Enrolment,
    *,
    now: datetime,
    reason: str = "",
    is_walk_in: bool = False,
    keeps_seat: bool = False,
    past_line: bool = False,
) -> Registration:
    """Give the next place under the exam's lock: a seat, or a position; to who keeps a seat elsewhere, a position.

    With `past_line` a seat that is free is given whoever waits.
    """
    registration = Registration(
        course_id=exam.course_id, exam=exam, enrolment=enrolment, created_at=now, changed_at=now, reason=reason,
        is_walk_in=is_walk_in, keeps_seat=keeps_seat,
    )  # fmt: skip
    if not keeps_seat and (exam.has_free_seat or (past_line and has_seat_now(exam))):
        exam.seats_taken += 1
    else:
        exam.waiting += 1
        exam.last_position += 1
        registration.state = Registration.State.WAITLISTED
        registration.position = exam.last_position
    registration.save(force_insert=True)
    write_counters(exam)
    follow_later([enrolment.pk])
    return registration


def lock_exam(exam_pk: int, course: Course) -> Exam:
    """Return the exam under its lock; every write to it or to its registrations begins with it.

    Raises:
        Exam.DoesNotExist: the course has no such exam.
    """
    exam = _exam().lock_first({"exam": exam_pk, "course": course.pk})
    if exam is None:
        raise Exam.DoesNotExist
    exam.course = course
    return exam


@cache
def _exam() -> LockingStatement[Exam]:
    rows = Exam.objects.filter(pk=Parameter("exam"), course=Parameter("course"))
    return LockingStatement.of(rows.order_by())


def lock_dates(course: Course, *, along: int) -> dict[int, Exam]:
    """Return the course's exams that are not closed, and the one named, by key; all of the course are locked: 1 query.

    Raises:
        Exam.DoesNotExist: the course has no exam `along`.
    """
    rows = Exam.objects.select_for_update(no_key=True).filter(course=course).order_by("pk")
    exams = {exam.pk: exam for exam in rows if exam.closed_at is None or exam.pk == along}
    if along not in exams:
        raise Exam.DoesNotExist
    for exam in exams.values():
        exam.course = course
    return exams


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
        .with_wait_beside()
        .first()
    )
    if registration is None:
        raise RuleViolation(_("You are not registered for this exam."), code="not-registered")
    return registration


def give_up(
    exam: Exam,
    registration: Registration,
    state: Registration.State,
    *,
    now: datetime,
    reason: str = "",
    has_passed: bool = False,
) -> None:
    """End a registration and count what it held as free; the caller holds the lock, promotes, and writes the counters.

    Of who waited and `has_passed` another date the position is kept: it is theirs again, should that be corrected.
    """
    if registration.holds_seat:
        exam.seats_taken -= 1
    else:
        exam.waiting -= 1
    registration.state = state
    registration.position_until_passed = registration.position if has_passed else None
    registration.position = None
    registration.keeps_seat = False
    registration.closed_at = registration.changed_at = now
    registration.reason = reason
    registration.save(
        update_fields=[
            "state", "position", "position_until_passed", "keeps_seat", "closed_at", "changed_at", "reason",
        ]
    )  # fmt: skip
    # An assigned seat is free for somebody else.
    Seat.objects.filter(registration=registration).delete()
    follow_later([registration.enrolment_id])


def wait_on_alone(registration: Registration) -> None:
    """Let whoever gave up a seat, and waits for another date beside it, go on waiting there without one."""
    if getattr(registration, "waits_beside", False):
        Registration.objects.filter(enrolment=registration.enrolment_id, keeps_seat=True).update(keeps_seat=False)


def write_counters(exam: Exam) -> None:
    """Write the counters back; the caller holds the lock."""
    exam.save(update_fields=_COUNTERS)


def has_seat_now(exam: Exam) -> bool:
    """Return whether a seat is free at this moment, whoever waits for it."""
    return exam.capacity is None or exam.seats_taken < exam.capacity


def need_seat_now(exam: Exam) -> None:
    """Refuse somebody who needs a seat at this moment, whoever waits for one.

    Raises:
        RuleViolation: none is free.
    """
    if not has_seat_now(exam):
        raise RuleViolation(
            _("Every seat is taken. Raise the capacity of the exam first, if the room has space."), code="exam-full"
        )


def tell(
    registration: Registration,
    kind: str,
    *,
    now: datetime,
    not_before: datetime | None = None,
    key: str = "",
    **references: int | bool,
) -> None:
    """Leave a letter about the registration for the outbox, once for each kind or `key`, with further references.

    It waits until `not_before`, where that is given.
    """
    enrolment = registration.enrolment
    notify(
        key=key or f"{kind}:{registration.pk}",
        kind=kind,
        now=now,
        recipient=enrolment.user,
        course=enrolment.course,
        references={"registration": registration.pk, **references},
        not_before=not_before,
    )


def seat_by_hand(
    exam: Exam, registration: Registration, *, reason: str, is_walk_in: bool = False, now: datetime
) -> None:
    """Let somebody who waits have a free seat, at the door (`is_walk_in`) or before.

    Before the last moment to withdraw there is none while anybody waits; afterwards nobody
    moves up any more, and whom the staff choose may have what stays empty.
    """
    exam.seats_taken += 1
    exam.waiting -= 1
    registration.state = Registration.State.REGISTERED
    registration.position = None
    registration.is_walk_in = is_walk_in
    registration.reason = reason
    registration.changed_at = now
    registration.save(update_fields=["state", "position", "is_walk_in", "reason", "changed_at"])
    write_counters(exam)
    follow_later([registration.enrolment_id])


# ── rules ──


def check_not_frozen(exam: Exam) -> None:
    """Refuse what would change the examination office's list under its hands, or be done in a date that is not held.

    Raises:
        RuleViolation: the exam is frozen, or cancelled.
    """
    check_not_cancelled(exam)
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
        RuleViolation: it says when sign-up opens or closed, or that the date is cancelled.
    """
    check_not_cancelled(exam)
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


def check_not_passed(passed: Registration | None, course: Course) -> None:
    """Refuse another date to who has passed: a passed exam is not sat again, and its seats are for those who need one.

    Args:
        passed: by which the person has passed; None for who has not.
        course: of the exams.

    Raises:
        RuleViolation: they have.
    """
    if passed is not None:
        raise RuleViolation(
            _("You have passed the exam of %(day)s, and nobody sits an exam again that they have passed.")
            % {"day": day_of(passed.exam, course)},
            code="passed",
        )


def other_exam(held: Registration | None, course: Course) -> RuleViolation:
    """Return the refusal of a second registration beside the one that is held, where that is known."""
    if held is None:
        return RuleViolation(_("You are registered for another date already. Move to this one instead."), "other-exam")
    exam = held.exam
    if held.has_been:
        return has_been(exam, course)
    if held.state == Registration.State.WAITLISTED:
        return RuleViolation(
            _("You wait for %(day)s already, and stay where you are: move to this date instead, or wait on.")
            % {"day": day_of(exam, course)},
            code="other-exam",
        )
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


def not_registered() -> RuleViolation:
    """Return the refusal of a step that only whoever is registered can take."""
    return RuleViolation(_("You are not registered for any date yet: register for this one."), "not-registered")


def day_of(exam: Exam, course: Course) -> str:
    """Return what tells the date from the course's others, in the course's zone, in words: the day, and more where that needs it."""
    return exam.date_name(course.zone)
