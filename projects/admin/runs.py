"""What the desk's page of a run shows: figures, every team, what a rule says, and what another run would give."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from amls.courses.models import Enrolment, StaffMember
from projects.allocation.figures import Figures, broken_demands, changes_between, figures_of
from projects.allocation.problem import AllocationInput, input_from_json
from projects.allocation_words import say_clash, say_reason
from projects.models import Allocation, Project, Topic
from projects.teamrows import members_by_project


@dataclass(frozen=True, slots=True)
class TeamOfRun:
    """A team as a run has it.

    Attributes:
        rank: which wish it would get; None for none, or for one that it had not wished for.
        why: why none that it liked better, in words.
    """

    key: int
    name: str
    topic: str
    rank: int | None
    why: list[str]


@dataclass(frozen=True, slots=True)
class RankOfRun:
    """How many teams would get their wish of a rank."""

    rank: int
    count: int


@dataclass(frozen=True, slots=True)
class ChangedTeam:
    """A team that another run would give another topic."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ComparedRuns:
    """Two runs beside each other."""

    before: Allocation
    figures_before: Figures
    figures_after: Figures
    changed: list[ChangedTeam]


def run_page(run: Allocation) -> dict[str, Any]:
    """Return what the page of a run shows: 5 queries for any number of teams."""
    problem = input_from_json(run.inputs)
    members, titles = _members(problem), _titles(run)
    names = _names(members)
    mentors = dict(StaffMember.objects.filter(pk__in=problem.most).values_list("pk", "name"))

    def say(rule: dict[str, Any]) -> str:
        return say_clash(rule, problem, teams=names, topics=titles, mentors=mentors)

    context: dict[str, Any] = {"members": members, "figures": None, "broken": [], "teams": [], "topics": titles}
    context["clash"] = [say(rule) for rule in run.clash]
    if run.result is not None:
        given, reasons = run.given(), dict(run.reasons)
        figures = figures_of(problem, given)
        context |= {
            "figures": figures,
            "ranks": [RankOfRun(rank, count) for rank, count in figures.by_rank.items()],
            "broken": [say(asdict(rule)) for rule in broken_demands(problem, given)],
            "teams": [
                _team(problem, key, names[key], given.get(key), titles, reasons.get(key, []))
                for key in sorted(problem.team_by_key, key=lambda key: (key in given, names[key]))
            ],
        }
    return context


def _team(
    problem: AllocationInput,
    key: int,
    name: str,
    topic: int | None,
    titles: dict[int, str],
    reasons: list[dict[str, Any]],
) -> TeamOfRun:
    rank = None if topic is None else problem.rank_of(key, topic)
    why = [
        f"{reason['rank']}. {titles.get(reason['topic'], '–')}: {say_reason(reason)}"
        for reason in reasons
        if rank is None or reason["rank"] < rank
    ]
    return TeamOfRun(key, name, titles.get(topic or 0, ""), rank, why)


def _members(problem: AllocationInput) -> dict[int, list[Enrolment]]:
    return members_by_project(Project.objects.filter(pk__in=problem.team_by_key))


def _names(members: dict[int, list[Enrolment]]) -> dict[int, str]:
    return {key: f"#{key} " + ", ".join(str(person.user) for person in team) for key, team in members.items()}


def _titles(run: Allocation) -> dict[int, str]:
    return dict(Topic.objects.filter(assignment=run.assignment_id).values_list("pk", "title"))


def compared(before: Allocation, after: Allocation) -> ComparedRuns:
    """Return in what two runs of one assignment differ: teams that only one of them has are left out."""
    problem, titles = input_from_json(after.inputs), _titles(after)
    names = _names(_members(problem))
    old = {key: topic for key, topic in before.given().items() if key in problem.team_by_key}

    def say(topic: int | None, rank: int | None) -> str:
        return "–" if topic is None else f"{titles.get(topic, '–')}" + (f" ({rank}.)" if rank else "")

    changed = [
        ChangedTeam(names[change.team], say(change.before, change.rank_before), say(change.after, change.rank_after))
        for change in changes_between(problem, old, after.given())
    ]
    figures_before = figures_of(input_from_json(before.inputs), before.given())
    return ComparedRuns(before, figures_before, figures_of(problem, after.given()), changed)
