"""What is deducted for being late: worked out when points are given, and again when what is late changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime

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

    Args:
        projects: by their keys, each with its assignment.
        decided_at: by project, when it was decided on what counted then: what came later is left out. None: what counts now.
    """
    late = {pk: project for pk, project in projects.items() if project.assignment.late_percent}
    if not late:
        return dict.fromkeys(projects, 0)
    deadlines = Deadlines.of_each({project.assignment_id: project.assignment for project in late.values()}.values())
    members, attempts = defaultdict[int, list[int]](list), defaultdict[int, list[Submission]](list)
    active = Membership.objects.active().filter(project__in=late).order_by()
    for pk, enrolment in active.values_list("project", "enrolment"):
        members[pk].append(enrolment)
    for row in Submission.objects.filter(project__in=late):
        attempts[row.project_id].append(row)
    percents = dict.fromkeys(projects, 0)
    for pk, project in late.items():
        rule, rows = deadlines[project.assignment_id], attempts[pk]
        known = [row for row in rows if decided_at is None or row.received_at <= decided_at[pk]]
        if (counting := counting_submission(project, known or rows, rule, members[pk])) is not None:
            percents[pk] = rule.deduction_of(counting, rule.for_team(pk, members[pk]))
    return percents


def follow_deductions(projects: Collection[int], *, now: datetime) -> list[int]:
    """Work out anew what is deducted from points that are given, in the caller's transaction; return whose changed.

    The outcome follows. Who knows their points by now gets a mail about them, with the reason.

    Args:
        projects: teams of which attempts may be late, or late no longer; their keys.
        now: the request's clock.
    """
    decided = Assessment.objects.filter(project__in=projects).values_list("project", "assessed_at")
    decided_at = dict(decided)
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
