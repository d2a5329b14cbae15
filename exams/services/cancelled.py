"""What is refused for a date that is cancelled."""

from django.utils.translation import gettext as _

from amls.core.violations import RuleViolation
from exams.models import Exam


def check_not_cancelled(exam: Exam) -> None:
    """Refuse whatever would be done in a date that is not held: a seat, a wait, a mark at the door, points.

    Raises:
        RuleViolation: it is cancelled; it says why.
    """
    if exam.is_cancelled:
        raise RuleViolation(
            _("This date is cancelled (%(reason)s): nothing can be done in it, unless the staff hold it after all.")
            % {"reason": exam.cancelled_because},
            code="cancelled",
        )
