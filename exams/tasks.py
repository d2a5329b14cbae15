"""What workers see to after a commit, and beat in any case: calendars, seats of late ones, admissions."""

import logging
from datetime import datetime

from celery import shared_task

from amls.core import clock
from amls.courses.models import Course
from exams.models import Exam, Registration
from exams.services.admission import admit_whoever_fulfils_the_rules
from exams.services.calendars import follow_course, follow_now
from exams.services.seatcount import promote_waiting
from exams.services.seating import seat_late_ones
from exams.services.two_dates import end_waits
from exams.services.waitinglist import settle_waits

logger = logging.getLogger(__name__)


@shared_task
def follow(enrolment_pks: list[int]) -> int:
    """Bring agenda and seats of these people up to date; return how many they are. Rung after a commit."""
    now = clock.now()
    # Seats come second: whoever gets one is followed by a ring of their own.
    follow_now(enrolment_pks, now=now)
    seat_late_ones(enrolment_pks=enrolment_pks, now=now)
    settle_waits(people=enrolment_pks, now=now)
    return len(enrolment_pks)


@shared_task
def tend_exams() -> int:
    """Write down who is admitted by the rules, and mend what a crash left; return how many admissions are new.

    That is: waits of who has passed, free seats for whom somebody waits, people without a seat in a room, calendars. A
    course in which something fails keeps none of the others waiting.
    """
    now = clock.now()
    admitted = 0
    courses = Course.objects.filter(state=Course.State.RUNNING, exams__isnull=False).order_by("pk").distinct()
    for course in courses:
        try:
            admitted += _tend(course, now)
        except Exception:  # Whatever it is: it is this course's alone.
            logger.exception("exams not tended course=%s", course.pk)
    return admitted


def _tend(course: Course, now: datetime) -> int:
    end_waits(course=course, now=now)
    settle_waits(course=course, now=now)
    for exam in Exam.objects.filter(course=course, waiting__gt=0, closed_at__isnull=True).order_by("pk"):
        if exam.may_withdraw(now):
            promote_waiting(exam_pk=exam.pk, now=now)
    admitted = admit_whoever_fulfils_the_rules(course=course, now=now)
    holding = Registration.objects.active().holding().filter(course=course)
    seat_late_ones(enrolment_pks=list(holding.values_list("enrolment_id", flat=True)), now=now)
    follow_course(course, now)
    return admitted
