"""Rules: what they say equals a plain reference over random data, and what they foretell is true."""

from collections.abc import Sequence
from dataclasses import fields, replace
from decimal import Decimal
from functools import partial
from itertools import chain, combinations, product

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from amls.core.violations import RuleViolation
from amls.courses.eligibility import Finding, Verdict
from amls.grading import tree
from amls.grading.facts import Facts, Piece, RollEntries
from amls.grading.forecast import points_needed
from amls.grading.judging import evaluate
from amls.grading.points import QUARTER, WorkState
from amls.grading.tree import (
    DEEPEST,
    AllBlock,
    AnyBlock,
    Block,
    EarlierBlock,
    EntriesBlock,
    PassedBlock,
    PointsBlock,
    ProjectBlock,
    dump,
    fields_of,
    load,
    named_by,
    split_project,
    with_project,
)

Works = Sequence[tuple[Decimal, Decimal]]
KEYS = range(1, 8)


def quarters(least: int, most: int) -> st.SearchStrategy[Decimal]:
    return st.integers(least, most).map(lambda number: number * QUARTER)


@st.composite
def pieces(draw: st.DrawFn, key: int) -> Piece:
    most = draw(quarters(1, 40))
    state = draw(st.sampled_from(WorkState))
    is_graded = state == WorkState.GRADED
    return Piece(
        key=key,
        title=f"Sheet {key}",
        most=most,
        state=state,
        points=draw(quarters(0, int(most / QUARTER))) if is_graded else None,
        is_passed=draw(st.booleans()) if is_graded else None,
        counts=draw(st.booleans()),
    )


@st.composite
def known(draw: st.DrawFn) -> Facts:
    rolls = {
        key: RollEntries(
            key=key, title="Tutorial", entered=draw(st.integers(0, 6)), excused=draw(st.integers(0, 2)),
            left=draw(st.none() | st.integers(0, 5)),
        )
        for key in (1, 2)
    }  # fmt: skip
    verdict = draw(st.none() | st.sampled_from(Verdict))
    return Facts(
        pieces={key: draw(pieces(key)) for key in range(1, draw(st.integers(0, 7)) + 1)},
        rolls=rolls,
        project=Finding(rule="projects.passed", verdict=verdict, text="Project") if verdict else None,
        earlier_term=draw(st.sampled_from(["", "SS2023"])),
    )


OF = st.lists(st.sampled_from([*KEYS, 99]), max_size=5, unique=True).map(tuple)
PERCENTS = st.sampled_from(["0.01", "33.33", "50", "62.5", "100"]).map(Decimal)
LEAVES: st.SearchStrategy[Block] = st.one_of(
    st.builds(PointsBlock, OF, PERCENTS, st.integers(0, 3)).filter(
        lambda block: not block.of or block.leave_out < len(block.of)
    ),
    st.builds(PointsBlock, OF, PERCENTS, halves=st.just(True)),
    st.builds(PassedBlock, OF, st.none() | st.integers(1, 3)).filter(
        lambda block: not block.of or (block.at_least or 0) <= len(block.of)
    ),
    st.builds(EntriesBlock, st.integers(1, 3), st.integers(1, 12)),
    st.just(ProjectBlock()),
    st.just(EarlierBlock()),
)
BLOCKS = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(AllBlock, st.lists(inner, max_size=3).map(tuple))
        | st.builds(AnyBlock, st.lists(inner, max_size=3).map(tuple))
    ),
    max_leaves=6,
)


# ── a plain reference ──


def subsets(count: int, most: int) -> list[tuple[int, ...]]:
    return list(chain.from_iterable(combinations(range(count), size) for size in range(most + 1)))


def is_reached(works: Works, share: Decimal, leave_out: int) -> bool:
    """Whether some works can be left out so that the rest has its share: every choice is tried."""
    return any(
        sum(works[place][0] for place in kept) >= share * sum(works[place][1] for place in kept)
        for gone in subsets(len(works), min(leave_out, len(works)))
        for kept in [[place for place in range(len(works)) if place not in gone]]
    )


def plain_points(works: Sequence[Piece], share: Decimal, leave_out: int) -> Verdict:
    counted = [piece for piece in works if piece.state != WorkState.EXCUSED]
    now, best = [], []
    for piece in counted:
        assert piece.most is not None
        is_open = piece.state in (WorkState.OPEN, WorkState.WAITING)
        now.append((piece.points or Decimal(0), piece.most))
        best.append((piece.most if is_open else piece.points or Decimal(0), piece.most))
    if is_reached(now, share, leave_out):
        return Verdict.MET
    return Verdict.PENDING if is_reached(best, share, leave_out) else Verdict.UNMET


