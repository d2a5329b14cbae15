"""Points for assignments: their tasks, and what is given for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from amls.core.decimals import say_decimal
from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment, User
from amls.courses.services import lock_course
from amls.grading.points import QUARTER, ZERO, in_steps
from amls.grading.tasks import TaskWish, keep_tasks
from projects.models import Assessment, Assignment, Membership, Project, Task, TaskPoints
from projects.points import Score, score_of
from projects.services.assessing import version_of
from projects.services.locks import active_membership, lock_project, members_of, save_checked, tell

# By task; None is the sum of an assignment without tasks.
PointsByTask = Mapping[int | None, "Given"]


@dataclass(frozen=True, slots=True)
class Given:
    """What is given for a task; no points take back what was given."""

    points: Decimal | None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class ScoreChange:
    """What a change of the tasks does to one team's points."""

    project: Project
    before: Score
    after: Score
    is_published: bool


def set_tasks(
    *,
    assignment: Assignment,
    tasks: Sequence[TaskWish],
    by: User | None,
    now: datetime,
    reason: str = "",
    pass_percent: int | None = None,
) -> list[ScoreChange]:
    """Let an assignment have these tasks in this order, and this pass mark; return whose points or outcome change by it.

    What was given for a task that goes is gone with it (its history stays). Rolled back it is the preview.

    Args:
        assignment: one that is graded by points.
        tasks: none for one sum.
        by: who changes it; None for a file, and whoever decided stays so.
        now: the request's clock.
        reason: why, where published points change; their teams are told.
        pass_percent: of all points, with which it is passed; None leaves it.

    Raises:
        RuleViolation: the points are no quarters, somebody has more for a task than it would have, published
            points change without a reason, or there is no such pass mark.
    """
    with transaction.atomic():
        lock_course(assignment.course_id)
        assignment = Assignment.objects.select_for_update().select_related("course").get(pk=assignment.pk)
        before = {row.pk: score_of(row, assignment) for row in _assessments_of(assignment)}
        standing = Task.objects.filter(assignment=assignment)
        if tasks and not standing.exists():
            # What was one sum before says nothing of single tasks.
            TaskPoints.objects.filter(assessment__project__assignment=assignment, task=None).delete()
        keep_tasks(standing, tasks, make=lambda: Task(assignment=assignment))
        if tasks:
            assignment.max_points = sum((wish.max_points for wish in tasks), ZERO)
        if pass_percent is not None:
            assignment.pass_percent = pass_percent
        save_checked(assignment)
        return _follow(assignment, before, by=by, reason=reason, now=now)


def _assessments_of(assignment: Assignment) -> Sequence[Assessment]:
    rows = Assessment.objects.select_for_update(of=("self",)).filter(project__assignment=assignment)
    return list(rows.select_related("project").prefetch_related("task_points").order_by("project"))


def _follow(
    assignment: Assignment, before: Mapping[int, Score], *, by: User | None, reason: str, now: datetime
) -> list[ScoreChange]:
    changes = []
    for row in _assessments_of(assignment):
        row.project.assignment = assignment
        after = score_of(row, assignment)
        if (before[row.pk].tasks, before[row.pk].outcome) == (after.tasks, after.outcome):
            continue
        changes.append(ScoreChange(row.project, before[row.pk], after, row.published_at is not None))
        _settle(row, assignment, by=by, reason=reason, now=now)
    return changes


def give_points(
    *,
    project: Project,
    given: PointsByTask,
    by: User,
    now: datetime,
    members: Mapping[int, PointsByTask] | None = None,
    feedback: str | None = None,
    reason: str = "",
    seen: str | None = None,
) -> Assessment:
    """Write what a team gets for tasks: a draft until it is published; a published one changes at once, with a mail.

    Args:
        project: of an assignment that is graded by points.
        given: for the team; tasks that aren't named stay as they are.
        by: who gives them.
        now: the request's clock.
        members: by enrolment, where a member's points differ; None leaves them, an empty one is as the team's.
        feedback: Markdown; None leaves it.
        reason: why, where published points change; the team reads it.
        seen: from `version_of` the decision that the person had before them; None doesn't ask.

    Raises:
        RuleViolation: points that there are not, a task of another assignment, somebody who is not in the team, a
            published change without a reason, or somebody else decided meanwhile.
    """
    with transaction.atomic():
        project = lock_project(project.pk)
        assignment = project.assignment
        if assignment.grading != Assignment.Grading.POINTS:
            raise RuleViolation(_("This assignment is passed or failed, it gives no points."), code="no-points")
        row = Assessment.objects.select_for_update().filter(project=project).first()
        if seen is not None and seen != version_of(row):
            name = (row.assessed_by if row is not None else None) or _("Somebody")
            said = _("%(name)s changed this decision meanwhile. Look at it again before you save yours.")
            raise RuleViolation(said % {"name": name}, code="changed-meanwhile")
        before = (_standing(row), row.feedback) if row is not None else ([], "")
        row = row or Assessment(project=project, assessed_at=now)
        if feedback is not None:
            row.feedback = feedback
        row.assessed_by, row.assessed_at = by, now
        save_checked(row)
        most = most_by_task(assignment)
        _write(row, None, given, most)
        for enrolment, differing in (members or {}).items():
            if not project.memberships.filter(enrolment=enrolment).exists():
                raise RuleViolation(_("This person is not in the team."), code="not-a-member")
            _write(row, enrolment, differing, most)
            _as_the_team(row, enrolment, differing)
        if before != (_standing(row), row.feedback):
            _settle(row, assignment, by=by, reason=reason, now=now)
    return row


