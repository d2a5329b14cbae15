"""Teams built of people who have none and wish to be matched with others: by size, and by what they wish for in common.

1. There are as few teams as the largest size allows, and they are as equal in size as possible.
2. The seed draws an order, by SHA-256 of 'match:seed:key'. Who is drawn first starts a team, and it is filled by
   those with whom it has most wishes in common, then by those who rank these best, then by those drawn first. Who is
   drawn first of the rest starts the next one.
3. A team wishes for what most of its people wished for, then for what they ranked best.

Nothing else decides: the same input gives the same teams.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from projects.allocation.problem import Team, lot, teams_from_json, teams_to_json

Teams = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class MatchInput:
    """All that matching depends on.

    Attributes:
        teams: of one person, or of more who look for others together; each key once.
        room: how many people a topic takes; what takes fewer than a team has is no wish in common.
        largest: how many people a team has at most.
        seed: by which they are drawn.

    Raises:
        ValueError: a key is there twice, a topic is unknown, or a team would have nobody.
    """

    teams: tuple[Team, ...]
    room: Mapping[int, int]
    largest: int
    seed: str = ""

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if len({team.key for team in self.teams}) < len(self.teams):
            raise ValueError("a team is there twice")
        if {topic for team in self.teams for topic in team.wishes} - self.room.keys():
            raise ValueError("a topic that isn't there")
        if self.largest < 1 or any(team.size < 1 for team in self.teams):
            raise ValueError("a team of nobody")

    @cached_property
    def drawn(self) -> tuple[Team, ...]:
        """The teams in the order in which the seed draws them."""
        # By other lots than topics are given by: whose team it becomes has no better ones for that.
        return tuple(sorted(self.teams, key=lambda team: (lot(f"match:{self.seed}", team.key), team.key)))


def match(problem: MatchInput) -> Teams:
    """Return who comes together: the keys of each new team, in the order of the draw."""
    waiting = list(problem.drawn)
    sizes = _sizes(_size(waiting), problem.largest)
    made = [_filled([waiting.pop(0)], waiting, size, problem) for size in sizes if waiting]
    # Who came with others, and fitted nowhere so far.
    for team in waiting:
        fitting = next((group for group in made if _size(group) + team.size <= problem.largest), None)
        if fitting is None:
            made.append([team])
        else:
            fitting.append(team)
    return tuple(tuple(team.key for team in problem.drawn if team in group) for group in made)


def _sizes(people: int, largest: int) -> list[int]:
    """Return how many people each team has: as few teams as possible, as equal as possible, the larger ones first."""
    count = -(-people // largest)
    return [people // count + (number < people % count) for number in range(count)]


def _filled(group: list[Team], waiting: list[Team], size: int, problem: MatchInput) -> list[Team]:
    """Take those out of `waiting` who fit best, until a team has its size."""
    while fitting := [team for team in waiting if _size(group) + team.size <= size]:
        best = min(fitting, key=lambda team: _distance(group, team, size, problem))
        waiting.remove(best)
        group.append(best)
    return group


def _size(group: Iterable[Team]) -> int:
    return sum(team.size for team in group)


def _distance(group: Iterable[Team], other: Team, size: int, problem: MatchInput) -> tuple[int, int]:
    """Return how far a team's wishes are from a group's: the fewer in common the farther, then by their ranks."""
    common = [
        (team.wishes.index(topic), other.wishes.index(topic))
        for team in group
        for topic in team.wishes
        if topic in other.wishes and problem.room[topic] >= size
    ]
    return -len(common), sum(mine + theirs for mine, theirs in common)


def common_wishes(problem: MatchInput, keys: Sequence[int], *, most: int) -> tuple[int, ...]:
    """Return what a new team wishes for, the best first: what it has room for, at most so many.

    Args:
        problem: of which they are.
        keys: who comes together.
        most: how many wishes a list may have.
    """
    group = [team for team in problem.drawn if team.key in keys]
    size = _size(group)
    wanted: dict[int, tuple[int, int]] = {}
    for team in group:
        for rank, topic in enumerate(team.wishes):
            people, ranks = wanted.get(topic, (0, 0))
            wanted[topic] = people + team.size, ranks + rank * team.size
    fitting = [topic for topic in wanted if problem.room[topic] >= size]
    # Of those with as many people the ranks are compared as they are; `sorted` keeps the order of the draw.
    return tuple(sorted(fitting, key=lambda topic: (-wanted[topic][0], wanted[topic][1]))[:most])


def match_to_json(problem: MatchInput) -> dict[str, Any]:
    """Return what matching depends on as JSON has it, in one order."""
    return {
        "teams": teams_to_json(problem.teams),
        "room": sorted([topic, room] for topic, room in problem.room.items()),
        "largest": problem.largest,
        "seed": problem.seed,
    }


def match_from_json(data: Mapping[str, Any]) -> MatchInput:
    """Return what `match_to_json` wrote.

    Raises:
        ValueError: it is no such thing.
    """
    try:
        return MatchInput(
            teams=teams_from_json(data["teams"]),
            room=dict(data["room"]),
            largest=data["largest"],
            seed=data["seed"],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no input of a matching: {error!r}") from error
