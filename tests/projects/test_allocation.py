"""The one best allocation: what it promises, against a plain search through all allocations."""

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projects.allocation.figures import apply_changes, broken_demands, changes_between, figures_of
from projects.allocation.files import check, run, to_json
from projects.allocation.problem import (
    AllocationInput,
    Demand,
    OfferedTopic,
    Team,
    input_from_json,
    input_to_json,
    to_bytes,
)
from projects.allocation.reasons import reasons_of
from projects.allocation.solving import Clash, Solution, allocate


def team(key: int, *wishes: int, size: int = 1) -> Team:
    return Team(key, size, wishes)


def topic(key: int, slots: int = 1, **more: int | bool | None) -> OfferedTopic:
    return OfferedTopic(key, slots, **{"largest_team": 3, **more})


@st.composite
def problems(draw: st.DrawFn, *, most_teams: int = 5, most_topics: int = 4) -> AllocationInput:
    """Small problems, with all kinds of rules, also such as clash."""
    topic_keys = [10 * (number + 1) for number in range(draw(st.integers(1, most_topics)))]
    team_keys = list(range(1, draw(st.integers(1, most_teams)) + 1))
    topics = tuple(
        OfferedTopic(
            key,
            slots=draw(st.integers(0, 3)),
            largest_team=draw(st.integers(1, 3)),
            smallest=draw(st.sampled_from([0, 0, 0, 1, 2, 3])),
            must_be_held=draw(st.booleans()) and draw(st.booleans()),
            mentor=draw(st.sampled_from([None, 7, 8])),
        )
        for key in topic_keys
    )
    teams = tuple(
        Team(key, draw(st.integers(1, 3)), tuple(draw(st.permutations(topic_keys)))[: draw(st.integers(0, 4))])
        for key in team_keys
    )
    pairs = st.tuples(st.sampled_from(team_keys), st.sampled_from(topic_keys))
    return AllocationInput(
        teams,
        topics,
        most=draw(st.dictionaries(st.sampled_from([7, 8]), st.integers(0, 4))),
        pins=draw(st.one_of(st.just({}), st.dictionaries(*_each(team_keys, topic_keys), max_size=2))),
        blocks=frozenset(draw(st.lists(pairs, max_size=3))),
        seed=draw(st.sampled_from(["", "4f1c", "größe"])),
    )


def _each(teams: list[int], topics: list[int]) -> tuple[st.SearchStrategy[int], st.SearchStrategy[int]]:
    return st.sampled_from(teams), st.sampled_from(topics)


def all_allocations(problem: AllocationInput) -> Iterator[dict[int, int]]:
    """Every allocation that keeps to the rules, by trying them all."""
    ways = [
        [problem.pins[team.key]] if team.key in problem.pins else [None, *team.wishes]
        for team in problem.teams
    ]  # fmt: skip
    keys = [team.key for team in problem.teams]
    for choice in itertools.product(*ways):
        allocation = {key: topic for key, topic in zip(keys, choice, strict=True) if topic is not None}
        if not broken_demands(problem, allocation):
            yield allocation


def goodness(problem: AllocationInput, allocation: Mapping[int, int]) -> tuple[int, int, int, list[int]]:
    """What the package promises, smaller is better; two allocations never have the same."""
    ranks = {key: problem.rank_of(key, topic) or 0 for key, topic in allocation.items() if key not in problem.pins}
    drawn = [ranks.get(key, 10**6) for key in problem.drawn]
    return -len(allocation), max(ranks.values(), default=0), sum(ranks.values()), drawn


@given(problems())
def test_no_allocation_is_better_than_the_one_that_is_made(problem: AllocationInput) -> None:
    outcome = allocate(problem)
    best = min(all_allocations(problem), key=lambda allocation: goodness(problem, allocation), default=None)
    if best is None:
        assert isinstance(outcome, Clash)
    else:
        assert isinstance(outcome, Solution)
        assert dict(outcome.given) == best
        assert outcome.worst == goodness(problem, best)[1]


