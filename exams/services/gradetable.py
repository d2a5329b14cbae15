"""The grade table, and how many points there are to be had: what may be changed of them, and what stands in the way."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.apps import apps
from django.db import transaction
from django.utils.translation import gettext as _

from amls.core.decimals import say_decimal
from amls.core.meanwhile import exactly, is_overtaken
from amls.core.violations import RuleViolation
from amls.courses.models import User
from amls.grading.points import ZERO
from exams.models import GRADES, Exam, GradeStep, Result
from exams.services.capacity import check_not_frozen
from exams.services.kinds import check_by_points
from exams.services.points import points_changed_meanwhile
from exams.services.regrading import grade_table, lock_with_course


def set_grade_table(
    *, exam_pk: int, steps: Mapping[Decimal, Decimal], now: datetime, seen: Mapping[Decimal, str] | None = None
) -> dict[Decimal, RuleViolation]:
    """Replace the grade table; drafts follow it at once, published results only by regrade().

    Args:
        exam_pk: the exam.
        steps: from how many points on each grade is given.
        now: the request's clock.
        seen: by grade, from `exactly` the boundaries that the person had before them; None doesn't ask.

    Returns:
        By grade what somebody else changed meanwhile: where there is any, the whole table is as these left it.

    Raises:
        RuleViolation: the exam is frozen, a better grade asks for fewer points than a worse
            one, a step lies above what is to be had, or it is not said where one passes.
    """
    with transaction.atomic():
        exam = lock_with_course(exam_pk)
        check_not_frozen(exam)
        check_by_points(exam)
        check_steps(steps, exam.max_points)
        stands = grade_table(exam).steps
        late = [
            grade for grade, shown in (seen or {}).items() if is_overtaken(shown, stands=exactly(stands.get(grade)))
        ]
        if late and stands != steps:
            by = _last_to_keep_a_table(exam)
            return {grade: points_changed_meanwhile(by, stands.get(grade)) for grade in late}
        GradeStep.objects.filter(exam=exam).exclude(grade__in=steps).delete()
        for grade, points in steps.items():
            GradeStep.objects.update_or_create(exam=exam, grade=grade, defaults={"min_points": points})
    return {}


def _last_to_keep_a_table(exam: Exam) -> User | None:
    """Return who changed the grade table last, as its history has it."""
    history: Any = apps.get_model("exams", "GradeStepEvent")
    last = history.objects.filter(exam=exam.pk).select_related("pgh_context").order_by("-pgh_id").first()
    context = last.pgh_context if last is not None else None
    return User.objects.filter(pk=context.metadata.get("user")).first() if context is not None else None


def check_steps(steps: Mapping[Decimal, Decimal], most: Decimal) -> None:
    """Refuse a table that is not one where there are so many points to be had; see set_grade_table()."""
    if GRADES[-1] not in steps:
        raise RuleViolation(_("Say from how many points on one passes (4.0)."), code="no-pass")
    ordered = [steps[grade] for grade in GRADES if grade in steps]
    if any(better <= worse for better, worse in pairwise(ordered)):
        raise RuleViolation(_("A better grade needs more points than the next worse one."), code="table-order")
    if ordered[0] > most or ordered[-1] < 0:
        raise RuleViolation(
            _("Every boundary of the grade table lies between 0 and %(most)s points.") % {"most": say_decimal(most)},
            code="table-range",
        )


def check_max_points(exam: Exam, most: Decimal) -> None:
    """Refuse that an exam has other points to be had than it has.

    Args:
        exam: locked, as it stands.
        most: how many there would be.

    Raises:
        RuleViolation: the exam is frozen, its tasks say how many there are, its grade table asks for more, or somebody
            has more.
    """
    if most == exam.max_points:
        return
    check_not_frozen(exam)
    if exam.tasks.exists():
        raise RuleViolation(
            _(
                "The tasks of this exam have %(points)s points together. Change them on the page of results, under 'Tasks'."
            )
            % {"points": say_decimal(exam.max_points)},
            code="has-tasks",
            field="max_points",
        )
    need_room(exam, most)


def need_room(exam: Exam, most: Decimal) -> None:
    """Refuse fewer points to be had than the grade table asks for, or than somebody has who has none for tasks.

    Who has points for tasks follows these; a total that was typed or imported stays as it is.

    Raises:
        RuleViolation: there is such a boundary or total.
    """
    steps = grade_table(exam)
    if steps.is_complete:
        check_steps(steps.steps, most)
    totals = Result.objects.filter(registration__exam=exam, registration__task_points__isnull=True, points__gt=most)
    highest = totals.select_related("registration__enrolment__user").order_by("-points").first()
    if highest is not None:
        raise RuleViolation(
            _("%(person)s has %(points)s points, more than there would be to be had.")
            % {"person": highest.registration.enrolment.user, "points": say_decimal(highest.points or ZERO)},
            code="more-given",
        )
