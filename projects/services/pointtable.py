"""Points of many teams at once, as a table gives them: each row by itself, and kept so that it can be taken back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.attempts import do_what_can_be, refused_of
from amls.core.violations import RuleViolation
from amls.courses.models import User
from amls.courses.services import lock_course
from amls.files.models import ImportedRow, TableImport
from amls.files.tables.imports import Imported, need_unchanged, record_import, takes_back
from amls.grading.points import ZERO
from amls.held.services import is_told
from projects.models import Assessment, Assignment, Outcome, Project, TaskPoints
from projects.pointrows import PointsRow, points_rows
from projects.points import Mark
from projects.services.assessing import Decision, assess_each
from projects.services.points import give_points_each, remove_untouched_teams, teams_for_points
from projects.services.teamsheets import Given, TeamWish

KIND = "projects.points"
# In the record of an import: the points without tasks, and why published ones were corrected last, of the team and by member.
# Beside these, on what counted when they were decided.
_SUM, _WHY, _WHY_EACH, _MADE_ON = "sum", "why", "whys", "on"
# What a row is to have, by task; None is the whole of an assignment without tasks, no mark takes back what was given.
Marks = Mapping[int | None, Mark | None]


@dataclass(frozen=True, slots=True)
class RowWish:
    """What a row of a table says.

    Attributes:
        points: or whether it is passed, by task; tasks that aren't named stay as they are.
        line: where it stands, for people.
        seen: from `version_of` the decision that the person had before them; None doesn't ask.
        is_for_newest: whether they are for the attempt that came after them; see `give_points`.
    """

    points: Marks
    line: int = 0
    seen: str | None = None
    is_for_newest: bool = False


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


@dataclass(slots=True)
class Entered:
    """What became of a table: what changed, and why which row is as before.

    Attributes:
        made: what it was before, as it is kept to be taken back; None where nothing changed.
    """

    changes: list[RowChange] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)
    made: TableImport | None = None

    @property
    def is_told(self) -> bool:
        """Whether people know of something that changed, and are told."""
        return any(change.row.is_published for change in self.changes)


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
        changes: dict[str, RowChange] = {}
        for key, wish in wishes.items():
            if key not in rows:
                entered.problems[key] = _("This team is not there any more. Load the page again.")
            elif (change := _change(rows[key], wish)) is not None:
                changes[key] = change
        teams: dict[str, Project] = {}

        def give(wanted: Mapping[str, RowChange]) -> dict[str, RuleViolation]:
            teams.clear()
            return _give(wanted, wishes, assignment, teams, by=by, reason=reason, now=now)

        done, refused = do_what_can_be(changes, give)
        entered.problems.update((key, str(violation.message)) for key, violation in refused.items())
        entered.changes.extend(
            replace(change, row=replace(change.row, project=teams[key])) for key, change in done.items()
        )
        entered.made = record_import(
            course_id=assignment.course_id, kind=KIND, rows=map(_imported, entered.changes), filename=filename, by=by,
            now=now, subject=assignment.title,
        )  # fmt: skip
    return entered


def _change(row: PointsRow, wish: RowWish) -> RowChange | None:
    """Return what a wish changes in a row; None where it says what is so already."""
    before = {task: row.mark_for(task) for task in wish.points}
    is_as_before = before == dict(wish.points) and not wish.is_for_newest
    return None if is_as_before else RowChange(row, wish.line, before, wish.points)


def _give(
    wanted: Mapping[str, RowChange],
    wishes: Mapping[str, RowWish],
    assignment: Assignment,
    teams: dict[str, Project],
    *,
    by: User,
    reason: str,
    now: datetime,
) -> dict[str, RuleViolation]:
    """Give rows their points, note the teams that have them in `teams`, and return what is refused; comments stay."""
    alone = [change.row.members[0] for change in wanted.values() if change.row.project is None]
    made = teams_for_points(enrolments=alone, assignment=assignment, now=now) if alone else {}
    refused, marks = dict[str, RuleViolation](), dict[int, TeamMarks]()
    for key, change in wanted.items():
        row, wish = change.row, wishes[key]
        team = row.project or made[row.members[0].pk]
        if isinstance(team, RuleViolation):
            refused[key] = team
            continue
        teams[key] = team
        comments = {task: _comment(row, task) for task in wish.points}
        marks[team.pk] = TeamMarks(wish.points, comments, row.assessment, wish.seen, wish.is_for_newest)
    answers = _mark(marks, assignment, by=by, reason=reason, now=now)
    return refused | {key: answers[team.pk] for key, team in teams.items() if team.pk in answers}


@dataclass(frozen=True, slots=True)
class TeamMarks:
    """What a team is to have; `standing` is the decision whose feedback and extra points stay."""

    marks: Marks
    comments: Mapping[int | None, str]
    standing: Assessment | None
    seen: str | None = None
    is_for_newest: bool = False
    made_on: datetime | None = None


def _mark(
    marks: Mapping[int, TeamMarks], assignment: Assignment, *, by: User, reason: str, now: datetime
) -> dict[int, RuleViolation]:
    """Let teams have these points, or this outcome, and return what is refused; feedback, comments and extra points stay."""
    if assignment.grading == Assignment.Grading.POINTS:
        wishes = {
            pk: TeamWish(
                {
                    task: Given(mark if isinstance(mark, Decimal) else None, wanted.comments[task])
                    for task, mark in wanted.marks.items()
                },
                seen=wanted.seen,
                is_for_newest=wanted.is_for_newest,
                made_on=wanted.made_on,
            )
            for pk, wanted in marks.items()
        }
        return refused_of(give_points_each(wishes=wishes, by=by, reason=reason, now=now))
    decisions = {
        pk: Decision(
            mark.value if isinstance(mark := wanted.marks[None], Outcome) else "",
            wanted.standing.extra_points if wanted.standing is not None else ZERO,
            wanted.standing.feedback if wanted.standing is not None else "",
            seen=wanted.seen,
            reason=reason,
        )
        for pk, wanted in marks.items()
    }
    return refused_of(assess_each(decisions=decisions, by=by, now=now))


def _comment(row: PointsRow, task: int | None) -> str:
    standing = row.given.get(task)
    return standing.comment if standing is not None else ""


def _imported(change: RowChange) -> Imported:
    members, project = change.row.members, change.row.project
    assert project is not None  # noqa: S101 - who has points has a team
    person = members[0].user_id if len(members) == 1 else None
    known = change.row.assessment if change.row.is_published else None
    before: dict[str, object] = {**_values(change.before)}
    if known is not None:
        on = known.judges_until.isoformat()
        before |= {_WHY: known.correction, _WHY_EACH: known.corrections, _MADE_ON: on}
    return Imported(change.line, change.row.label, project.pk, before, _values(change.after), person)


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
    """Give a team the points that it had before a table was saved, or none; then a team that they made goes too.

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
    # What a correction decided anew is decided as before again, with what was deducted then.
    made_on = datetime.fromisoformat(before[_MADE_ON]) if _MADE_ON in before else None
    wanted = {project.pk: TeamMarks(marks, comments, decided, made_on=made_on)}
    for refused in _mark(wanted, project.assignment, by=by, reason=reason, now=now).values():
        raise refused
    if _WHY in before and not is_told(row.table_import.at, now=now):
        # Nobody ever read of a correction.
        reasons = before.get(_WHY_EACH, {})
        Assessment.objects.filter(project=project).update(correction=before[_WHY], corrections=reasons)
    remove_untouched_teams(Project.objects.filter(pk=project.pk), made_at=row.table_import.at, now=now)
