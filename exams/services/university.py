"""The university's own, binding registration: its list, and who is in one and not in the other."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from amls.web.names import SortName
from exams.models import Exam, Registration, UniversityEntry
from exams.services.pointfile import COLUMNS
from exams.tables import plain_number, read_table

_COLUMNS = {
    "matriculation_number": COLUMNS["matriculation_number"],
    "name": ("name", "full name", "vollständiger name"),
    "first_name": ("first name", "vorname", "given name"),
    "last_name": ("last name", "nachname", "surname", "family name", "familienname"),
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Who stands on which list.

    Attributes:
        in_both: how many.
        only_here: registered here, but not with the university.
        only_there: with the university, but not registered here.
        without_number: registered here without a matriculation number: can't be compared.
    """

    in_both: int
    only_here: list[Registration]
    only_there: list[UniversityEntry]
    without_number: list[Registration]

    @property
    def is_there(self) -> bool:
        """Whether a list was imported."""
        return self.in_both > 0 or bool(self.only_there)


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
        name = (
            table.cell(cells, "name") or f"{table.cell(cells, 'first_name')} {table.cell(cells, 'last_name')}".strip()
        )
        if not plain_number(number):
            problems.append(_("Line %(line)d: %(problem)s") % {"line": line, "problem": _("it names nobody.")})
        elif len(number) > 20 or len(name) > 150:
            problem = _("the name or the matriculation number is too long.")
            problems.append(_("Line %(line)d: %(problem)s") % {"line": line, "problem": problem})
        else:
            entries[plain_number(number)] = UniversityEntry(exam_id=exam_pk, matriculation_number=number, name=name)
    if problems:
        return 0, problems
    with transaction.atomic():
        exam = Exam.objects.select_for_update(no_key=True).get(pk=exam_pk)
        exam.university_list_at = now
        exam.save(update_fields=["university_list_at"])
        UniversityEntry.objects.filter(exam_id=exam_pk).delete()
        UniversityEntry.objects.bulk_create(entries.values())
    return len(entries), []


def compare_lists(exam: Exam) -> Comparison:
    """Return who is registered here and with the university: 2 queries."""
    entries = UniversityEntry.objects.filter(exam=exam).order_by(SortName("name", "matriculation_number"))
    theirs = {one.plain_number: one for one in entries}
    here = list(Registration.objects.active().filter(exam=exam).with_people().by_name())
    numbers = {one.pk: plain_number(one.enrolment.user.matriculation_number) for one in here}
    numbered = [one for one in here if numbers[one.pk]]
    known = set(numbers.values())
    only_here = [one for one in numbered if numbers[one.pk] not in theirs]
    return Comparison(
        in_both=len(numbered) - len(only_here),
        only_here=only_here,
        only_there=[entry for number, entry in theirs.items() if number not in known],
        without_number=[one for one in here if not numbers[one.pk]],
    )
