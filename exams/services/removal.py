"""Results that are taken away, such as those of the wrong one of two people: with a reason, and told."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from amls.core.decimals import say_grade
from amls.core.meanwhile import changed_meanwhile, exactly, is_overtaken
from amls.core.violations import RuleViolation
from amls.courses.models import User
from exams.models import ExamTaskPoints, Registration, Result, ResultChange
from exams.services.calendars import follow_later
from exams.services.capacity import check_not_frozen, need_reason
from exams.services.points import points_changed_meanwhile
from exams.services.regrading import lock_with_course, logged_change, tell_removed


def remove_result(
    *, registration_pk: int, exam_pk: int, reason: str, by: User | None, now: datetime, seen: str | None = None
) -> None:
    """Take somebody's points away, those for tasks as well; who knew them as published is told that, and why.

    The history of the result stays, with the reason.

    Args:
        registration_pk: whose points they are.
        exam_pk: of this exam.
        reason: why.
        by: who takes them away.
        now: the request's clock, or when a held act is done. Their owner is told at once.
        seen: from `exactly` the points that the page showed, '' for none; None doesn't ask.

    Raises:
        RuleViolation: there is no reason, the exam is frozen, there are no points, or somebody entered others meanwhile
            (code 'changed-meanwhile').
    """
    need_reason(reason)
    with transaction.atomic():
        exam = lock_with_course(exam_pk)
        check_not_frozen(exam)
        registration = Registration.objects.with_people().select_related("result").get(pk=registration_pk, exam=exam)
        result: Result | None = getattr(registration, "result", None)
        given = list(ExamTaskPoints.objects.filter(registration=registration).select_related("task"))
        if result is None and not given:
            raise RuleViolation(
                _("%(person)s has no points in this exam.") % {"person": registration.enrolment.user}, code="no-points"
            )
        if is_overtaken(seen, stands=exactly(result.entered) if result is not None else ""):
            changes = ResultChange.objects.filter(registration=registration).select_related("by").order_by("pk")
            last = changes.last()
            by_whom = last.by if last is not None else None
            if exam.is_graded_directly:
                raise changed_meanwhile(by_whom, say_grade(result.grade) if result is not None and result.grade else "")
            raise points_changed_meanwhile(by_whom, result.points if result is not None else None)
        logged = [
            logged_change(registration, "task", row.points, None, by=by, reason=f"{row.task}: {reason}"[:300], now=now)
            for row in given
        ]
        if result is not None:
            logged.append(logged_change(registration, "removed", result.entered, None, by=by, reason=reason, now=now))
        ResultChange.objects.bulk_create(logged)
        ExamTaskPoints.objects.filter(registration=registration).delete()
        Result.objects.filter(registration=registration).delete()
        if result is not None and result.state == Result.State.PUBLISHED:
            tell_removed(registration, now=now)
            # Who no longer passed has use for the next date.
            follow_later([registration.enrolment_id])