@settings(max_examples=50)
@given(problems(most_teams=12, most_topics=6))
def test_no_rule_is_broken(problem: AllocationInput) -> None:
    outcome = allocate(problem)
    if isinstance(outcome, Solution):
        assert broken_demands(problem, outcome.given) == []
        for key, topic in outcome.given.items():
            assert key in problem.pins or topic in problem.team_by_key[key].wishes


@settings(max_examples=50)
@given(problems(most_teams=12, most_topics=6))
def test_no_team_likes_a_free_topic_better_than_its_own(problem: AllocationInput) -> None:
    outcome = allocate(problem)
    if isinstance(outcome, Clash):
        return
    for team in problem.teams:
        if team.key in problem.pins:
            continue
        for wish in team.wishes:
            if wish == outcome.given.get(team.key):
                break
            assert broken_demands(problem, {**outcome.given, team.key: wish})


@given(problems())
def test_rules_clash_that_are_named_and_no_fewer_do(problem: AllocationInput) -> None:
    outcome = allocate(problem)
    if isinstance(outcome, Solution):
        return
    broken = [frozenset(rules) for rules in _broken_by_anything(problem)]
    named = frozenset(outcome.rules)
    assert all(named & rules for rules in broken)
    assert all(any(named & rules <= {left_out} for rules in broken) for left_out in named)


def _broken_by_anything(problem: AllocationInput) -> Iterator[list[Demand]]:
    """What every conceivable allocation breaks, also those that keep to no pin."""
    keys = [team.key for team in problem.teams]
    ways = [
        [None, *dict.fromkeys([*team.wishes, *([problem.pins[team.key]] if team.key in problem.pins else [])])]
        for team in problem.teams
    ]
    for choice in itertools.product(*ways):
        yield broken_demands(
            problem, {key: taken for key, taken in zip(keys, choice, strict=True) if taken is not None}
        )


@given(problems(most_teams=4))
def test_a_reason_says_what_the_better_wish_would_have_cost(problem: AllocationInput) -> None:
    outcome = allocate(problem)
    if isinstance(outcome, Clash):
        return
    held = set(outcome.given.values())
    others = [
        allocation
        for allocation in all_allocations(problem)
        if all(
            not offered.smallest or (offered.key in held) == (offered.key in allocation.values())
            for offered in problem.topics
        )
    ]
    placed, worst, total, _ = goodness(problem, outcome.given)
    for key, reasons in reasons_of(problem, outcome).items():
        for reason in reasons:
            best = min(
                (goodness(problem, other)[:3] for other in others if other.get(key) == reason.topic),
                default=None,
            )
            if reason.why in {"block", "size", "closed", "not-held", "rules"}:
                assert best is None
            elif reason.why == "fewer":
                assert best is not None
                assert best[0] == placed + reason.by > placed
            elif reason.why == "worse":
                assert best is not None
                assert best[:2] == (placed, reason.by)
                assert reason.by > worst
            elif reason.why == "sum":
                assert best == (placed, worst, total + reason.by)
                assert reason.by > 0
            else:
                assert reason.why == "drawn"
                assert best == (placed, worst, total)


@settings(max_examples=40)
@given(problems(most_teams=8), st.randoms(use_true_random=False))
def test_the_order_in_which_things_are_said_changes_nothing(problem: AllocationInput, random: Random) -> None:
    shuffled = AllocationInput(
        tuple(random.sample(problem.teams, len(problem.teams))),
        tuple(random.sample(problem.topics, len(problem.topics))),
        most=dict(reversed(list(problem.most.items()))),
        pins=dict(reversed(list(problem.pins.items()))),
        blocks=problem.blocks,
        seed=problem.seed,
    )
    assert to_bytes(to_json(run(problem))) == to_bytes(to_json(run(shuffled)))