def most_by_task(assignment: Assignment) -> dict[int | None, Decimal]:
    """Return what there is to be had for each task; under None for all, where the assignment has no tasks."""
    tasks: dict[int | None, Decimal] = {task.pk: task.max_points for task in assignment.tasks.all()}
    return tasks or {None: assignment.max_points or ZERO}


def most_by_column(assignment: Assignment) -> dict[int | None, Decimal | None]:
    """Return what a table of an assignment asks for: points of so many for each task, or once whether it is passed."""
    is_by_points = assignment.grading == Assignment.Grading.POINTS
    return {**most_by_task(assignment)} if is_by_points else {None: None}


def _standing(row: Assessment) -> list[tuple[object, ...]]:
    columns = ("task", "enrolment", "points", "comment")
    return list(TaskPoints.objects.filter(assessment=row).order_by("pk").values_list(*columns))


def _as_the_team(row: Assessment, enrolment: int, differing: PointsByTask) -> None:
    """Take back what a member had of their own and no longer has."""
    kept = [task for task, given in differing.items() if given.points is not None]
    own = TaskPoints.objects.filter(assessment=row, enrolment=enrolment)
    for points in own:
        if points.task_id not in kept:
            points.delete()


def _write(row: Assessment, enrolment: int | None, given: PointsByTask, most: Mapping[int | None, Decimal]) -> None:
    for task, wanted in given.items():
        if task not in most:
            raise RuleViolation(_("This task belongs to another assignment."), code="no-task")
        existing = TaskPoints.objects.filter(assessment=row, task=task, enrolment=enrolment).first()
        if wanted.points is None:
            if existing is not None:
                existing.delete()
            continue
        if not ZERO <= wanted.points <= most[task] or not in_steps(wanted.points, QUARTER):
            raise RuleViolation(
                _("Points lie between 0 and %(most)s, in quarters, found %(points)s.")
                % {"most": say_decimal(most[task]), "points": say_decimal(wanted.points)},
                code="points-range",
            )
        points = existing or TaskPoints(assessment=row, task_id=task, enrolment_id=enrolment)
        points.points, points.comment = wanted.points, wanted.comment
        save_checked(points)


def _settle(row: Assessment, assignment: Assignment, *, by: User | None, reason: str, now: datetime) -> None:
    """Let the outcome follow the points and the pass mark; published ones change with a reason and a mail."""
    row = Assessment.objects.prefetch_related("task_points").get(pk=row.pk)
    score = score_of(row, assignment)
    is_published = row.published_at is not None
    if is_published and not reason.strip():
        raise RuleViolation(_("These points are published: say why they change."), code="no-reason", field="reason")
    if is_published and not score.is_complete:
        raise RuleViolation(_("These points are published: a task can't be left without any."), code="incomplete")
    row.outcome = score.outcome if score.is_complete else ""
    row.assessed_by, row.assessed_at = by or row.assessed_by, now
    row.correction = reason if is_published else ""
    save_checked(row)
    if is_published:
        people = members_of(row.project)
        cause = f"{row.pk}:{now.timestamp()}"
        tell("projects.result-changed", people, cause=cause, now=now, references={"assessment": row.pk})


def team_for_points(*, enrolment: Enrolment, assignment: Assignment, now: datetime) -> Project:
    """Return the team in which a person works on an assignment; who has none gets one alone, where it has no topics.

    Raises:
        RuleViolation: the assignment has topics, and the person none of them.
    """
    with transaction.atomic():
        lock_course(assignment.course_id)
        membership = active_membership(enrolment, assignment)
        if membership is not None:
            return membership.project
        if assignment.has_topics:
            raise RuleViolation(_("%(person)s is in no team.") % {"person": enrolment.user}, code="no-team")
        project = Project.objects.create(assignment=assignment, registered_at=now)
        Membership.objects.create(project=project, assignment=assignment, enrolment=enrolment, joined_at=now)
    return project
