"""Points and grades: entered, previewed, published, frozen. Every change leaves a row that nobody can change."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.apps import apps
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amls.core.decimals import say_decimal
from amls.core.meanwhile import changed_meanwhile, exactly, is_overtaken, own_changes
from amls.core.text import say_some
from amls.core.violations import RuleViolation
from amls.courses.contradictions import contradictions_of
from amls.courses.models import User
from amls.files.tables.values import read_number
from amls.grading.points import ZERO
from amls.grading.tasks import TaskSum
from exams.admission import without_admission
from exams.managers import RegistrationQuerySet
from exams.models import GRADES, Exam, GradeStep, Registration, Result, ResultChange
from exams.queries import exam_rules, task_sums
from exams.services.capacity import check_not_frozen, need_reason
from exams.services.regrading import BATCH, grade_anew, grade_table, lock_with_course, logged_change


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


def check_by_points(exam: Exam) -> None:
    """Refuse points of a date that is graded without them."""
    if exam.is_graded_directly:
        raise RuleViolation(_("An oral exam is graded without points: enter the grade."), code="no-points-here")


def check_kind(exam: Exam, kind: str) -> None:
    """Refuse another kind for an exam that has results or tasks: an oral one has grades without points, a written one points.

    Args:
        exam: as it stands.
        kind: which it would be.
    """
    if kind == exam.kind:
        return
    if Result.objects.filter(registration__exam=exam).exists() or exam.tasks.exists():
        raise RuleViolation(
            _("There are results or tasks of this exam: whether it is written or oral stays as it is."),
            code="has-results",
            field="kind",
        )


def set_grade_table(
    *, exam_pk: int, steps: Mapping[Decimal, Decimal], now: datetime, seen: Mapping[Decimal, str] | None = None
) -> dict[Decimal, RuleViolation]:
    """Replace the grade table; drafts follow it at once, published results only by regrade().

    Args:
        exam_pk: the exam.
        steps: from how many points on each grade is given.
        now: the request's clock.
        seen: by grade, from `exactly` the boundaries that the person had before them; None doesn't ask.

    Returns:
        By grade what somebody else changed meanwhile: where there is any, the whole table is as these left it.

    Raises:
        RuleViolation: the exam is frozen, a better grade asks for fewer points than a worse
            one, a step lies above what is to be had, or it is not said where one passes.
    """
    with transaction.atomic():
        exam = lock_with_course(exam_pk)
        check_not_frozen(exam)
        check_by_points(exam)
        check_steps(steps, exam.max_points)
        stands = grade_table(exam).steps
        late = [
            grade for grade, shown in (seen or {}).items() if is_overtaken(shown, stands=exactly(stands.get(grade)))
        ]
        if late and stands != steps:
            by = _last_to_keep_a_table(exam)
            return {grade: points_changed_meanwhile(by, stands.get(grade)) for grade in late}
        GradeStep.objects.filter(exam=exam).exclude(grade__in=steps).delete()
        for grade, points in steps.items():
            GradeStep.objects.update_or_create(exam=exam, grade=grade, defaults={"min_points": points})
    return {}


def _last_to_keep_a_table(exam: Exam) -> User | None:
    """Return who changed the grade table last, as its history has it."""
    history: Any = apps.get_model("exams", "GradeStepEvent")
    last = history.objects.filter(exam=exam.pk).select_related("pgh_context").order_by("-pgh_id").first()
    context = last.pgh_context if last is not None else None
    return User.objects.filter(pk=context.metadata.get("user")).first() if context is not None else None


def check_steps(steps: Mapping[Decimal, Decimal], most: Decimal) -> None:
    """Refuse a table that is not one where there are so many points to be had; see set_grade_table()."""
    if GRADES[-1] not in steps:
        raise RuleViolation(_("Say from how many points on one passes (4.0)."), code="no-pass")
    ordered = [steps[grade] for grade in GRADES if grade in steps]
    if any(better <= worse for better, worse in pairwise(ordered)):
        raise RuleViolation(_("A better grade needs more points than the next worse one."), code="table-order")
    if ordered[0] > most or ordered[-1] < 0:
        raise RuleViolation(
            _("Every boundary of the grade table lies between 0 and %(most)s points.") % {"most": say_decimal(most)},
            code="table-range",
        )


def check_max_points(exam: Exam, most: Decimal) -> None:
    """Refuse that an exam has other points to be had than it has.

    Args:
        exam: locked, as it stands.
        most: how many there would be.

    Raises:
        RuleViolation: the exam is frozen, its tasks say how many there are, its grade table asks for more, or somebody
            has more.
    """
    if most == exam.max_points:
        return
    check_not_frozen(exam)
    if exam.tasks.exists():
        raise RuleViolation(
            _(
                "The tasks of this exam have %(points)s points together. Change them on the page of results, under 'Tasks'."
            )
            % {"points": say_decimal(exam.max_points)},
            code="has-tasks",
            field="max_points",
        )
    need_room(exam, most)


def need_room(exam: Exam, most: Decimal) -> None:
    """Refuse fewer points to be had than the grade table asks for, or than somebody has who has none for tasks.

    Who has points for tasks follows these; a total that was typed or imported stays as it is.

    Raises:
        RuleViolation: there is such a boundary or total.
    """
    steps = grade_table(exam)
    if steps.is_complete:
        check_steps(steps.steps, most)
    totals = Result.objects.filter(registration__exam=exam, registration__task_points__isnull=True, points__gt=most)
    highest = totals.select_related("registration__enrolment__user").order_by("-points").first()
    if highest is not None:
        raise RuleViolation(
            _("%(person)s has %(points)s points, more than there would be to be had.")
            % {"person": highest.registration.enrolment.user, "points": say_decimal(highest.points or ZERO)},
            code="more-given",
        )


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


def publish_results(*, exam_pk: int, by: User | None, now: datetime) -> int:
    """Publish every draft, all at once: extra points and grade are fixed, and everyone is told; return how many.

    Raises:
        RuleViolation: the exam is frozen, there is no grade table, or no draft.
    """
    with transaction.atomic():
        exam = lock_with_course(exam_pk)
        check_not_frozen(exam)
        if not exam.is_graded_directly and not grade_table(exam).is_complete:
            raise RuleViolation(_("Set the grade table first."), code="no-table")
        drafts = list(
            Registration.objects.filter(exam=exam, result__state="draft")
            .select_related("result", "enrolment__user", "enrolment__course")
            .order_by("pk")
        )
        if not drafts:
            raise RuleViolation(_("There is no draft to publish."), code="no-drafts")
        _need_whole_tasks(drafts)
        for registration in drafts:
            registration.result.state = Result.State.PUBLISHED
            registration.result.published_at = now
        ResultChange.objects.bulk_create(
            [
                logged_change(registration, "state", "draft", "published", by=by, reason="", now=now)
                for registration in drafts
            ],
            batch_size=BATCH,
        )
        grade_anew(drafts, exam, by=by, reason="", now=now)
        exam.results_published_at = exam.results_published_at or now
        exam.save(update_fields=["results_published_at"])
    return len(drafts)


def _need_whole_tasks(drafts: Iterable[Registration]) -> None:
    """Refuse to publish while somebody has points for some tasks only."""
    lacking = [str(registration.enrolment.user) for registration, score in task_sums(drafts) if not score.is_complete]
    if lacking:
        raise RuleViolation(
            _("Some tasks of these people have no points yet: %(people)s.") % {"people": say_some(lacking)},
            code="tasks-left",
        )


def regrade(*, exam_pk: int, by: User | None, reason: str, now: datetime) -> int:
    """Grade the published results anew by today's table and extra points; return how many changed.

    Their owners are told in five minutes, unless it is as before by then.

    Raises:
        RuleViolation: the exam is frozen, or there is no reason.
    """
    need_reason(reason)
    with transaction.atomic():
        exam = lock_with_course(exam_pk)
        check_not_frozen(exam)
        published = list(
            Registration.objects.filter(exam=exam, result__state="published")
            .select_related("result", "enrolment__user", "enrolment__course")
            .order_by("pk")
        )
        return grade_anew(published, exam, by=by, reason=reason, now=now, known_points={})


def freeze(*, exam_pk: int, now: datetime, with_reserved: bool = False) -> None:
    """Freeze the results for the examination office: nothing about them changes from now on.

    Args:
        exam_pk: of which exam.
        now: when.
        with_reserved: also where somebody has a result who is not admitted.

    Raises:
        RuleViolation: there are drafts, nothing is published, somebody was neither present nor absent, the course has
            not verified the matriculation number of somebody for whom the office gets a line, or somebody has a
            result who is not admitted.
    """
    with transaction.atomic():
        exam = lock_with_course(exam_pk)
        check_not_frozen(exam)
        people = Registration.objects.filter(exam=exam)
        if exam.results_published_at is None or people.filter(result__state="draft").exists():
            raise RuleViolation(_("Publish all results before you freeze them."), code="drafts-left")
        undecided = people.filter(state=Registration.State.REGISTERED).count()
        ungraded = people.filter(state=Registration.State.ATTENDED, result__isnull=True).count()
        if undecided or ungraded:
            raise RuleViolation(
                (
                    _("%(undecided)d people are neither present nor absent, %(ungraded)d who attended have no grade.")
                    if exam.is_graded_directly
                    else _(
                        "%(undecided)d people are neither present nor absent, %(ungraded)d who attended have no points."
                    )
                )
                % {"undecided": undecided, "ungraded": ungraded},
                code="people-left",
            )
        _need_verified_numbers(exam, people)
        if not with_reserved:
            _need_admitted(exam, people, now=now)
        exam.frozen_at = now
        exam.save(update_fields=["frozen_at"])


def _need_verified_numbers(exam: Exam, people: RegistrationQuerySet) -> None:
    """Refuse to give the office a number that nobody has verified; no two people of a course have the same verified one."""
    if not exam_rules(exam.course).needs_matriculation_number:
        return
    listed = people.exclude(state__in=[Registration.State.WITHDRAWN, Registration.State.WAITLISTED])
    rows = listed.filter(enrolment__verified_number="").select_related("enrolment__user").by_name()
    lacking = {row.enrolment_id: row.enrolment for row in rows}
    if not lacking:
        return
    against = {contradiction.enrolment.pk: contradiction.text for contradiction in contradictions_of([exam.course])}
    names = [
        f"{enrolment.user} ({against.get(enrolment.pk) or enrolment.number or _('no matriculation number')})"
        for enrolment in lacking.values()
    ]
    raise RuleViolation(
        ngettext(
            "The matriculation number of %(people)s is not verified. Check it at the desk, under 'Enrolments', first.",
            "The matriculation numbers of these people are not verified: %(people)s. "
            "Check them at the desk, under 'Enrolments', first.",
            len(names),
        )
        % {"people": say_some(names)},
        code="numbers-unverified",
    )


def _need_admitted(exam: Exam, people: RegistrationQuerySet, *, now: datetime) -> None:
    """Refuse to give the office a grade of somebody who sat the exam and is not admitted."""
    graded = list(people.with_people().filter(result__isnull=False).by_name())
    without = without_admission(exam.course, graded, now=now)
    names = [str(registration.enrolment.user) for registration in graded if registration.pk in without]
    if not names:
        return
    raise RuleViolation(
        ngettext(
            "%(people)s has a result and is not admitted. Admit them, or correct them to absent, each on their page; "
            "or freeze with those who are not admitted as well.",
            "%(count)d people have a result and are not admitted: %(people)s. Admit them, or correct them to absent, "
            "each on their page; or freeze with those who are not admitted as well.",
            len(names),
        )
        % {"people": say_some(names), "count": len(names)},
        code="not-admitted",
    )


def unfreeze(*, exam_pk: int, by: User | None, reason: str, now: datetime) -> None:
    """Let results change again; the reason is kept with each.

    Raises:
        RuleViolation: there is no reason, or nothing is frozen.
    """
    need_reason(reason)
    with transaction.atomic():
        exam = lock_with_course(exam_pk)
        if exam.frozen_at is None:
            raise RuleViolation(_("The results are not frozen."), code="not-frozen")
        exam.frozen_at = None
        exam.save(update_fields=["frozen_at"])
        ResultChange.objects.bulk_create(
            [
                logged_change(registration, "state", "frozen", "published", by=by, reason=reason, now=now)
                for registration in Registration.objects.filter(exam=exam, result__isnull=False).order_by("pk")
            ],
            batch_size=BATCH,
        )
