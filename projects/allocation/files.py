"""An allocation as a file that anyone can check: the same input gives the same bytes.

JSON in one line, keys sorted. `input` is all that the result depends on: teams are numbers, with how many people
and the topics that they wished for, the best first; nobody's name is in it. `result` is what the solver found,
`changes` what the staff changed in it by hand, `reasons` why teams did not get what they liked better.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from projects.allocation.figures import apply_changes, broken_demands
from projects.allocation.problem import AllocationInput, Demand, input_from_json, input_to_json, to_bytes
from projects.allocation.reasons import Reason, reasons_of
from projects.allocation.solving import Clash, Solution, allocate

FORMAT = 1


@dataclass(frozen=True, slots=True)
class AllocationRun:
    """One run of the solver.

    Attributes:
        problem: what it was made from.
        result: the allocation, or the rules that clash.
        reasons: why teams did not get what they liked better; see `reasons_of`.
    """

    problem: AllocationInput
    result: Solution | Clash
    reasons: Mapping[int, Sequence[Reason]]


def run(problem: AllocationInput) -> AllocationRun:
    """Return the one best allocation with its reasons; raises as `allocate`."""
    result = allocate(problem)
    return AllocationRun(problem, result, reasons_of(problem, result) if isinstance(result, Solution) else {})


def to_json(made: AllocationRun) -> dict[str, Any]:
    """Return a run as JSON has it."""
    result = made.result
    return {
        "format": FORMAT,
        "input": input_to_json(made.problem),
        "result": sorted([team, topic] for team, topic in result.given.items())
        if isinstance(result, Solution)
        else None,
        "worst": result.worst if isinstance(result, Solution) else None,
        "clash": [asdict(rule) for rule in result.rules] if isinstance(result, Clash) else [],
        "reasons": [[team, [asdict(reason) for reason in made.reasons[team]]] for team in sorted(made.reasons)],
    }


def check(content: bytes) -> list[str]:
    """Return what is wrong with a file; nothing if it is what the solver finds and keeps to all rules.

    The allocation is made anew from the input, and compared. What the staff changed by hand afterwards is applied
    to the solver's result and looked at by the rules.

    Raises:
        ValueError: it is no file of an allocation.
        SolverFailedError: the solver came to no end.
    """
    try:
        data = json.loads(content)
        changes = dict(data.get("changes", []))
        published = dict(data["published"]) if "published" in data else None
        expected = {key: data[key] for key in ("format", "input", "result", "worst", "clash", "reasons")}
    except (KeyError, TypeError, UnicodeDecodeError, AttributeError) as error:
        raise ValueError(f"no file of an allocation: {error!r}") from error
    if data["format"] != FORMAT:
        raise ValueError(f"format {data['format']} is not known here")
    problem = input_from_json(data["input"])
    differences = []
    made = to_json(run(problem))
    if to_bytes(made) != to_bytes(expected):
        differing = sorted(key for key in made if to_bytes({"": made[key]}) != to_bytes({"": expected[key]}))
        differences.append(f"The solver finds something else: {', '.join(differing)}.")
    given = apply_changes(dict(expected["result"] or []), changes)
    differences += (
        [f"A rule is not kept: {_say(rule)}." for rule in broken_demands(problem, given)] if expected["result"] else []
    )
    if published is not None and published != given:
        differences.append("What was published is not the result with the changes made by hand.")
    return differences


def _say(rule: Demand) -> str:
    return " ".join(
        [rule.kind, *(f"{name} {key}" for name, key in asdict(rule).items() if name != "kind" and key is not None)]
    )
