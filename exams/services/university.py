"""The university's own, binding registration: its list, and who is in one and not in the other."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.names import SortName
from amls.core.violations import RuleViolation
from amls.courses.matching import Participants
from amls.courses.models import Enrolment, User
from amls.courses.numbers import clean_number, looks_like_a_number, plain_number
from amls.courses.spellings import fuller_name, said_of_lost_letters
from amls.files.models import ImportedRow
from amls.files.tables.imports import Imported, import_or_show, need_unchanged, takes_back
from amls.files.tables.meanings import NAMES, NUMBER
from amls.files.tables.people import names_are_turned, number_of, person_name
from amls.files.tables.plan import LineProblem, Plan, PlanLine, problems_of
from amls.files.tables.table import Row, Table, Upload, read_table
from exams.models import Exam, Registration, UniversityEntry

KIND = "exams.university"
MEANINGS = (NUMBER, *NAMES)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Who stands on which list.

    Attributes:
        in_both: how many.
        only_here: registered here, but not with the university.
        only_there: with the university, but not registered here.
        disputed: with the university, and what keeps the line from being a person's here.
        without_number: registered here without a matriculation number: can't be compared.
    """

    in_both: int
    only_here: list[Registration]
    only_there: list[UniversityEntry]
    disputed: list[tuple[UniversityEntry, str]]
    without_number: list[Registration]

    @property
    def is_there(self) -> bool:
        """Whether a list was imported."""
        return self.in_both > 0 or bool(self.only_there or self.disputed)


def import_university_list(
    *,
    exam_pk: int,
    upload: Upload,
    by: User | None,
    now: datetime,
    dry_run: bool = False,
    expected: str = "",
) -> Plan:
    """Replace the university's list of an exam; lines that are wrong are left out.

    The exam's history tells who imported one and when, and the import can be taken back.

    Args:
        exam_pk: whose list.
        upload: the table.
        by: who imports.
        now: the request's clock.
        dry_run: whether it is only to be shown.
        expected: the seal of the plan that was shown; with another one nothing is written.

    Raises:
        RuleViolation: it is no table.
    """
    table = read_table(upload.content, MEANINGS, needs=[["matriculation_number"]], how=upload.how)
    if not table.is_clear:
        return Plan(table=table, problems=problems_of(table), is_replacement=True)
    entries, problems = _read_entries(exam_pk, table)
    exam = Exam.objects.get(pk=exam_pk)

    def put() -> tuple[Plan, list[Imported]]:
        Exam.objects.select_for_update(no_key=True).get(pk=exam_pk)
        before = {entry.plain_number: entry for entry in UniversityEntry.objects.filter(exam_id=exam_pk)}
        notes = said_of_lost_letters(entry.name for _line, entry in entries.values())
        for number, (_line, entry) in entries.items():
            if number in before:
                entry.name = fuller_name(entry.name, before[number].name)
        lines = [
            PlanLine(line, _said(entry), is_new=number not in before)
            for number, (line, entry) in entries.items()
            if number not in before or before[number].name != entry.name
        ]
        plan = Plan(
            table=table, lines=lines, unchanged=len(entries) - len(lines), problems=problems,
            left=[_said(entry) for number, entry in before.items() if number not in entries], is_replacement=True,
            notes=notes,
        )  # fmt: skip
        if not entries:
            return plan, []
        exam.university_list_at = now
        exam.save(update_fields=["university_list_at"])
        return plan, _replace(exam, before, entries)

    return import_or_show(
        put, course_id=exam.course_id, kind=KIND, upload=upload, by=by, now=now, dry_run=dry_run, expected=expected,
        subject=str(exam),
    )  # fmt: skip


def _replace(
    exam: Exam, before: Mapping[str, UniversityEntry], entries: Mapping[str, tuple[int, UniversityEntry]]
) -> list[Imported]:
    """Write the new list, and return what became other than it was, to be taken back."""
    people = Participants(exam.course)
    kept: list[Imported] = []

    def note(line: int, entry: UniversityEntry, was: str | None, becomes: str | None) -> None:
        person = None
        with suppress(RuleViolation):
            person = people.find(number=entry.matriculation_number, name=entry.name).user_id
        kept.append(Imported(line, _said(entry), entry.pk, _values(entry, was), _values(entry, becomes), person))

    for number, entry in before.items():
        if number not in entries:
            note(0, entry, entry.name, None)
    UniversityEntry.objects.filter(
        pk__in=[entry.pk for number, entry in before.items() if number not in entries]
    ).delete()
    for number, (line, entry) in entries.items():
        known = before.get(number)
        if known is None:
            entry.save()
            note(line, entry, None, entry.name)
        elif known.name != entry.name:
            UniversityEntry.objects.filter(pk=known.pk).update(name=entry.name)
            note(line, known, known.name, entry.name)
    return kept


def _values(entry: UniversityEntry, name: str | None) -> dict[str, Any]:
    """Return what the list says of somebody; without a name (None) they don't stand on it."""
    return {"exam": entry.exam_id, "number": entry.matriculation_number, "name": name}


