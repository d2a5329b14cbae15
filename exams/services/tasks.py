"""The tasks of an exam: changed with what that does to results, and points entered for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from amls.core.decimals import say_decimal
from amls.core.meanwhile import exactly, own_changes
from amls.core.violations import RuleViolation
from amls.courses.models import User
from amls.grading.points import QUARTER, ZERO, in_steps
from amls.grading.tasks import TaskSum, TaskWish, keep_tasks
from exams.models import Exam, ExamTask, ExamTaskPoints, Registration, Result, ResultChange
from exams.services.capacity import check_not_frozen
from exams.services.gradetable import need_room
from exams.services.kinds import check_by_points
from exams.services.points import enter_points_each, how_to_take_away, points_changed_meanwhile
from exams.services.regrading import BATCH, corrected, lock_with_course, tell_corrected
from exams.taskpoints import score_of_tasks, task_sums

# By registration and by task; no points take back what was given.
PointsByTask = Mapping[int, Mapping[int, Decimal | None]]
# A field of a table of points: a registration's, for a task.
Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class ExamScoreChange:
    """What became of one person's points.

    Attributes:
        before, after: None where they have none for any task.
        correction: why they were corrected before, if they were.
    """

    registration: Registration
    before: TaskSum | None
    after: TaskSum | None
    is_published: bool
    correction: str = ""


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
        exam = lock_with_course(exam_pk)
        check_not_frozen(exam)
        check_by_points(exam)
        people = _people(exam)
        before = dict(_sums(people))
        keep_tasks(ExamTask.objects.filter(exam=exam), tasks, make=lambda: ExamTask(exam=exam))
        if tasks:
            exam.max_points = sum((wish.max_points for wish in tasks), ZERO)
            need_room(exam, exam.max_points)
            exam.save(update_fields=["max_points"])
        after = dict(_sums(people))
        settled = [
            _consequence(person, before.get(person.pk), after.get(person.pk), reason=reason) for person in people
        ]
        changes, refused = _follow(exam, settled, by=by, reason=reason, now=now)
        for violation in refused.values():
            raise violation
    return changes


def _sums(people: Iterable[Registration]) -> list[tuple[int, TaskSum]]:
    return [(registration.pk, score) for registration, score in task_sums(people)]


def enter_task_points(
    *,
    exam_pk: int,
    points: PointsByTask,
    by: User | None,
    now: datetime,
    reason: str = "",
    seen: Mapping[Place, str] | None = None,
) -> tuple[list[ExamScoreChange], dict[Place, RuleViolation]]:
    """Enter what people got for tasks. Their sum is the result once every task has points.

    Args:
        exam_pk: the exam.
        points: tasks that are not named stay as they are, and so do equal ones.
        by: who enters them.
        now: the request's clock.
        reason: why, where a published result changes; its owner is told.
        seen: by registration and task, from `exactly` the points that the person had before them; what is not named is
            not asked about.

    Returns:
        Whose points changed; and what somebody else changed meanwhile, so that it is as these left it.

    Raises:
        RuleViolation: the exam is frozen, points that there are not, a task of another exam, somebody who did not attend,
            or a published result changes without a reason or becomes incomplete.
    """
    with transaction.atomic():
        own, overtaken = _without_overtaken(exam_pk, points, seen) if seen else (points, {})
        changes, refused = enter_task_points_each(exam_pk=exam_pk, points=own, by=by, now=now, reason=reason)
        for violation in refused.values():
            raise violation
    return changes, overtaken


def _without_overtaken(
    exam_pk: int, points: PointsByTask, seen: Mapping[Place, str]
) -> tuple[PointsByTask, dict[Place, RuleViolation]]:
    """Return the points that whoever sends them changed, and what was changed by somebody else before, and by whom."""
    lock_with_course(exam_pk)
    rows = ExamTaskPoints.objects.filter(registration__in=points)
    stands: dict[Place, Decimal | None] = {(row.registration_id, row.task_id): row.points for row in rows}
    wanted = {(pk, task): value for pk, by_task in points.items() for task, value in by_task.items()}
    changed, late = own_changes(wanted, stands=stands, seen=seen, named=exactly)
    own: dict[int, dict[int, Decimal | None]] = {}
    for (pk, task), value in changed.items():
        own.setdefault(pk, {})[task] = value
    writers = _writers(late) if late else {}
    return own, {place: points_changed_meanwhile(writers.get(place), stands.get(place)) for place in late}


def _writers(places: Sequence[Place]) -> dict[Place, User | None]:
    """Return who was the last to change points for tasks, as the history has it: 2 queries."""
    titles = dict(ExamTask.objects.filter(pk__in=[task for _pk, task in places]).values_list("pk", "title"))
    rows = ResultChange.objects.filter(registration__in=[pk for pk, _task in places], what=ResultChange.What.TASK)
    writers: dict[Place, User | None] = {}
    for row in rows.select_related("by").order_by("pk"):
        for pk, task in places:
            # Such a row begins with the task, see `_keep`.
            if pk == row.registration_id and f"{row.reason}: ".startswith(f"{titles.get(task)}: "):
                writers[pk, task] = row.by
    return writers


def enter_task_points_each(
    *, exam_pk: int, points: PointsByTask, by: User | None, now: datetime, reason: str = ""
) -> tuple[list[ExamScoreChange], dict[int, RuleViolation]]:
    """Enter what many people got for tasks as `enter_task_points`, for each by themselves: queries as for one.

    Returns:
        Whose points changed, and by registration whose are as before, and why.

    Raises:
        RuleViolation: the exam is frozen.
    """
    with transaction.atomic():
        exam = lock_with_course(exam_pk)
        check_not_frozen(exam)
        tasks = {task.pk: task for task in ExamTask.objects.filter(exam=exam)}
        people = {person.pk: person for person in _people(exam, points)}
        given: dict[int, dict[int, ExamTaskPoints]] = {pk: {} for pk in people}
        for row in ExamTaskPoints.objects.filter(registration__in=people):
            given[row.registration_id][row.task_id] = row
        refused: dict[int, RuleViolation] = {}
        settled: list[_Consequence] = []
        written: list[_Written] = []
        for pk, by_task in points.items():
            try:
                if pk not in people:
                    raise RuleViolation(_("This person does not stand on the list of this exam."), code="not-on-list")
                before = _score(tasks.values(), given[pk])
                theirs = _written_by(people[pk], tasks, given[pk], by_task)
                settled.append(_consequence(people[pk], before, _score(tasks.values(), given[pk]), reason=reason))
            except RuleViolation as violation:
                refused[pk] = violation
            else:
                written += theirs
        _keep(written, by=by, reason=reason, now=now)
        changes, late = _follow(exam, settled, by=by, reason=reason, now=now)
    return changes, refused | late


def _people(exam: Exam, pks: Iterable[int] | None = None) -> list[Registration]:
    rows = Registration.objects.filter(exam=exam).select_related("result", "enrolment__user", "enrolment__course")
    return list((rows if pks is None else rows.filter(pk__in=list(pks))).order_by("pk"))


def _score(tasks: Iterable[ExamTask], given: Mapping[int, ExamTaskPoints]) -> TaskSum | None:
    """Return a person's points for the tasks; None where they have none for any."""
    return score_of_tasks(tasks, {task: row.points for task, row in given.items()}) if given else None


