"""Who can't leave a course because of its exams."""

from django.utils.translation import gettext as _

from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment
from amls.courses.participation import before_leaving
from exams.models import Registration


@before_leaving
def keep_who_has_an_exam(enrolment: Enrolment) -> None:
    """Keep whoever stands on an exam's list: the record has to be kept.

    Raises:
        RuleViolation: with what to do instead.
    """
    own = Registration.objects.filter(enrolment=enrolment)
    if own.active().exists():
        raise RuleViolation(_("You are registered for an exam. Withdraw from it first."), code="has-exam")
    if own.exists():
        raise RuleViolation(
            _("Your exams are on record in this course, so you stay in it. Ask its staff if that is wrong."),
            code="has-exam-record",
        )
