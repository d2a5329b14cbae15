"""Why a team did not get a wish that it liked better: found by giving it to the team and looking what that costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from projects.allocation.problem import AllocationInput
from projects.allocation.program import Program
from projects.allocation.solving import Solution, ranks_of


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a team did not get one of its wishes.

    Attributes:
        topic: the wish.
        rank: at which place it was wished for.
        why: 'block' or 'size': a rule about the two; 'closed': not on offer any more; 'not-held': too few teams for
            the topic; 'rules': other rules leave no place; 'fewer': fewer teams would have a topic;
            'worse': a team would have to take a worse rank than any has now; 'sum': the sum of ranks would be
            larger; 'drawn': as good for all together, and decided by the seed.
        by: how many teams fewer, which rank, how much larger; 0 for the other reasons.
        teams: how many teams have the topic.
        as_high: how many of those had wished for it at this rank or a better one.
        pinned: how many of those were given it by the staff.
    """

    topic: int
    rank: int
    why: str
    by: int
    teams: int
    as_high: int
    pinned: int


def reasons_of(problem: AllocationInput, allocation: Solution) -> dict[int, list[Reason]]:
    """Return for each team why it did not get the wishes that it liked better than what it got, by rank.

    Which topics are held is left as it is: what it would cost to hold another one is a question of its own. Teams
    that the staff gave their topic have no reasons, and neither have those that got their first wish.

    Raises:
        SolverFailedError: the solver came to no end.
    """
    weighing = _Weighing(problem, allocation)
    return {
        team.key: reasons
        for team in problem.teams
        if team.key not in problem.pins and (reasons := list(_of_team(problem, allocation, weighing, team.key)))
    }


def _of_team(problem: AllocationInput, allocation: Solution, weighing: _Weighing, team: int) -> Iterator[Reason]:
    mine = allocation.given.get(team)
    for rank, topic in enumerate(problem.team_by_key[team].wishes, 1):
        if topic == mine:
            return
        why, by = weighing.why_not(team, topic, rank)
        holders = [holder for holder, key in allocation.given.items() if key == topic]
        pinned = sum(1 for holder in holders if holder in problem.pins)
        others = [problem.rank_of(holder, topic) for holder in holders if holder not in problem.pins]
        as_high = sum(1 for other in others if other is not None and other <= rank)
        yield Reason(topic, rank, why, by, teams=len(holders), as_high=as_high, pinned=pinned)


class _Weighing:
    """The best allocation once more, and what it would be with one wish granted."""

    def __init__(self, problem: AllocationInput, allocation: Solution) -> None:
        self.problem, self.worst = problem, allocation.worst
        self.held = frozenset(allocation.given.values())
        self.program = Program(problem, held=self.held)
        self.columns = {pair: column for column, pair in enumerate(self.program.pairs)}
        self.ranks = ranks_of(self.program)
        weight = sum(self.ranks.values()) + 1
        self.costs = {column: rank - weight for column, rank in self.ranks.items()}
        self.any_rank = self.program.upper.copy()
        self.placed = len(allocation.given)
        self.total = sum(self.ranks[self.columns[pair]] for pair in allocation.given.items())

    def why_not(self, team: int, topic: int, rank: int) -> tuple[str, int]:
        """Return why a team can't have a topic that it wished for, and by how much that would be worse."""
        for rule in self.problem.rules_against(team, topic):
            return rule.kind, 0
        if not self.problem.topic_by_key[topic].slots:
            return "closed", 0
        if self.problem.topic_by_key[topic].smallest and topic not in self.held:
            return "not-held", 0
        return self._weigh(self.columns[team, topic], rank)

    def _weigh(self, column: int, rank: int) -> tuple[str, int]:
        with_it = self._best_with(column, self.worst)
        if with_it is not None and with_it[0] == self.placed:
            if rank > self.worst:
                return "worse", rank
            return ("sum", with_it[1] - self.total) if with_it[1] > self.total else ("drawn", 0)
        largest = max(self.ranks.values())
        # Without any limit first: most often more teams would stay without a topic, and no limit helps.
        with_it = self._best_with(column, largest)
        if with_it is None:
            return "rules", 0
        if with_it[0] < self.placed:
            return "fewer", self.placed - with_it[0]
        limit = next(limit for limit in range(self.worst + 1, largest + 1) if self._places_as_many(column, limit))
        return "worse", max(limit, rank)

    def _places_as_many(self, column: int, limit: int) -> bool:
        best = self._best_with(column, limit)
        return best is not None and best[0] == self.placed

    def _best_with(self, column: int, limit: int) -> tuple[int, int] | None:
        """Return how many teams are placed, and the sum of ranks, if one has this wish and others none above a limit."""
        program = self.program
        program.upper[:] = self.any_rank
        for other, rank in self.ranks.items():
            if rank > limit and other != column:
                program.upper[other] = 0.0
        program.lower[column] = 1.0
        is_possible = program.minimise(self.costs)
        program.lower[column] = 0.0
        return (len(program.chosen()), program.cost(self.ranks)) if is_possible else None
