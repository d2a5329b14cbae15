"""Judge a person by a rule: pure, from the facts alone."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from operator import itemgetter
from typing import NamedTuple

from amls.courses.eligibility import Verdict
from amls.grading.facts import Facts, Piece
from amls.grading.forecast import points_needed
from amls.grading.points import UNSETTLED, ZERO, WorkState
from amls.grading.tree import (
    AllBlock,
    AnyBlock,
    Block,
    EarlierBlock,
    EntriesBlock,
    PassedBlock,
    PointsBlock,
    ProjectBlock,
    named_by,
)

_BY_WHAT_IS_OVER = itemgetter(0)


class Judgement(NamedTuple):
    """How a person stands by one block.

    Attributes:
        block: by which.
        verdict: met, may still be, or can't be any more.
        facts: from which.
        pieces: the assignments that it looked at.
        have: points or works that are there; without those that are left out.
        need: how many are asked for, of `most`.
        missing: how many more are enough; None where no number is.
        ahead: how many works, or occasions, may still bring some; None where nobody knows.
        parts: of a group, or the halves.
        is_broken: it refers to something that is gone, so that nobody can meet it before the staff mend it.
    """

    block: Block
    verdict: Verdict
    facts: Facts
    pieces: tuple[Piece, ...] = ()
    have: Decimal = ZERO
    need: Decimal = ZERO
    most: Decimal = ZERO
    missing: Decimal | None = None
    ahead: int | None = 0
    parts: tuple[Judgement, ...] = ()
    is_broken: bool = False


def evaluate(block: Block, facts: Facts) -> Judgement:
    """Return how a person stands by a rule or one of its blocks."""
    match block:
        case PointsBlock():
            return _points(block, facts)
        case PassedBlock():
            return _passed(block, facts)
        case EntriesBlock():
            return _entries(block, facts)
        case ProjectBlock():
            verdict = facts.project.verdict if facts.project is not None else Verdict.PENDING
            return Judgement(block=block, verdict=verdict, facts=facts, is_broken=facts.project is None)
        case EarlierBlock():
            verdict = Verdict.MET if facts.earlier_term else Verdict.UNMET
            return Judgement(block=block, verdict=verdict, facts=facts)
        case AllBlock() | AnyBlock():
            parts = tuple(evaluate(part, facts) for part in block.parts)
            join = all_of if isinstance(block, AllBlock) else any_of
            return Judgement(block=block, verdict=join([part.verdict for part in parts]), facts=facts, parts=parts)


def all_of(verdicts: Sequence[Verdict]) -> Verdict:
    """Return what several demands together say: the worst of them; met where there is none."""
    return next((verdict for verdict in (Verdict.UNMET, Verdict.PENDING) if verdict in verdicts), Verdict.MET)


def any_of(verdicts: Sequence[Verdict]) -> Verdict:
    """Return what alternatives say: the best of them; unmet where there is none."""
    return next((verdict for verdict in (Verdict.MET, Verdict.PENDING) if verdict in verdicts), Verdict.UNMET)


def _verdict(can_be_met: bool, is_met: bool) -> Verdict:
    if is_met:
        return Verdict.MET
    return Verdict.PENDING if can_be_met else Verdict.UNMET


def has_lost(block: Block, facts: Facts) -> bool:
    """Return whether a block speaks of an assignment or a list that the course has no more."""
    named = named_by(block)
    return not (facts.pieces.keys() >= set(named.assignments) and facts.rolls.keys() >= set(named.rolls))


def _broken(block: Block, facts: Facts) -> Judgement:
    return Judgement(block=block, verdict=Verdict.PENDING, facts=facts, is_broken=True)


def _points(block: PointsBlock, facts: Facts) -> Judgement:
    pieces = [piece for piece in facts.pieces_of(block.of) if piece.most is not None]
    if has_lost(block, facts) or not pieces or len(pieces) <= block.leave_out:
        return _broken(block, facts)
    if not block.halves:
        return _share(block, facts, pieces)
    middle = (len(pieces) + 1) // 2
    parts = tuple(_share(block, facts, half) for half in (pieces[:middle], pieces[middle:]) if half)
    verdict = all_of([part.verdict for part in parts])
    return Judgement(block=block, verdict=verdict, facts=facts, pieces=tuple(pieces), parts=parts)


def _share(block: PointsBlock, facts: Facts, pieces: Sequence[Piece]) -> Judgement:
    share = block.percent / 100
    settled: list[tuple[Decimal, Decimal]] = []
    ahead: list[Decimal] = []
    for piece in pieces:
        if piece.state in UNSETTLED:
            ahead.append(piece.most or ZERO)
        elif piece.state != WorkState.EXCUSED:
            settled.append((piece.points or ZERO, piece.most or ZERO))
    missing = points_needed(settled, ahead, share=share, leave_out=block.leave_out)
    verdict = _verdict(missing is not None, missing == 0)
    # What is left out is what falls shortest of its share now.
    works = [(points - share * most, points, most) for points, most in settled]
    works += [(-share * most, ZERO, most) for most in ahead]
    works.sort(key=_BY_WHAT_IS_OVER)
    kept = [work for place, work in enumerate(works) if place >= block.leave_out or work[0] >= 0]
    most = sum((work[2] for work in kept), ZERO)
    return Judgement(
        block=block,
        verdict=verdict,
        facts=facts,
        pieces=tuple(pieces),
        have=sum((work[1] for work in kept), ZERO),
        need=share * most,
        most=most,
        missing=missing,
        ahead=len(ahead),
    )


def _passed(block: PassedBlock, facts: Facts) -> Judgement:
    pieces = facts.pieces_of(block.of)
    if has_lost(block, facts) or not pieces:
        return _broken(block, facts)
    works = [piece for piece in pieces if piece.state != "excused"]
    have = sum(bool(piece.is_passed) for piece in works)
    ahead = sum(not piece.is_settled and not piece.is_passed for piece in works)
    return _count(block, facts, have=have, need=len(works) if block.at_least is None else block.at_least,
                  most=len(works), ahead=ahead, pieces=pieces)  # fmt: skip


def _entries(block: EntriesBlock, facts: Facts) -> Judgement:
    if has_lost(block, facts):
        return _broken(block, facts)
    roll = facts.rolls[block.roll]
    have = roll.entered + roll.excused
    return _count(block, facts, have=have, need=block.at_least, most=block.at_least, ahead=roll.left)


def _count(
    block: Block, facts: Facts, *, have: int, need: int, most: int, ahead: int | None, pieces: Sequence[Piece] = ()
) -> Judgement:
    missing = max(need - have, 0)
    verdict = _verdict(ahead is None or missing <= ahead, missing == 0)
    return Judgement(
        block=block,
        verdict=verdict,
        facts=facts,
        pieces=tuple(pieces),
        have=Decimal(have),
        need=Decimal(need),
        most=Decimal(most),
        missing=Decimal(missing) if verdict != Verdict.UNMET else None,
        ahead=ahead,
    )
