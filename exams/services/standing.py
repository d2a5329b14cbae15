"""By what a person takes part in a date or waits for it, and what they have passed."""

from functools import cache

from django.db.models import Q
from django.utils.translation import gettext as _

from amls.core.statements import ModelStatement, Parameter
from amls.courses.models import Enrolment
from exams.models import Registration
from exams.models.results import HAS_PASSED
from exams.services.capacity import day_of


def say_passed(enrolment: Enrolment) -> str:
    """Return in words, for staff who register somebody by hand, that they have passed; empty where they have not: 1 query."""
    _held, passed = held_and_passed(enrolment)
    if passed is None:
        return ""
    return _("They have passed the exam of %(day)s already.") % {"day": day_of(passed.exam, enrolment.course)}


def held_and_passed(enrolment: Enrolment) -> tuple[Registration | None, Registration | None]:
    """Return by what a person takes part in a date or waits for it without a seat, and by what they have passed: 1 query."""
    rows = _standing().read({"enrolment": enrolment.pk})
    held = next((registration for registration in rows if registration.closed_at is None), None)
    return held, next((registration for registration in rows if registration.has_passed), None)


@cache
def _standing() -> ModelStatement[Registration]:
    is_main = Q(closed_at__isnull=True, keeps_seat=False)
    rows = Registration.objects.filter(is_main | HAS_PASSED, enrolment=Parameter("enrolment"))
    return ModelStatement.of(rows.order_by("pk"), along=["result"])
