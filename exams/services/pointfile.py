"""Points from a file: read line by line, compared, and entered as by hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from amls.core.violations import RuleViolation
from amls.courses.models import User
from exams.models import Exam, Registration
from exams.services.results import PointChange, enter_points, parse_points
from exams.tables import plain_number, read_table

COLUMNS = {
    "matriculation_number": ("matriculation number", "matriculation", "matrikelnummer", "matrikel", "matrikelnr", "matrikelnr.", "mtknr", "student id"),
    "email": ("email", "e-mail", "mail", "e-mail address", "e-mail-adresse"),
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

    The file has a column of matriculation numbers or e-mail addresses, and one of points. A
    `dry_run` only compares: it is the same code, rolled back.
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
    people = list(Registration.objects.filter(exam=exam).select_related("enrolment__user", "result").order_by("pk"))
    # Who withdrew and came back stands there twice: the newest counts.
    by_number = {plain_number(one.enrolment.user.matriculation_number): one for one in people}
    by_email = {one.enrolment.user.email.lower(): one for one in people}
    wanted: dict[int, Decimal | None] = {}
    for line, cells in table.rows:
        number, email = table.cell(cells, "matriculation_number"), table.cell(cells, "email").lower()
        text = table.cell(cells, "points")
        if not text:
            continue
        plain = plain_number(number)
        found = (by_number.get(plain) if plain else None) or (by_email.get(email) if email else None)
        problem = _row_problem(found, number or email, wanted)
        if found is not None and not problem:
            try:
                wanted[found.pk] = parse_points(text, exam)
            except RuleViolation as violation:
                problem = str(violation.message)
        if problem:
            problems.append(_("Line %(line)d: %(problem)s") % {"line": line, "problem": problem})
    return wanted, problems


def _row_problem(found: Registration | None, who: str, wanted: Mapping[int, object]) -> str:
    if not who:
        return _("it names nobody.")
    if found is None:
        return _("'%(who)s' does not stand on the list of this exam.") % {"who": who[:40]}
    if found.pk in wanted:
        return _("'%(who)s' stands in the file twice.") % {"who": who[:40]}
    if found.state != Registration.State.ATTENDED:
        return _("%(person)s has no points to get: %(state)s. Correct the check-in first.") % {
            "person": found.enrolment.user,
            "state": found.get_state_display(),
        }
    return ""
