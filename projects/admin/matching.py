"""The desk's page that makes teams of those who wish to be matched: shown first, changed by hand, then done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from amls.core.keys import primary_key
from amls.core.preview import is_wanted, preview_of
from amls.core.request import now_of
from amls.core.violations import RuleViolation
from amls.courses.accounts import user_of
from amls.desk.holding import hold_at_desk
from projects.admin.pages import KeptAdmin
from projects.allocation.matching import common_wishes, match, match_to_json
from projects.heldacts import TeamAct
from projects.models import Assignment, Topic
from projects.services.matching import Matchable, matchable, usual_team_size

_LARGEST = 20


@dataclass(frozen=True, slots=True)
class MatchedPart:
    """Who is matched as one: a person, or several who are a team already."""

    key: int
    names: str
    wishes: list[str]


@dataclass(frozen=True, slots=True)
class MatchedTeam:
    """A team as it would be made.

    Attributes:
        number: by which people are put into it.
        people: how many they are.
        wishes: what they have in common, the best first.
    """

    number: int
    people: int
    parts: list[MatchedPart]
    wishes: list[str]


def match_people(desk: KeptAdmin, request: HttpRequest, assignment: Assignment) -> HttpResponseBase:
    """Show the teams that would be made, let them be changed, and make them."""
    wanted = primary_key(request.POST.get("largest"))
    largest = min(wanted, _LARGEST) if wanted else usual_team_size(assignment)
    people = matchable(assignment, largest=largest)
    is_put = "put" in request.POST or is_wanted(request.POST)
    teams = _as_put(request.POST, people) if is_put else match(people.problem)
    preview = preview_of(request.POST, (people.problem, teams))
    if preview.is_agreed:
        act = TeamAct(
            name="match",
            values={
                "assignment": assignment.pk, "teams": [list(team) for team in teams],
                "seen": match_to_json(people.problem),
            },
            course=assignment.course,
            title=_("%(assignment)s: match people") % {"assignment": assignment},
            by=user_of(request),
        )  # fmt: skip
        try:
            # The page itself has shown which teams are made, and so who is told.
            hold_at_desk(request, act.wanted(act.tried(now_of(request)), back=request.path))
        except RuleViolation as violation:
            messages.error(request, str(violation.message))
        else:
            return redirect("admin:projects_allocation_changelist")
    context = {
        "title": _("%(assignment)s: match people") % {"assignment": assignment},
        "assignment": assignment,
        "largest": largest,
        "most": _LARGEST,
        "teams": _shown(people, teams, assignment),
        "numbers": range(1, len(people.members) + 1),
        "preview": preview,
        "seed": people.problem.seed,
    }
    return desk.page(request, "admin/projects/match.html", context)


def _as_put(sent: QueryDict, people: Matchable) -> tuple[tuple[int, ...], ...]:
    """Return the teams into which the form puts people; who is in none is alone."""
    numbered: dict[int, list[int]] = {}
    for team in people.problem.drawn:
        number = primary_key(sent.get(f"team-{team.key}")) or -team.key
        numbered.setdefault(number, []).append(team.key)
    return tuple(tuple(numbered[number]) for number in sorted(numbered, key=lambda number: (number < 0, number)))


def _shown(people: Matchable, teams: Sequence[Sequence[int]], assignment: Assignment) -> list[MatchedTeam]:
    titles = dict(Topic.objects.filter(assignment=assignment).values_list("pk", "title"))
    wishes = {team.key: [titles.get(topic, "–") for topic in team.wishes] for team in people.problem.teams}
    return [
        MatchedTeam(
            number,
            sum(len(people.members[key]) for key in keys),
            [
                MatchedPart(key, ", ".join(str(person.user) for person in people.members[key]), wishes[key])
                for key in keys
            ],
            [titles.get(topic, "–") for topic in common_wishes(people.problem, keys, most=assignment.wishes_max)],
        )
        for number, keys in enumerate(teams, 1)
    ]
