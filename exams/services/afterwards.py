"""Who sat an exam without being on its list, entered once it is closed."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment, User
from exams.models import Exam, Registration
from exams.services.capacity import check_not_frozen, lock_exam, need_reason, need_seat_now, tell, write_counters
from exams.services.door import note_present
from exams.services.points import enter_points

_State = Registration.State


def enter_afterwards(
    *,
    enrolment: Enrolment,
    exam_pk: int,
    reason: str,
    by: User | None,
    now: datetime,
    points: Decimal | None = None,
) -> Registration:
    """Put somebody on the list of a closed exam who sat it without being on it: as having attended, and tell them.

    What they have of another date stays: the registration is closed as those of all others are. Who waited for a seat
    has one by it, who withdrew has a new registration.

    Args:
        enrolment: of a student, with user and course loaded.
        exam_pk: of an exam of their course.
        reason: how it came; it is kept, and told.
        by: who says so.
        now: the request's clock, or when a held act is done.
        points: theirs, as a draft; None where nobody has graded it.

    Raises:
        RuleViolation: there is no reason; the exam is not closed yet, or its results are frozen; they stand on its list, were
            excused, or every seat is taken; or the points can't be.
        Exam.DoesNotExist: the course has no such exam.
    """
    need_reason(reason)
    with transaction.atomic():
        exam = lock_exam(exam_pk, enrolment.course)
        check_not_frozen(exam)
        if exam.closed_at is None:
            raise RuleViolation(
                _("This exam is not closed yet: register %(person)s by hand, or at the door.")
                % {"person": enrolment.user},
                code="exam-not-closed",
            )
        registration = _seat(exam, enrolment, reason=reason, now=now)
        note_present(registration, by=by, now=now)
        tell(registration, "exams.entered", now=now, key=f"exams.entered:{registration.pk}:{now.isoformat()}")
        if points is not None:
            enter_points(exam_pk=exam.pk, points={registration.pk: points}, by=by, reason=reason, now=now)
    return registration


def _seat(exam: Exam, enrolment: Enrolment, *, reason: str, now: datetime) -> Registration:
    """Count a seat for somebody, and return the closed registration by which they have it.

    Raises:
        RuleViolation: they stand on the list, were excused, or no seat is left.
    """
    rows = Registration.objects.select_for_update().filter(exam=exam, enrolment=enrolment)
    known = rows.order_by("pk").last()
    if known is not None and known.holds_seat:
        raise RuleViolation(
            _("%(person)s stands on the list of this exam already: correct whether they attended there.")
            % {"person": enrolment.user},
            code="on-list",
            field="enrolment",
        )
    if known is not None and known.state == _State.EXCUSED:
        raise RuleViolation(
            _("%(person)s was excused from this exam. Correct that under 'Withdrawn and excused' instead.")
            % {"person": enrolment.user},
            code="excused",
            field="enrolment",
        )
    need_seat_now(exam)
    exam.seats_taken += 1
    if known is not None and known.state == _State.WAITLISTED:
        exam.waiting -= 1
        registration = known
    else:
        registration = Registration(course_id=exam.course_id, exam=exam, enrolment=enrolment, created_at=now)
    registration.exam, registration.enrolment = exam, enrolment
    registration.state, registration.position, registration.is_walk_in = _State.REGISTERED, None, True
    registration.reason, registration.changed_at, registration.closed_at = reason, now, now
    registration.save()
    write_counters(exam)
    return registration
