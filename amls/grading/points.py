"""Points: exact decimals in quarters, sums that add up, and nothing that is taken for a zero.

Who handed nothing in, who is excused and who has 0 points are three things: see `WorkState`.
"""

from collections.abc import Iterable
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from typing import NamedTuple

from django.utils.translation import gettext as _

from amls.core.decimals import say_decimal
from amls.core.violations import RuleViolation
from amls.files.tables.values import read_number

# The smallest step in which points are given.
QUARTER = Decimal("0.25")
HALF = Decimal("0.5")
STEPS = (QUARTER, HALF, Decimal(1))
# More than any task or assignment has.
MOST_POINTS = Decimal(10000)
ZERO = Decimal(0)


class WorkState(StrEnum):
    """How one piece of a person's work stands, as far as points go."""

    OPEN = "open"  # it can still be handed in
    WAITING = "waiting"  # it is there, and not graded (or the grading is not published)
    GRADED = "graded"
    MISSING = "missing"  # nothing was handed in, and nothing will be: 0 points
    EXCUSED = "excused"  # it counts neither for nor against the person


# What may still bring points.
UNSETTLED = frozenset({WorkState.OPEN, WorkState.WAITING})


def in_steps(value: Decimal, step: Decimal = QUARTER) -> bool:
    """Return whether points are a whole number of steps."""
    return value % step == 0


def up_to_step(value: Decimal, step: Decimal = QUARTER) -> Decimal:
    """Return the fewest points in whole steps that are at least `value`."""
    return (value / step).to_integral_value(rounding=ROUND_CEILING) * step


def read_points(text: str, *, most: Decimal, step: Decimal = QUARTER) -> Decimal:
    """Return points as people type them: '7,5', '7.5', '1 3/4' is not taken.

    Args:
        text: what was typed or stands in a cell.
        most: what there is to be had.
        step: the smallest difference.

    Raises:
        RuleViolation: it is no number (code 'no-number'), outside of 0 to `most` ('points-range'), or finer than
            the step ('points-step').
    """
    value = read_number(text)
    if not ZERO <= value <= most:
        raise RuleViolation(
            _("Points lie between 0 and %(most)s, found %(text)s.")
            % {"most": say_decimal(most), "text": text.strip()[:20]},
            code="points-range",
        )
    if not in_steps(value, step):
        raise RuleViolation(
            _("Points are given in steps of %(step)s, found %(text)s.")
            % {"step": say_decimal(step), "text": text.strip()[:20]},
            code="points-step",
        )
    return value


class Tally(NamedTuple):
    """The sum of some pieces of work.

    Attributes:
        points: of all that is graded.
        most: what there was to be had in all that is settled: graded or missing, never excused.
        ahead: what can still be had.
    """

    points: Decimal = ZERO
    most: Decimal = ZERO
    ahead: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """What there is to be had in all."""
        return self.most + self.ahead


def tally(works: Iterable[tuple[WorkState, Decimal | None, Decimal]]) -> Tally:
    """Return the sum of works, each with its state, its points and what there was to be had."""
    got, settled, ahead = ZERO, ZERO, ZERO
    for state, points, most in works:
        if state == WorkState.GRADED:
            settled += most
            if points:
                got += points
        elif state == WorkState.MISSING:
            settled += most
        elif state in UNSETTLED:
            ahead += most
    return Tally(got, settled, ahead)