@settings(max_examples=40)
@given(problems(most_teams=8))
def test_a_file_that_was_written_is_right(problem: AllocationInput) -> None:
    assert input_to_json(input_from_json(input_to_json(problem))) == input_to_json(problem)
    assert check(to_bytes(to_json(run(problem)))) == []


@pytest.fixture
def contested() -> AllocationInput:
    """Six teams for two slots of what all like best, and places enough elsewhere."""
    return AllocationInput(
        tuple(team(key, 10, 20, 30) for key in range(1, 7)),
        (topic(10, 2), topic(20, 2), topic(30, 2)),
        seed="published",
    )


def test_the_seed_decides_between_equals_and_another_one_decides_otherwise(contested: AllocationInput) -> None:
    solution = allocate(contested)
    assert [solution.given[key] for key in contested.drawn] == [10, 10, 20, 20, 30, 30]
    seeds = {tuple(sorted(allocate(_with_seed(contested, str(seed))).given.items())) for seed in range(8)}
    assert len(seeds) > 1


def _with_seed(problem: AllocationInput, seed: str) -> AllocationInput:
    return AllocationInput(problem.teams, problem.topics, seed=seed)


def test_a_team_reads_that_all_slots_went_to_teams_with_the_same_wish(contested: AllocationInput) -> None:
    solution = allocate(contested)
    last = contested.drawn[-1]
    first_wish = reasons_of(contested, solution)[last][0]
    assert (first_wish.why, first_wish.teams, first_wish.as_high) == ("drawn", 2, 2)


def test_most_teams_get_a_topic_even_if_others_get_a_worse_one() -> None:
    problem = AllocationInput((team(1, 10), team(2, 10, 20), team(3, 20, 30)), (topic(10), topic(20), topic(30)))
    assert dict(allocate(problem).given) == {1: 10, 2: 20, 3: 30}


def test_nobody_gets_a_third_wish_so_that_others_get_their_first() -> None:
    # By the sum alone team 1 would pay for both others: 3 + 1 + 1 against 2 + 2 + 2.
    problem = AllocationInput(
        (team(1, 10, 20, 30), team(2, 20, 50), team(3, 50, 60)),
        (topic(10, 0), topic(20), topic(30), topic(50), topic(60)),
    )
    solution = allocate(problem)
    assert (solution.worst, figures_of(problem, solution.given).by_rank) == (2, {2: 3})
    assert [(reason.topic, reason.why) for reason in reasons_of(problem, solution)[3]] == [(50, "worse")]


def test_a_topic_is_held_by_so_many_teams_or_by_none() -> None:
    teams = (team(1, 10, 20), team(2, 10, 20), team(3, 20))
    by_two = AllocationInput(teams, (topic(10, 3, smallest=2), topic(20, 3)))
    assert dict(allocate(by_two).given) == {1: 10, 2: 10, 3: 20}
    by_three = AllocationInput(teams, (topic(10, 3, smallest=3), topic(20, 3)))
    assert dict(allocate(by_three).given) == {1: 20, 2: 20, 3: 20}
    assert [reason.why for reason in reasons_of(by_three, allocate(by_three))[1]] == ["not-held"]


@pytest.mark.parametrize(
    ("problem", "rules"),
    [
        (
            AllocationInput((team(1), team(2)), (topic(10),), pins={1: 10, 2: 10}),
            [Demand("pin", team=1, topic=10), Demand("pin", team=2, topic=10), Demand("slots", topic=10)],
        ),
        (
            AllocationInput((team(1, 10),), (topic(10),), pins={1: 10}, blocks=frozenset([(1, 10)])),
            [Demand("block", team=1, topic=10), Demand("pin", team=1, topic=10)],
        ),
        (
            AllocationInput((team(1, 20), team(2, 20)), (topic(10, 3, smallest=2, must_be_held=True), topic(20, 2))),
            [Demand("smallest", topic=10)],
        ),
        (
            AllocationInput((team(1, size=4),), (topic(10),), pins={1: 10}),
            [Demand("pin", team=1, topic=10), Demand("size", team=1, topic=10)],
        ),
        (
            AllocationInput(
                (team(1), team(2)), (topic(10, mentor=7), topic(20, mentor=7)), most={7: 1}, pins={1: 10, 2: 20}
            ),
            [Demand("most", mentor=7), Demand("pin", team=1, topic=10), Demand("pin", team=2, topic=20)],
        ),
    ],
    ids=["two for one slot", "given and excluded", "too few wish for it", "too large", "one mentor too few"],
)
def test_rules_that_clash_are_named(problem: AllocationInput, rules: list[Demand]) -> None:
    clash = allocate(problem)
    assert isinstance(clash, Clash)
    assert sorted(clash.rules) == sorted(rules)


