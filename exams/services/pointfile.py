"""Points from a file: read line by line, compared, and entered as by hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from amls.core.violations import RuleViolation
from amls.courses.matching import Participants
from amls.courses.models import User
from exams.models import Exam, Registration
from exams.services.results import PointChange, enter_points, parse_points
from exams.tables import Table, read_table

COLUMNS = {
    "matriculation_number": ("matriculation number", "matriculation", "matrikelnummer", "matrikel", "matrikelnr", "matrikelnr.", "mtknr", "student id"),
    "email": ("email", "e-mail", "mail", "e-mail address", "e-mail-adresse"),
    "name": ("name", "full name", "vollständiger name"),
    "first_name": ("first name", "vorname", "given name"),
    "last_name": ("last name", "nachname", "surname", "family name", "familienname"),
    "points": ("points", "punkte", "score", "total", "summe"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PointsImport:
    """What a file would change or has changed; with a problem on any line nothing is written."""

    changes: list[PointChange] = field(default_factory=list)
    unchanged: int = 0
    problems: list[str] = field(default_factory=list)


def import_points(
    *, exam_pk: int, content: bytes, filename: str, by: User | None, reason: str = "", now: datetime, dry_run: bool
) -> PointsImport:
    """Read points from a CSV or XLSX file; with a problem on any line nothing is written.

    The file has a column of matriculation numbers or e-mail addresses, and one of points; who is meant
    `Participants` says by these and, where there is one, the name. A `dry_run` only compares: it is the same code, rolled back.
    """
    exam = Exam.objects.select_related("course").get(pk=exam_pk)
    wanted, problems = _read_points(exam, content, filename)
    if problems:
        return PointsImport(problems=problems)
    try:
        with transaction.atomic():
            changes = enter_points(exam_pk=exam_pk, points=wanted, by=by, reason=reason, now=now)
            if dry_run:
                transaction.set_rollback(True)
    except RuleViolation as violation:
        return PointsImport(problems=[str(violation.message)])
    return PointsImport(changes=changes, unchanged=len(wanted) - len(changes))


def _read_points(exam: Exam, content: bytes, filename: str) -> tuple[dict[int, Decimal | None], list[str]]:
    """Return the points of a file by registration, and what is wrong with which line."""
    table = read_table(content, filename, COLUMNS)
    problems = list(table.problems)
    if not problems and "points" not in table.columns:
        problems.append(_("Line 1: no column is named 'points'. The first line must name the columns."))
    if not problems and not table.columns.keys() & {"matriculation_number", "email"}:
        problems.append(_("Line 1: no column is named 'matriculation number' or 'e-mail'."))
    if problems:
        return {}, problems
    people, listed = Participants(exam.course), Registration.objects.filter(exam=exam)
    # Who withdrew and came back stands there twice: the newest counts.
    registrations = {one.enrolment_id: one for one in listed.select_related("enrolment__user", "result").order_by("pk")}
    wanted: dict[int, Decimal | None] = {}
    for line, cells in table.rows:
        if not table.cell(cells, "points"):
            continue
        try:
            registration = _registration(table, cells, people, registrations, wanted)
            wanted[registration.pk] = parse_points(table.cell(cells, "points"), exam)
        except RuleViolation as violation:
            problems.append(_("Line %(line)d: %(problem)s") % {"line": line, "problem": violation.message})
    return wanted, problems


def _registration(
    table: Table,
    cells: list[str],
    people: Participants,
    registrations: Mapping[int, Registration],
    wanted: Mapping[int, object],
) -> Registration:
    """Return whose points a row gives.

    Raises:
        RuleViolation: nobody's, or not one's alone; one who is not on the list, stands in the file twice, or was not there.
    """
    number, email = table.cell(cells, "matriculation_number"), table.cell(cells, "email")
    person = people.find(number=number, email=email, name=name_in(table, cells))
    found, who = registrations.get(person.pk), (number or email)[:40]
    if found is None:
        raise RuleViolation(_("'%(who)s' does not stand on the list of this exam.") % {"who": who}, "not-on-list")
    if found.pk in wanted:
        raise RuleViolation(_("'%(who)s' stands in the file twice.") % {"who": who}, "twice")
    if found.state != Registration.State.ATTENDED:
        raise RuleViolation(
            _("%(person)s has no points to get: %(state)s. Correct the check-in first.")
            % {"person": found.enrolment.user, "state": found.get_state_display()},
            code="did-not-attend",
        )
    return found


def name_in(table: Table, cells: list[str]) -> str:
    """Return the name that a row gives, in one column or in two."""
    return table.cell(cells, "name") or " ".join(
        part for part in (table.cell(cells, "first_name"), table.cell(cells, "last_name")) if part
    )
