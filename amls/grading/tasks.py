"""Tasks of assignments and exams alike: written as lines, changed in one go, and what somebody got for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from amls.core.decimals import say_decimal
from amls.core.text import clean_line
from amls.core.violations import RuleViolation
from amls.grading.models import TaskBase
from amls.grading.points import MOST_POINTS, QUARTER, ZERO, in_steps, read_points

MOST_TASKS = 40
T = TypeVar("T", bound=TaskBase)


@dataclass(frozen=True, slots=True)
class TaskScore:
    """One task, or all in one sum.

    Attributes:
        task: None for the sum of what has no tasks.
        points: None where nothing is given yet.
    """

    task: TaskBase | None
    most: Decimal
    points: Decimal | None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class TaskSum:
    """What somebody got, task by task."""

    tasks: tuple[TaskScore, ...]

    @property
    def points(self) -> Decimal:
        """All points that are given."""
        return sum((task.points for task in self.tasks if task.points is not None), ZERO)

    @property
    def most(self) -> Decimal:
        """What there was to be had."""
        return sum((task.most for task in self.tasks), ZERO)

    @property
    def is_complete(self) -> bool:
        """Whether there are points for every task, be they 0."""
        return all(task.points is not None for task in self.tasks)


@dataclass(frozen=True, slots=True)
class TaskWish:
    """A task as the staff want it; with the key of the one that it changes."""

    title: str
    max_points: Decimal
    pk: int | None = None


def task_lines(tasks: Iterable[TaskBase]) -> str:
    """Return tasks as lines such as 'Induction | 7.5'."""
    return "\n".join(f"{task.title} | {say_decimal(task.max_points)}" for task in tasks)


def read_task_lines(text: str, standing: Iterable[TaskBase]) -> list[TaskWish]:
    """Return the tasks that lines say; one whose title stays keeps what was given for it.

    Raises:
        RuleViolation: a line lacks its points, or two have one title.
    """
    known = {task.title: task.pk for task in standing}
    wishes: list[TaskWish] = []
    for line in filter(None, map(clean_line, text.splitlines())):
        title, _bar, points = (part.strip() for part in line.rpartition("|"))
        if not title:
            raise RuleViolation(_("'%(line)s': write title | points.") % {"line": line[:60]}, code="task-line")
        if title in {wish.title for wish in wishes}:
            raise RuleViolation(_("'%(title)s' stands there twice.") % {"title": title[:60]}, code="task-twice")
        wishes.append(TaskWish(title[:200], read_points(points, most=MOST_POINTS - 1), known.get(title)))
    return wishes


def keep_tasks(standing: QuerySet[T], wishes: Sequence[TaskWish], *, make: Callable[[], T]) -> None:
    """Let there be these tasks in this order; those that are not named go, with what was given for them.

    Args:
        standing: the tasks that there are. What is given for one is `task.given`, rows with `points`.
        wishes: at most 40.
        make: returns a new task that is not kept yet.

    Raises:
        RuleViolation: the points are no quarters, or somebody has more for a task than it would have.
    """
    if len(wishes) > MOST_TASKS:
        raise RuleViolation(_("There are at most %(most)d tasks.") % {"most": MOST_TASKS}, "too-many-tasks")
    kept = {wish.pk for wish in wishes if wish.pk is not None}
    known = {task.pk: task for task in standing}
    standing.exclude(pk__in=kept).delete()
    for position, wish in enumerate(wishes):
        task = known.get(wish.pk or 0) or make()
        if not in_steps(wish.max_points, QUARTER):
            raise RuleViolation(_("Points are given in quarters."), code="points-step")
        _need_room(task, wish)
        task.title, task.max_points, task.position = wish.title, wish.max_points, position
        try:
            task.full_clean()
        except ValidationError as error:
            raise RuleViolation(" ".join(error.messages), code="task-form") from error
        task.save()


def _need_room(task: TaskBase, wish: TaskWish) -> None:
    given: Iterable[Decimal] = task.given.values_list("points", flat=True) if task.pk else ()  # type: ignore[attr-defined]
    if (most_given := max(given, default=ZERO)) > wish.max_points:
        raise RuleViolation(
            _("'%(task)s': somebody has %(points)s points for it already. It can't have fewer.")
            % {"task": wish.title, "points": say_decimal(most_given)},
            code="more-given",
        )
