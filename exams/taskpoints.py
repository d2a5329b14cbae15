"""Points for the tasks of an exam, as pages and services read them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Any

from django.db.models import Prefetch

from amls.core.statements import ModelStatement, Parameter, is_among
from amls.courses.numbers import plain_number
from amls.grading.tasks import TaskScore, TaskSum
from exams.cards import ExamsOverview
from exams.models import ExamTask, ExamTaskPoints, Registration


def in_order_of_tasks() -> "Prefetch[Any, Any, Any]":
    """Return what loads, with registrations, the points for tasks in the order of these: 1 query."""
    return Prefetch("task_points", ExamTaskPoints.objects.select_related("task").order_by("task__position", "task"))


def task_sums(registrations: Iterable[Registration]) -> list[tuple[Registration, TaskSum]]:
    """Return who of these people has points for tasks, and which: 2 queries, 1 without any.

    Args:
        registrations: of one exam.
    """
    people = list(registrations)
    given: dict[int, dict[int, Decimal]] = defaultdict(dict)
    rows = ExamTaskPoints.objects.filter(registration__in=[person.pk for person in people])
    for registration, task, points in rows.values_list("registration", "task", "points"):
        given[registration][task] = points
    if not given:
        return []
    tasks = list(ExamTask.objects.filter(exam__in={person.exam_id for person in people}))
    return [(person, score_of_tasks(tasks, given[person.pk])) for person in people if person.pk in given]


def score_of_tasks(tasks: Iterable[ExamTask], given: Mapping[int, Decimal]) -> TaskSum:
    """Return a score from points by task."""
    return TaskSum(tuple(TaskScore(task, task.max_points, given.get(task.pk)) for task in tasks))


def stack_order(registrations: Iterable[Registration]) -> list[Registration]:
    """Return people in the order of the stack of papers: by matriculation number, who has none last, by name."""

    def place(person: Registration) -> tuple[bool, int, str, str]:
        number = plain_number(person.enrolment.number)
        return not number, len(number), number, person.enrolment.user.sort_name

    return sorted(registrations, key=place)


def with_task_points(overview: ExamsOverview) -> ExamsOverview:
    """Return the overview with the points for tasks of published results: 1 query where one of these exams has tasks."""
    own = [card.own for card in overview.cards if card.own is not None and card.result is not None]
    published = [registration.pk for registration in own if getattr(registration, "has_tasks", True)]
    points: dict[int, list[ExamTaskPoints]] = defaultdict(list)
    for given in _task_points().read({"registrations": published}) if published else ():
        points[given.registration_id].append(given)
    if not points:
        return overview
    cards = [
        replace(card, task_points=points[card.own.pk]) if card.own is not None else card for card in overview.cards
    ]
    return replace(overview, cards=cards)


@cache
def _task_points() -> ModelStatement[ExamTaskPoints]:
    rows = ExamTaskPoints.objects.filter(is_among("registration_id", Parameter("registrations")))
    return ModelStatement.of(rows.order_by("task__position", "task"), along=["task"])
