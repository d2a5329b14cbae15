"""One person's points in one assignment, whatever their team: what a table of people can say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from amls.core.attempts import refused_of, the_only
from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment, User
from projects.models import Assessment, Assignment, Membership, Project, TaskPoints
from projects.services.points import give_points_each, teams_for_points
from projects.services.teamsheets import Given, TeamWish, most_by_task, need_points_of

_Tasks = dict[int | None, Given]


def correct_points(
    *,
    enrolment: Enrolment,
    assignment: Assignment,
    points: Mapping[int | None, Decimal | None],
    by: User,
    now: datetime,
    reason: str = "",
) -> Assessment:
    """Let a person have these points: a draft until it is published, else changed at once, with a mail to the team.

    In a team of several they are the person's own; where everybody has the same by it, they are the team's. Comments
    stay.

    Args:
        enrolment: whose points.
        assignment: one that is graded by points.
        points: by task, None for the sum of an assignment without tasks; no points take back what was given.
        by: who gives them.
        now: the request's clock.
        reason: why, where published points change.

    Raises:
        RuleViolation: as `give_points`; or the person would have none while the team has some.
    """
    wanted = {enrolment.pk: (enrolment, points)}
    return the_only(correct_points_each(assignment=assignment, points=wanted, by=by, now=now, reason=reason))


def correct_points_each(
    *,
    assignment: Assignment,
    points: Mapping[int, tuple[Enrolment, Mapping[int | None, Decimal | None]]],
    by: User,
    now: datetime,
    reason: str = "",
) -> dict[int, Assessment | RuleViolation]:
    """Let many people have these points, each as `correct_points`: as many queries for many as for one.

    Args:
        assignment: one that is graded by points.
        points: by the key of each person's enrolment, the person, and their points by task.
        by: who gives them.
        now: the request's clock.
        reason: why, where published points change.

    Returns:
        By enrolment the decision on their team, or why it is as before; who is refused may have a new team by it.
    """
    with transaction.atomic():
        people = [enrolment for enrolment, _wanted in points.values()]
        teams = teams_for_points(enrolments=people, assignment=assignment, now=now)
        answers: dict[int, Assessment | RuleViolation] = dict(refused_of(teams))
        projects = {pk: team for pk, team in teams.items() if isinstance(team, Project)}
        standing = _standing_of_each(projects.values())
        most, entered = most_by_task(assignment), dict[int, list[int]]()
        for pk, project in projects.items():
            enrolment, wanted = points[pk]
            try:
                for task, value in wanted.items():
                    if value is not None and task in most:
                        need_points_of(value, most[task])
                standing[project.pk].correct(enrolment, wanted)
            except RuleViolation as violation:
                answers[pk] = violation
            else:
                entered.setdefault(project.pk, []).append(pk)
        wishes = {pk: TeamWish(standing[pk].given, standing[pk].own) for pk in entered}
        given = give_points_each(wishes=wishes, by=by, now=now, reason=reason)
        answers |= {pk: given[project] for project, people_of in entered.items() for pk in people_of}
    return answers


@dataclass(slots=True)
class _TeamAndMembers:
    """What a team has, and what each member has of their own, by task.

    Attributes:
        members: who is in the team now.
        given: of what the team has, what is to become different.
    """

    members: list[int] = field(default_factory=list)
    team: _Tasks = field(default_factory=dict)
    own: defaultdict[int, _Tasks] = field(default_factory=lambda: defaultdict(dict))
    given: _Tasks = field(default_factory=dict)

    def correct(self, enrolment: Enrolment, points: Mapping[int | None, Decimal | None]) -> None:
        """Let a member have these points.

        Raises:
            RuleViolation: they would have none while the team has some; then nothing is changed.
        """
        for task, wanted in points.items():
            others = [value for pk, value in self._of_each(task).items() if pk != enrolment.pk]
            if wanted is None and any(value is not None for value in others):
                said = _("%(person)s can't be without points while the team has some: look at the team's page.")
                raise RuleViolation(said % {"person": enrolment.user}, code="team-has-points")
        for task, wanted in points.items():
            if set((self._of_each(task) | {enrolment.pk: wanted}).values()) == {wanted}:
                self.given[task] = Given(wanted, self.team.get(task, Given(None)).comment)
                self.team[task] = self.given[task]
                for tasks in self.own.values():
                    tasks.pop(task, None)
            else:
                before = self.own[enrolment.pk].get(task, Given(None))
                self.own[enrolment.pk][task] = Given(wanted, before.comment)

    def _of_each(self, task: int | None) -> dict[int, Decimal | None]:
        """Return what each member has of a task: of their own, or with the team."""
        of_team = self.team.get(task, Given(None))
        return {member: self.own[member].get(task, of_team).points for member in self.members}


def _standing_of_each(projects: Iterable[Project]) -> defaultdict[int, _TeamAndMembers]:
    """Return what teams have, by their keys: 2 queries."""
    keys = {project.pk for project in projects}
    standing: defaultdict[int, _TeamAndMembers] = defaultdict(_TeamAndMembers)
    memberships = Membership.objects.filter(project__in=keys, left_at__isnull=True)
    for project, member in memberships.values_list("project", "enrolment"):
        standing[project].members.append(member)
    rows = TaskPoints.objects.filter(assessment__project__in=keys).annotate(project=F("assessment__project"))
    for row in rows:
        of_team = standing[row.project]
        tasks = of_team.team if row.enrolment_id is None else of_team.own[row.enrolment_id]
        tasks[row.task_id] = Given(row.points, row.comment)
    return standing
