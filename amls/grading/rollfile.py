"""Attendance or presentations from a file: read line by line, compared, and entered as by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.violations import RuleViolation
from amls.courses.matching import Participants
from amls.courses.models import Role, User
from amls.files.models import ImportedRow
from amls.files.tables.imports import Imported, import_or_show, need_unchanged, takes_back
from amls.files.tables.meanings import EMAIL, NAMES, NUMBER, Meaning
from amls.files.tables.people import names_are_turned, who_in
from amls.files.tables.plan import LineProblem, Plan, PlanLine, problems_of
from amls.files.tables.table import Row, Table, Upload, read_table
from amls.files.tables.values import read_number
from amls.grading.models import MOST_OCCASIONS, Roll, RollEntry
from amls.grading.services import Count, EntryChange, enter

KIND = "grading.entries"
ENTERED = Meaning(
    "entered", gettext_lazy("was there"),
    ("anwesend", "anwesenheit", "anwesenheiten", "attendance", "attended", "present", "was there", "times", "anzahl", "count",
     "vorträge", "vorgerechnet", "presentations", "presented"),
)  # fmt: skip
EXCUSED = Meaning("excused", gettext_lazy("excused"), ("entschuldigt", "excused absences", "entschuldigte fehltermine"))
MEANINGS = (NUMBER, EMAIL, *NAMES, ENTERED, EXCUSED)


def import_entries(
    *,
    roll_pk: int,
    upload: Upload,
    by: User,
    now: datetime,
    dry_run: bool,
    expected: str = "",
) -> Plan:
    """Read how often people were there from a CSV or XLSX file; lines that are wrong are left out.

    Args:
        roll_pk: the list.
        upload: the table, with a column of matriculation numbers or e-mail addresses and one of numbers.
        by: who imports.
        now: the request's clock.
        dry_run: whether it is only to be shown: the same code, rolled back.
        expected: the seal of the plan that was shown; with another one nothing is written.

    Raises:
        RuleViolation: it is no table.
    """
    roll = Roll.objects.select_related("course").get(pk=roll_pk)
    table = read_table(upload.content, MEANINGS, needs=[["entered"], ["matriculation_number", "email"]], how=upload.how)
    if not table.is_clear:
        return Plan(table=table, problems=problems_of(table))
    counts, lines, problems = _read(roll, table)

    def enter_counts() -> tuple[Plan, list[Imported]]:
        changes, _overtaken = enter(roll_pk=roll_pk, counts=counts, by=by, now=now)
        plan = Plan(
            table=table,
            lines=[_line(change, lines[change.enrolment.pk]) for change in changes],
            unchanged=len(counts) - len(changes),
            problems=problems,
        )
        return plan, [_imported(roll, change, lines[change.enrolment.pk]) for change in changes]

    try:
        return import_or_show(
            enter_counts, course_id=roll.course_id, kind=KIND, upload=upload, by=by, now=now, dry_run=dry_run,
            expected=expected, subject=roll.title,
        )  # fmt: skip
    except RuleViolation as violation:
        return Plan(table=table, problems=[*problems, LineProblem(0, str(violation.message))])


def _read(roll: Roll, table: Table) -> tuple[dict[int, Count], dict[int, int], list[LineProblem]]:
    """Return what a file says by enrolment, in which line, and what is wrong with which."""
    people, is_turned = Participants(roll.course), names_are_turned(table)
    standing = {entry.enrolment_id: entry for entry in RollEntry.objects.filter(roll=roll)}
    counts: dict[int, Count] = {}
    lines: dict[int, int] = {}
    problems: list[LineProblem] = []
    for row in table.rows:
        if not row["entered"] and not row["excused"]:
            continue
        try:
            person, who = people.find_in(row, is_turned=is_turned), who_in(row)
            if person.role != Role.STUDENT:
                raise RuleViolation(_("No student of this course has '%(who)s'.") % {"who": who}, code="no-student")
            if person.pk in counts:
                raise RuleViolation(_("'%(who)s' stands in the file twice.") % {"who": who}, code="twice")
            entry = standing.get(person.pk)
            excused = _count(row, "excused", entry.excused if entry is not None else 0)
            counts[person.pk], lines[person.pk] = Count(_count(row, "entered", 0), excused), row.line
        except RuleViolation as violation:
            problems.append(LineProblem(row.line, str(violation.message)))
    return counts, lines, problems


def _count(row: Row, name: str, otherwise: int) -> int:
    """Return a whole number of a cell; `otherwise` where it is empty or the file has no such column."""
    if not row[name]:
        return otherwise
    number = read_number(row[name])
    if number != int(number) or not 0 <= number <= MOST_OCCASIONS:
        raise RuleViolation(
            _("Give a whole number from 0 to %(most)d, found %(text)s.")
            % {"most": MOST_OCCASIONS, "text": row[name][:20]},
            code="no-count",
        )
    return int(number)


def _line(change: EntryChange, line: int) -> PlanLine:
    pairs = [(ENTERED.label, change.before.entered, change.after.entered)]
    pairs.append((EXCUSED.label, change.before.excused, change.after.excused))
    changes = [(str(label), str(before), str(after)) for label, before, after in pairs if before != after]
    return PlanLine(line, str(change.enrolment.user), is_new=change.before == Count(), changes=changes)


def _imported(roll: Roll, change: EntryChange, line: int) -> Imported:
    user, values = change.enrolment.user, {"roll": roll.pk}
    before, after = values | _values(change.before), values | _values(change.after)
    return Imported(line, str(user), change.enrolment.pk, before, after, user.pk)


def _values(count: Count) -> dict[str, Any]:
    return {"entered": count.entered, "excused": count.excused}


@takes_back(KIND, gettext_lazy("Attendance or presentations"))
def take_back(row: ImportedRow, by: User, now: datetime) -> None:
    """Enter again what stood in the list before an import.

    Raises:
        RuleViolation: somebody changed it since, or the list is gone.
    """
    before: Mapping[str, Any] = row.before or {}
    roll_pk = row.after["roll"]
    entry = RollEntry.objects.filter(roll=roll_pk, enrolment=row.object_id).first()
    standing = Count(entry.entered, entry.excused) if entry is not None else None
    need_unchanged(row, {"roll": roll_pk} | _values(standing) if standing is not None else None)
    enter(roll_pk=roll_pk, counts={row.object_id: Count(before["entered"], before["excused"])}, by=by, now=now)