@dataclass(frozen=True, slots=True)
class _Written:
    """That a person gets other points for a task; none are taken away."""

    row: ExamTaskPoints
    before: Decimal | None
    after: Decimal | None


def _written_by(
    person: Registration,
    tasks: Mapping[int, ExamTask],
    given: dict[int, ExamTaskPoints],
    points: Mapping[int, Decimal | None],
) -> list[_Written]:
    """Return what a person gets, and let `given` say so.

    Raises:
        RuleViolation: they can't get it.
    """
    written = []
    for task_pk, value in points.items():
        row = given.get(task_pk)
        before = row.points if row is not None else None
        if value == before:
            continue
        if task_pk not in tasks:
            raise RuleViolation(_("This task belongs to another exam."), code="no-task")
        task = tasks[task_pk]
        if value is not None:
            _need_points_of(person, task, value)
        row = row or ExamTaskPoints(registration=person)
        row.task = task
        if value is None:
            del given[task_pk]
        else:
            row.points = value
            given[task_pk] = row
        written.append(_Written(row, before, value))
    return written


def _need_points_of(person: Registration, task: ExamTask, value: Decimal) -> None:
    if person.state != Registration.State.ATTENDED:
        raise RuleViolation(
            _("%(person)s has no points to get: %(state)s. Correct the check-in first.")
            % {"person": person.enrolment.user, "state": person.get_state_display()},
            code="did-not-attend",
        )
    if not ZERO <= value <= task.max_points or not in_steps(value, QUARTER):
        raise RuleViolation(
            _("%(task)s: points lie between 0 and %(most)s, in quarters, found %(points)s.")
            % {"task": task, "most": say_decimal(task.max_points), "points": say_decimal(value)},
            code="points-range",
        )


