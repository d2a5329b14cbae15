"""Topics for 36 and for 500 teams: seconds of the processor for the allocation, its reasons, and the check of its file.

There is nothing bare to compare it with: the aim is 5 seconds for 500 teams and 100 topics.
"""

import random
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from projects.allocation.files import check, run, to_json
from projects.allocation.problem import AllocationInput, OfferedTopic, Team, to_bytes
from projects.allocation.reasons import reasons_of
from projects.allocation.solving import Solution, allocate

WISHES = 10

T = TypeVar("T")


def measure() -> list[dict[str, object]]:
    """Return seconds for each size, plain and with the rules that make it harder."""
    rows: list[dict[str, object]] = []
    for teams, topics in ((36, 24), (500, 100)):
        for kind, problem in kinds(teams, topics):
            rows += _measure(f"{teams} teams, {topics} topics, {kind}", problem, aim="< 5" if teams == 500 else "< 1")
    return rows


def kinds(teams: int, topics: int) -> Iterator[tuple[str, AllocationInput]]:
    """Yield problems: places for nearly all, too few places, and topics that are held by two teams or by none."""
    yield "places for all", make_input(teams, topics, places=1.05, of_two=0.0)
    yield "places for nine of ten", make_input(teams, topics, places=0.9, of_two=0.0)
    yield "every tenth by two teams or none", make_input(teams, topics, places=1.05, of_two=0.1)


def make_input(teams: int, topics: int, *, places: float, of_two: float) -> AllocationInput:
    """Return teams whose wishes are unequally popular, with mentors, pins and blocks; the same each time."""
    drawn = random.Random(2024)
    popularity = [1 / (1 + rank) ** 0.7 for rank in range(topics)]
    slots = [0] * topics
    for place in range(int(teams * places)):
        slots[place % topics] += 1
    ranked = []
    for _team in range(teams):
        wishes: dict[int, None] = {}
        while len(wishes) < min(WISHES, topics):
            wishes[drawn.choices(range(topics), popularity)[0]] = None
        ranked.append(tuple(wishes))
    return AllocationInput(
        teams=tuple(Team(key, drawn.randint(1, 4), wishes) for key, wishes in enumerate(ranked)),
        topics=tuple(
            OfferedTopic(key, slots[key], 4, smallest=2 if drawn.random() < of_two else 0, mentor=key % 20)
            for key in range(topics)
        ),
        most=dict.fromkeys(range(20), 1 + teams // 15),
        pins={0: ranked[0][2]},
        blocks=frozenset([(1, ranked[1][0]), (2, ranked[2][1])]),
        seed="bench",
    )


def _timed(act: Callable[[], T]) -> tuple[float, T]:
    started = time.process_time()
    outcome = act()
    return time.process_time() - started, outcome


def _measure(name: str, problem: AllocationInput, *, aim: str) -> list[dict[str, object]]:
    solving, solution = _timed(lambda: allocate(problem))
    assert isinstance(solution, Solution)
    reasoning, _reasons = _timed(lambda: reasons_of(problem, solution))
    content = to_bytes(to_json(run(problem)))
    checking, differences = _timed(lambda: check(content))
    assert differences == []
    return [
        {"case": f"{name}: allocation, s", "value": round(solving, 2), "ratio": "", "aim": aim},
        {"case": f"{name}: reasons, s", "value": round(reasoning, 2), "ratio": "", "aim": ""},
        {"case": f"{name}: check of the file, s", "value": round(checking, 2), "ratio": "", "aim": ""},
    ]


if __name__ == "__main__":
    for row in measure():
        print(row)
