"""Points by hand or from a file: read as they are typed, entered, corrected for a reason. Every change leaves a row that nobody can change."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amls.core.decimals import say_decimal
from amls.core.meanwhile import changed_meanwhile, exactly, own_changes
from amls.core.text import say_some
from amls.core.violations import RuleViolation
from amls.courses.models import User
from amls.files.tables.values import read_number
from amls.grading.points import ZERO
from amls.grading.tasks import TaskSum
from exams.models import Exam, Registration, Result, ResultChange
from exams.services.capacity import check_not_frozen
from exams.services.kinds import check_by_points
from exams.services.regrading import BATCH, grade_anew, lock_with_course, logged_change
from exams.taskpoints import task_sums


@dataclass(frozen=True, slots=True)
class PointChange:
    """One person's points, as a file or a form would change them.

    Attributes:
        correction: why they were corrected before, if they were.
    """

    registration: Registration
    before: Decimal | None
    after: Decimal
    correction: str = ""


def parse_points(text: str, exam: Exam) -> Decimal:
    """Return points as people type them, '37,5' or '37.5'.

    Raises:
        RuleViolation: it is no number, negative, more than there are to be had, or finer than 0.01.
    """
    value = read_number(text)
    if value < 0 or value > exam.max_points:
        raise RuleViolation(
            _("Points lie between 0 and %(most)s, found %(text)s.")
            % {"most": say_decimal(exam.max_points), "text": text[:20]},
            code="points-range",
        )
    if value != value.quantize(Decimal("0.01")):
        raise RuleViolation(_("Points have at most two decimals, found %(text)s.") % {"text": text[:20]}, "points-form")
    return value


def enter_points(
    *,
    exam_pk: int,
    points: Mapping[int, Decimal | None],
    by: User | None,
    reason: str = "",
    now: datetime,
    seen: Mapping[int, str] | None = None,
) -> tuple[list[PointChange], dict[int, RuleViolation]]:
    """Enter points by registration; None takes a draft away. Equal ones are not touched.

    A published result is graded anew, its owner told in five minutes unless it is as before by then, and the reason kept.

    Args:
        exam_pk: the exam.
        points: what there is to be; who is not named stays as they are.
        by: who enters them.
        reason: why, where published results change.
        now: the request's clock.
        seen: by registration, from `exactly` the points that the person had before them; who is not named is not asked
            about.

    Returns:
        What changed; and by registration whose points somebody else changed meanwhile, so that they are as these left them.

    Raises:
        RuleViolation: the exam is frozen, somebody did not attend or is not on the list, or
            a published result is changed without a reason.
    """
    with transaction.atomic():
        exam = lock_with_course(exam_pk)
        check_not_frozen(exam)
        check_by_points(exam)
        listed = _listed(exam, points)
        own, overtaken = _without_overtaken(listed, points, seen or {})
        _need_reason_for_published({pk: listed[pk] for pk in own if pk in listed}, own, reason)
        changes, refused = _enter_each(exam, listed, own, by=by, reason=reason, now=now)
        for violation in refused.values():
            raise violation
    return changes, overtaken


def _without_overtaken(
    listed: Mapping[int, Registration], points: Mapping[int, Decimal | None], seen: Mapping[int, str]
) -> tuple[dict[int, Decimal | None], dict[int, RuleViolation]]:
    """Return the points that whoever sends them changed, and whose were changed by somebody else before, and by whom."""
    stands: dict[int, Decimal | None] = {pk: row.result.points for pk, row in listed.items() if hasattr(row, "result")}
    own, late = own_changes(points, stands=stands, seen=seen, named=exactly)
    if not late:
        return own, {}
    kinds = (ResultChange.What.POINTS, ResultChange.What.REMOVED)
    rows = ResultChange.objects.filter(registration__in=late, what__in=kinds).select_related("by")
    writers = {row.registration_id: row.by for row in rows.order_by("pk")}
    return own, {pk: points_changed_meanwhile(writers.get(pk), stands.get(pk)) for pk in late}


def points_changed_meanwhile(by: User | None, points: Decimal | None) -> RuleViolation:
    """Return the refusal of points that somebody else changed since they were shown; None: there are none any more."""
    return changed_meanwhile(by, "" if points is None else say_decimal(points))


def enter_points_each(
    *, exam_pk: int, points: Mapping[int, Decimal | None], by: User | None, reason: str = "", now: datetime
) -> tuple[list[PointChange], dict[int, RuleViolation]]:
    """Enter the points of many people as `enter_points`, of each by themselves: as many queries for many as for one.

    Returns:
        What changed, and by registration whose points are as before, and why.

    Raises:
        RuleViolation: the exam is frozen.
    """
    with transaction.atomic():
        exam = lock_with_course(exam_pk)
        check_not_frozen(exam)
        check_by_points(exam)
        return _enter_each(exam, _listed(exam, points), points, by=by, reason=reason, now=now)


def _listed(exam: Exam, pks: Iterable[int]) -> dict[int, Registration]:
    rows = Registration.objects.filter(exam=exam, pk__in=list(pks)).order_by("pk")
    return {row.pk: row for row in rows.select_related("result", "enrolment__user", "enrolment__course")}


def _enter_each(
    exam: Exam,
    listed: Mapping[int, Registration],
    points: Mapping[int, Decimal | None],
    *,
    by: User | None,
    reason: str,
    now: datetime,
) -> tuple[list[PointChange], dict[int, RuleViolation]]:
    by_tasks = {registration.pk: score for registration, score in task_sums(listed.values())}
    changes: list[tuple[PointChange, bool]] = []
    refused: dict[int, RuleViolation] = {}
    for pk, value in points.items():
        try:
            registration = _may_have(listed.get(pk), value, by_tasks.get(pk), reason=reason)
        except RuleViolation as violation:
            refused[pk] = violation
            continue
        result: Result | None = getattr(registration, "result", None)
        before = result.points if result is not None else None
        if value != before:
            correction = result.correction if result is not None else ""
            changes.append((PointChange(registration, before, value or ZERO, correction), value is None))
    done = [change for change, _is_removed in changes]
    _keep_points(changes, by=by, reason=reason, now=now)
    known = {change.registration.pk: change.before for change in done}
    grade_anew([change.registration for change in done], exam, by=by, reason=reason, now=now, known_points=known)
    return done, refused


def _may_have(
    registration: Registration | None, value: Decimal | None, by_tasks: TaskSum | None, *, reason: str
) -> Registration:
    """Return whose points they are to be.

    Raises:
        RuleViolation: they can't be.
    """
    if registration is None:
        raise RuleViolation(_("This person does not stand on the list of this exam."), code="not-on-list")
    if by_tasks is not None and by_tasks.is_complete and value != by_tasks.points:
        # Who has some for each task has their sum.
        raise RuleViolation(
            _("%(person)s has %(points)s points by tasks: correct the task that is wrong.")
            % {"person": registration.enrolment.user, "points": say_decimal(by_tasks.points)},
            code="has-tasks",
        )
    _need_reason_for_published({registration.pk: registration}, {registration.pk: value}, reason)
    result: Result | None = getattr(registration, "result", None)
    is_other = value != (result.points if result is not None else None)
    if is_other and value is not None and registration.state != Registration.State.ATTENDED:
        raise RuleViolation(
            _("%(person)s has no points to get: %(state)s. Correct the check-in first.")
            % {"person": registration.enrolment.user, "state": registration.get_state_display()},
            code="did-not-attend",
        )
    return registration


def _need_reason_for_published(
    registrations: Mapping[int, Registration], points: Mapping[int, Decimal | None], reason: str
) -> None:
    """Refuse to change published results without a reason, naming all of them, and to take one away among others."""
    changed = [
        registration
        for pk, registration in registrations.items()
        if hasattr(registration, "result")
        and registration.result.state == Result.State.PUBLISHED
        and registration.result.points != points[pk]
    ]
    emptied = [str(registration.enrolment.user) for registration in changed if points[registration.pk] is None]
    if emptied:
        said = ngettext(
            "The result of %(people)s is published: its field can't be left empty.",
            "The results of %(people)s are published: their fields can't be left empty.",
            len(emptied),
        ) % {"people": say_some(emptied)}
        raise RuleViolation(f"{said} {how_to_take_away()}", code="published")
    lacking = [str(registration.enrolment.user) for registration in changed]
    if lacking and not reason.strip():
        raise RuleViolation(
            ngettext(
                "The result of %(people)s is published: give a reason for the change.",
                "The results of %(people)s are published: give a reason for the changes.",
                len(lacking),
            )
            % {"people": say_some(lacking)},
            code="no-reason",
            field="reason",
        )


def how_to_take_away() -> str:
    """Return where a published result is taken away, as it isn't where points are entered."""
    return _(
        "If it is the wrong person's, take it away on their page under 'People and seats': with a reason, and they are told."
    )


def _keep_points(changes: Iterable[tuple[PointChange, bool]], *, by: User | None, reason: str, now: datetime) -> None:
    """Keep points that may be, or take them away, each with a row in the history: by batches."""
    logged, made, changed, removed = list[ResultChange](), list[Result](), list[Result](), list[int]()
    for change, is_removed in changes:
        registration = change.registration
        if is_removed:
            removed.append(registration.result.pk)
            logged.append(logged_change(registration, "removed", change.before, "", by=by, reason=reason, now=now))
            continue
        result = registration.result if hasattr(registration, "result") else Result(registration=registration)
        result.points = change.after
        (changed if result.pk else made).append(result)
        logged.append(logged_change(registration, "points", change.before, change.after, by=by, reason=reason, now=now))
    if removed:
        Result.objects.filter(pk__in=removed).delete()
    Result.objects.bulk_create(made, batch_size=BATCH)
    Result.objects.bulk_update(changed, ["points"], batch_size=BATCH)
    ResultChange.objects.bulk_create(logged, batch_size=BATCH)