def _keep(written: Sequence[_Written], *, by: User | None, reason: str, now: datetime) -> None:
    """Keep points for tasks, each with a row in the history: by batches."""
    removed = [change.row.pk for change in written if change.after is None]
    if removed:
        ExamTaskPoints.objects.filter(pk__in=removed).delete()
    kept = [change.row for change in written if change.after is not None]
    ExamTaskPoints.objects.bulk_create([row for row in kept if not row.pk], batch_size=BATCH)
    ExamTaskPoints.objects.bulk_update([row for row in kept if row.pk], ["points"], batch_size=BATCH)
    ResultChange.objects.bulk_create(
        [
            ResultChange(
                registration_id=change.row.registration_id, at=now, by=by, what="task", before=exactly(change.before),
                after=exactly(change.after),
                reason=(f"{change.row.task}: {reason}" if reason.strip() else str(change.row.task))[:300],
            )
            for change in written
        ],
        batch_size=BATCH,
    )  # fmt: skip


def _given(score: TaskSum | None) -> object:
    return [(task.task and task.task.pk, task.points) for task in score.tasks] if score is not None else None


@dataclass(frozen=True, slots=True)
class _Consequence:
    """What follows from a person's points for tasks.

    Attributes:
        change: None where they have the same.
        enters: the result becomes `value`.
        tells: the sum is the same, and its owner reads which tasks are not.
    """

    change: ExamScoreChange | None = None
    enters: bool = False
    value: Decimal | None = None
    tells: bool = False


def _consequence(person: Registration, old: TaskSum | None, new: TaskSum | None, *, reason: str) -> _Consequence:
    """Return what follows from a person's points.

    Raises:
        RuleViolation: a published result would change without a reason, or become incomplete.
    """
    if _given(old) == _given(new):
        return _Consequence()
    result: Result | None = getattr(person, "result", None)
    is_published = result is not None and result.state == Result.State.PUBLISHED
    is_whole = new is not None and new.is_complete
    if is_published and not reason.strip():
        said = _("The result of %(person)s is published: give a reason for the change.")
        raise RuleViolation(said % {"person": person.enrolment.user}, code="no-reason", field="reason")
    if is_published and not is_whole:
        said = _("The result of %(person)s is published: a task can't be left without points.")
        raise RuleViolation(f"{said % {'person': person.enrolment.user}} {how_to_take_away()}", code="incomplete")
    change = ExamScoreChange(person, old, new, is_published, result.correction if result is not None else "")
    if is_published and new is not None and result is not None and new.points == result.points:
        return _Consequence(change, tells=True)
    value = new.points if is_whole and new is not None else None
    was_whole = old is not None and old.is_complete
    # A total that was typed or imported stays until each task has points.
    enters = value is not None or (was_whole and result is not None)
    return _Consequence(change, enters, value)


def _follow(
    exam: Exam, settled: Iterable[_Consequence], *, by: User | None, reason: str, now: datetime
) -> tuple[list[ExamScoreChange], dict[int, RuleViolation]]:
    """Let results follow the tasks; return whose points changed, and whose result could not follow."""
    followed = [(row.change, row) for row in settled if row.change is not None]
    points = {change.registration.pk: row.value for change, row in followed if row.enters}
    refused: dict[int, RuleViolation] = {}
    if points:
        _changes, refused = enter_points_each(exam_pk=exam.pk, points=points, by=by, reason=reason, now=now)
    told = [
        corrected(change.registration, _given(change.before), _given(change.after), now=now)
        for change, row in followed
        if row.tells
    ]
    if told:
        owners = [change.registration.pk for change, row in followed if row.tells]
        Result.objects.filter(registration__in=owners).update(correction=reason)
        tell_corrected(told, now=now)
    return [change for change, _row in followed], refused


def scores_of_exam(exam: Exam, people: Iterable[Registration]) -> dict[int, TaskSum]:
    """Return everybody's points for each task, by registration: 2 queries."""
    listed = list(people)
    tasks = list(ExamTask.objects.filter(exam=exam))
    known = dict(_sums(listed))
    return {person.pk: known.get(person.pk, score_of_tasks(tasks, {})) for person in listed}
