"""What an allocation looks like in numbers, what another one would change, and whether it keeps to the rules.

Counted without the solver: an allocation that was changed by hand is looked at by the same functions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from projects.allocation.problem import AllocationInput, Demand


@dataclass(frozen=True, slots=True)
class Figures:
    """An allocation in numbers.

    Attributes:
        by_rank: how many teams got their first wish, their second …, by rank.
        pinned: how many have a topic that the staff gave them and that they had not wished for.
        without: the keys of the teams that have none, in the order of their keys.
        worst, total: the worst rank, and the sum of ranks.
    """

    by_rank: Mapping[int, int]
    pinned: int
    without: tuple[int, ...]
    worst: int
    total: int

    @property
    def placed(self) -> int:
        """How many teams have a topic."""
        return sum(self.by_rank.values()) + self.pinned

    @property
    def teams(self) -> int:
        """How many teams there are."""
        return self.placed + len(self.without)


def figures_of(problem: AllocationInput, given: Mapping[int, int]) -> Figures:
    """Return an allocation in numbers.

    Args:
        problem: what it is made from.
        given: the topic of each team that has one, by keys.
    """
    ranks = [problem.rank_of(team, topic) for team, topic in given.items()]
    wished = Counter(rank for rank in ranks if rank is not None)
    without = tuple(sorted(problem.team_by_key.keys() - given.keys()))
    return Figures(
        by_rank=dict(sorted(wished.items())),
        pinned=ranks.count(None),
        without=without,
        worst=max(wished, default=0),
        total=sum(rank * count for rank, count in wished.items()),
    )


def apply_changes(given: Mapping[int, int], changes: Mapping[int, int | None]) -> dict[int, int]:
    """Return an allocation with topics given by hand; None takes a team's topic away."""
    return {team: topic for team, topic in {**given, **changes}.items() if topic is not None}


@dataclass(frozen=True, slots=True)
class TopicChange:
    """A team that has another topic in one allocation than in another.

    Attributes:
        team: its key.
        before, after: the topics' keys; None for none.
        rank_before, rank_after: the ranks at which the team wished for them, where it did.
    """

    team: int
    before: int | None
    after: int | None
    rank_before: int | None
    rank_after: int | None


def changes_between(problem: AllocationInput, before: Mapping[int, int], after: Mapping[int, int]) -> list[TopicChange]:
    """Return which teams have another topic after than before, in the order of their keys."""
    moves = []
    for team in sorted(problem.team_by_key):
        old, new = before.get(team), after.get(team)
        if old != new:
            rank_before = None if old is None else problem.rank_of(team, old)
            moves.append(TopicChange(team, old, new, rank_before, None if new is None else problem.rank_of(team, new)))
    return moves


def broken_demands(problem: AllocationInput, given: Mapping[int, int]) -> list[Demand]:
    """Return the rules that an allocation breaks, none if it keeps to them all.

    Raises:
        ValueError: it names a team or a topic that isn't there.
    """
    if given.keys() - problem.team_by_key.keys() or set(given.values()) - problem.topic_by_key.keys():
        raise ValueError("a team or a topic that isn't there")
    broken = [Demand("pin", team=team, topic=topic) for team, topic in problem.pins.items() if given.get(team) != topic]
    for team, topic in given.items():
        broken += problem.rules_against(team, topic)
    counted = Counter(given.values())
    for offered in problem.topics:
        if counted[offered.key] > offered.slots:
            broken.append(Demand("slots", topic=offered.key))
        if counted[offered.key] < offered.smallest and (offered.must_be_held or counted[offered.key]):
            broken.append(Demand("smallest", topic=offered.key))
    for mentor, topics in problem.mentored().items():
        if sum(counted[key] for key in topics) > problem.most[mentor]:
            broken.append(Demand("most", mentor=mentor))
    return sorted(broken, key=repr)
