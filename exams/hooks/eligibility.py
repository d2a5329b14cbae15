"""What exams say of admission: their terms, and the rule that they know themselves: the matriculation number is given."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from amls.courses.eligibility import Finding, Terms, Verdict, eligibility_rules, exam_terms
from amls.courses.models import Course, Enrolment
from amls.courses.numbers import looks_like_a_number
from exams.queries import exam_rules

RULE = "exams.matriculation"


@exam_terms
def terms(course: Course) -> Terms:
    """Return the terms that the course's exam rules set: at most 1 query."""
    rules = exam_rules(course)
    return Terms(needs_project=rules.project_is_prerequisite, most_extra_points=rules.max_extra_points)


@eligibility_rules.named(RULE)
def matriculation_number_is_given(
    course: Course, enrolments: Sequence[Enrolment], now: datetime
) -> Mapping[int, list[Finding]]:
    """Find whether each person's matriculation number is known, where the course asks for it: at most 1 query."""
    if not exam_rules(course).needs_matriculation_number:
        return {}
    return {enrolment.pk: [_judge(enrolment)] for enrolment in enrolments}


def _judge(enrolment: Enrolment) -> Finding:
    if looks_like_a_number(enrolment.number):
        return Finding(rule=RULE, verdict=Verdict.MET, text=_("Matriculation number given"))
    if enrolment.number:
        values = {"number": enrolment.number}
        text = _("'%(number)s' is no matriculation number: correct it in your profile.") % values
        of_other = _("'%(number)s' is no matriculation number") % values
    else:
        text, of_other = (
            _("Your matriculation number is missing: enter it in your profile."),
            _("No matriculation number"),
        )
    return Finding(rule=RULE, verdict=Verdict.UNMET, text=text, path=reverse("portal:profile"), of_other=of_other)
