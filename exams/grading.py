"""From points to grades, and what a group of results looks like."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from statistics import median

from exams.models.results import FAILED, GRADES

BEST, PASSING = GRADES[0], GRADES[-1]


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
    """Return the table to begin with: pass from 50 %, 1.0 from 95 %, in steps of 5 %."""
    share = {grade: Decimal(95 - 5 * n) / 100 for n, grade in enumerate(GRADES)}
    half = Decimal("0.5")
    return GradeTable(
        {grade: (max_points * part / half).quantize(Decimal(1), ROUND_HALF_UP) * half for grade, part in share.items()}
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


def statistics_of(results: Iterable[tuple[Decimal, Decimal]]) -> Statistics:
    """Return the statistics of (points, grade) pairs."""
    pairs = list(results)
    counts = dict.fromkeys([*GRADES, FAILED], 0)
    for _points, grade in pairs:
        counts[grade] += 1
    points = [point for point, _grade in pairs]
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


@dataclass(frozen=True, slots=True)
class GradeBar:
    """One bar of a plot, in the plot's own units (percent of width and height).

    Attributes:
        before: how many there were, where a change is previewed; None if nothing changes.
        before_height: of an outline that stands for them.
    """

    label: str
    count: int
    x: float
    width: float
    height: float
    is_fail: bool
    before: int | None = None
    before_height: float = 0

    @property
    def before_y(self) -> float:
        """Where the outline begins, from the top."""
        return 100 - self.before_height

    @property
    def y(self) -> float:
        """Where the bar begins, from the top."""
        return 100 - self.height

    @property
    def middle(self) -> float:
        """Where its label stands."""
        return self.x + self.width / 2


def grade_bars(counts: Mapping[Decimal, int], before: Mapping[Decimal, int] | None = None) -> list[GradeBar]:
    """Return the bars of how many have each grade, and of how many had it `before` a change that is previewed."""
    highest = max([*counts.values(), *(before or {}).values(), 1])
    width = 100 / len(counts)
    return [
        GradeBar(
            label=f"{grade:.1f}",
            count=count,
            x=round(n * width + width * 0.1, 3),
            width=round(width * 0.8, 3),
            height=round(100 * count / highest, 3),
            is_fail=grade == FAILED,
            before=before[grade] if before is not None and before[grade] != count else None,
            before_height=round(100 * before[grade] / highest, 3) if before is not None else 0,
        )
        for n, (grade, count) in enumerate(counts.items())
    ]


def point_bars(
    points: Sequence[Decimal], *, max_points: Decimal, pass_at: Decimal | None, bins: int = 20
) -> list[GradeBar]:
    """Return the bars of how many have how many points, in `bins` equal steps."""
    size = max_points / bins
    counts = [0] * bins
    for value in points:
        counts[min(int(value / size), bins - 1)] += 1
    highest, width = max([*counts, 1]), 100 / bins
    return [
        GradeBar(
            label=f"{(size * n).normalize():f}",
            count=count,
            x=round(n * width, 3),
            width=round(width * 0.9, 3),
            height=round(100 * count / highest, 3),
            is_fail=pass_at is not None and size * (n + 1) <= pass_at,
        )
        for n, count in enumerate(counts)
    ]
