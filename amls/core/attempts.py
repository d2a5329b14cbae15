"""Writes of many at once, of which each is done as a whole or refused by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from django.db import transaction

from amls.core.violations import RuleViolation

K = TypeVar("K")
V = TypeVar("V")


def the_only(answers: Mapping[K, V | RuleViolation]) -> V:
    """Return what a write of many answers for one; it raises where that was refused."""
    (answer,) = answers.values()
    if isinstance(answer, RuleViolation):
        raise answer
    return answer


def refused_of(answers: Mapping[K, V | RuleViolation]) -> dict[K, RuleViolation]:
    """Return what a write of many refused."""
    return {key: answer for key, answer in answers.items() if isinstance(answer, RuleViolation)}


def do_what_can_be(
    wanted: Mapping[K, V], do: Callable[[Mapping[K, V]], Mapping[K, RuleViolation]]
) -> tuple[dict[K, V], dict[K, RuleViolation]]:
    """Do many things at once, within a transaction: each as a whole, or not at all.

    Where some are refused, everything is rolled back and done again without these: twice in all, as a rule.

    Args:
        wanted: by a key of one's own.
        do: does what it is given, and returns what of it is refused, and why.

    Returns:
        What was done, and what was refused.
    """
    left, refused = dict(wanted), dict[K, RuleViolation]()
    while left:
        with transaction.atomic():
            said = do(left)
            if said:
                transaction.set_rollback(True)
        if not said:
            break
        refused |= said
        left = {key: value for key, value in left.items() if key not in said}
    return left, refused
