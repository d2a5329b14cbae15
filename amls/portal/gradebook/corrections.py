"""Corrections that come back in the gradebook's own table: compared with what went out, shown by name, then done."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from amls.core.attempts import do_what_can_be
from amls.core.decimals import say_decimal
from amls.core.meanwhile import CODE, is_overtaken, is_own_change
from amls.core.text import clean_line
from amls.core.violations import RuleViolation
from amls.courses.matching import Participants
from amls.courses.models import Course, Enrolment, Role, User
from amls.files.models import ImportedRow
from amls.files.tables.imports import Imported, import_or_show, need_unchanged, takes_back
from amls.files.tables.meanings import EMAIL, NAMES, NUMBER, Meaning
from amls.files.tables.people import names_are_turned, person_name
from amls.files.tables.plan import LineProblem, Plan, PlanLine, problems_of
from amls.files.tables.table import Row, Table, Upload, read_table
from amls.files.tables.values import is_shortened, says_nothing
from amls.grading.points import ZERO
from amls.held.services import is_told
from amls.portal.gradebook.applying import apply_each
from amls.portal.gradebook.columns import Columns, columns_of
from amls.portal.gradebook.entries import (
    NOTHING,
    OTHER_HEADINGS,
    STAMP,
    BookEntry,
    BookField,
    entry_from,
    fields_of,
    read_entries,
    read_stamp,
    said_in_all_languages,
)
from amls.portal.gradebook.reasons import WHY, Reasons, reasons_of, say_again
from projects.models import Project
from projects.services.points import remove_untouched_teams

KIND = "portal.gradebook"
# Where it is only shown, nobody is asked for a reason yet.
_NO_REASON_YET = "–"


@dataclass(frozen=True, kw_only=True)
class CorrectionPlan(Plan):
    """What a table would correct or has corrected.

    Attributes:
        needs_reason: published points change.
    """

    needs_reason: bool = False


@dataclass(frozen=True, slots=True)
class _CorrectedLine:
    """What one line changes of one person.

    Attributes:
        before: what stands in AMLS, by the key of the field.
        after: what the table says.
    """

    line: int
    person: Enrolment
    before: Mapping[str, BookEntry]
    after: Mapping[str, BookEntry]

    @property
    def is_published(self) -> bool:
        """Whether published points change."""
        return any(entry.is_published and entry.points is not None for entry in self.before.values())


def import_corrections(
    *,
    course: Course,
    upload: Upload,
    by: User,
    reason: str = "",
    now: datetime,
    dry_run: bool,
    expected: str = "",
) -> CorrectionPlan:
    """Correct points and excuses by a table such as `sheet_of` gives out, edited in a spreadsheet program.

    Each row is compared with its stamp: only what somebody changed in the table is corrected, and a field that was
    changed in AMLS meanwhile as well is a contradiction. Rows without a stamp are compared with what stands in AMLS. A
    row that is wrong is left out as a whole; the others go their way. A `dry_run` is the same, rolled back.

    Args:
        course: whose gradebook.
        upload: the table.
        by: who imports.
        reason: why, where published points change.
        now: the request's clock.
        dry_run: whether it is only to be shown.
        expected: the seal of the plan that was shown; with another one nothing is written.

    Raises:
        RuleViolation: it is no table, or published points change without a reason (code 'no-reason').
    """
    columns = columns_of(course)
    fields = {field.key: field for field in fields_of(columns)}
    stamps = said_in_all_languages(lambda: str(OTHER_HEADINGS[-1]))
    stamp = Meaning(STAMP, gettext_lazy("stamp"), tuple(stamps))
    meanings = [NUMBER, EMAIL, *NAMES, stamp, *(field.meaning for field in fields.values())]
    table = read_table(upload.content, meanings, needs=[["matriculation_number", "email", STAMP]], how=upload.how)
    if not table.is_clear:
        return CorrectionPlan(table=table, problems=problems_of(table))
    read = _CorrectionReader(course, columns, table, fields, now=now)
    corrections, problems = read.corrections()
    needs_reason = any(correction.is_published for correction in corrections)
    if needs_reason and not reason.strip() and not dry_run:
        raise RuleViolation(
            _("Published points change: say why. The reason is mailed to those whom it concerns."), "no-reason"
        )
    given = reason or (_NO_REASON_YET if dry_run else "")
    wanted = {correction.person.pk: correction for correction in corrections}

    def do(left: Mapping[int, _CorrectedLine]) -> Mapping[int, RuleViolation]:
        people = {pk: (correction.person, correction.after) for pk, correction in left.items()}
        return apply_each(people, fields, by=by, now=now, reason=given)

    def correct() -> tuple[CorrectionPlan, list[Imported]]:
        published = {pk: correction for pk, correction in wanted.items() if correction.is_published}
        touched = {key: fields[key] for correction in published.values() for key in correction.after}
        reasons = reasons_of(published, touched.values())
        did, refused = do_what_can_be(wanted, do)
        done = list(did.values())
        not_done = [
            LineProblem(wanted[pk].line, f"{wanted[pk].person.user}: {violation.message}")
            for pk, violation in refused.items()
        ]
        plan = CorrectionPlan(
            table=table,
            lines=[_line(correction, fields) for correction in done],
            unchanged=read.unchanged,
            problems=sorted([*problems, *not_done], key=lambda problem: problem.line),
            notes=_notes(table, done),
            needs_reason=needs_reason,
        )
        return plan, [_imported(correction, reasons.get(correction.person.pk, {})) for correction in done]

    return import_or_show(
        correct, course_id=course.pk, kind=KIND, upload=upload, by=by, now=now, dry_run=dry_run, expected=expected
    )


def _notes(table: Table, done: Sequence[_CorrectedLine]) -> list[str]:
    notes = []
    if not table.has(STAMP):
        notes.append(_("This table has no stamps: what was changed here since it went out can't be told."))
    if count := sum(correction.is_published for correction in done):
        said = ngettext(
            "Published points of %(count)d person change: they get a mail with your reason.",
            "Published points of %(count)d people change: they get a mail with your reason.",
            count,
        )
        notes.append(said % {"count": count})
    return notes


class _CorrectionReader:
    """Reads a table line by line against what stands in AMLS."""

    def __init__(
        self, course: Course, columns: Columns, table: Table, fields: Mapping[str, BookField], *, now: datetime
    ) -> None:
        self._table = table
        self._fields = {key: field for key, field in fields.items() if table.has(key)}
        self._people = Participants(course)
        self._is_turned = names_are_turned(table)
        students = [person for person in self._people.people.values() if person.role == Role.STUDENT]
        for person in students:
            person.course = course
        self._exam_tasks = _keys_of_tasks(self._fields)
        self._all_exam_tasks = _keys_of_tasks(fields)
        self._present = read_entries(
            columns, students, now=now,
            with_tasks=any(field.task is not None for field in self._fields.values()),
            with_exam_tasks=bool(self._exam_tasks),
        )  # fmt: skip
        self.unchanged = 0

    def corrections(self) -> tuple[list[_CorrectedLine], list[LineProblem]]:
        """Return what each line changes, and what is wrong with which."""
        corrections: dict[int, _CorrectedLine] = {}
        problems: list[LineProblem] = []
        seen: set[int] = set()
        for row in self._table.rows:
            try:
                person, base = self._person(row)
                if person.pk in seen:
                    raise RuleViolation(_("%(person)s stands in the file twice.") % {"person": person.user}, "twice")
                seen.add(person.pk)
                changed = self._changed(row, person, base)
            except RuleViolation as violation:
                problems.append(LineProblem(row.line, str(violation.message)))
                continue
            if changed:
                before = {key: self._present[person.pk].get(key, NOTHING) for key in changed}
                corrections[person.pk] = _CorrectedLine(row.line, person, before, changed)
            else:
                self.unchanged += 1
        return list(corrections.values()), problems

    def _person(self, row: Row) -> tuple[Enrolment, Mapping[str, BookEntry] | None]:
        """Return whose row it is, and what it said when it went out; None without a stamp.

        Raises:
            RuleViolation: nobody's, two people's, or not a student's.
        """
        if not row[STAMP].strip():
            return self._student(self._people.find_in(row, is_turned=self._is_turned)), None
        pk, base = read_stamp(row[STAMP])
        person = self._student(self._people.people.get(pk))
        # The stamp says who it is: a number whose digits a spreadsheet took away says nothing.
        number = "" if is_shortened(row["matriculation_number"]) else clean_line(row["matriculation_number"])
        email = clean_line(row["email"])
        if number or email:
            name = person_name(row, is_turned=self._is_turned)
            other = self._people.find(number=number, email=email, name=name)
            if other.pk != pk:
                said = _(
                    "the stamp is %(person)s's, the row is %(other)s's: its cells were moved. Sort whole rows only."
                )
                raise RuleViolation(said % {"person": person.user, "other": other.user}, code="moved")
        return person, base

    def _student(self, person: Enrolment | None) -> Enrolment:
        if person is None or person.role != Role.STUDENT:
            raise RuleViolation(_("no student of this course is meant."), code="no-student")
        return person

    def _changed(self, row: Row, person: Enrolment, base: Mapping[str, BookEntry] | None) -> dict[str, BookEntry]:
        """Return what a row changes.

        Raises:
            RuleViolation: a field holds what can't be there, or was changed in AMLS as well since the table went out.
        """
        changed: dict[str, BookEntry] = {}
        for key, field in self._fields.items():
            present = self._present[person.pk].get(key, NOTHING)
            went_out = base.get(key, present) if base is not None else present
            wanted = self._wanted(row, field, went_out)
            if not is_own_change(wanted, stands=present, seen=went_out):
                continue
            if is_overtaken(went_out, stands=present):
                said = _(
                    "%(person)s, %(column)s: it was %(before)s in the table that went out and is %(now)s by now, "
                    "and the file says %(file)s. Look at it, and download the table again."
                )
                words = {"before": went_out, "now": present, "file": wanted}
                values = {name: entry.said or "–" for name, entry in words.items()}
                raise RuleViolation(said % {"person": person.user, "column": field.heading, **values}, code=CODE)
            if present.earned is not None and wanted.points is not None:
                raise _is_deducted(person, field, present, present.earned)
            changed[key] = wanted
        for exam, keys in self._exam_tasks.items():
            if changed.keys() & set(keys) and f"e{exam}" not in changed:
                changed |= self._total_of_exam(exam, changed, self._present[person.pk])
        return changed

    def _total_of_exam(
        self, exam: int, changed: Mapping[str, BookEntry], present: Mapping[str, BookEntry]
    ) -> dict[str, BookEntry]:
        """Return the sum of an exam where it follows other points for tasks: it is shown, and taken back, with these."""
        key, keys = f"e{exam}", self._all_exam_tasks[exam]
        before = [present[task].points for task in keys]
        after = [changed.get(task, present[task]).points for task in keys]
        if None not in after:
            total = BookEntry(sum((points for points in after if points is not None), ZERO))
        elif None not in before:
            total = NOTHING
        else:
            return {}
        return {key: total} if total != present.get(key, NOTHING) else {}

    def _wanted(self, row: Row, field: BookField, known: BookEntry) -> BookEntry:
        """Return what a cell says; the sum of what has tasks follows these, and says nothing but an excuse."""
        if field.exam is not None and field.exam_task is None:
            # Whoever has no points for tasks may have a sum that was typed.
            has_tasks = any(not says_nothing(row[key]) for key in self._exam_tasks.get(field.exam.pk, ()))
            return known if has_tasks else field.read(row[field.key])
        wanted = field.read(row[field.key])
        tasks = list(field.assignment.tasks.all()) if field.assignment is not None and field.task is None else []
        if not tasks or wanted == known or wanted.is_excused != known.is_excused:
            return wanted
        if any(f"t{task.pk}" in self._fields for task in tasks):
            return known
        raise RuleViolation(
            _("%(column)s has tasks. Show it alone in the gradebook and download that: there each task has a column.")
            % {"column": field.heading},
            code="has-tasks",
        )


def _is_deducted(person: Enrolment, field: BookField, present: BookEntry, earned: Decimal) -> RuleViolation:
    """Return the refusal of other points where the table says what counts: whether more is earned or less deducted is not known."""
    said = _(
        "%(person)s, %(column)s: of %(earned)s points %(deducted)s are deducted for being late. Change on the page of "
        "the team what is earned, or accept the hand-in there, so that nothing is deducted."
    )
    values = {"earned": say_decimal(earned), "deducted": say_decimal(earned - (present.points or ZERO))}
    return RuleViolation(said % {"person": person.user, "column": field.heading, **values}, code="deducted")


def _keys_of_tasks(fields: Mapping[str, BookField]) -> dict[int, list[str]]:
    """Return the fields of exams' tasks by exam."""
    keys: dict[int, list[str]] = defaultdict(list)
    for key, field in fields.items():
        if field.exam is not None and field.exam_task is not None:
            keys[field.exam.pk].append(key)
    return keys


