"""What a change of how late hand-ins are taken does to what was handed in before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amls.core.decimals import say_decimal
from projects.deadlines import Deadlines
from projects.models import Assignment, Project
from projects.points import score_of
from projects.queries import read_points_of, team_views, teams_listed

# So many teams are named; of a course with hundreds nobody reads more.
_NAMED = 40
LATE_FIELDS = frozenset({"late_policy", "grace_minutes", "late_percent", "late_cutoff_hours", "due_at"})


@dataclass(frozen=True, slots=True)
class TeamLateness:
    """How a team's hand-in stands.

    Attributes:
        attempt: the number of the one that counts; None where none does.
        percent: of its points that are deducted; of the points that are given, where there are any.
        is_published: whether the team knows its points.
        who: its members.
        points: that count; None where none are given.
    """

    attempt: int | None
    percent: int
    is_published: bool
    who: str
    points: Decimal | None


def lateness_of(assignment: Assignment) -> Mapping[int, TeamLateness]:
    """Return how the hand-ins of all teams of an assignment stand by what it says, kept or not, by their keys: 8 queries."""
    projects = teams_listed(Project.objects.active().filter(assignment=assignment.pk))
    read_points_of(projects)
    standing = {}
    for view in team_views(projects, Deadlines.of(assignment)):
        counting, row = view.counting, view.assessment
        percent = counting.percent if counting is not None else 0
        is_by_points = row is not None and assignment.grading == Assignment.Grading.POINTS
        score = score_of(row, assignment) if row is not None and is_by_points else None
        standing[view.project.pk] = TeamLateness(
            counting.row.attempt if counting is not None else None,
            row.late_percent if row is not None and row.outcome else percent,
            view.published is not None,
            ", ".join(str(member.user) for member in view.members) or str(view.project),
            score.points if score is not None and score.is_complete else None,
        )
    return standing


def said_of_lateness(before: Mapping[int, TeamLateness], after: Mapping[int, TeamLateness]) -> list[str]:
    """Say for which teams a hand-in stands worse, or better, than before, and what becomes of points; nothing where none does."""
    pairs = [(was, after[pk]) for pk, was in before.items() if pk in after]
    lost = [(was, now) for was, now in pairs if was.attempt is not None and now.attempt is None]
    exchanged = [(was, now) for was, now in pairs if was.attempt is not None and now.attempt not in (None, was.attempt)]
    dearer = [(was, now) for was, now in pairs if None not in (was.attempt, now.attempt) and now.percent > was.percent]
    gained = [
        (was, now)
        for was, now in pairs
        if now.attempt is not None and (was.attempt is None or now.percent < was.percent)
    ]
    more = [now for _was, now in dearer]
    uncounted, others, better = len(lost), len(exchanged), len(gained)
    known = [(was, now) for was, now in dearer if now.is_published]
    said = [
        (
            lost,
            ngettext(
                "Worse for %(count)d team: what it handed in counts no longer unless you accept it.",
                "Worse for %(count)d teams: what they handed in counts no longer unless you accept it.",
                uncounted,
            ),
        ),
        (
            exchanged,
            ngettext(
                "For %(count)d team another attempt counts than before.",
                "For %(count)d teams another attempt counts than before.",
                others,
            ),
        ),
        (
            dearer,
            ngettext(
                "Worse for %(count)d team: more is deducted for being late than before.",
                "Worse for %(count)d teams: more is deducted for being late than before.",
                len(more),
            ),
        ),
        (
            known,
            ngettext(
                "%(count)d of these knows its points already, and gets a mail.",
                "%(count)d of these know their points already, and get a mail.",
                sum(now.is_published for now in more),
            ),
        ),
        (
            gained,
            ngettext(
                "Better for %(count)d team: its hand-in counts by itself, or less is deducted.",
                "Better for %(count)d teams: their hand-ins count by themselves, or less is deducted.",
                better,
            ),
        ),
    ]
    lines = []
    for concerned, text in said:
        if concerned:
            lines.append(
                " ".join([text % {"count": len(concerned)}, *(_named(concerned) if concerned is not known else ())])
            )
    return lines


def _named(pairs: Sequence[tuple[TeamLateness, TeamLateness]]) -> list[str]:
    """Return whom it concerns by name, with their points, or what is deducted, before and after; of very many the first."""
    named = "; ".join(f"{now.who}{_difference(was, now)}" for was, now in pairs[:_NAMED]) + "."
    rest = len(pairs) - _NAMED
    more = ngettext("And %(count)d more.", "And %(count)d more.", rest) % {"count": rest} if rest > 0 else ""
    return [named, more] if more else [named]


def _difference(was: TeamLateness, now: TeamLateness) -> str:
    if was.points is not None and now.points is not None and was.points != now.points:
        return " " + _("(%(before)s → %(after)s points)") % {
            "before": say_decimal(was.points), "after": say_decimal(now.points)
        }  # fmt: skip
    return f" ({was.percent} % → {now.percent} %)" if was.percent != now.percent else ""
