"""The rule of admission that exams themselves know: the matriculation number is given."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from amls.courses.eligibility import Finding, Verdict, eligibility_rules
from amls.courses.models import Course, Enrolment
from amls.courses.numbers import looks_like_a_number
from exams.models import ExamRules

RULE = "exams.matriculation"


@eligibility_rules.named(RULE)
def matriculation_number_is_given(
    course: Course, enrolments: Sequence[Enrolment], now: datetime
) -> Mapping[int, Finding]:
    """Find whether each person's matriculation number is known, where the course asks for it: 1 query."""
    rules = ExamRules.objects.filter(course=course).first()
    if rules is not None and not rules.needs_matriculation_number:
        return {}
    return {enrolment.pk: _judge(enrolment) for enrolment in enrolments}


def _judge(enrolment: Enrolment) -> Finding:
    if looks_like_a_number(enrolment.number):
        return Finding(rule=RULE, verdict=Verdict.MET, text=_("Matriculation number given"))
    missing = _("Your matriculation number is missing: enter it in your profile.")
    return Finding(
        rule=RULE,
        verdict=Verdict.UNMET,
        text=_("'%(number)s' is no matriculation number: correct it in your profile.") % {"number": enrolment.number}
        if enrolment.number
        else missing,
        path=reverse("portal:profile"),
    )
