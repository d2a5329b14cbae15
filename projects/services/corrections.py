"""What a team knows of its points, and how that is put back after a correction, with answers that came with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy

from amls.courses.models import User
from amls.files.models import ImportedRow, TableImport
from amls.files.tables.imports import Imported, need_unchanged, record_import, takes_back, why_taken_back
from amls.held.services import is_told
from projects.models import (
    Assessment,
    Assignment,
    MemberAssessment,
    Membership,
    PointsQuestion,
    Project,
    TaskPoints,
)
from projects.models.assessment import BETWEEN_REASONS
from projects.services.assessing import Override, assess
from projects.services.locks import lock_project
from projects.services.points import give_points
from projects.services.questions import answer_question, take_answer_back
from projects.services.teamsheets import Given

KIND = "projects.decision"
_POINTS, _MEMBER, _ANSWER = "points", "member", "answer"
# On what counted when it was decided: kept to be put back, and never what a correction is.
_MADE_ON = "on"
# What a team reads: by what it is about, as JSON keeps it.
Known = Mapping[str, Any]


def correct(*, project: Project, do: Callable[[], object], by: User, now: datetime) -> TableImport | None:
    """Do what may change what a team knows, and keep what that was, so that it can be taken back.

    Args:
        project: whose points and answers it may change.
        do: writes them.
        by: who corrects.
        now: the request's clock.

    Returns:
        What is kept; None where the team knows nothing yet, or nothing is otherwise.

    Raises:
        RuleViolation: as `do`.
    """
    with transaction.atomic():
        lock_project(project.pk)
        before = _known(project)
        made_on = _made_on(project)
        do()
        after = _known(project)
        differing = [about for about in {**before, **after} if before.get(about) != after.get(about)]
        if not before or not differing:
            return None
        members = list(Membership.objects.active().filter(project=project).values_list("enrolment__user", flat=True))
        row = Imported(
            1,
            str(project),
            project.pk,
            {about: before.get(about) for about in differing} | {_MADE_ON: made_on},
            {about: after.get(about) for about in differing},
            members[0] if len(members) == 1 else None,
        )
        return record_import(
            course_id=project.course.pk, kind=KIND, rows=[row], filename="", by=by, now=now, subject=str(project)
        )


def _known(project: Project) -> Known:
    """Return what a team reads of its decision; nothing while that is a draft: 4 queries."""
    decision = Assessment.objects.filter(project=project, published_at__isnull=False).first()
    if decision is None:
        return {}
    points = {
        f"{_POINTS}:{row.enrolment_id or ''}:{row.task_id or ''}": [f"{row.points.normalize():f}", row.comment]
        for row in TaskPoints.objects.filter(assessment=decision)
    }
    members = {
        f"{_MEMBER}:{row.enrolment_id}": [
            row.outcome, None if row.extra_points is None else str(row.extra_points), row.reason
        ]
        for row in MemberAssessment.objects.filter(assessment=decision)
    }  # fmt: skip
    answered = PointsQuestion.objects.filter(assessment=decision, answered_at__isnull=False)
    return {
        "outcome": decision.outcome,
        "extra_points": str(decision.extra_points),
        "feedback": decision.feedback,
        "late": str(decision.late_percent),
        "reason": decision.correction,
        "reasons": decision.corrections,
        **points,
        **members,
        **{f"{_ANSWER}:{row.pk}": row.answer for row in answered},
    }


def _made_on(project: Project) -> str:
    row = Assessment.objects.filter(project=project, published_at__isnull=False).first()
    return row.judges_until.isoformat() if row is not None else ""


@takes_back(KIND, gettext_lazy("Correction of published points"))
def take_back(row: ImportedRow, by: User, now: datetime) -> None:
    """Let a team have again what it knew before a correction, and let its question wait for an answer again.

    Raises:
        RuleViolation: somebody changed it since, or an answer is told already.
    """
    project = Project.objects.select_related("assignment__course").filter(pk=row.object_id).first()
    known = _known(project) if project is not None else {}
    need_unchanged(row, {about: known.get(about) for about in row.after} if known else None)
    assert project is not None  # noqa: S101 - looked at above
    before = row.before or {}
    wanted = {about: value for about, value in {**known, **before}.items() if value is not None}
    with transaction.atomic():
        _put_back(project, before, wanted, reason=why_taken_back(row), by=by, now=now)
        if not is_told(row.table_import.at, now=now):
            # Nobody ever read of a correction.
            Assessment.objects.filter(project=project).update(
                correction=wanted["reason"], corrections=wanted["reasons"]
            )
        for pk, answer in _keyed(before, _ANSWER):
            question = PointsQuestion.objects.get(pk=int(pk))
            if answer:
                answer_question(question=question, answer=answer, by=by, now=now)
            else:
                take_answer_back(question=question, now=now)


def say_member_as_before(*, enrolment: int, assignment: int, correction: str, now: datetime) -> None:
    """Let a member read why their published points were corrected before; '' where they never were.

    What teammates read stays; the team's own reason is the newest of those that are left.

    Args:
        enrolment: the member's.
        assignment: whose points they are.
        correction: what they read.
        now: the request's clock.
    """
    with transaction.atomic():
        rows = Assessment.objects.select_for_update().filter(
            project__assignment=assignment, project__memberships__enrolment=enrolment, published_at__isnull=False
        )
        for row in rows.order_by("pk"):
            gone = row.corrections.pop(str(enrolment), "")
            if correction:
                row.corrections[str(enrolment)] = correction
            newest = [reasons.split(BETWEEN_REASONS)[-1] for reasons in row.corrections.values()]
            if row.correction == gone.split(BETWEEN_REASONS)[-1] and row.correction not in newest:
                row.correction = correction.rsplit(BETWEEN_REASONS, maxsplit=1)[-1] or next(iter(newest), "")
            row.save(update_fields=["correction", "corrections"])


def _keyed(known: Known, what: str) -> list[tuple[str, Any]]:
    parts = [(about.partition(":"), value) for about, value in known.items()]
    return [(key, value) for (first, _colon, key), value in parts if first == what]


def _put_back(project: Project, before: Known, wanted: Known, *, reason: str, by: User, now: datetime) -> None:
    """Let points, or the decision, be as they are wanted, where the correction touched them."""
    if all(about.startswith(f"{_ANSWER}:") for about in before if about != _MADE_ON):
        return
    if project.assignment.grading == Assignment.Grading.POINTS:
        given: defaultdict[int | None, dict[int | None, Given]] = defaultdict(dict)
        for key, _value in _keyed(before, _POINTS):
            member, _colon, task = key.partition(":")
            # Who has some of their own has all of these from here, none is as the team's.
            theirs = given[int(member) if member else None]
            if not member:
                theirs[int(task) if task else None] = Given(None)
        for key, (points, comment) in _keyed(wanted, _POINTS):
            member, _colon, task = key.partition(":")
            given[int(member) if member else None][int(task) if task else None] = Given(Decimal(points), comment)
        of_team = given.pop(None, {})
        members = {pk: theirs for pk, theirs in given.items() if pk is not None}
        made_on = datetime.fromisoformat(before[_MADE_ON]) if before.get(_MADE_ON) else None
        give_points(
            project=project, given=of_team, members=members, feedback=wanted["feedback"], reason=reason, by=by, now=now,
            made_on=made_on,
        )  # fmt: skip
        return
    overrides = {
        int(pk): Override(outcome, None if extra is None else Decimal(extra), why)
        for pk, (outcome, extra, why) in _keyed(wanted, _MEMBER)
    }
    assess(
        project=project, outcome=wanted["outcome"], extra_points=Decimal(wanted["extra_points"]),
        feedback=wanted["feedback"], overrides=overrides, reason=reason, by=by, now=now,
    )  # fmt: skip
