"""What exams say of admission: their terms, the matriculation number, and the rule that the course built from blocks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from django.urls import reverse
from django.utils.translation import gettext as _

from amls.core.violations import RuleViolation
from amls.courses.eligibility import Finding, Terms, Verdict, eligibility_rules, exam_terms, extra_points
from amls.courses.models import Course, Enrolment
from amls.courses.numbers import looks_like_a_number
from amls.grading.facts import course_rules, facts_of
from amls.grading.tree import AllBlock, load
from amls.grading.words import RULE as BUILT_RULE
from amls.grading.words import findings_of
from exams.extrapoints import SHEETS, extra_standings
from exams.queries import exam_rules

RULE = "exams.matriculation"


@exam_terms
def terms(course: Course) -> Terms:
    """Return the terms that the course's exam rules set: at most 1 query."""
    rules = exam_rules(course)
    return Terms(needs_project=rules.project_is_prerequisite, most_extra_points=rules.max_extra_points)


@course_rules.named(BUILT_RULE)
def built_rule(course: Course) -> AllBlock:
    """Return the rule that the course built: at most 1 query."""
    return load(exam_rules(course).rule)


@eligibility_rules.named(RULE)
def matriculation_number_is_given(
    course: Course, enrolments: Sequence[Enrolment], now: datetime
) -> Mapping[int, list[Finding]]:
    """Find whether each person's matriculation number is known, where the course asks for it: at most 1 query."""
    if not exam_rules(course).needs_matriculation_number:
        return {}
    # What is found of nearly everybody is said once.
    given = Finding(rule=RULE, verdict=Verdict.MET, text=_("Matriculation number given"))
    return {
        enrolment.pk: [given if looks_like_a_number(enrolment.number) else _unmet(enrolment)]
        for enrolment in enrolments
    }


def _unmet(enrolment: Enrolment) -> Finding:
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


@eligibility_rules.named(BUILT_RULE)
def built_rule_is_met(course: Course, enrolments: Sequence[Enrolment], now: datetime) -> Mapping[int, list[Finding]]:
    """Find what the rule that the course built finds, a finding for each of its parts; no query without a rule."""
    try:
        rule = load(exam_rules(course).rule)
    except RuleViolation as violation:
        # Nobody is admitted by what can't be read, and no page fails by it.
        unread = Finding(rule=BUILT_RULE, verdict=Verdict.PENDING, text=str(violation.message))
        return {enrolment.pk: [unread] for enrolment in enrolments}
    if not rule.parts:
        return {}
    known = facts_of(course, enrolments, now=now)
    return {pk: findings_of(rule, facts) for pk, facts in known.items()}


@extra_points.named(SHEETS)
def points_of_assignments(course: Course, enrolments: Sequence[Enrolment], now: datetime) -> Mapping[int, Decimal]:
    """Return the extra points for a share of all points of the assignments; no query where the course gives none."""
    return {pk: standing.points for pk, standing in extra_standings(course, enrolments, now=now).items()}
