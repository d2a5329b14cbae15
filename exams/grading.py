"""From points to grades, and what a group of results looks like."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from statistics import median

from django.utils.formats import number_format

from amls.core.decimals import say_decimal
from amls.core.plots import Bar, bars_of
from exams.models.results import FAILED, GRADES

PASSING = GRADES[-1]


@dataclass(frozen=True, slots=True)
class GradeTable:
    """From how many points on each grade is earned; grades that are not in it don't occur."""

    steps: Mapping[Decimal, Decimal]

    @property
    def is_complete(self) -> bool:
        """Whether it says from where on one passes."""
        return PASSING in self.steps

    def grade_of(self, points: Decimal, extra: Decimal = Decimal(0), *, lifts_fail: bool = False) -> Decimal:
        """Return the grade.

        Args:
            points: of the exam itself.
            extra: from the project; they count only for who passes without them, unless
            lifts_fail: the course lets them lift a failed exam to a pass.
        """
        passes_alone = self.is_complete and points >= self.steps[PASSING]
        counted = points + extra if passes_alone or lifts_fail else points
        for grade in GRADES:
            if grade in self.steps and counted >= self.steps[grade]:
                return grade
        return FAILED

    def applied(self, points: Decimal, extra: Decimal, *, lifts_fail: bool = False) -> Decimal:
        """Return how many of the extra points count: all of them or none."""
        passes_alone = self.is_complete and points >= self.steps[PASSING]
        return extra if passes_alone or lifts_fail else Decimal(0)


def usual_table(max_points: Decimal) -> GradeTable:
    """Return the table to begin with: pass from 50 %, 1.0 from 95 %, in steps of 5 %.

    Boundaries are whole or half points, never above the share: who has exactly half of the points passes.
    """
    share = {grade: Decimal(95 - 5 * step) / 100 for step, grade in enumerate(GRADES)}
    half = Decimal("0.5")
    return GradeTable(
        {grade: (max_points * part / half).quantize(Decimal(1), ROUND_FLOOR) * half for grade, part in share.items()}
    )


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the graded of an exam look like.

    Attributes:
        counts: how many have each grade, best first, 5.0 last.
        mean_points, median_points: of the exam's points, without extra points.
        mean_grade: of those who passed.
    """

    graded: int
    passed: int
    mean_points: Decimal | None
    median_points: Decimal | None
    mean_grade: Decimal | None
    counts: dict[Decimal, int]

    @property
    def failed(self) -> int:
        """How many did not pass."""
        return self.graded - self.passed

    @property
    def passed_percent(self) -> int:
        """The share of those who passed."""
        return round(100 * self.passed / self.graded) if self.graded else 0


def statistics_of(results: Iterable[tuple[Decimal | None, Decimal]]) -> Statistics:
    """Return the statistics of (points, grade) pairs; who is graded without points has None."""
    pairs = list(results)
    counts = dict.fromkeys([*GRADES, FAILED], 0)
    for _points, grade in pairs:
        counts[grade] += 1
    points = [point for point, _grade in pairs if point is not None]
    passing = [grade for _points, grade in pairs if grade < FAILED]
    return Statistics(
        graded=len(pairs),
        passed=len(passing),
        mean_points=_rounded(sum(points, Decimal(0)) / len(points)) if points else None,
        median_points=_rounded(Decimal(median(points))) if points else None,
        mean_grade=_rounded(sum(passing, Decimal(0)) / len(passing)) if passing else None,
        counts=counts,
    )


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)


def grade_bars(counts: Mapping[Decimal, int], before: Mapping[Decimal, int] | None = None) -> list[Bar]:
    """Return the bars of how many have each grade, and of how many had it `before` a change that is previewed."""
    return bars_of(
        [(said := str(number_format(grade, 1)), said, count) for grade, count in counts.items()],
        before=[before[grade] for grade in counts] if before is not None else (),
        marked=[place for place, grade in enumerate(counts) if grade == FAILED],
    )


def point_bars(points: Sequence[Decimal], *, max_points: Decimal, pass_at: Decimal | None, bins: int = 20) -> list[Bar]:
    """Return the bars of how many have how many points, in `bins` equal steps."""
    size = max_points / bins
    counts = [0] * bins
    for value in points:
        counts[min(int(value / size), bins - 1)] += 1
    labels = [say_decimal(size * place) for place in range(bins)]
    return bars_of(
        [(label, label, count) for label, count in zip(labels, counts, strict=True)],
        marked=[place for place in range(bins) if pass_at is not None and size * (place + 1) <= pass_at],
    )
