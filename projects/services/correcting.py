"""One person's points in one assignment, whatever their team: what a table of people can say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment, User
from projects.models import Assessment, Assignment, Membership, Project, TaskPoints
from projects.services.points import Given, give_points, team_for_points

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
    with transaction.atomic():
        project = team_for_points(enrolment=enrolment, assignment=assignment, now=now)
        team, own = _standing(project)
        memberships = Membership.objects.filter(project=project, left_at__isnull=True)
        members = list(memberships.values_list("enrolment", flat=True))
        given: _Tasks = {}
        for task, wanted in points.items():
            theirs = {member: own[member].get(task, team.get(task, Given(None))).points for member in members}
            theirs[enrolment.pk] = wanted
            if len(set(theirs.values())) == 1:
                given[task] = Given(wanted, team.get(task, Given(None)).comment)
                for tasks in own.values():
                    tasks.pop(task, None)
            elif wanted is None:
                said = _("%(person)s can't be without points while the team has some: look at the team's page.")
                raise RuleViolation(said % {"person": enrolment.user}, code="team-has-points")
            else:
                before = own[enrolment.pk].get(task, Given(None))
                own[enrolment.pk][task] = Given(wanted, before.comment)
        return give_points(project=project, given=given, members=own, by=by, now=now, reason=reason)


def _standing(project: Project) -> tuple[_Tasks, defaultdict[int, _Tasks]]:
    """Return what a team has, and what each member has of their own, by task."""
    team: _Tasks = {}
    own: defaultdict[int, _Tasks] = defaultdict(dict)
    for row in TaskPoints.objects.filter(assessment__project=project):
        tasks = team if row.enrolment_id is None else own[row.enrolment_id]
        tasks[row.task_id] = Given(row.points, row.comment)
    return team, own
