"""Points for assignments: their tasks, and what is given for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from amls.core.attempts import the_only
from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment, User
from amls.courses.services import lock_course
from amls.grading.points import ZERO
from amls.grading.tasks import TaskWish, keep_tasks
from projects.deadlines import Deadlines
from projects.models import (
    Assessment,
    AssessmentDraft,
    Assignment,
    Extension,
    ExtensionRequest,
    Membership,
    Project,
    StaffNote,
    Submission,
    Task,
    TaskPoints,
)
from projects.points import Score
from projects.services.deductions import deductions_of
from projects.services.joining import kept_members_of_each
from projects.services.locks import follow_in_feeds, lock_every_project, lock_project, save_checked
from projects.services.teamsheets import PointsByTask, TeamSheet, TeamWish, keep_sheets, most_by_task, sheets_of


@dataclass(frozen=True, slots=True)
class ScoreChange:
    """What a change of the tasks does to one team's points."""

    project: Project
    before: Score
    after: Score
    is_published: bool


def set_tasks(
    *,
    assignment: Assignment,
    tasks: Sequence[TaskWish],
    by: User | None,
    now: datetime,
    reason: str = "",
    pass_percent: int | None = None,
) -> list[ScoreChange]:
    """Let an assignment have these tasks in this order, and this pass mark; return whose points or outcome change by it.

    What was given for a task that goes is gone with it (its history stays). Rolled back it is the preview.

    Args:
        assignment: one that is graded by points.
        tasks: none for one sum.
        by: who changes it; None for a file, and whoever decided stays so.
        now: the request's clock.
        reason: why, where published points change; their teams are told.
        pass_percent: of all points, with which it is passed; None leaves it.

    Raises:
        RuleViolation: the points are no quarters, somebody has more for a task than it would have, published
            points change without a reason, or there is no such pass mark.
    """
    with transaction.atomic():
        lock_course(assignment.course_id)
        assignment = Assignment.objects.select_for_update().select_related("course").get(pk=assignment.pk)
        before = {sheet.row.pk: sheet.score for sheet in _sheets_of(assignment)}
        standing = Task.objects.filter(assignment=assignment)
        if tasks and not standing.exists():
            # What was one sum before says nothing of single tasks.
            TaskPoints.objects.filter(assessment__project__assignment=assignment, task=None).delete()
        keep_tasks(standing, tasks, make=lambda: Task(assignment=assignment))
        if tasks:
            assignment.max_points = sum((wish.max_points for wish in tasks), ZERO)
        if pass_percent is not None:
            assignment.pass_percent = pass_percent
        save_checked(assignment)
        # Its tasks were read before.
        assignment = Assignment.objects.select_related("course").get(pk=assignment.pk)
        return _follow(assignment, before, by=by, reason=reason, now=now)


def _sheets_of(assignment: Assignment) -> list[TeamSheet]:
    """Return what all teams of an assignment have that have anything, by the keys of the teams."""
    rows = Project.objects.filter(assignment=assignment, assessment__isnull=False).order_by("pk")
    projects = {project.pk: project for project in rows}
    for project in projects.values():
        project.assignment = assignment
    return list(sheets_of(projects).values())


def _follow(
    assignment: Assignment, before: Mapping[int, Score], *, by: User | None, reason: str, now: datetime
) -> list[ScoreChange]:
    changes, changed = [], []
    for sheet in _sheets_of(assignment):
        old, new = before[sheet.row.pk], sheet.score
        if (old.tasks, old.outcome) == (new.tasks, new.outcome):
            continue
        changes.append(ScoreChange(sheet.row.project, old, new, sheet.is_published))
        sheet.settle(by=by, now=now, reason=reason)
        changed.append(sheet)
    keep_sheets(changed, now=now)
    return changes


def give_points(
    *,
    project: Project,
    given: PointsByTask,
    by: User,
    now: datetime,
    members: Mapping[int, PointsByTask] | None = None,
    feedback: str | None = None,
    reason: str = "",
    seen: str | None = None,
    is_for_newest: bool = False,
    made_on: datetime | None = None,
) -> Assessment:
    """Write what a team gets for tasks: a draft until it is published; a published one changes at once, with a mail.

    Args:
        project: of an assignment that is graded by points.
        given: for the team; tasks that aren't named stay as they are.
        by: who gives them.
        now: the request's clock.
        members: by enrolment, where a member's points differ; None leaves them, an empty one is as the team's.
        feedback: Markdown; None leaves it.
        reason: why, where published points change; the team reads it.
        seen: from `version_of` the decision that the person had before them; None doesn't ask.
        is_for_newest: whether published points are for an attempt that came after them and brings a deduction; else they
            go on being those of what they were given for.
        made_on: they are for what counted then; None: now.

    Raises:
        RuleViolation: points that there are not, a task of another assignment, somebody who is not in the team, a
            published change without a reason, or somebody else decided meanwhile.
    """
    wish = TeamWish(given, members, feedback, seen, is_for_newest, made_on)
    return the_only(give_points_each(wishes={project.pk: wish}, by=by, now=now, reason=reason))


def give_points_each(
    *, wishes: Mapping[int, TeamWish], by: User, now: datetime, reason: str = ""
) -> dict[int, Assessment | RuleViolation]:
    """Give many teams points, each as `give_points`: as many queries for many as for one.

    Returns:
        By project the decision, or why it is as before.

    Raises:
        Project.DoesNotExist: a team is not there any more.
    """
    with transaction.atomic():
        projects = lock_every_project(*wishes)
        sheets, percents = sheets_of(projects), deductions_of(projects)
        made_on = {pk: wish.made_on for pk, wish in wishes.items() if wish.made_on is not None}
        if made_on:
            percents |= deductions_of({pk: projects[pk] for pk in made_on}, decided_at=made_on)
        answers: dict[int, Assessment | RuleViolation] = {}
        changed = []
        for pk, wish in wishes.items():
            sheet = sheets[pk]
            try:
                sheet.enter(wish, by=by, now=now, reason=reason, late_percent=percents[pk])
            except RuleViolation as violation:
                answers[pk] = violation
            else:
                answers[pk] = sheet.row
                changed.append(sheet)
        keep_sheets(changed, now=now)
    return answers


