"""The university's own, binding registration: its list, and who is in one and not in the other."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from amls.core.names import SortName
from amls.core.violations import RuleViolation
from amls.courses.matching import Participants
from amls.courses.numbers import clean_number, looks_like_a_number, plain_number
from exams.models import Exam, Registration, UniversityEntry
from exams.services.pointfile import COLUMNS, name_in
from exams.tables import read_table

_COLUMNS = {name: COLUMNS[name] for name in ("matriculation_number", "name", "first_name", "last_name")}


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


def import_university_list(*, exam_pk: int, content: bytes, filename: str, now: datetime) -> tuple[int, list[str]]:
    """Replace the university's list of an exam; return how many stand on it, and the problems.

    With a problem on any line nothing is written. The exam's history tells who imported one and when.
    """
    table = read_table(content, filename, _COLUMNS)
    problems = list(table.problems)
    if not problems and "matriculation_number" not in table.columns:
        problems.append(_("Line 1: no column is named 'matriculation number'. The first line must name the columns."))
    entries: dict[str, UniversityEntry] = {}
    for line, cells in table.rows if not problems else []:
        number = table.cell(cells, "matriculation_number")
        name, plain = name_in(table, cells), plain_number(number)
        if problem := _row_problem(number, name, plain in entries):
            problems.append(_("Line %(line)d: %(problem)s") % {"line": line, "problem": problem})
        else:
            entries[plain] = UniversityEntry(exam_id=exam_pk, matriculation_number=clean_number(number), name=name)
    if problems:
        return 0, problems
    with transaction.atomic():
        exam = Exam.objects.select_for_update(no_key=True).get(pk=exam_pk)
        exam.university_list_at = now
        exam.save(update_fields=["university_list_at"])
        UniversityEntry.objects.filter(exam_id=exam_pk).delete()
        UniversityEntry.objects.bulk_create(entries.values())
    return len(entries), []


def _row_problem(number: str, name: str, is_there_already: bool) -> str:
    if not number:
        return _("it names nobody.")
    if not looks_like_a_number(number):
        return _("'%(number)s' is no matriculation number. Copy it from the student ID.") % {"number": number[:40]}
    if len(number) > 20 or len(name) > 150:
        return _("the name or the matriculation number is too long.")
    if is_there_already:
        return _("'%(who)s' stands in the file twice.") % {"who": number[:40]}
    return ""


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
