"""What is deducted for being late: worked out when points are given, and again when what is late changes.

Whatever decides on it ends in `follow_deductions`: who is in a team, how long it has time, how late hand-ins are taken, and
which attempt counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import override

from projects.deadlines import Deadlines, counting_submission
from projects.models import Assessment, Assignment, Membership, Project, Submission
from projects.services.locks import lock_every_project
from projects.services.teamsheets import keep_sheets, sheets_of


def deductions_of(
    projects: Mapping[int, Project], *, decided_at: Mapping[int, datetime] | None = None
) -> dict[int, int]:
    """Return how many percent of each team's points are deducted for being late: 3 queries, none where nothing ever is.

    One more where a team chose since it was decided.

    Args:
        projects: by their keys, each with its assignment.
        decided_at: by project, when it was decided on what counted then: what was handed in or picked later is left out.
            None: what counts now.
    """
    late = {pk: project for pk, project in projects.items() if project.assignment.late_percent}
    if not late:
        return dict.fromkeys(projects, 0)
    deadlines = Deadlines.of_each({project.assignment_id: project.assignment for project in late.values()}.values())
    members: dict[int, list[int]] = {pk: [] for pk in late}
    attempts: dict[int, list[Submission]] = {pk: [] for pk in late}
    active = Membership.objects.active().filter(project__in=late).order_by()
    for pk, enrolment in active.values_list("project", "enrolment"):
        members[pk].append(enrolment)
    for row in Submission.objects.filter(project__in=late):
        attempts[row.project_id].append(row)
    if decided_at is not None:
        attempts = {pk: [row for row in rows if row.received_at <= decided_at[pk]] for pk, rows in attempts.items()}
        _choose_as_then(late, decided_at)
    percents = dict.fromkeys(projects, 0)
    for pk, project in late.items():
        rule = deadlines[project.assignment_id]
        if (counting := counting_submission(project, attempts[pk], rule, members[pk])) is not None:
            percents[pk] = rule.deduction_of(counting, rule.for_team(pk, members[pk]))
    return percents


def _choose_as_then(projects: Mapping[int, Project], decided_at: Mapping[int, datetime]) -> None:
    """Let the teams have picked, in memory, what they had when it was decided on them: 1 query where one chose since."""
    since = {pk: row for pk, row in projects.items() if row.picked_at is not None and row.picked_at > decided_at[pk]}
    if not since:
        return
    for project in since.values():
        project.picked_id, project.picked_at = None, None
    history: Any = apps.get_model("projects", "ProjectEvent")
    chosen = history.objects.filter(pgh_obj_id__in=since, picked_at__isnull=False).order_by("pgh_id")
    for pk, picked, picked_at in chosen.values_list("pgh_obj_id", "picked_id", "picked_at"):
        if picked_at <= decided_at[pk]:
            since[pk].picked_id, since[pk].picked_at = picked, picked_at


def follow_deductions(projects: Collection[int], *, now: datetime) -> list[int]:
    """Work out anew what is deducted from points that are given, in the caller's transaction; return whose changed.

    The outcome follows. Who knows their points by now gets a mail about them, with the reason.

    Args:
        projects: teams of which attempts may be late, or late no longer; their keys.
        now: the request's clock.
    """
    decided = Assessment.objects.filter(project__in=projects)
    decided_at = dict(decided.values_list("project", Coalesce("made_on", "assessed_at")))
    if not decided_at:
        return []
    locked = lock_every_project(*decided_at)
    percents = deductions_of(locked, decided_at=decided_at)
    changed = []
    for pk, sheet in sheets_of(locked).items():
        if sheet.row.late_percent != percents[pk]:
            with override(locked[pk].course.language):
                reason = _("What is deducted for being late has changed.")
            sheet.deduct(percents[pk], reason=reason)
            changed.append(sheet)
    keep_sheets(changed, now=now)
    return [sheet.row.project_id for sheet in changed]


def follow_deductions_of(projects: Iterable[Project], *, now: datetime) -> list[int]:
    """Do as `follow_deductions` says for teams, each with its assignment; no query where nothing is deducted."""
    late = [project.pk for project in projects if project.assignment.late_percent]
    return follow_deductions(late, now=now) if late else []


def follow_deductions_for(assignment: Assignment, *, now: datetime, whose: Collection[int] | None = None) -> list[int]:
    """Do as `follow_deductions` says for teams of an assignment; no query where nothing is deducted.

    Args:
        assignment: as it is now.
        now: the request's clock.
        whose: the keys of members of its teams; None: all teams.
    """
    if not assignment.late_percent:
        return []
    members = Membership.objects.active().filter(assignment=assignment).order_by()
    if whose is not None:
        members = members.filter(enrolment__in=whose)
    return follow_deductions(set(members.values_list("project", flat=True)), now=now)


def follow_late_rule(assignment: Assignment, *, now: datetime) -> list[int]:
    """Work out anew what is deducted once the deadline of an assignment, or how it takes late hand-ins, changed.

    Also where nothing is deducted any more: 1 query then. Returns the teams whose points changed.
    """
    deducted = Assessment.objects.filter(project__assignment=assignment)
    if not assignment.late_percent:
        deducted = deducted.filter(late_percent__gt=0)
    return follow_deductions(list(deducted.values_list("project", flat=True)), now=now)