def most_by_column(assignment: Assignment) -> dict[int | None, Decimal | None]:
    """Return what a table of an assignment asks for: points of so many for each task, or once whether it is passed."""
    is_by_points = assignment.grading == Assignment.Grading.POINTS
    return {**most_by_task(assignment)} if is_by_points else {None: None}


def team_for_points(*, enrolment: Enrolment, assignment: Assignment, now: datetime) -> Project:
    """Return the team in which a person works on an assignment; who has none gets one alone, where it has no topics.

    Raises:
        RuleViolation: the assignment has topics, and the person none of them; or the first hand-in, which is still to
            come, makes a team of the person and others.
    """
    return the_only(teams_for_points(enrolments=[enrolment], assignment=assignment, now=now))


def teams_for_points(
    *, enrolments: Iterable[Enrolment], assignment: Assignment, now: datetime
) -> dict[int, Project | RuleViolation]:
    """Return the teams of many people, each as `team_for_points`, by enrolment: as many queries for many as for one."""
    people = {enrolment.pk: enrolment for enrolment in enrolments}
    with transaction.atomic():
        lock_course(assignment.course_id)
        rows = Membership.objects.active().filter(assignment=assignment, enrolment__in=people)
        teams: dict[int, Project | RuleViolation] = {
            row.enrolment_id: row.project for row in rows.select_related("project__topic", "project__assignment")
        }
        alone = [pk for pk in people if pk not in teams]
        if assignment.has_topics:
            for pk in alone:
                said = _("%(person)s is in no team.") % {"person": people[pk].user}
                teams[pk] = RuleViolation(said, code="no-team")
            return teams
        parted = _parted([people[pk] for pk in alone], assignment, now=now)
        teams |= parted
        alone = [pk for pk in alone if pk not in parted]
        made = Project.objects.bulk_create(Project(assignment=assignment, registered_at=now) for _person in alone)
        Membership.objects.bulk_create(
            Membership(project=project, assignment=assignment, enrolment_id=pk, joined_at=now)
            for pk, project in zip(alone, made, strict=True)
        )
    return teams | dict(zip(alone, made, strict=True))


def _parted(people: Sequence[Enrolment], assignment: Assignment, *, now: datetime) -> dict[int, RuleViolation]:
    """Return, by enrolment, who would be parted by a team alone from those with whom they hand in, and from whom.

    Where teams are kept the first hand-in makes them: as long as it can come, and those of a team have none yet.
    """
    if not people or not assignment.is_handed_in_here or assignment.teaming != Assignment.Teaming.KEPT:
        return {}
    deadlines = Deadlines.of(assignment)
    closes_at = deadlines.closes_at(deadlines.for_all)
    if closes_at is not None and now >= closes_at:
        return {}
    kept = kept_members_of_each([person.pk for person in people], assignment)
    mates = set().union(*kept.values())
    placed = Membership.objects.active().filter(assignment=assignment, enrolment__in=mates)
    free = mates - set(placed.values_list("enrolment", flat=True))
    rows = Enrolment.objects.filter(pk__in=free).select_related("user").order_by("user__sort_name", "pk")
    # Whose account was deleted goes along no further.
    names = {row.pk: str(row.user) for row in rows if not row.user.is_nameless}
    parted = {}
    for person in people:
        others = [name for pk, name in names.items() if pk in kept[person.pk] and pk != person.pk]
        if others:
            said = _(
                "%(person)s hands in together with %(others)s, who have handed in nothing yet: points would part them. "
                "Enter points once they have handed in, or can't any more."
            )
            named = {"person": person.user, "others": ", ".join(others)}
            parted[person.pk] = RuleViolation(said % named, code="hand-in-open")
    return parted


def remove_untouched_teams(projects: QuerySet[Project], *, made_at: datetime, now: datetime) -> None:
    """Remove the teams that only an entry of points made, once these are taken back.

    One stays where anything else hangs on it: what was handed in, granted, noted or decided, or somebody who joined.

    Args:
        projects: among which they are.
        made_at: when the points were entered: no team that was there before goes.
        now: the request's clock.
    """
    for pk in projects.filter(registered_at=made_at).order_by("pk").values_list("pk", flat=True):
        _remove_untouched_team(pk, now=now)


def _remove_untouched_team(pk: int, *, now: datetime) -> None:
    with transaction.atomic():
        project = lock_project(pk)
        members = list(Membership.objects.filter(project=project).select_related("enrolment"))
        joined = [row for row in members if row.joined_at != project.registered_at or row.left_at is not None]
        decision = Assessment.objects.filter(project=project).first()
        is_decided = decision is not None and (
            bool(decision.outcome or decision.feedback or decision.published_at)
            or decision.task_points.exists()
            or decision.overrides.exists()
        )
        others = (Submission, StaffNote, Extension, ExtensionRequest, AssessmentDraft)
        is_touched = any(model.objects.filter(project=project).exists() for model in others)
        if project.topic_id is not None or not project.is_active or joined or is_decided or is_touched:
            return
        if decision is not None:
            decision.delete()
        Membership.objects.filter(project=project).delete()
        project.delete()
        follow_in_feeds([row.enrolment for row in members], now=now)
