"""With points or without: what is refused to an exam for its kind."""

from django.utils.translation import gettext as _

from amls.core.violations import RuleViolation
from exams.models import Exam, Result


def check_by_points(exam: Exam) -> None:
    """Refuse points of a date that is graded without them."""
    if exam.is_graded_directly:
        raise RuleViolation(_("An oral exam is graded without points: enter the grade."), code="no-points-here")


def check_kind(exam: Exam, kind: str) -> None:
    """Refuse another kind for an exam that has results or tasks: an oral one has grades without points, a written one points.

    Args:
        exam: as it stands.
        kind: which it would be.
    """
    if kind == exam.kind:
        return
    if Result.objects.filter(registration__exam=exam).exists() or exam.tasks.exists():
        raise RuleViolation(
            _("There are results or tasks of this exam: whether it is written or oral stays as it is."),
            code="has-results",
            field="kind",
        )
