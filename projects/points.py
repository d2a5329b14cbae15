"""What a team and each of its members got: the team's points, but where a member's own differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import TypeAlias

from django.utils.translation import gettext as _

from amls.core.decimals import say_decimal
from amls.core.violations import RuleViolation
from amls.grading.points import ZERO, read_points, up_to_step
from amls.grading.tasks import TaskScore, TaskSum
from projects.models import Assessment, Assignment, Outcome, Task, TaskPoints

# What is given for a task, or for an assignment that is passed or failed.
Mark: TypeAlias = Decimal | Outcome
# As people and other programs write it, beside our own words in the reader's language.
_OUTCOME_WORDS = {
    Outcome.PASSED: {"passed", "pass", "p", "+", "yes", "y", "1", "true", "ok", "✓", "x", "bestanden", "best", "b", "be", "ja", "j", "wahr"},
    Outcome.FAILED: {"failed", "fail", "f", "no", "n", "0", "false", "nicht bestanden", "nicht best", "nb", "n b", "nein", "falsch"},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Score(TaskSum):
    """The points of a team or a member for an assignment.

    Attributes:
        pass_percent: of all points, with which it is passed.
        late_percent: of the points that are earned, what is deducted for being late.
    """

    pass_percent: int = 50
    late_percent: int = 0

    @property
    def earned(self) -> Decimal:
        """All points that are given, before anything is deducted."""
        return super(Score, self).points

    @property
    def points(self) -> Decimal:
        """The points that count: those that are earned, without what is deducted."""
        return counted_points(self.earned, self.late_percent)

    @property
    def deducted(self) -> Decimal:
        """What is deducted for being late."""
        return self.earned - self.points

    @property
    def outcome(self) -> Outcome:
        """Whether it is passed by the assignment's pass mark."""
        return outcome_of(self.points, self.most, self.pass_percent)


# Of hundreds of people few have points that nobody else has.
@lru_cache(maxsize=4096)
def outcome_of(points: Decimal, most: Decimal, pass_percent: int) -> Outcome:
    """Return whether so many points pass of so many that there are, where so many percent of them do."""
    return Outcome.PASSED if 100 * points >= pass_percent * most else Outcome.FAILED


def counted_points(earned: Decimal, late_percent: int) -> Decimal:
    """Return what counts of points once so many percent are deducted: never less than a whole number of quarters.

    >>> counted_points(Decimal("7.5"), 10), counted_points(Decimal(8), 0), counted_points(Decimal(8), 100)
    (Decimal('6.75'), Decimal('8'), Decimal('0'))
    """
    return up_to_step(earned * (100 - late_percent) / 100) if late_percent else earned


def score_of(assessment: Assessment, assignment: Assignment, enrolment: int | None = None) -> Score:
    """Return the points of a team, or of one member: no query where `task_points` and `tasks` are prefetched."""
    return score_from(
        assessment.task_points.all(),
        list(assignment.tasks.all()),
        assignment,
        enrolment,
        late_percent=assessment.late_percent,
    )


def score_from(
    given: Iterable[TaskPoints],
    tasks: list[Task],
    assignment: Assignment,
    enrolment: int | None = None,
    *,
    late_percent: int,
) -> Score:
    """Return a score from rows that are read: a member's own points and comments go before the team's, task by task.

    Args:
        given: all points of a team and its members.
        tasks: of the assignment.
        assignment: for what.
        enrolment: whose score; None: the team's.
        late_percent: what is deducted for being late.
    """
    teams: dict[int | None, TaskPoints] = {}
    own: dict[int | None, TaskPoints] = {}
    for row in given:
        if row.enrolment_id is None:
            teams[row.task_id] = row
        elif row.enrolment_id == enrolment:
            own[row.task_id] = row
    wanted: list[tuple[Task | None, Decimal]] = [(task, task.max_points) for task in tasks]
    wanted = wanted or [(None, assignment.max_points or ZERO)]
    scores = []
    for task, most in wanted:
        key = task.pk if task is not None else None
        standing = [row for row in (own.get(key), teams.get(key)) if row is not None]
        comment = next((row.comment for row in standing if row.comment), "")
        scores.append(TaskScore(task, most, standing[0].points if standing else None, comment))
    return Score(tuple(scores), assignment.pass_percent, late_percent)


def read_mark(text: str, *, most: Decimal | None) -> Mark:
    """Return what somebody typed, or what stands in a cell: points, or whether it is passed.

    Args:
        text: such as '7,5', or 'passed', 'p', 'bestanden', 'nb'.
        most: how many points there are; None where it is passed or failed.

    Raises:
        RuleViolation: it is neither (code 'no-outcome'), or as `read_points`.
    """
    if most is not None:
        return read_points(text, most=most)
    said = " ".join(text.casefold().replace(".", " ").split())
    for outcome, words in _OUTCOME_WORDS.items():
        if said in words or said == str(outcome.label).casefold():
            return outcome
    raise RuleViolation(
        _("Write '%(passed)s' or '%(failed)s', found '%(text)s'.")
        % {"passed": Outcome.PASSED.label, "failed": Outcome.FAILED.label, "text": text.strip()[:40]},
        code="no-outcome",
    )


def say_mark(mark: Mark | None) -> str:
    """Return a mark as people read it; nothing where there is none."""
    if mark is None:
        return ""
    return str(mark.label) if isinstance(mark, Outcome) else say_decimal(mark)