def plain(block: Block, facts: Facts) -> Verdict:
    """What a rule says, written down as one would explain it."""
    if isinstance(block, PointsBlock | PassedBlock):
        works = [piece for piece in facts.pieces.values() if (piece.key in block.of if block.of else piece.counts)]
        if not works or set(block.of) - facts.pieces.keys():
            return Verdict.PENDING
        if isinstance(block, PassedBlock):
            works = [work for work in works if work.state != "excused"]
            passed = sum(work.is_passed is True for work in works)
            may_be = passed + sum(work.state in ("open", "waiting") for work in works)
            needed = len(works) if block.at_least is None else block.at_least
            if passed >= needed:
                return Verdict.MET
            return Verdict.PENDING if may_be >= needed else Verdict.UNMET
        if len(works) <= block.leave_out:
            return Verdict.PENDING
        if not block.halves:
            return plain_points(works, block.percent / 100, block.leave_out)
        middle = -(-len(works) // 2)
        verdicts = {plain_points(half, block.percent / 100, 0) for half in (works[:middle], works[middle:])}
        return next((verdict for verdict in (Verdict.UNMET, Verdict.PENDING) if verdict in verdicts), Verdict.MET)
    if isinstance(block, EntriesBlock):
        if block.roll not in facts.rolls:
            return Verdict.PENDING
        roll = facts.rolls[block.roll]
        if roll.entered + roll.excused >= block.at_least:
            return Verdict.MET
        is_possible = roll.left is None or roll.entered + roll.excused + roll.left >= block.at_least
        return Verdict.PENDING if is_possible else Verdict.UNMET
    if isinstance(block, ProjectBlock):
        return facts.project.verdict if facts.project else Verdict.PENDING
    if isinstance(block, EarlierBlock):
        return Verdict.MET if facts.earlier_term else Verdict.UNMET
    verdicts = {plain(part, facts) for part in block.parts}
    if isinstance(block, AllBlock):
        return next((verdict for verdict in (Verdict.UNMET, Verdict.PENDING) if verdict in verdicts), Verdict.MET)
    return next((verdict for verdict in (Verdict.MET, Verdict.PENDING) if verdict in verdicts), Verdict.UNMET)


@settings(max_examples=250)
@given(BLOCKS, known())
def test_a_rule_says_what_a_plain_reference_says(block: Block, facts: Facts) -> None:
    assert evaluate(block, facts).verdict == plain(block, facts)


# ── what is foretold ──


def spreads(points: Decimal, ahead: Sequence[Decimal]) -> list[tuple[Decimal, ...]]:
    """Every way to get so many points in the works that are open."""
    steps = [[number * QUARTER for number in range(int(most / QUARTER) + 1)] for most in ahead]
    return [way for way in product(*steps) if sum(way) == points]


@settings(max_examples=150)
@given(
    st.lists(
        quarters(1, 10).flatmap(lambda most: st.tuples(quarters(0, int(most / QUARTER)), st.just(most))), max_size=4
    ),
    st.lists(quarters(1, 7), max_size=3),
    PERCENTS,
    st.integers(0, 3),
)
def test_so_many_points_are_enough_and_a_quarter_less_is_not(
    settled: list[tuple[Decimal, Decimal]], ahead: list[Decimal], percent: Decimal, leave_out: int
) -> None:
    """Put best they reach it; a quarter less never does, however it is put; and what can't be reached is not by all."""
    share = percent / 100

    def reached(points: Sequence[Decimal]) -> bool:
        return is_reached([*settled, *zip(points, ahead, strict=True)], share, leave_out)

    needed = points_needed(settled, ahead, share=share, leave_out=leave_out)
    if needed is None:
        assert not reached(ahead)
        return
    assert any(reached(spread) for spread in spreads(needed, ahead))
    assert not any(reached(spread) for spread in spreads(needed - QUARTER, ahead))
    if not leave_out:
        assert all(reached(spread) for spread in spreads(needed, ahead))


@settings(max_examples=200)
@given(known(), PERCENTS, st.integers(0, 2))
def test_what_a_person_reads_as_enough_makes_the_rule_met(facts: Facts, percent: Decimal, leave_out: int) -> None:
    """Through the whole judgement: graded with what the forecast says, the same rule is met."""
    block = PointsBlock((), percent, leave_out)
    outcome = evaluate(block, facts)
    if outcome.verdict != Verdict.PENDING or outcome.is_broken:
        return
    assert outcome.missing is not None
    openings = sorted((piece for piece in outcome.pieces if not piece.is_settled), key=lambda piece: piece.most or 0)
    verdicts = set()
    for order in {
        tuple(openings),
        tuple(reversed(openings)),
        *(tuple(openings[start:] + openings[:start]) for start in range(7)),
    }:
        left, graded = outcome.missing, dict(facts.pieces)
        for piece in order:
            assert piece.most is not None
            given_now = min(left, piece.most)
            left -= given_now
            graded[piece.key] = replace(piece, state=WorkState.GRADED, points=given_now)
        verdicts.add(evaluate(block, replace(facts, pieces=graded)).verdict)
    assert Verdict.MET in verdicts
    if not leave_out:
        assert verdicts == {Verdict.MET}


# ── as data ──


def depth(block: Block) -> int:
    return 1 + max(map(depth, block.parts), default=0) if isinstance(block, AllBlock | AnyBlock) else 1


@given(st.lists(BLOCKS, max_size=4).map(lambda parts: AllBlock(tuple(parts))))
def test_a_rule_is_the_same_after_it_was_stored(rule: AllBlock) -> None:
    data = dump(rule)
    if depth(rule) > DEEPEST:
        with pytest.raises(RuleViolation, match="explains nothing"):
            load(data)
        return
    assert load(data) == rule
    assert dump(load(data)) == data


@given(BLOCKS)
def test_every_field_of_a_block_is_stored_under_its_name(block: Block) -> None:
    rule = dump(AllBlock((block,)))["rule"]
    waiting = [rule]
    while waiting:
        data = waiting.pop()
        assert set(data) == {"block", *fields_of(data["block"])}
        waiting += data.get("parts", [])


@pytest.mark.parametrize("kind", tree.BLOCKS.values())
def test_the_rules_of_these_tests_have_every_block_with_every_field(kind: type[Block]) -> None:
    """What is drawn nowhere is proved nowhere: `find` fails for a block, or a field, that LEAVES doesn't have."""
    drawn = BLOCKS if kind in {AllBlock, AnyBlock} else LEAVES
    first = settings(phases=[Phase.generate], database=None)
    find(drawn, lambda block: type(block) is kind, settings=first)
    for item in fields(kind):
        others = drawn.filter(partial(_says_something_in, kind, item.name, item.default))
        find(others, lambda _block: True, settings=first)


def _says_something_in(kind: type[Block], name: str, default: object, block: Block) -> bool:
    return type(block) is kind and getattr(block, name) != default


@given(BLOCKS)
def test_what_a_block_names_is_what_its_fields_say(block: Block) -> None:
    assert named_by(block) == (getattr(block, "of", ()), (block.roll,) if hasattr(block, "roll") else ())


def test_nothing_stored_asks_for_nothing() -> None:
    assert load({}) == AllBlock()
    assert evaluate(AllBlock(), Facts()).verdict == Verdict.MET


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["points", "all", "any", "passed"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["version", "rule", "block", "parts", "of", "percent", "roll", "at_least", "x"]), inner, max_size=5),
    max_leaves=12,
)  # fmt: skip


