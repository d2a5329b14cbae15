"""Extra points for a share of all points of the assignments, as a course's rule says: pure, from the facts alone.

    {"version": 1, "leave_out": 1, "steps": [{"percent": "60", "points": "3"}, {"percent": "80", "points": "5"}]}

All assignments of the course that count and give points are asked about, as in 'all points' of a rule of admission.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from amls.core.decimals import say_decimal
from amls.core.violations import RuleViolation
from amls.courses.eligibility import HALF_POINTS, Verdict
from amls.grading.facts import Facts
from amls.grading.judging import Judgement, evaluate
from amls.grading.points import ZERO
from amls.grading.tree import PointsBlock

VERSION = 1
# More steps than this explain nothing to anybody.
MOST_STEPS = 6
_MOST_LEFT_OUT = 50


class ExtraStep(NamedTuple):
    """From how many percent of all points on how many extra points are given."""

    percent: Decimal
    points: Decimal


@dataclass(frozen=True, slots=True)
class ExtraRule:
    """How many extra points a share of all points of the assignments gives; none without a step.

    Attributes:
        steps: from the lowest on.
        leave_out: how many of the weakest assignments don't count.
    """

    steps: tuple[ExtraStep, ...] = ()
    leave_out: int = 0


class ExtraStanding(NamedTuple):
    """How a person stands by such a rule.

    Attributes:
        points: extra points that they have by now.
        have: points of the assignments, without those that are left out.
        most: of how many.
        coming: the next step, None where the last one is reached.
        missing: how many more points of the assignments are enough for that; None where it can't be reached any more.
    """

    points: Decimal
    have: Decimal
    most: Decimal
    coming: ExtraStep | None
    missing: Decimal | None

    @property
    def percent(self) -> Decimal:
        """The share that is there, in whole percent: never rounded up to a step that isn't reached."""
        return (100 * self.have / self.most).to_integral_value("ROUND_FLOOR") if self.most else ZERO


def check_rule(rule: ExtraRule) -> None:
    """Refuse steps that don't rise, a share that is none, and points that nobody gives.

    Raises:
        RuleViolation: its field is 'percent-0', 'points-0' and so on, by the step.
    """
    if len(rule.steps) > MOST_STEPS:
        raise RuleViolation(_("Give at most %(most)d steps.") % {"most": MOST_STEPS}, code="too-many-steps")
    if not 0 <= rule.leave_out <= _MOST_LEFT_OUT:
        raise RuleViolation(
            _("Give a whole number from 0 to %(most)d.") % {"most": _MOST_LEFT_OUT}, code="no-count", field="leave_out"
        )
    for place, step in enumerate(rule.steps):
        if not 0 < step.percent <= 100 or step.percent != round(step.percent, 2):
            raise RuleViolation(
                _("A share lies above 0 and is at most 100 percent, with at most two decimals."),
                code="no-share",
                field=f"percent-{place}",
            )
        if not step.points or step.points not in HALF_POINTS:
            raise RuleViolation(
                _("Extra points of a step are above 0 and at most %(most)s, in half points.")
                % {"most": say_decimal(HALF_POINTS[-1])},
                code="no-points",
                field=f"points-{place}",
            )
    for place, (lower, higher) in enumerate(pairwise(rule.steps), start=1):
        if higher.percent <= lower.percent:
            raise RuleViolation(
                _("Each step asks for more percent than the one before."), "no-rise", field=f"percent-{place}"
            )
        if higher.points <= lower.points:
            raise RuleViolation(
                _("Each step gives more points than the one before."), "no-rise", field=f"points-{place}"
            )


def dump_extra(rule: ExtraRule) -> dict[str, Any]:
    """Return a rule as it is stored; `load_extra` gives it back. Without a step it is {}."""
    if not rule.steps:
        return {}
    steps = [
        {"percent": f"{step.percent.normalize():f}", "points": f"{step.points.normalize():f}"} for step in rule.steps
    ]
    return {"version": VERSION, "leave_out": rule.leave_out, "steps": steps}


def load_extra(data: object) -> ExtraRule:
    """Return a stored rule; {} gives nothing.

    Raises:
        RuleViolation: it is no such rule, or written by a later version.
    """
    if data == {}:
        return ExtraRule()
    if not isinstance(data, dict) or data.get("version") != VERSION:
        raise RuleViolation(_("A newer version of this program wrote this rule."), code="later-version")
    try:
        steps = tuple(ExtraStep(Decimal(step["percent"]), Decimal(step["points"])) for step in data["steps"])
        rule = ExtraRule(steps, int(data.get("leave_out", 0)))
    except (KeyError, TypeError, ValueError, InvalidOperation) as problem:
        raise RuleViolation(
            _("This is no rule: look at '%(where)s'.") % {"where": "steps"}, code="no-rule"
        ) from problem
    check_rule(rule)
    return rule


def stand(rule: ExtraRule, facts: Facts) -> ExtraStanding | None:
    """Return how a person stands; None where there are no points to be had, such as for who is excused from all."""
    reached, last = ZERO, None
    for step in rule.steps:
        last = evaluate(PointsBlock(percent=step.percent, leave_out=rule.leave_out), facts)
        if last.is_broken or not last.most:
            return None
        if last.verdict != Verdict.MET:
            return _standing(reached, last, coming=step)
        reached = step.points
    return _standing(reached, last) if last is not None else None


def _standing(points: Decimal, judged: Judgement, *, coming: ExtraStep | None = None) -> ExtraStanding:
    return ExtraStanding(points, judged.have, judged.most, coming, judged.missing if coming is not None else None)


def stand_each(rule: ExtraRule, facts: Mapping[int, Facts]) -> dict[int, ExtraStanding]:
    """Return how people stand, by what the facts are known by; who has none to be had is left out."""
    return {pk: standing for pk, of_one in facts.items() if (standing := stand(rule, of_one)) is not None}
