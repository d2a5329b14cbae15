"""The university's own, binding registration: its list, and who is in one and not in the other."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from amls.core.names import SortName
from amls.core.violations import RuleViolation
from amls.courses.matching import Participants
from amls.courses.numbers import clean_number, looks_like_a_number, plain_number
from amls.files.tables.meanings import NAMES, NUMBER
from amls.files.tables.people import names_are_turned, number_of, person_name
from amls.files.tables.plan import Plan, PlanLine, Problem, problems_of
from amls.files.tables.reading import HowToRead, Row, Table, read_table
from exams.models import Exam, Registration, UniversityEntry

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
    content: bytes,
    filename: str = "",
    how: HowToRead | None = None,
    now: datetime,
    dry_run: bool = False,
    expected: str = "",
) -> Plan:
    """Replace the university's list of an exam; lines that are wrong are left out.

    The exam's history tells who imported one and when.

    Args:
        exam_pk: whose list.
        content: of the file.
        filename: of the file.
        how: what somebody chose, where several readings fit.
        now: the request's clock.
        dry_run: whether it is only to be shown.
        expected: the seal of the plan that was shown; with another one nothing is written.

    Raises:
        RuleViolation: it is no table.
    """
    table = read_table(content, MEANINGS, needs=[["matriculation_number"]], how=how)
    if not table.is_clear:
        return Plan(table=table, problems=problems_of(table), is_replacement=True)
    entries, problems = _read_entries(exam_pk, table)
    with transaction.atomic():
        exam = Exam.objects.select_for_update(no_key=True).get(pk=exam_pk)
        before = {one.plain_number: one for one in UniversityEntry.objects.filter(exam_id=exam_pk)}
        lines = [
            PlanLine(line, _said(entry), is_new=number not in before)
            for number, (line, entry) in entries.items()
            if number not in before or before[number].name != entry.name
        ]
        plan = Plan(
            table=table, lines=lines, unchanged=len(entries) - len(lines), problems=problems,
            left=[_said(one) for number, one in before.items() if number not in entries], is_replacement=True,
        )  # fmt: skip
        if dry_run or not entries or (expected and plan.seal != expected):
            return plan
        exam.university_list_at = now
        exam.save(update_fields=["university_list_at"])
        UniversityEntry.objects.filter(exam_id=exam_pk).delete()
        UniversityEntry.objects.bulk_create(entry for _line, entry in entries.values())
    return plan


def _read_entries(exam_pk: int, table: Table) -> tuple[dict[str, tuple[int, UniversityEntry]], list[Problem]]:
    """Return who stands on a list by their plain numbers, with the line, and what is wrong with which line."""
    entries: dict[str, tuple[int, UniversityEntry]] = {}
    problems: list[Problem] = []
    is_turned = names_are_turned(table)
    for row in table.rows:
        try:
            entry = _entry(exam_pk, row, is_turned=is_turned)
            plain = plain_number(entry.matriculation_number)
            if plain in entries:
                who = entry.matriculation_number[:40]
                raise RuleViolation(_("'%(who)s' stands in the file twice.") % {"who": who}, code="twice")
        except RuleViolation as violation:
            problems.append(Problem(row.line, str(violation.message)))
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


def compare_lists(exam: Exam) -> Comparison:
    """Return who is registered here and with the university: 6 queries.

    A line counts for a person as in every file: where number or name speak against it, it is in dispute.
    """
    people, matched = Participants(exam.course), set[int]()
    only_there: list[UniversityEntry] = []
    disputed: list[tuple[UniversityEntry, str]] = []
    here = list(Registration.objects.active().filter(exam=exam).with_people().by_name())
    registered = {one.enrolment_id for one in here}
    for entry in UniversityEntry.objects.filter(exam=exam).order_by(SortName("name", "matriculation_number")):
        try:
            found = people.find(number=entry.matriculation_number, name=entry.name)
        except RuleViolation as violation:
            if violation.code == "not-here":
                only_there.append(entry)
            else:
                disputed.append((entry, str(violation.message)))
        else:
            matched.add(found.pk)
            if found.pk not in registered:
                only_there.append(entry)
    return Comparison(
        in_both=len(matched & registered),
        only_here=[one for one in here if one.enrolment_id not in matched and plain_number(one.enrolment.number)],
        only_there=only_there,
        disputed=disputed,
        without_number=[one for one in here if not plain_number(one.enrolment.number)],
    )
