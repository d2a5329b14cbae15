"""The tasks of an exam: changed with what that does to results, and points entered for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from amls.core.decimals import say_decimal
from amls.core.violations import RuleViolation
from amls.courses.models import User
from amls.grading.points import QUARTER, ZERO, in_steps
from amls.grading.tasks import TaskSum, TaskWish, keep_tasks
from exams.models import Exam, ExamTask, ExamTaskPoints, Registration, Result, ResultChange
from exams.queries import score_of_tasks, task_sums
from exams.services.capacity import check_not_frozen
from exams.services.results import check_steps, enter_points, grade_table, lock_exam, tell_result

# By registration and by task; no points take back what was given.
PointsByTask = Mapping[int, Mapping[int, Decimal | None]]


@dataclass(frozen=True, slots=True)
class ExamScoreChange:
    """What became of one person's points.

    Attributes:
        before, after: None where they have none for any task.
    """

    registration: Registration
    before: TaskSum | None
    after: TaskSum | None
    is_published: bool


def set_exam_tasks(
    *, exam_pk: int, tasks: Sequence[TaskWish], by: User | None, now: datetime, reason: str = ""
) -> list[ExamScoreChange]:
    """Let an exam have these tasks in this order; return whose points change by it.

    What was given for a task that goes is gone with it (its history stays). Totals that were entered without tasks
    stay. Rolled back it is the preview.

    Args:
        exam_pk: the exam.
        tasks: none for one sum.
        by: who changes it.
        now: the request's clock.
        reason: why, where published results change; their owners are told.

    Raises:
        RuleViolation: the exam is frozen, the points are no quarters, somebody has more than there would be to be had,
            the grade table asks for more, or published results change without a reason or become incomplete.
    """
    with transaction.atomic():
        exam = lock_exam(exam_pk)
        check_not_frozen(exam)
        people = _people(exam)
        before = dict(_sums(people))
        keep_tasks(ExamTask.objects.filter(exam=exam), tasks, make=lambda: ExamTask(exam=exam))
        if tasks:
            exam.max_points = sum((wish.max_points for wish in tasks), ZERO)
            _need_room(exam)
            exam.save(update_fields=["max_points"])
        return _follow(people, before, by=by, reason=reason, now=now)


def _need_room(exam: Exam) -> None:
    table = grade_table(exam)
    if table.is_complete:
        check_steps(table.steps, exam)
    # Who has points for tasks follows these; a total that was typed or imported stays as it is.
    total = (
        Result.objects.filter(
            registration__exam=exam, registration__task_points__isnull=True, points__gt=exam.max_points
        )
        .select_related("registration__enrolment__user")
        .order_by("-points")
        .first()
    )
    if total is not None:
        raise RuleViolation(
            _("%(person)s has %(points)s points, more than the tasks have together.")
            % {"person": total.registration.enrolment.user, "points": say_decimal(total.points)},
            code="more-given",
        )


def enter_task_points(
    *, exam_pk: int, points: PointsByTask, by: User | None, now: datetime, reason: str = ""
) -> list[ExamScoreChange]:
    """Enter what people got for tasks; return whose points changed. Their sum is the result once every task has points.

    Args:
        exam_pk: the exam.
        points: tasks that are not named stay as they are, and so do equal ones.
        by: who enters them.
        now: the request's clock.
        reason: why, where a published result changes; its owner is told.

    Raises:
        RuleViolation: the exam is frozen, points that there are not, a task of another exam, somebody who did not attend,
            or a published result changes without a reason or becomes incomplete.
    """
    with transaction.atomic():
        exam = lock_exam(exam_pk)
        check_not_frozen(exam)
        tasks = {task.pk: task for task in ExamTask.objects.filter(exam=exam)}
        people = {person.pk: person for person in _people(exam) if person.pk in points}
        if points.keys() - people.keys():
            raise RuleViolation(_("This person does not stand on the list of this exam."), code="not-on-list")
        before = dict(_sums(people.values()))
        rows = ExamTaskPoints.objects.filter(registration__in=people)
        standing = {(row.registration_id, row.task_id): row for row in rows}
        for pk, by_task in points.items():
            for task_pk, value in by_task.items():
                row = standing.get((pk, task_pk))
                if (row.points if row is not None else None) == value:
                    continue
                if task_pk not in tasks:
                    raise RuleViolation(_("This task belongs to another exam."), code="no-task")
                _write(people[pk], tasks[task_pk], row, value, by=by, reason=reason, now=now)
        return _follow(people.values(), before, by=by, reason=reason, now=now)


def _people(exam: Exam) -> list[Registration]:
    rows = Registration.objects.filter(exam=exam).select_related("result", "enrolment__user", "enrolment__course")
    return list(rows.order_by("pk"))


def _sums(people: Iterable[Registration]) -> list[tuple[int, TaskSum]]:
    return [(registration.pk, score) for registration, score in task_sums(people)]


def _write(
    person: Registration, task: ExamTask, row: ExamTaskPoints | None, value: Decimal | None, *, by: User | None,
    reason: str, now: datetime,
) -> None:  # fmt: skip
    if person.state != Registration.State.ATTENDED and value is not None:
        raise RuleViolation(
            _("%(person)s has no points to get: %(state)s. Correct the check-in first.")
            % {"person": person.enrolment.user, "state": person.get_state_display()},
            code="did-not-attend",
        )
    if value is not None and (not ZERO <= value <= task.max_points or not in_steps(value, QUARTER)):
        raise RuleViolation(
            _("%(task)s: points lie between 0 and %(most)s, in quarters, found %(points)s.")
            % {"task": task, "most": say_decimal(task.max_points), "points": say_decimal(value)},
            code="points-range",
        )
    before = row.points if row is not None else None
    if value is None:
        assert row is not None  # noqa: S101 - equal to `before` otherwise
        row.delete()
    else:
        row = row or ExamTaskPoints(registration=person, task=task)
        row.points = value
        row.save()
    said = {True: f"{task}: {reason}", False: str(task)}[bool(reason.strip())]
    ResultChange.objects.create(
        registration=person, at=now, by=by, what="task", before=_said(before), after=_said(value), reason=said[:300]
    )


def _said(value: Decimal | None) -> str:
    return f"{value.normalize():f}" if value is not None else ""


def _follow(
    people: Iterable[Registration],
    before: Mapping[int, TaskSum],
    *,
    by: User | None,
    reason: str,
    now: datetime,
) -> list[ExamScoreChange]:
    """Let results follow the tasks."""
    listed = list(people)
    after = dict(_sums(listed))
    changes = []
    for person in listed:
        old, new = before.get(person.pk), after.get(person.pk)
        if _given(old) == _given(new):
            continue
        result: Result | None = getattr(person, "result", None)
        is_published = result is not None and result.state == Result.State.PUBLISHED
        changes.append(ExamScoreChange(person, old, new, is_published))
        was_whole = old is not None and old.is_complete
        _settle(person, result, new, was_whole=was_whole, is_published=is_published, by=by, reason=reason, now=now)
    return changes


def _given(score: TaskSum | None) -> object:
    return [(task.task and task.task.pk, task.points) for task in score.tasks] if score is not None else None


def _settle(
    person: Registration, result: Result | None, score: TaskSum | None, *, was_whole: bool, is_published: bool,
    by: User | None, reason: str, now: datetime,
) -> None:  # fmt: skip
    is_whole = score is not None and score.is_complete
    if is_published and not reason.strip():
        said = _("The result of %(person)s is published: give a reason for the change.")
        raise RuleViolation(said % {"person": person.enrolment.user}, code="no-reason", field="reason")
    if is_published and not is_whole:
        said = _("The result of %(person)s is published: a task can't be left without points.")
        raise RuleViolation(said % {"person": person.enrolment.user}, code="incomplete")
    if is_published and score is not None and result is not None and score.points == result.points:
        # The sum is the same, and its owner reads which tasks are not.
        tell_result(person, now=now)
        return
    value = score.points if is_whole and score is not None else None
    if value is None and not (was_whole and result is not None):
        # A total that was typed or imported stays until each task has points.
        return
    enter_points(exam_pk=person.exam_id, points={person.pk: value}, by=by, reason=reason, now=now)


def scores_of_exam(exam: Exam, people: Iterable[Registration]) -> dict[int, TaskSum]:
    """Return everybody's points for each task, by registration: 2 queries."""
    listed = list(people)
    tasks = list(ExamTask.objects.filter(exam=exam))
    known = dict(_sums(listed))
    return {person.pk: known.get(person.pk, score_of_tasks(tasks, {})) for person in listed}
