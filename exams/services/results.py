"""Results as a whole: published, graded anew, frozen for the examination office. Every change leaves a row that nobody can change."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amls.core.text import say_some
from amls.core.violations import RuleViolation
from amls.courses.contradictions import contradictions_of
from amls.courses.models import User
from exams.admission import without_admission
from exams.managers import RegistrationQuerySet
from exams.models import Exam, Registration, Result, ResultChange
from exams.queries import exam_rules
from exams.services.capacity import check_not_frozen, need_reason
from exams.services.regrading import BATCH, grade_anew, grade_table, lock_with_course, logged_change
from exams.taskpoints import task_sums


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
        _need_all_decided(exam, people)
        _need_verified_numbers(exam, people)
        if not with_reserved:
            _need_admitted(exam, people, now=now)
        exam.frozen_at = now
        exam.save(update_fields=["frozen_at"])


def _need_all_decided(exam: Exam, people: RegistrationQuerySet) -> None:
    """Refuse to close the list while it isn't said of somebody whether they came, or what they got."""

    def named(rows: RegistrationQuerySet) -> str:
        return say_some(str(row.enrolment.user) for row in rows.select_related("enrolment__user").by_name())

    sentences = []
    if undecided := named(people.filter(state=Registration.State.REGISTERED)):
        sentences.append(_("Neither present nor absent: %(people)s.") % {"people": undecided})
    if ungraded := named(people.filter(state=Registration.State.ATTENDED, result__isnull=True)):
        said = (
            _("Present, without a grade: %(people)s.")
            if exam.is_graded_directly
            else _("Present, without points: %(people)s.")
        )
        sentences.append(said % {"people": ungraded})
    if sentences:
        raise RuleViolation(" ".join(sentences), code="people-left")


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
