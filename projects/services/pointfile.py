"""Points for tasks from a file: read line by line, compared, and entered as by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from amls.core.violations import RuleViolation
from amls.courses.matching import Participants
from amls.courses.models import User
from amls.files.tables.meanings import EMAIL, NAMES, NUMBER, OUTCOME, POINTS, Meaning
from amls.files.tables.people import names_are_turned, who_in
from amls.files.tables.plan import LineProblem, Plan, PlanLine, problems_of
from amls.files.tables.table import Table, Upload, read_table
from amls.files.tables.values import says_nothing
from projects.models import Assignment
from projects.pointrows import PointsRow, points_rows
from projects.points import Mark, read_mark, say_mark
from projects.rowstates import said_of_nothing
from projects.services.points import most_by_column
from projects.services.pointtable import Entered, RowChange, RowWish, enter_table

PEOPLE = (NUMBER, EMAIL, *NAMES)


def columns_of(assignment: Assignment) -> dict[int | None, Meaning]:
    """Return which column of a table has the points of which task: called as the task, or 'points' without tasks.

    What is passed or failed has one, of the result.
    """
    if assignment.grading != Assignment.Grading.POINTS:
        return {None: OUTCOME}
    columns: dict[int | None, Meaning] = {
        task.pk: Meaning(f"task {task.pk}", task.title, (task.title,)) for task in assignment.tasks.all()
    }
    return columns or {None: POINTS}


def import_task_points(
    *,
    assignment: Assignment,
    upload: Upload,
    by: User,
    reason: str = "",
    now: datetime,
    dry_run: bool,
    expected: str = "",
) -> Plan:
    """Read points, or who passed, from a CSV or XLSX file; lines that are wrong are left out, an empty cell leaves what is there.

    The file has a column of matriculation numbers or e-mail addresses, and one for each task, called as it is. What
    stands in a line is the whole team's. Where lines of one team differ, none of them is read, but for those that say
    what each of its members has already: points that one member alone is to have are given on the team's page.

    Args:
        assignment: graded by points, or passed or failed.
        upload: the table.
        by: who imports.
        reason: why, where published points change.
        now: the request's clock.
        dry_run: whether it is only to be shown: the same code, rolled back.
        expected: the seal of the plan that was shown; with another one nothing is written.

    Raises:
        RuleViolation: it is no table.
    """
    columns = columns_of(assignment)
    needs = [[meaning.name] for meaning in columns.values()]
    table = read_table(
        upload.content, (*PEOPLE, *columns.values()), needs=[*needs, [NUMBER.name, EMAIL.name]], how=upload.how
    )
    if not table.is_clear:
        return Plan(table=table, problems=problems_of(table))
    with transaction.atomic():
        wishes, problems, named = _read(assignment, table, columns)
        # Whether a reason is needed is what the preview says.
        entered = enter_table(
            assignment=assignment,
            wishes=wishes,
            by=by,
            reason=reason,
            now=now,
            filename=upload.filename or _("table"),
        )
        problems += [LineProblem(wishes[key].line, problem) for key, problem in entered.problems.items()]
        plan = Plan(
            table=table,
            lines=[_line(change, columns) for change in entered.changes],
            unchanged=_unchanged(wishes, entered),
            problems=sorted(problems, key=lambda problem: problem.line),
            left=_left(assignment, named),
            notes=_notes(assignment, entered),
        )
        if not plan.is_wanted(dry_run=dry_run, expected=expected):
            transaction.set_rollback(True)
    return plan


def _unchanged(wishes: dict[str, RowWish], entered: Entered) -> int:
    return len(wishes) - len(entered.changes) - len(entered.problems)


def _notes(assignment: Assignment, entered: Entered) -> list[str]:
    """Return what is to be said before of points that are for nothing that counts."""
    marks = {change.row.key: change.after.values() for change in entered.changes}
    said = said_of_nothing(assignment, [change.row for change in entered.changes], marks)
    return [said] if said else []


def _left(assignment: Assignment, named: set[int]) -> list[str]:
    """Return the people of whom and of whose team the file names nobody."""
    return [
        str(member.user)
        for row in points_rows(assignment)
        if not any(member.pk in named for member in row.members)
        for member in row.members
    ]


_Cells = dict[int | None, Mark]


@dataclass(frozen=True, slots=True)
class _PointsLine:
    """What a line says of a person, who is named as the line does."""

    line: int
    member: int
    who: str
    marks: _Cells


def _read(
    assignment: Assignment, table: Table, columns: dict[int | None, Meaning]
) -> tuple[dict[str, RowWish], list[LineProblem], set[int]]:
    """Return what a file says by row, what is wrong with which line, and whose enrolments it names at all."""
    rows = {row.key: row for row in points_rows(assignment)}
    key_of = {member.pk: row.key for row in rows.values() for member in row.members}
    people, is_turned, most = Participants(assignment.course), names_are_turned(table), most_by_column(assignment)
    said: dict[str, list[_PointsLine]] = {}
    problems: list[LineProblem] = []
    named: set[int] = set()
    for row in table.rows:
        cells = {task: row[meaning.name] for task, meaning in columns.items() if not says_nothing(row[meaning.name])}
        named |= people.mentioned_in(row)
        try:
            person = people.find_in(row, is_turned=is_turned)
            if not cells:
                continue
            key = key_of.get(person.pk)
            if key is None:
                raise RuleViolation(_("%(person)s is in no team.") % {"person": person.user}, code="no-team")
            marks = {task: read_mark(text, most=most[task]) for task, text in cells.items()}
            said.setdefault(key, []).append(_PointsLine(row.line, person.pk, who_in(row), marks))
        except RuleViolation as violation:
            if cells:
                problems.append(LineProblem(row.line, str(violation.message)))
    wishes: dict[str, RowWish] = {}
    for key, lines in said.items():
        try:
            wishes[key] = _wish(rows[key], lines)
        except RuleViolation as violation:
            # None of them is the team's: the first is not better than the others.
            problems += [LineProblem(line.line, str(violation.message)) for line in lines]
    return wishes, problems, named


def _wish(row: PointsRow, lines: list[_PointsLine]) -> RowWish:
    """Return what the lines of one team ask for, task by task: what each of them has already, or the same for all.

    Raises:
        RuleViolation: they differ, or one of the team has something of their own where they ask for something else.
    """
    wanted: dict[int | None, Mark | None] = {}
    for task in dict.fromkeys(task for line in lines for task in line.marks):
        asked = [(line, line.marks[task]) for line in lines if task in line.marks]
        if all(mark == row.mark_of(line.member, task) for line, mark in asked):
            wanted[task] = row.mark_for(task)
            continue
        first, mark = asked[0]
        other = next((line for line, another in asked if another != mark), None)
        if other is not None:
            raise RuleViolation(
                _(
                    "'%(who)s' has other points than line %(line)d, which is the same team or person. Nothing of this "
                    "team is imported: give the same to all, or enter on the team's page what one of them alone has."
                )
                % {"who": other.who, "line": first.line},
                code="twice",
            )
        own = next((member for member in row.members if task in row.own.get(member.pk, {})), None)
        if own is not None:
            raise RuleViolation(
                _(
                    "%(person)s has something of their own here. Change it on the team's page, nothing of this team is imported."
                )
                % {"person": own.user},
                code="has-own",
            )
        wanted[task] = mark
    return RowWish(wanted, lines[0].line)


def _line(change: RowChange, columns: dict[int | None, Meaning]) -> PlanLine:
    changes = [
        (str(columns[task].label), say_mark(change.before[task]), say_mark(points))
        for task, points in change.after.items()
        if change.before[task] != points
    ]
    return PlanLine(change.line, change.row.label, is_new=change.is_new, changes=changes)