@pytest.mark.parametrize(
    "problem",
    [
        AllocationInput((), ()),
        AllocationInput((), (topic(10, smallest=2),)),
        AllocationInput((team(1),), ()),
        AllocationInput((team(1, 10),), (topic(10, 0),)),
    ],
    ids=["nothing", "no teams", "no wishes", "closed after it was ranked"],
)
def test_nobody_gets_anything_where_there_is_nothing_to_give(problem: AllocationInput) -> None:
    assert dict(allocate(problem).given) == {}


def test_who_wished_for_a_topic_that_was_closed_since_is_told_so() -> None:
    problem = AllocationInput((team(1, 10, 20),), (topic(10, 0), topic(20)))
    assert [reason.why for reason in reasons_of(problem, allocate(problem))[1]] == ["closed"]


def test_what_two_allocations_differ_in_is_said_by_team(contested: AllocationInput) -> None:
    solution = allocate(contested)
    first, second, third = contested.drawn[0], contested.drawn[2], contested.drawn[4]
    changed = apply_changes(solution.given, {first: 20, second: 10, third: None})
    moves = {
        change.team: (change.rank_before, change.rank_after)
        for change in changes_between(contested, solution.given, changed)
    }
    assert moves == {first: (1, 2), second: (2, 1), third: (3, None)}
    assert figures_of(contested, changed).without == (third,)


@pytest.mark.parametrize(
    "teams_and_topics",
    [
        ((team(1, 10, 10),), (topic(10),)),
        ((team(1, 99),), (topic(10),)),
        ((team(1), team(1)), ()),
        ((), (topic(10), topic(10))),
    ],
)
def test_what_contradicts_itself_is_refused_before_it_is_solved(teams_and_topics: tuple) -> None:
    with pytest.raises(ValueError, match=r"twice|no such"):
        AllocationInput(*teams_and_topics)


@pytest.mark.parametrize("changes", [{"result": [[1, 30]]}, {"reasons": []}, {"published": [[1, 10]]}])
def test_a_file_that_somebody_changed_is_found_out(contested: AllocationInput, changes: dict) -> None:
    data = to_json(run(contested))
    assert check(to_bytes({**data, **changes}))


def test_changes_by_hand_are_checked_by_the_rules(contested: AllocationInput) -> None:
    data = to_json(run(contested))
    overfull = {**data, "changes": [[contested.drawn[-1], 10]]}
    assert check(to_bytes(overfull)) == ["A rule is not kept: slots topic 10."]


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"format": 1}', b"\xff", b'{"format":9,"input":1}'])
def test_what_is_no_file_of_an_allocation_is_said_to_be_none(content: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        check(content)


def test_every_process_finds_the_same_bytes_and_says_so(contested: AllocationInput, tmp_path: Path) -> None:
    written = tmp_path / "allocation.json"
    written.write_bytes(to_bytes(to_json(run(contested))))
    for hash_seed in ("0", "1", "4711"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        command = [sys.executable, "-m", "projects.allocation", str(written)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        # The solver says nothing of its own.
        assert (done.returncode, done.stderr, done.stdout) == (0, "", f"{written}: right\n")
    data = json.loads(written.read_bytes())
    written.write_bytes(to_bytes({**data, "result": []}))
    assert subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 1