@takes_back(KIND, gettext_lazy("The university's list"))
def take_back(row: ImportedRow, by: User, now: datetime) -> None:
    """Let the university's list say of somebody what it said before an import: nothing, another name, or that they stand on it.

    Raises:
        RuleViolation: another list was imported since that says something else, or the exam is gone.
    """
    exam = Exam.objects.select_for_update(no_key=True).filter(pk=row.after["exam"]).first()
    if exam is None:
        need_unchanged(row, None)
        return
    present = UniversityEntry.objects.filter(exam=exam, plain_number=plain_number(row.after["number"])).first()
    need_unchanged(row, {**row.after, "name": present.name if present is not None else None})
    name: str | None = row.before["name"] if row.before is not None else None
    if present is None:
        UniversityEntry.objects.create(exam=exam, matriculation_number=row.after["number"], name=name or "")
    elif name is None:
        present.delete()
    else:
        present.name = name
        present.save(update_fields=["name"])
    exam.university_list_at = now
    exam.save(update_fields=["university_list_at"])


def _read_entries(exam_pk: int, table: Table) -> tuple[dict[str, tuple[int, UniversityEntry]], list[LineProblem]]:
    """Return who stands on a list by their plain numbers, with the line, and what is wrong with which line."""
    entries: dict[str, tuple[int, UniversityEntry]] = {}
    problems: list[LineProblem] = []
    is_turned = names_are_turned(table)
    for row in table.rows:
        try:
            entry = _entry(exam_pk, row, is_turned=is_turned)
            plain = plain_number(entry.matriculation_number)
            if plain in entries:
                who = entry.matriculation_number[:40]
                raise RuleViolation(_("'%(who)s' stands in the file twice.") % {"who": who}, code="twice")
        except RuleViolation as violation:
            problems.append(LineProblem(row.line, str(violation.message)))
        else:
            entries[plain] = row.line, entry
    return entries, problems


def _entry(exam_pk: int, row: Row, *, is_turned: bool) -> UniversityEntry:
    number, name = number_of(row), person_name(row, is_turned=is_turned)
    if not number:
        raise RuleViolation(_("it names nobody."), code="nobody")
    if not looks_like_a_number(number):
        problem = _("'%(number)s' is no matriculation number. Copy it from the student ID.") % {"number": number[:40]}
        raise RuleViolation(problem, code="no-number")
    if len(number) > 20 or len(name) > 150:
        raise RuleViolation(_("the name or the matriculation number is too long."), code="too-long")
    return UniversityEntry(exam_id=exam_pk, matriculation_number=clean_number(number), name=name)


def _said(entry: UniversityEntry) -> str:
    return f"{entry.name} ({entry.matriculation_number})" if entry.name else entry.matriculation_number


def lines_of(enrolment: Enrolment) -> list[UniversityEntry]:
    """Return which lines of the lists of a course are a person's: as in every file, and all with a number verified for them.

    1 query where no list is there.
    """
    entries = UniversityEntry.objects.filter(exam__course=enrolment.course_id).select_related("exam")
    lines = list(entries.order_by("exam", "pk"))
    if not lines:
        return []
    people, verified = Participants(enrolment.course), plain_number(enrolment.verified_number)
    return [line for line in lines if line.plain_number == verified or _whose(people, line) == enrolment.pk]


def _whose(people: Participants, line: UniversityEntry) -> int | None:
    with suppress(RuleViolation):
        return people.find(number=line.matriculation_number, name=line.name).pk
    return None


def forget_lines(enrolment: Enrolment) -> None:
    """Delete a person's lines of the lists of a course, and what imports tell of them, also of those they replaced."""
    lines = lines_of(enrolment)
    numbers = {line.plain_number for line in lines} | {plain_number(enrolment.verified_number)} - {""}
    UniversityEntry.objects.filter(pk__in=[line.pk for line in lines]).delete()
    rows = ImportedRow.objects.filter(table_import__course=enrolment.course_id, table_import__kind=KIND)
    theirs = [row.pk for row in rows if plain_number(row.after["number"]) in numbers]
    ImportedRow.objects.filter(pk__in=theirs).delete()


def compare_lists(exam: Exam) -> Comparison:
    """Return who is registered here and with the university: 6 queries, or 1 where no list is there.

    A line counts for a person as in every file: where number or name speak against it, it is in dispute.
    """
    entries = list(UniversityEntry.objects.filter(exam=exam).order_by(SortName("name", "matriculation_number")))
    if not entries:
        return Comparison(in_both=0, only_here=[], only_there=[], disputed=[], without_number=[])
    people, matched = Participants(exam.course), set[int]()
    only_there: list[UniversityEntry] = []
    disputed: list[tuple[UniversityEntry, str]] = []
    here = list(Registration.objects.active().filter(exam=exam).with_people().by_name())
    registered = {registration.enrolment_id for registration in here}
    for entry in entries:
        try:
            enrolment = people.find(number=entry.matriculation_number, name=entry.name)
        except RuleViolation as violation:
            if violation.code == "not-here":
                only_there.append(entry)
            else:
                disputed.append((entry, str(violation.message)))
        else:
            matched.add(enrolment.pk)
            if enrolment.pk not in registered:
                only_there.append(entry)
    return Comparison(
        in_both=len(matched & registered),
        only_here=[
            registration
            for registration in here
            if registration.enrolment_id not in matched and plain_number(registration.enrolment.number)
        ],
        only_there=only_there,
        disputed=disputed,
        without_number=[registration for registration in here if not plain_number(registration.enrolment.number)],
    )
