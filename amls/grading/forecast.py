"""How many points are still needed: exact, also where the weakest are left out and maxima differ."""

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from itertools import accumulate

from amls.grading.points import QUARTER, ZERO, up_to_step


def points_needed(
    settled: Sequence[tuple[Decimal, Decimal]], ahead: Sequence[Decimal], *, share: Decimal, leave_out: int
) -> Decimal | None:
    """Return the fewest points, put best, by which a share of the points is reached; None if it can't be any more.

    The share is reached where at most `leave_out` works can be left out so that the rest has it. So it is linear:
    each work falls short of its share by `share · most − points`, the largest shortfalls are left out, and what is
    left may not be above 0. A work that is open takes points up to its maximum, unless it is left out itself; with
    different maxima it matters which: all sums of those that are kept are tried.

    Args:
        settled: points and maximum of each work of which nothing more comes.
        ahead: the maximum of each that may still bring points.
        share: above 0, at most 1.
        leave_out: at most so many.
    """
    short = sorted((share * most - points for points, most in settled), reverse=True)
    # What is short in all when the j largest shortfalls are left out; leaving out what is not short helps nobody.
    lacking_in_all = sum(short, ZERO)
    gone = accumulate((max(lacking, ZERO) for lacking in short[:leave_out]), initial=ZERO)
    left = [lacking_in_all - left_out for left_out in gone]
    best: Decimal | None = None
    sums = _sums_kept(tuple(sorted(ahead)), min(leave_out, len(ahead)))
    for dropped, kept_sums in enumerate(sums):
        rest = left[min(leave_out - dropped, len(short))]
        for kept in kept_sums:
            needed = max(up_to_step(rest + share * kept, QUARTER), ZERO)
            if needed <= kept and (best is None or needed < best):
                best = needed
    return best


@lru_cache(maxsize=256)
def _sums_kept(ahead: tuple[Decimal, ...], most_dropped: int) -> tuple[frozenset[Decimal], ...]:
    """Return by how many are dropped which sums the maxima of the others can have. Nearly everyone's are the same."""
    total = sum(ahead, ZERO)
    dropped: list[set[Decimal]] = [{ZERO}, *(set() for _one in range(most_dropped))]
    for most in ahead:
        for count in range(most_dropped, 0, -1):
            dropped[count] |= {gone + most for gone in dropped[count - 1]}
    return tuple(frozenset(total - gone for gone in sums) for sums in dropped)
