"""Grades of dates that are graded without points, as oral exams are: entered, corrected for a reason, taken back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from amls.core.decimals import say_grade
from amls.core.meanwhile import changed_meanwhile, exactly, own_changes
from amls.core.text import say_some
from amls.core.violations import RuleViolation
from amls.courses.models import User
from amls.files.models import ImportedRow, TableImport
from amls.files.tables.imports import Imported, need_unchanged, record_import, takes_back, why_taken_back
from exams.models import FAILED, GRADES, Exam, Registration, Result, ResultChange
from exams.services.calendars import follow_later
from exams.services.capacity import check_not_frozen
from exams.services.door import note_present
from exams.services.pointfile import WHY, forget_untold
from exams.services.points import how_to_take_away
from exams.services.regrading import BATCH, corrected, lock_with_course, logged_change, tell_corrected

KIND = "exams.grades"


@dataclass(frozen=True, slots=True)
class GradeChange:
    """One person's grade, as somebody changed it.

    Attributes:
        after: None where a draft was taken away.
        correction: why it was corrected before, if it was.
        is_published: whether its owner knows it.
    """

    registration: Registration
    before: Decimal | None
    after: Decimal | None
    correction: str
    is_published: bool


def enter_grades(
    *,
    exam_pk: int,
    grades: Mapping[int, Decimal | None],
    by: User | None,
    reason: str = "",
    now: datetime,
    seen: Mapping[int, str] | None = None,
) -> tuple[list[GradeChange], dict[int, RuleViolation]]:
    """Enter grades by registration; None takes a draft away. Equal ones are not touched.

    Whoever gets a grade and was not marked present before was there. The owner of a published one is told in five minutes
    unless it is as before by then, and the reason is kept.

    Args:
        exam_pk: of a date that is graded without points.
        grades: what there is to be; who is not named stays as they are.
        by: who enters them.
        reason: why, where published results change.
        now: the request's clock.
        seen: by registration, from `exactly` the grades that the person had before them; who is not named is not asked about.

    Returns:
        What changed; and by registration whose grade somebody else changed meanwhile, so that it is as these left it.

    Raises:
        RuleViolation: the exam is frozen, or gives points; it has not begun; somebody was not there or is not on the list; there
            is no such grade; or a published one is changed without a reason, or taken away.
    """
    with transaction.atomic():
        exam = lock_with_course(exam_pk)
        check_not_frozen(exam)
        if not exam.is_graded_directly:
            raise RuleViolation(_("This date is graded by points: enter these."), code="by-points")
        rows = (
            Registration.objects.select_for_update(of=("self",)).filter(exam=exam, pk__in=list(grades)).order_by("pk")
        )
        listed = {row.pk: row for row in rows.select_related("result", "enrolment__user", "enrolment__course")}
        for row in listed.values():
            row.exam = exam
        stands = {pk: row.result.grade for pk, row in listed.items() if hasattr(row, "result")}
        own, late = own_changes(grades, stands=stands, seen=seen or {}, named=exactly)
        changes = [_change_of(listed.get(pk), grade, now=now) for pk, grade in own.items() if grade != stands.get(pk)]
        _need_reason(changes, reason)
        _keep(changes, by=by, reason=reason, now=now)
        return changes, _overtaken(late, stands)


def _overtaken(late: Iterable[int], stands: Mapping[int, Decimal | None]) -> dict[int, RuleViolation]:
    pks = list(late)
    if not pks:
        return {}
    rows = ResultChange.objects.filter(
        registration__in=pks, what__in=(ResultChange.What.GRADE, ResultChange.What.REMOVED)
    )
    writers = {row.registration_id: row.by for row in rows.select_related("by").order_by("pk")}
    return {pk: grade_changed_meanwhile(writers.get(pk), stands.get(pk)) for pk in pks}


def grade_changed_meanwhile(by: User | None, grade: Decimal | None) -> RuleViolation:
    """Return the refusal of a grade that somebody else changed since it was shown; None: there is none any more."""
    return changed_meanwhile(by, "" if grade is None else say_grade(grade))


def _change_of(registration: Registration | None, grade: Decimal | None, *, now: datetime) -> GradeChange:
    """Return whose grade becomes which.

    Raises:
        RuleViolation: it can't be.
    """
    if registration is None:
        raise RuleViolation(_("This person does not stand on the list of this exam."), code="not-on-list")
    if grade is not None and grade not in (*GRADES, FAILED):
        raise RuleViolation(_("Choose one of the offered values."), code="no-grade")
    said = {"person": registration.enrolment.user, "state": registration.get_state_display()}
    if grade is not None and registration.state == Registration.State.REGISTERED and now < registration.exam.starts_at:
        raise RuleViolation(_("The exam of %(person)s has not begun yet.") % said, code="not-begun")
    if grade is not None and registration.state not in (Registration.State.REGISTERED, Registration.State.ATTENDED):
        raise RuleViolation(
            _("%(person)s has no grade to get: %(state)s. Correct the check-in first.") % said, code="did-not-attend"
        )
    result: Result | None = getattr(registration, "result", None)
    if result is None:
        return GradeChange(registration, None, grade, "", is_published=False)
    return GradeChange(
        registration, result.grade, grade, result.correction, is_published=result.state == Result.State.PUBLISHED
    )


def _need_reason(changes: Iterable[GradeChange], reason: str) -> None:
    published = [change for change in changes if change.is_published]
    emptied = [str(change.registration.enrolment.user) for change in published if change.after is None]
    if emptied:
        said = ngettext(
            "The result of %(people)s is published: its field can't be left empty.",
            "The results of %(people)s are published: their fields can't be left empty.",
            len(emptied),
        ) % {"people": say_some(emptied)}
        raise RuleViolation(f"{said} {how_to_take_away()}", code="published")
    if published and not reason.strip():
        names = [str(change.registration.enrolment.user) for change in published]
        raise RuleViolation(
            ngettext(
                "The result of %(people)s is published: give a reason for the change.",
                "The results of %(people)s are published: give a reason for the changes.",
                len(names),
            )
            % {"people": say_some(names)},
            code="no-reason",
            field="reason",
        )


def _keep(changes: Iterable[GradeChange], *, by: User | None, reason: str, now: datetime) -> None:
    """Keep grades that may be, or take them away, each with a row in the history; tell whoever knew another one."""
    logged, made, changed, removed = list[ResultChange](), list[Result](), list[Result](), list[int]()
    published = []
    for change in changes:
        registration = change.registration
        what = "removed" if change.after is None else "grade"
        logged.append(logged_change(registration, what, change.before, change.after, by=by, reason=reason, now=now))
        if change.after is None:
            removed.append(registration.result.pk)
            continue
        if registration.state == Registration.State.REGISTERED:
            note_present(registration, by=by, now=now)
        result = registration.result if hasattr(registration, "result") else Result(registration=registration)
        result.grade = change.after
        if change.is_published:
            result.correction = reason
            published.append(change)
        (changed if result.pk else made).append(result)
    if removed:
        Result.objects.filter(pk__in=removed).delete()
    Result.objects.bulk_create(made, batch_size=BATCH)
    Result.objects.bulk_update(changed, ["grade", "correction"], batch_size=BATCH)
    ResultChange.objects.bulk_create(logged, batch_size=BATCH)
    if published:
        # Who passed, or no longer has, has other dates from now on.
        follow_later(sorted(change.registration.enrolment_id for change in published))
        tell_corrected([corrected(row.registration, row.before, row.after, now=now) for row in published], now=now)


# ── taking a correction back ──


def keep_corrected_grades(
    changes: Iterable[GradeChange], *, exam: Exam, by: User | None, now: datetime
) -> TableImport | None:
    """Keep how published grades were before these changes; None where there are none: 2 queries."""
    rows = [
        Imported(
            line, str(change.registration.enrolment.user), change.registration.pk,
            {**_values(change.before), WHY: change.correction}, _values(change.after), change.registration.enrolment.user_id,
        )
        for line, change in enumerate((change for change in changes if change.is_published), 1)
    ]  # fmt: skip
    return record_import(course_id=exam.course_id, kind=KIND, rows=rows, filename="", by=by, now=now, subject=str(exam))


def _values(grade: Decimal | None) -> dict[str, Any]:
    return {"grade": exactly(grade)}


@takes_back(KIND, gettext_lazy("Grades"))
def take_back(row: ImportedRow, by: User, now: datetime) -> None:
    """Give a person the grade that they had before a correction.

    Raises:
        RuleViolation: it was changed since, or the exam is frozen.
    """
    registration = Registration.objects.select_related("result").filter(pk=row.object_id).first()
    result: Result | None = getattr(registration, "result", None)
    need_unchanged(row, _values(result.grade) if result is not None else None)
    assert registration is not None  # noqa: S101 - looked at above
    before = Decimal((row.before or {})["grade"])
    enter_grades(
        exam_pk=registration.exam_id, grades={registration.pk: before}, by=by, reason=why_taken_back(row), now=now
    )  # fmt: skip
    forget_untold(row, now=now)
