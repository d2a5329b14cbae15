"""Points from a file: read line by line, compared, and entered as by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.decimals import say_decimal
from amls.core.violations import RuleViolation
from amls.courses.matching import Participants
from amls.courses.models import Enrolment, User
from amls.files.models import ImportedRow
from amls.files.tables.imports import Imported, import_or_show, need_unchanged, takes_back, why_taken_back
from amls.files.tables.meanings import EMAIL, NAMES, NUMBER, POINTS
from amls.files.tables.people import names_are_turned, who_in
from amls.files.tables.plan import LineProblem, Plan, PlanLine, problems_of
from amls.files.tables.table import Row, Table, Upload, read_table
from amls.files.tables.values import says_nothing
from amls.held.services import is_told
from exams.models import Exam, Registration, Result
from exams.services.points import PointChange, enter_points, how_to_take_away, parse_points

KIND = "exams.points"
# In the record of an import: why a published result was corrected before.
WHY = "why"
MEANINGS = (NUMBER, EMAIL, *NAMES, POINTS)


@dataclass(frozen=True, slots=True)
class _ReadLine:
    """What one line of a file says."""

    line: int
    points: Decimal


@dataclass(frozen=True, kw_only=True)
class PointsPlan(Plan):
    """What a file would change or has changed.

    Attributes:
        changes: person by person.
    """

    changes: Sequence[PointChange] = ()


def import_points(
    *,
    exam_pk: int,
    upload: Upload,
    by: User | None,
    reason: str = "",
    now: datetime,
    dry_run: bool,
    expected: str = "",
) -> PointsPlan:
    """Read points from a CSV or XLSX file; lines that are wrong are left out.

    The file has a column of matriculation numbers or e-mail addresses, and one of points; who is meant
    `Participants` says by these and, where there is one, the name. A `dry_run` only compares: it is the same code, rolled back.

    Args:
        exam_pk: whose points they are.
        upload: the table.
        by: who imports.
        reason: why, where published results change.
        now: the request's clock.
        dry_run: whether it is only to be shown.
        expected: the seal of the plan that was shown; with another one nothing is written.

    Raises:
        RuleViolation: it is no table.
    """
    exam = Exam.objects.select_related("course").get(pk=exam_pk)
    table = read_table(upload.content, MEANINGS, needs=[["points"], ["matriculation_number", "email"]], how=upload.how)
    if not table.is_clear:
        return PointsPlan(table=table, problems=problems_of(table))
    listed = Registration.objects.filter(exam=exam).select_related("enrolment__user", "result").order_by("pk")
    # Who withdrew and came back stands there twice: the newest counts.
    registrations = {registration.enrolment_id: registration for registration in listed}
    wanted, problems, named = _read_points(exam, table, registrations)
    left = [
        str(registration.enrolment.user)
        for registration in registrations.values()
        if registration.state == Registration.State.ATTENDED and registration.enrolment_id not in named
    ]

    def enter() -> tuple[PointsPlan, list[Imported]]:
        points = {pk: line.points for pk, line in wanted.items()}
        changes, _overtaken = enter_points(exam_pk=exam_pk, points=points, by=by, reason=reason, now=now)
        plan = PointsPlan(
            table=table,
            lines=[_line(change, wanted[change.registration.pk].line) for change in changes],
            unchanged=len(wanted) - len(changes),
            problems=problems,
            left=left,
            changes=changes,
        )
        return plan, [imported(change, wanted[change.registration.pk].line) for change in changes]

    try:
        return import_or_show(
            enter, course_id=exam.course_id, kind=KIND, upload=upload, by=by, now=now, dry_run=dry_run,
            expected=expected, subject=str(exam),
        )  # fmt: skip
    except RuleViolation as violation:
        return PointsPlan(table=table, problems=[*problems, LineProblem(0, str(violation.message))])


def _line(change: PointChange, line: int) -> PlanLine:
    before = "" if change.before is None else say_decimal(change.before)
    return PlanLine(
        line, str(change.registration.enrolment.user), is_new=change.before is None,
        changes=[(_("points"), before, say_decimal(change.after))],
    )  # fmt: skip


def imported(change: PointChange, line: int) -> Imported:
    """Return a change as it is kept, so that it can be taken back."""
    user = change.registration.enrolment.user
    before = None if change.before is None else {**_values(change.before), WHY: change.correction}
    return Imported(line, str(user), change.registration.pk, before, _values(change.after), user.pk)


def _values(points: Decimal) -> dict[str, Any]:
    return {"points": f"{points.normalize():f}"}


def _read_points(
    exam: Exam, table: Table, registrations: Mapping[int, Registration]
) -> tuple[dict[int, _ReadLine], list[LineProblem], set[int]]:
    """Return the points of a file by registration, what is wrong with which line, and whose enrolments it names at all."""
    people, is_turned = Participants(exam.course), names_are_turned(table)
    wanted: dict[int, _ReadLine] = {}
    problems: list[LineProblem] = []
    named: set[int] = set()
    for row in table.rows:
        is_empty = says_nothing(row["points"])
        named |= people.mentioned_in(row)
        try:
            person = people.find_in(row, is_turned=is_turned)
            if not is_empty:
                registration = _registration_of(row, person, registrations, wanted)
                wanted[registration.pk] = _ReadLine(row.line, parse_points(row["points"], exam))
        except RuleViolation as violation:
            if not is_empty:
                problems.append(LineProblem(row.line, str(violation.message)))
    return wanted, problems, named


def _registration_of(
    row: Row, person: Enrolment, registrations: Mapping[int, Registration], wanted: Mapping[int, object]
) -> Registration:
    """Return whose points a row gives.

    Raises:
        RuleViolation: the person is not on the list, stands in the file twice, or was not there.
    """
    registration, who = registrations.get(person.pk), who_in(row)
    if registration is None:
        raise RuleViolation(_("'%(who)s' does not stand on the list of this exam.") % {"who": who}, code="not-on-list")
    if registration.pk in wanted:
        raise RuleViolation(_("'%(who)s' stands in the file twice.") % {"who": who}, code="twice")
    if registration.state != Registration.State.ATTENDED:
        raise RuleViolation(
            _("%(person)s has no points to get: %(state)s. Correct the check-in first.")
            % {"person": registration.enrolment.user, "state": registration.get_state_display()},
            code="did-not-attend",
        )
    return registration


@takes_back(KIND, gettext_lazy("Points"))
def take_back(row: ImportedRow, by: User, now: datetime) -> None:
    """Give a person the points that they had before an import, or none.

    Raises:
        RuleViolation: they were changed since, or published, or the exam is frozen.
    """
    registration = Registration.objects.select_related("result", "exam").filter(pk=row.object_id).first()
    result: Result | None = getattr(registration, "result", None)
    need_unchanged(row, _values(result.points) if result is not None and result.points is not None else None)
    assert registration is not None  # noqa: S101 - looked at above
    assert result is not None  # noqa: S101 - looked at above
    if result.state == Result.State.PUBLISHED and row.before is None:
        said = _("The result is published, and stays.")
        raise RuleViolation(f"{said} {how_to_take_away()}", code="published")
    points = None if row.before is None else Decimal(row.before["points"])
    reason = why_taken_back(row)
    enter_points(exam_pk=registration.exam_id, points={registration.pk: points}, by=by, reason=reason, now=now)
    forget_untold(row, now=now)


def forget_untold(row: ImportedRow, *, now: datetime) -> None:
    """Let a result that is put back say why it was corrected before, where nobody ever read of what is taken back."""
    before = row.before or {}
    if WHY in before and not is_told(row.table_import.at, now=now):
        say_as_before(registration_pk=row.object_id, correction=before[WHY], now=now)


def say_as_before(*, registration_pk: int, correction: str, now: datetime) -> None:
    """Let a published result say why it was corrected before; '' where it never was, as its owner knows it.

    Args:
        registration_pk: whose result it is.
        correction: what it said.
        now: the request's clock.
    """
    results = Result.objects.filter(registration=registration_pk, state=Result.State.PUBLISHED)
    results.update(correction=correction)
