"""How many seats there are, and who gets one where there are more."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import ngettext

from amls.core.meanwhile import changed_meanwhile, is_overtaken
from amls.core.violations import RuleViolation
from amls.courses.models import Course
from amls.desk.history import last_change
from exams.models import Exam, Registration
from exams.services.capacity import lock_dates, write_counters
from exams.services.waitinglist import promote


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
