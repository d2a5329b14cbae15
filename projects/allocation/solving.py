"""The one best allocation, or the rules that clash."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from projects.allocation.problem import AllocationInput, Demand
from projects.allocation.program import Program

# The weights of teams that are drawn together in one solution stay well within what the solver can tell apart.
_LARGEST_WEIGHT = 10**5


@dataclass(frozen=True, slots=True)
class Solution:
    """Who gets what.

    Attributes:
        given: the topic of each team that has one, by keys.
        worst: the worst rank that any team without a pin got; 0 where none got a topic.
    """

    given: Mapping[int, int]
    worst: int


@dataclass(frozen=True, slots=True)
class Clash:
    """That no allocation keeps to all rules.

    Attributes:
        rules: some that clash: without any one of them the others could be kept.
    """

    rules: tuple[Demand, ...]


def allocate(problem: AllocationInput) -> Solution | Clash:
    """Return the best allocation, or the rules that can't be kept together; see the package for what is best.

    Raises:
        SolverFailedError: the solver came to no end.
    """
    program = Program(problem)
    is_placed = dict.fromkeys(range(len(program.pairs)), -1)
    if not program.minimise(is_placed):
        return Clash(clashing(problem))
    placed = -program.cost(is_placed)
    ranks = ranks_of(program)
    worst = _limit_ranks(program, ranks, is_placed, placed)
    weight = sum(ranks.values()) + 1
    program.minimise({column: rank - weight for column, rank in ranks.items()})
    if program.has_choices:
        program.require(dict.fromkeys(is_placed, 1), placed)
        program.require(ranks, program.cost(ranks))
    else:
        program.keep_the_best()
    _draw(program)
    return Solution(program.chosen(), worst)


def ranks_of(program: Program) -> dict[int, int]:
    """Return at which rank each column gives a team its topic; 0 where the staff gave it."""
    problem = program.problem
    return {
        column: 0 if team in problem.pins else problem.rank_of(team, topic) or 0
        for column, (team, topic) in enumerate(program.pairs)
    }


def _limit_ranks(program: Program, ranks: Mapping[int, int], is_placed: Mapping[int, int], placed: int) -> int:
    """Forbid all ranks that are worse than the best limit under which as many teams are placed; return that limit."""
    as_before = program.upper.copy()
    for limit in range(max(ranks.values(), default=0) + 1):
        program.upper[:] = as_before
        for column, rank in ranks.items():
            if rank > limit:
                program.upper[column] = 0.0
        if program.minimise(is_placed) and -program.cost(is_placed) == placed:
            return limit
    raise AssertionError("without a limit as many are placed as before")


def _draw(program: Program) -> None:
    """Let the teams choose in the order in which they are drawn, as many at once as the weights allow."""
    waiting = list(program.problem.drawn)
    while waiting:
        together: list[Sequence[int]] = []
        weight = 1
        while waiting:
            team = waiting[0]
            columns = program.open_columns(team)
            if program.is_settled(team):
                waiting.pop(0)
            elif not together and program.values[columns[0]] > 0:
                # It has the best that is open: nobody who was drawn before loses by that.
                program.fix(columns)
                waiting.pop(0)
            elif weight * (len(columns) + 1) > _LARGEST_WEIGHT:
                break
            else:
                together.append(columns)
                weight *= len(columns) + 1
                waiting.pop(0)
        if together:
            _choose(program, together)


def _choose(program: Program, together: Sequence[Sequence[int]]) -> None:
    costs: dict[int, int] = {}
    weight = 1
    for columns in reversed(together):
        costs |= {column: weight * (place - len(columns)) for place, column in enumerate(columns)}
        weight *= len(columns) + 1
    if not program.minimise(costs):
        raise AssertionError("what was found before keeps to the rules")
    if not program.has_choices:
        program.keep_the_best()
    program.fix(column for columns in together for column in columns)


def clashing(problem: AllocationInput) -> tuple[Demand, ...]:
    """Return rules that can't be kept together, as few as possible: any one less, and the others could be.

    By halves (QuickXplain, Junker 2004), so that a hundred rules take a dozen solutions and not a hundred.
    """

    def can_keep(rules: Sequence[Demand]) -> bool:
        return Program(problem, without=frozenset(problem.rules) - frozenset(rules)).minimise({})

    return tuple(sorted(_fewest([], False, problem.rules, can_keep), key=repr))


def _fewest(
    kept: Sequence[Demand], is_new: bool, rules: Sequence[Demand], can_keep: Callable[[Sequence[Demand]], bool]
) -> list[Demand]:
    if is_new and not can_keep(kept):
        return []
    if len(rules) == 1:
        return list(rules)
    first, second = rules[: len(rules) // 2], rules[len(rules) // 2 :]
    of_second = _fewest([*kept, *first], bool(first), second, can_keep)
    of_first = _fewest([*kept, *of_second], bool(of_second), first, can_keep)
    return [*of_first, *of_second]
