"""How a student's grade comes about: the step of the grade table that was reached, and how everybody's grades are distributed."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property

from django.db.models import Count

from amls.core.plots import Bar
from exams.cards import ExamCard, ExamsOverview
from exams.grading import PASSING, GradeTable, Statistics, grade_bars, statistics_of
from exams.models import FAILED, GradeStep, Result

# Of fewer people a distribution would tell what single ones have.
LEAST_SHOWN = 10


@dataclass(frozen=True)
class HowGraded:
    """How the grade of a published result comes about.

    Attributes:
        grade, from_points: the step that was reached, or for who failed that by which one passes; None without points, and
            where the table was changed since, so that it doesn't explain the grade.
        statistics: of everybody's published grades; None of fewer than LEAST_SHOWN people, or where the course shows none.
    """

    grade: Decimal | None
    from_points: Decimal | None
    statistics: Statistics | None

    @cached_property
    def bars(self) -> list[Bar]:
        """How many have each grade, as a plot shows it."""
        return grade_bars(self.statistics.counts) if self.statistics is not None else []


def with_how_graded(overview: ExamsOverview) -> ExamsOverview:
    """Return the overview with how published results come about: at most 2 queries, none without such a result."""
    exams = [card.exam.pk for card in overview.cards if card.result is not None]
    if not exams:
        return overview
    tables = _tables(exams)
    counts = _counts(exams) if overview.rules.shows_distribution else {}
    cards = [
        replace(card, graded=_how(card, tables.get(card.exam.pk, {}), counts.get(card.exam.pk, {})))
        for card in overview.cards
    ]
    return replace(overview, cards=cards)


def _tables(exams: Sequence[int]) -> Mapping[int, Mapping[Decimal, Decimal]]:
    tables: dict[int, dict[Decimal, Decimal]] = defaultdict(dict)
    rows = GradeStep.objects.filter(exam__in=exams).order_by()
    for exam, grade, points in rows.values_list("exam", "grade", "min_points"):
        tables[exam][grade] = points
    return tables


def _counts(exams: Sequence[int]) -> Mapping[int, Mapping[Decimal, int]]:
    counts: dict[int, dict[Decimal, int]] = defaultdict(dict)
    rows = Result.objects.filter(registration__exam__in=exams, state=Result.State.PUBLISHED).order_by()
    for exam, grade, count in rows.values_list("registration__exam", "grade").annotate(count=Count("pk")):
        counts[exam][grade] = count
    return counts


def _how(card: ExamCard, steps: Mapping[Decimal, Decimal], counts: Mapping[Decimal, int]) -> HowGraded | None:
    result = card.result
    if result is None or result.grade is None:
        return None
    grade = PASSING if result.grade == FAILED else result.grade
    total = result.total
    explains = (
        total is not None and grade in steps and GradeTable(steps).grade_of(total, lifts_fail=True) == result.grade
    )
    statistics = None
    if sum(counts.values()) >= LEAST_SHOWN:
        statistics = statistics_of((None, given) for given, count in counts.items() for _place in range(count))
    return HowGraded(grade if explains else None, steps[grade] if explains else None, statistics)
