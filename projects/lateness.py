"""What a change of how late hand-ins are taken does to what was handed in before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import ngettext

from projects.deadlines import Deadlines
from projects.models import Assignment, Project
from projects.queries import read_points_of, team_views, teams_listed

LATE_FIELDS = frozenset({"late_policy", "grace_minutes", "late_percent", "late_cutoff_hours", "due_at"})


@dataclass(frozen=True, slots=True)
class TeamLateness:
    """How a team's hand-in stands.

    Attributes:
        attempt: the number of the one that counts; None where none does.
        percent: of its points that are deducted; of the points that are given, where there are any.
        is_published: whether the team knows its points.
    """

    attempt: int | None
    percent: int
    is_published: bool


def lateness_of(assignment: Assignment) -> Mapping[int, TeamLateness]:
    """Return how the hand-ins of all teams of an assignment stand by what it says, kept or not, by their keys: 8 queries."""
    projects = teams_listed(Project.objects.active().filter(assignment=assignment.pk))
    read_points_of(projects)
    standing = {}
    for view in team_views(projects, Deadlines.of(assignment)):
        counting, row = view.counting, view.assessment
        percent = counting.percent if counting is not None else 0
        standing[view.project.pk] = TeamLateness(
            counting.row.attempt if counting is not None else None,
            row.late_percent if row is not None and row.outcome else percent,
            view.published is not None,
        )
    return standing


def said_of_lateness(before: Mapping[int, TeamLateness], after: Mapping[int, TeamLateness]) -> list[str]:
    """Say for how many teams a hand-in stands worse, or better, than before; nothing where none does."""
    pairs = [(was, after[pk]) for pk, was in before.items() if pk in after]
    uncounted = sum(was.attempt is not None and now.attempt is None for was, now in pairs)
    others = sum(was.attempt is not None and now.attempt not in (None, was.attempt) for was, now in pairs)
    more = [now for was, now in pairs if now.attempt is not None and now.percent > was.percent]
    better = sum(
        (was.attempt is None and now.attempt is not None) or (now.attempt is not None and now.percent < was.percent)
        for was, now in pairs
    )
    said = [
        (
            uncounted,
            ngettext(
                "Worse for %(count)d team: what it handed in counts no longer unless you accept it.",
                "Worse for %(count)d teams: what they handed in counts no longer unless you accept it.",
                uncounted,
            ),
        ),
        (
            others,
            ngettext(
                "For %(count)d team another attempt counts than before.",
                "For %(count)d teams another attempt counts than before.",
                others,
            ),
        ),
        (
            len(more),
            ngettext(
                "Worse for %(count)d team: more is deducted for being late than before.",
                "Worse for %(count)d teams: more is deducted for being late than before.",
                len(more),
            ),
        ),
        (
            sum(now.is_published for now in more),
            ngettext(
                "%(count)d of these knows its points already, and gets a mail.",
                "%(count)d of these know their points already, and get a mail.",
                sum(now.is_published for now in more),
            ),
        ),
        (
            better,
            ngettext(
                "Better for %(count)d team: its hand-in counts by itself, or less is deducted.",
                "Better for %(count)d teams: their hand-ins count by themselves, or less is deducted.",
                better,
            ),
        ),
    ]
    return [text % {"count": count} for count, text in said if count]
