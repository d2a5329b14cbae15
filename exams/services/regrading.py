"""Grades that follow points: worked out for many results at once, each change with a row in the history, and told."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from amls.core.meanwhile import exactly
from amls.courses.eligibility import extra_points_of
from amls.courses.models import Enrolment, User
from amls.held.services import HOLD
from amls.mail.corrections import Correction, call_off, notify_corrected
from amls.mail.outbox import Told, notify_each
from exams.grading import GradeTable
from exams.models import Exam, GradeStep, Registration, Result, ResultChange
from exams.queries import exam_rules
from exams.services.calendars import follow_later

RESULTS, CHANGED, REMOVED = "exams.results", "exams.result-changed", "exams.result-removed"
# So many rows go into one statement.
BATCH = 500


def grade_table(exam: Exam) -> GradeTable:
    """Return the exam's grade table as it stands."""
    return GradeTable({step.grade: step.min_points for step in GradeStep.objects.filter(exam=exam)})


def lifts_fail(exam: Exam) -> bool:
    """Return whether extra points can lift a failed exam of this course to a pass."""
    return exam_rules(exam.course).extra_points_lift_fail


def current_extra_points(exam: Exam, enrolments: Iterable[Enrolment], *, now: datetime) -> dict[int, Decimal]:
    """Return everyone's extra points by enrolment pk, as they stand now, at most what the course gives."""
    return extra_points_of(exam.course, enrolments, now=now)


def grade_anew(
    registrations: Iterable[Registration],
    exam: Exam,
    *,
    by: User | None,
    reason: str,
    now: datetime,
    known_points: Mapping[int, Decimal | None] | None = None,
) -> int:
    """Fix extra points and grade of published results, log what changes, and tell their owners; return how many changed.

    Of what is corrected the reason stands with the result, where its owner reads it.

    Args:
        registrations: with their results.
        exam: theirs.
        by: who corrects, or publishes.
        reason: why.
        now: the request's clock.
        known_points: of whose points changed, by registration, what their owners know; None where they know nothing yet,
            and all are told at once. What is corrected is told five minutes later, where it is otherwise still.
    """
    published = [
        registration
        for registration in registrations
        if hasattr(registration, "result") and registration.result.state == Result.State.PUBLISHED
    ]
    table, lifts = grade_table(exam), lifts_fail(exam)
    by_points = [row.enrolment for row in published if row.result.points is not None]
    extra = current_extra_points(exam, by_points, now=now) if by_points else {}
    changed, logged, corrections, followed = 0, list[ResultChange](), list[Correction](), set[int]()
    for registration in published:
        result, before = registration.result, (registration.result.extra_points, registration.result.grade)
        if result.points is not None:
            has = extra[registration.enrolment_id]
            result.extra_points = table.applied(result.points, has, lifts_fail=lifts)
            result.grade = table.grade_of(result.points, has, lifts_fail=lifts)
        after = result.extra_points, result.grade
        logged += [
            logged_change(registration, what, old, new, by=by, reason=reason, now=now)
            for what, old, new in zip(("extra_points", "grade"), before, after, strict=True)
            if old != new
        ]
        changed += before != after
        if before != after or known_points is None:
            followed.add(registration.enrolment_id)
        if known_points is not None:
            was, is_now = (known_points.get(registration.pk, result.points), *before), (result.points, *after)
            if was != is_now:
                result.correction = reason
            corrections.append(corrected(registration, was, is_now, now=now))
    columns = ["state", "published_at", "extra_points", "grade", "correction"]
    # Who passed, or no longer has, has other dates from now on, and leaves waiting lists or stands on them again.
    follow_later(sorted(followed))
    Result.objects.bulk_update([registration.result for registration in published], columns, batch_size=BATCH)
    ResultChange.objects.bulk_create(logged, batch_size=BATCH)
    if known_points is None:
        notify_each([_told(RESULTS, registration, now=now) for registration in published], kind=RESULTS, now=now)
    else:
        tell_corrected(corrections, now=now)
    return changed


def logged_change(
    registration: Registration, what: str, before: object, after: object, *, by: User | None, reason: str, now: datetime
) -> ResultChange:
    """Return a row of the history that is not kept yet: what became of a result, by whom and why."""
    return ResultChange(
        registration=registration, at=now, by=by, what=what, before=_said(before), after=_said(after), reason=reason
    )


def _said(value: object) -> str:
    if value is None:
        return ""
    return exactly(value) if isinstance(value, Decimal) else str(value)


def corrected(registration: Registration, was: object, is_now: object, *, now: datetime) -> Correction:
    """Return that somebody's result, as they know it, is otherwise now."""
    return Correction(str(registration.pk), was, is_now, [_told(CHANGED, registration, now=now)])


def tell_corrected(corrections: Iterable[Correction], *, now: datetime) -> None:
    """Mail people that their results have changed, where they have still in five minutes."""
    notify_corrected(corrections, kind=CHANGED, now=now, not_before=now + HOLD)


def tell_removed(registration: Registration, *, now: datetime) -> None:
    """Mail somebody that their published result is taken away, and nothing of what it was corrected to before."""
    call_off(kind=CHANGED, references={"registration": registration.pk}, now=now)
    notify_each([_told(REMOVED, registration, now=now)], kind=REMOVED, now=now)


def _told(kind: str, registration: Registration, *, now: datetime) -> Told:
    return Told(
        f"{kind}:{registration.pk}:{now.timestamp():.3f}",
        registration.enrolment.user,
        registration.enrolment.course,
        {"registration": registration.pk},
    )


def lock_with_course(exam_pk: int) -> Exam:
    """Return an exam with its course, locked until the transaction ends."""
    return Exam.objects.select_for_update(no_key=True, of=("self",)).select_related("course").get(pk=exam_pk)