def _line(correction: _CorrectedLine, fields: Mapping[str, BookField]) -> PlanLine:
    changes = [
        (fields[key].heading, correction.before[key].said or "–", entry.said or "–")
        for key, entry in correction.after.items()
    ]
    return PlanLine(correction.line, str(correction.person.user), changes=changes)


def _imported(correction: _CorrectedLine, reasons: Reasons) -> Imported:
    before: dict[str, object] = {key: entry.code_given for key, entry in correction.before.items()}
    if reasons:
        before[WHY] = reasons
    after = {key: entry.code_given for key, entry in correction.after.items()}
    person = correction.person
    return Imported(correction.line, str(person.user), person.pk, before, after, person.user_id)


@takes_back(KIND, gettext_lazy("Gradebook"))
def take_back(row: ImportedRow, by: User, now: datetime) -> None:
    """Let stand again what stood in a person's fields before an import; then a team that its points made goes too.

    Raises:
        RuleViolation: somebody changed one of them since, or a service refuses it, as where points were published since.
    """
    person = Enrolment.objects.select_related("user", "course").filter(pk=row.object_id).first()
    if person is None:
        raise RuleViolation(_("It is not there any more."), code="gone")
    columns = columns_of(person.course)
    fields = {field.key: field for field in fields_of(columns)}
    tasks, exam_tasks = (any(key.startswith(letter) for key in row.after) for letter in "tx")
    present = read_entries(columns, [person], now=now, with_tasks=tasks, with_exam_tasks=exam_tasks)[person.pk]
    need_unchanged(row, {key: present[key].code_given for key in row.after if key in present})
    kept = row.before or {}
    before = {key: entry_from(code) for key, code in kept.items() if key != WHY}
    reason = _("The import of a file was taken back.")
    for refused in apply_each({person.pk: (person, before)}, fields, by=by, now=now, reason=reason).values():
        raise refused
    if WHY in kept and not is_told(row.table_import.at, now=now):
        # Nobody ever read of the correction.
        say_again(person.pk, kept[WHY], now=now)
    teams = Project.objects.filter(memberships__enrolment=person)
    remove_untouched_teams(teams, made_at=row.table_import.at, now=now)
