"""Closing an exam, so that whoever was in it and has not passed may register for a later date."""

from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.db.models import Count
from django.utils.translation import gettext as _

from amls.core.violations import RuleViolation
from amls.courses.models import Course
from exams.models import Registration
from exams.models.results import HAS_PASSED
from exams.services.calendars import follow_later
from exams.services.cancelled import check_not_cancelled
from exams.services.capacity import lock_exam
from exams.services.two_dates import end_waits


class Closed(NamedTuple):
    """Whose registrations ended with an exam.

    Attributes:
        free: how many of these people may register for a later date.
        passed: how many may not, since their result, of whatever date, is out and a pass.
    """

    free: int
    passed: int


def close_exam(*, exam_pk: int, now: datetime) -> Closed:
    """Close an exam, so that whoever was in it and has not passed may register for a later date; return how many these are.

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
        have_passed = Registration.objects.filter(HAS_PASSED, enrolment__in=people)
        passed = have_passed.aggregate(people=Count("enrolment", distinct=True))["people"]
    return Closed(len(people) - passed, passed)
