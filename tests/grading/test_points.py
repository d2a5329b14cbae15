"""Points add up, and nothing is taken for a zero."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amls.core.violations import RuleViolation
from amls.grading.points import HALF, QUARTER, WorkState, in_steps, read_points, tally, up_to_step

QUARTERS = st.integers(0, 400).map(lambda number: number * QUARTER)
WORKS = st.lists(st.tuples(st.sampled_from(WorkState), QUARTERS, QUARTERS), max_size=20)


@given(WORKS, st.randoms())
def test_a_sum_is_the_same_in_any_order(
    works: list[tuple[WorkState, Decimal, Decimal]],
    random: "st.Random",  # type: ignore[name-defined]
) -> None:
    shuffled = random.sample(works, len(works))
    assert tally(works) == tally(shuffled)
    assert tally(works).total == sum((most for state, _points, most in works if state != "excused"), Decimal(0))


def test_missing_excused_and_zero_are_three_things() -> None:
    ten = Decimal(10)
    works = {"open": (WorkState.OPEN, None), "waiting": (WorkState.WAITING, None), "missing": (WorkState.MISSING, None),
             "excused": (WorkState.EXCUSED, None), "zero": (WorkState.GRADED, Decimal(0))}  # fmt: skip
    sums = {name: tally([(state, points, ten)]) for name, (state, points) in works.items()}
    assert {name: tuple(map(int, (total.points, total.most, total.ahead))) for name, total in sums.items()} == {
        "open": (0, 0, 10),
        "waiting": (0, 0, 10),
        "missing": (0, 10, 0),
        "excused": (0, 0, 0),
        "zero": (0, 10, 0),
    }


@given(st.decimals(0, 1000, places=4))
def test_rounding_up_never_gives_less_nor_a_whole_step_more(value: Decimal) -> None:
    up = up_to_step(value)
    assert in_steps(up)
    assert value <= up < value + QUARTER


@pytest.mark.parametrize(
    ("text", "points"), [("7,5", "7.5"), ("7.5", "7.5"), (" 0 ", "0"), ("10", "10"), ("3.0000", "3"), ("2,499999999999999", "2.5")]
)  # fmt: skip
def test_points_are_read_as_people_write_them(text: str, points: str) -> None:
    assert read_points(text, most=Decimal(10), step=HALF) == Decimal(points)


@pytest.mark.parametrize(
    ("text", "code"),
    [("7,25", "points-step"), ("10.5", "points-range"), ("-1", "points-range"), ("NaN", "no-number"), ("1e999", "no-number"),
     ("√2", "no-number"), ("", "no-number"), ("٣", "no-number"), ("1/2", "no-number"), ("Infinity", "no-number")],
)  # fmt: skip
def test_strange_points_are_refused_with_what_is_wrong(text: str, code: str) -> None:
    with pytest.raises(RuleViolation) as refused:
        read_points(text, most=Decimal(10), step=HALF)
    assert refused.value.code == code
