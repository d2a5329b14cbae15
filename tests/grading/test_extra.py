"""Extra points for a share of all points: steps, what is there, and what the next one asks for."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amls.core.violations import RuleViolation
from amls.grading.extra import ExtraRule, ExtraStanding, ExtraStep, check_rule, dump_extra, load_extra, stand
from amls.grading.facts import Facts, Piece
from amls.grading.points import WorkState

D = Decimal
RULE = ExtraRule((ExtraStep(D(60), D(3)), ExtraStep(D(80), D(5))))


def facts(*points: str | None, most: int = 10) -> Facts:
    """What is known of somebody who has these points for sheets of ten; None for one that is to come, 'x' for an excuse."""
    pieces = {}
    for place, given_points in enumerate(points):
        state = (
            WorkState.EXCUSED if given_points == "x" else WorkState.OPEN if given_points is None else WorkState.GRADED
        )
        has = D(given_points) if state == WorkState.GRADED and given_points is not None else None
        pieces[place] = Piece(key=place, title=f"Sheet {place}", most=D(most), state=state, points=has)
    return Facts(pieces=pieces)


@pytest.mark.parametrize(
    ("known", "leave_out", "standing"),
    [
        (("5.75", "6", None), 0, ExtraStanding(D(0), D("11.75"), D(30), RULE.steps[0], D("6.25"))),
        (("5.75", "6"), 0, ExtraStanding(D(0), D("11.75"), D(20), RULE.steps[0], None)),
        (("6", "6"), 0, ExtraStanding(D(3), D(12), D(20), RULE.steps[1], None)),
        (("6", "6", None), 0, ExtraStanding(D(0), D(12), D(30), RULE.steps[0], D(6))),
        (("8", "8"), 0, ExtraStanding(D(5), D(16), D(20), None, None)),
        (("8", "8", "0"), 0, ExtraStanding(D(0), D(16), D(30), RULE.steps[0], None)),
        (("8", "8", "0"), 1, ExtraStanding(D(5), D(16), D(20), None, None)),
        (("8", "8", "x"), 0, ExtraStanding(D(5), D(16), D(20), None, None)),
        (("x", "x"), 0, None),
        ((), 0, None),
    ],
)
def test_steps_are_reached_by_the_share_of_all_points(
    known: tuple[str | None, ...], leave_out: int, standing: ExtraStanding | None
) -> None:
    assert stand(ExtraRule(RULE.steps, leave_out), facts(*known)) == standing


def test_without_a_step_nobody_has_any() -> None:
    assert stand(ExtraRule(), facts("10")) is None


def test_the_share_is_never_rounded_up_to_a_step() -> None:
    standing = stand(RULE, facts("7.75", "8.24"))
    assert standing is not None
    assert (standing.points, standing.percent) == (D(3), D(79))


_POINTS = st.lists(st.integers(1, 40), min_size=1, max_size=6, unique=True).map(
    lambda halves: [D(half) / 2 for half in sorted(halves)]
)


@given(_POINTS, st.data(), st.integers(0, 50))
def test_a_rule_comes_back_as_it_was_stored(points: list[Decimal], data: st.DataObject, leave_out: int) -> None:
    sizes = {"min_size": len(points), "max_size": len(points)}
    percents = sorted(data.draw(st.lists(st.integers(1, 10000), unique=True, **sizes)))
    steps = tuple(
        ExtraStep(D(percent) / 100, given_points) for percent, given_points in zip(percents, points, strict=True)
    )
    rule = ExtraRule(steps, leave_out)
    check_rule(rule)
    assert load_extra(dump_extra(rule)) == rule


@pytest.mark.parametrize(
    ("steps", "leave_out", "field"),
    [
        ([("0", "3")], 0, "percent-0"), ([("100.01", "3")], 0, "percent-0"), ([("60.001", "3")], 0, "percent-0"),
        ([("60", "0")], 0, "points-0"), ([("60", "0.3")], 0, "points-0"), ([("60", "20.5")], 0, "points-0"),
        ([("60", "3"), ("60", "5")], 0, "percent-1"), ([("60", "3"), ("80", "3")], 0, "points-1"),
        ([("60", "3")], -1, "leave_out"), ([("60", "3")], 51, "leave_out"),
        ([(str(10 + place), str(place + 1)) for place in range(7)], 0, None),
    ],
)  # fmt: skip
def test_what_is_no_rule_is_refused_at_its_field(
    steps: list[tuple[str, str]], leave_out: int, field: str | None
) -> None:
    with pytest.raises(RuleViolation) as refused:
        check_rule(ExtraRule(tuple(ExtraStep(D(percent), D(points)) for percent, points in steps), leave_out))
    assert refused.value.field == field


@pytest.mark.parametrize(
    "data", [[], {"version": 2, "steps": []}, {"version": 1}, {"version": 1, "steps": [{"percent": "x"}]}]
)
def test_what_nobody_wrote_is_not_read(data: object) -> None:
    with pytest.raises(RuleViolation):
        load_extra(data)
