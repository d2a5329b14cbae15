"""Extra points for a share of all points of the assignments: what people have by the course's rule, and what would be more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from amls.core.violations import RuleViolation
from amls.courses.eligibility import extra_points_of
from amls.courses.models import Course, Enrolment
from amls.grading.extra import ExtraRule, ExtraStanding, load_extra, stand_each
from amls.grading.facts import facts_of
from exams.models import ExamRules

# The name under which these extra points are known.
SHEETS = "exams.sheets"


@dataclass(frozen=True, slots=True)
class ExtraHeld:
    """What extra points a student has.

    Attributes:
        standing: by the points of the assignments.
        points: those that count, from wherever.
        most: what the course gives.
    """

    standing: ExtraStanding
    points: Decimal
    most: Decimal


def extra_rule_of(course: Course) -> ExtraRule:
    """Return a course's rule, which gives nothing where there is none, or where a later version wrote it."""
    rules: ExamRules | None = getattr(course, "exam_rules", None)
    try:
        return load_extra(rules.extra_points_rule) if rules is not None else ExtraRule()
    except RuleViolation:
        return ExtraRule()


def extra_standings(course: Course, enrolments: Sequence[Enrolment], *, now: datetime) -> dict[int, ExtraStanding]:
    """Return how these people stand by enrolment pk: no query where the course gives nothing for assignments."""
    rule = extra_rule_of(course)
    return stand_each(rule, facts_of(course, enrolments, now=now)) if rule.steps else {}


def extra_held(course: Course, enrolment: Enrolment, *, now: datetime) -> ExtraHeld | None:
    """Return what extra points a student has; None where the course gives none for assignments, or there are none to be had."""
    standings = extra_standings(course, [enrolment], now=now)
    if enrolment.pk not in standings:
        return None
    known = {SHEETS: {pk: standing.points for pk, standing in standings.items()}}
    total = extra_points_of(course, [enrolment], now=now, known=known)
    rules: ExamRules = course.exam_rules
    return ExtraHeld(standings[enrolment.pk], total[enrolment.pk], rules.max_extra_points)
