"""Points of many teams at once, as a table gives them: each row by itself, and kept so that it can be taken back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.violations import RuleViolation
from amls.courses.models import User
from amls.courses.services import lock_course
from amls.files.models import ImportedRow
from amls.files.tables.imports import Imported, need_unchanged, record_import, takes_back
from amls.grading.points import ZERO
from projects.models import Assessment, Assignment, Outcome, Project, TaskPoints
from projects.pointrows import PointsRow, points_rows
from projects.points import Mark
from projects.services.assessing import assess
from projects.services.points import Given, give_points, team_for_points

KIND = "projects.points"
_SUM = "sum"
# What a row is to have, by task; None is the whole of an assignment without tasks, no mark takes back what was given.
Marks = Mapping[int | None, Mark | None]


@dataclass(frozen=True, slots=True)
class RowWish:
    """What a row of a table says.

    Attributes:
        points: or whether it is passed, by task; tasks that aren't named stay as they are.
        line: where it stands, for people.
        seen: from `version_of` the decision that the person had before them; None doesn't ask.
    """

    points: Marks
    line: int = 0
    seen: str | None = None


@dataclass(frozen=True, slots=True)
class RowChange:
    """What was or would be changed in a row."""

    row: PointsRow
    line: int
    before: Marks
    after: Marks

    @property
    def is_new(self) -> bool:
        """Whether nothing was given before."""
        return all(points is None for points in self.before.values())


@dataclass(frozen=True, slots=True)
class Entered:
    """What became of a table: what changed, and why which row is as before."""

    changes: list[RowChange] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)


def enter_table(
    *,
    assignment: Assignment,
    wishes: Mapping[str, RowWish],
    by: User,
    now: datetime,
    reason: str = "",
    filename: str = "",
) -> Entered:
    """Give many teams points, or say whether they passed: each row that can't be is left as it was, the others are done.

    The same again changes nothing. What changed is kept, so that it can be taken back.

    Args:
        assignment: graded by points, or passed or failed.
        wishes: by the key of a `PointsRow`; a student without a team gets one alone with the first points.
        by: who gives them.
        now: the request's clock.
        reason: why, where published points change; the teams read it.
        filename: of the table, where it came as a file.
    """
    entered = Entered()
    with transaction.atomic():
        lock_course(assignment.course_id)
        rows = {row.key: row for row in points_rows(assignment)}
        for key, wish in wishes.items():
            row = rows.get(key)
            if row is None:
                entered.problems[key] = _("This team is not there any more. Load the page again.")
                continue
            change = _change(row, wish)
            if change is None:
                continue
            try:
                with transaction.atomic():
                    kept = _give(row, wish, assignment, by=by, reason=reason, now=now)
            except RuleViolation as violation:
                entered.problems[key] = str(violation.message)
            else:
                entered.changes.append(RowChange(kept, change.line, change.before, change.after))
        record_import(
            course_id=assignment.course_id, kind=KIND, rows=map(_imported, entered.changes), filename=filename, by=by,
            now=now, subject=assignment.title,
        )  # fmt: skip
    return entered


def _change(row: PointsRow, wish: RowWish) -> RowChange | None:
    """Return what a wish changes in a row; None where it says what is so already."""
    before = {task: row.mark_for(task) for task in wish.points}
    return None if before == dict(wish.points) else RowChange(row, wish.line, before, wish.points)


def _give(row: PointsRow, wish: RowWish, assignment: Assignment, *, by: User, reason: str, now: datetime) -> PointsRow:
    """Give a row its points, and return it with the team that has them; comments stay."""
    project = row.project or team_for_points(enrolment=row.members[0], assignment=assignment, now=now)
    comments = {task: _comment(row, task) for task in wish.points}
    _mark(project, assignment, row.assessment, wish.points, comments, by=by, reason=reason, seen=wish.seen, now=now)
    return PointsRow(row.key, project, row.members, row.assessment, row.given, row.excused)


def _mark(
    project: Project,
    assignment: Assignment,
    standing: Assessment | None,
    marks: Marks,
    comments: Mapping[int | None, str],
    *,
    by: User,
    reason: str,
    now: datetime,
    seen: str | None = None,
) -> None:
    """Let a team have these points, or this outcome; feedback, comments and extra points stay."""
    if assignment.grading == Assignment.Grading.POINTS:
        given = {
            task: Given(mark if isinstance(mark, Decimal) else None, comments[task]) for task, mark in marks.items()
        }
        give_points(project=project, given=given, by=by, reason=reason, seen=seen, now=now)
        return
    mark = marks[None]
    assess(
        project=project,
        outcome=mark.value if isinstance(mark, Outcome) else "",
        extra_points=standing.extra_points if standing is not None else ZERO,
        feedback=standing.feedback if standing is not None else "",
        by=by,
        seen=seen,
        now=now,
    )


def _comment(row: PointsRow, task: int | None) -> str:
    standing = row.given.get(task)
    return standing.comment if standing is not None else ""


def _imported(change: RowChange) -> Imported:
    members, project = change.row.members, change.row.project
    assert project is not None  # noqa: S101 - who has points has a team
    person = members[0].user_id if len(members) == 1 else None
    return Imported(
        change.line, change.row.label, project.pk, _values(change.before), _values(change.after), person
    )  # fmt: skip


def _values(points: Marks) -> dict[str, str]:
    return {str(task or _SUM): "" if value is None else say_exactly(value) for task, value in points.items()}


def say_exactly(value: Mark) -> str:
    """Return points or an outcome as they are kept in the record of an import: the same in every language."""
    return value.value if isinstance(value, Outcome) else f"{value.normalize():f}"


def _read_exactly(text: str) -> Mark | None:
    if not text:
        return None
    return Outcome(text) if text in Outcome.values else Decimal(text)


@takes_back(KIND, gettext_lazy("Points of an assignment"))
def take_back(row: ImportedRow, by: User, now: datetime) -> None:
    """Give a team the points that it had before a table was saved, or none.

    Raises:
        RuleViolation: they were changed since, or are published and there were none before.
    """
    project = Project.objects.select_related("assignment").filter(pk=row.object_id).first()
    tasks = {name: None if name == _SUM else int(name) for name in row.after}
    standing = {
        points.task_id: points
        for points in TaskPoints.objects.filter(assessment__project=row.object_id, enrolment__isnull=True)
    }
    decided = Assessment.objects.filter(project=row.object_id).first()
    present: dict[int | None, Mark | None] = {
        task: standing[task].points if task in standing else None for task in tasks.values()
    }
    if project is not None and project.assignment.grading != Assignment.Grading.POINTS:
        present = {None: Outcome(decided.outcome) if decided is not None and decided.outcome else None}
    need_unchanged(row, _values(present) if project is not None else None)
    assert project is not None  # noqa: S101 - looked at above
    before = row.before or {}
    marks = {task: _read_exactly(before.get(name) or "") for name, task in tasks.items()}
    comments = {task: standing[task].comment if task in standing else "" for task in tasks.values()}
    reason = _("The entry of a table was taken back.")
    _mark(project, project.assignment, decided, marks, comments, by=by, reason=reason, now=now)