@given(JSON)
def test_whatever_comes_in_is_a_rule_or_refused(data: object) -> None:
    try:
        rule = load(data)
    except RuleViolation:
        return
    assert load(dump(rule)) == rule


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ({"block": "points", "percent": "0"}, "no-share"),
        ({"block": "points", "percent": "100.01"}, "no-share"),
        ({"block": "points", "percent": "NaN"}, "no-share"),
        ({"block": "points", "percent": "1e-99999999"}, "no-share"),
        ({"block": "points", "percent": 50}, "no-share"),
        ({"block": "points", "percent": "50", "of": []}, "none-chosen"),
        ({"block": "points", "percent": "50", "of": [1, 2], "leave_out": 2}, "all-left-out"),
        ({"block": "points", "percent": "50", "leave_out": 1, "halves": True}, "halves-and-left-out"),
        ({"block": "points", "percent": "50", "leave_out": True}, "no-count"),
        ({"block": "points", "percent": "50", "of": [True]}, "no-rule"),
        ({"block": "points", "percent": "50", "bonus": 1}, "no-rule"),
        ({"block": "passed", "of": [1], "at_least": 2}, "more-than-chosen"),
        ({"block": "entries", "roll": 1, "at_least": 0}, "no-count"),
        ({"block": "entries", "at_least": 1}, "no-rule"),
        ({"block": "exec"}, "no-rule"),
        ({"block": ["all"]}, "no-rule"),
    ],
)
def test_a_rule_that_says_nothing_sensible_is_refused(part: object, code: str) -> None:
    with pytest.raises(RuleViolation) as refused:
        load({"version": 1, "rule": {"block": "all", "parts": [part]}})
    assert refused.value.code == code


def test_a_rule_is_neither_too_deep_nor_too_long_nor_of_a_later_version() -> None:
    deep: object = {"block": "earlier"}
    for _one in range(2000):
        deep = {"block": "any", "parts": [deep]}
    wide = {"block": "all", "parts": [{"block": "earlier"}] * 100}
    codes = []
    for data in (
        {"version": 1, "rule": deep},
        {"version": 1, "rule": {"block": "all", "parts": [wide]}},
        {"version": 2},
    ):
        with pytest.raises(RuleViolation) as refused:
            load(data)
        codes.append(refused.value.code)
    assert codes == ["rule-too-large", "no-rule", "later-version"]


@given(st.lists(LEAVES, max_size=4).map(lambda parts: AllBlock(tuple(parts))), st.booleans())
def test_the_switch_for_the_project_is_its_block(rule: AllBlock, needs: bool) -> None:
    rest, needed = split_project(with_project(split_project(rule)[0], needs_project=needs))
    assert (rest, needed) == (split_project(rule)[0], needs)
