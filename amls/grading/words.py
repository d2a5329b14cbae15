"""A rule and a judgement in words, in the active language: what is asked, what is there, and what would be enough."""

from collections.abc import Sequence
from decimal import Decimal

from django.utils.functional import lazy
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from amls.core.decimals import say_decimal
from amls.courses.eligibility import Finding, Gauge, Verdict
from amls.grading.facts import Facts, Piece, RollEntries
from amls.grading.judging import Judgement, evaluate, has_lost
from amls.grading.points import up_to_step
from amls.grading.tree import (
    AllBlock,
    AnyBlock,
    Block,
    EarlierBlock,
    EntriesBlock,
    PassedBlock,
    PointsBlock,
    ProjectBlock,
)

RULE = "grading.rule"
# So many titles are named, more are told by the first and the last.
_NAMED = 3


def findings_of(rule: AllBlock, facts: Facts) -> list[Finding]:
    """Return what a rule finds of a person: one finding for each of its parts."""
    return [_finding(evaluate(part, facts)) for part in rule.parts]


def _finding(judgement: Judgement) -> Finding:
    if isinstance(judgement.block, ProjectBlock) and judgement.facts.project is not None:
        return judgement.facts.project
    path = next((piece.path for piece in judgement.pieces if not piece.is_settled and piece.path), "")
    gauge = Gauge(judgement.have, judgement.need, judgement.most) if judgement.most else None
    said, brief = _said_later(judgement), _briefly_said_later(judgement)
    return Finding(rule=RULE, verdict=judgement.verdict, text=said, path=path, gauge=gauge, brief=brief)


# ── what is asked ──


def say_block(block: Block, facts: Facts) -> str:
    """Return what a block asks, without a full stop; titles come from the facts of anybody."""
    match block:
        case PointsBlock():
            return _say_points(block, facts)
        case PassedBlock():
            return _say_passed(block, facts)
        case EntriesBlock():
            roll = facts.rolls.get(block.roll)
            title = roll.title if roll is not None else _("a list that is gone")
            return _("%(title)s: at least %(count)d times") % {"title": title, "count": block.at_least}
        case ProjectBlock():
            return _("Project passed")
        case EarlierBlock():
            return _("Passed in an earlier term")
        case AllBlock() | AnyBlock():
            parts = [say_block(part, facts) for part in block.parts]
            word = _("All of") if isinstance(block, AllBlock) else _("One of")
            return f"{word}: {'; '.join(parts) or '–'}"


def _say_points(block: PointsBlock, facts: Facts) -> str:
    values = {"percent": say_decimal(block.percent), "pieces": say_titles(facts.pieces_of(block.of))}
    if block.of:
        said = _("At least %(percent)s %% of the points of %(pieces)s") % values
    else:
        said = _("At least %(percent)s %% of all points") % values
    if block.halves:
        said = _("%(demand)s, in each half") % {"demand": said}
    if block.leave_out:
        left = ngettext("without the weakest", "without the %(count)d weakest", block.leave_out)
        said = f"{said}, {left % {'count': block.leave_out}}"
    return said


def _say_passed(block: PassedBlock, facts: Facts) -> str:
    pieces = facts.pieces_of(block.of)
    values = {"count": block.at_least, "pieces": say_titles(pieces)}
    if len(pieces) == 1 and block.of:
        return _("%(pieces)s passed") % values
    if block.at_least is None:
        return _("All passed of %(pieces)s") % values if block.of else _("All assignments passed")
    if block.of:
        return _("At least %(count)d passed of %(pieces)s") % values
    return (
        ngettext("At least %(count)d assignment passed", "At least %(count)d assignments passed", block.at_least)
        % values
    )


def say_titles(pieces: Sequence[Piece]) -> str:
    """Return the titles of some assignments: all of a few, else the first and the last."""
    titles = [piece.title for piece in pieces]
    if not titles:
        return _("assignments that are gone")
    if len(titles) > _NAMED:
        values = {"first": titles[0], "last": titles[-1], "count": len(titles)}
        return _("%(first)s to %(last)s (%(count)d)") % values
    return get_text_list(titles, pgettext("between the last two of a list", "and"))


# ── how it stands ──


def say_judgement(judgement: Judgement) -> str:
    """Return what is asked, what is there, and what would be enough."""
    if isinstance(judgement.block, AllBlock | AnyBlock):
        word = _("All of") if isinstance(judgement.block, AllBlock) else _("One of")
        return f"{word}: " + " · ".join(f"{_MARKS[part.verdict]} {say_judgement(part)}" for part in judgement.parts)
    asked, state = say_block(judgement.block, judgement.facts), say_state(judgement)
    return f"{asked}: {state}" if state else asked


def say_briefly(judgement: Judgement) -> str:
    """Return what is there of what is asked and isn't met, without the forecast: for a list in which many stand."""
    if isinstance(judgement.block, AllBlock | AnyBlock):
        word = _("All of") if isinstance(judgement.block, AllBlock) else _("One of")
        return f"{word}: " + " · ".join(say_briefly(part) for part in judgement.parts if part.verdict != Verdict.MET)
    if judgement.is_broken:
        return say_judgement(judgement)
    if isinstance(judgement.block, PointsBlock):
        return _say_points_had(judgement, with_forecast=False)
    if isinstance(judgement.block, PassedBlock):
        return f"{say_block(judgement.block, judgement.facts)}: {_say_count(judgement)}"
    if isinstance(judgement.block, EntriesBlock):
        return f"{judgement.facts.rolls[judgement.block.roll].title}: {_say_count(judgement)}"
    return say_judgement(judgement)


# A list of everybody shows their verdicts and says none of them.
_said_later = lazy(say_judgement, str)
_briefly_said_later = lazy(say_briefly, str)
_MARKS = {Verdict.MET: "✓", Verdict.PENDING: "…", Verdict.UNMET: "✗"}


def say_state(judgement: Judgement) -> str:
    """Return what is there of what a block asks, and the forecast; '' where the verdict alone, or its parts, say it."""
    if judgement.is_broken:
        return _say_broken(judgement)
    match judgement.block:
        case PointsBlock():
            return _say_points_had(judgement)
        case PassedBlock():
            return _with_forecast(_say_count(judgement), judgement)
        case EntriesBlock():
            return _with_forecast(_say_entries(judgement, judgement.facts.rolls[judgement.block.roll]), judgement)
        case ProjectBlock():
            return judgement.facts.project.for_staff if judgement.facts.project is not None else ""
        case EarlierBlock():
            return judgement.facts.earlier_term or pgettext("of an earlier term", "no")
        case AllBlock() | AnyBlock():
            return ""


def _say_broken(judgement: Judgement) -> str:
    if isinstance(judgement.block, ProjectBlock):
        return _("this course has no project")
    if has_lost(judgement.block, judgement.facts):
        return _("something of it is gone, the course has to mend this rule")
    return _("there is nothing yet that counts for it")


def _say_points_had(judgement: Judgement, *, with_forecast: bool = True) -> str:
    if judgement.parts:
        halves = zip((_("first half"), _("second half")), judgement.parts, strict=False)
        return "; ".join(f"{name}: {_say_points_had(part, with_forecast=with_forecast)}" for name, part in halves)
    if judgement.verdict == Verdict.MET:
        return _("%(have)s of %(most)s points") % _numbers(judgement)
    said = _("%(have)s of %(most)s points, %(need)s are needed") % _numbers(judgement)
    return _with_forecast(said, judgement) if with_forecast else said


def _say_count(judgement: Judgement) -> str:
    return _("%(have)s of %(need)s") % _numbers(judgement)


def _say_entries(judgement: Judgement, roll: RollEntries) -> str:
    said = _say_count(judgement)
    if roll.excused:
        excused = ngettext("%(count)d of them excused", "%(count)d of them excused", roll.excused)
        said = f"{said} ({excused % {'count': roll.excused}})"
    return said


def _numbers(judgement: Judgement) -> dict[str, str]:
    return {
        "have": say_decimal(judgement.have),
        "need": say_decimal(up_to_step(judgement.need)),
        "most": say_decimal(judgement.most),
    }


def _with_forecast(said: str, judgement: Judgement) -> str:
    return said + (f". {forecast}" if (forecast := say_forecast(judgement)) else "")


def say_forecast(judgement: Judgement) -> str:
    """Return what would be enough, or that nothing is any more; '' where it is met."""
    if judgement.verdict == Verdict.MET:
        return ""
    if judgement.missing is None:
        return _("That can't be reached any more.")
    if not isinstance(judgement.block, PointsBlock):
        return ""
    count = judgement.ahead or 0
    values = {"points": _say_points_count(judgement.missing), "count": count}
    if judgement.block.leave_out:
        # How they are spread matters where some works will be left out.
        return (
            ngettext(
                "Needed: at least %(points)s; %(count)d assignment is still to come or not graded.",
                "Needed: at least %(points)s; %(count)d assignments are still to come or not graded.",
                count,
            )
            % values
        )
    return ngettext(
        "%(points)s in %(count)d assignment would be enough.",
        "%(points)s in %(count)d assignments would be enough.",
        count,
    ) % values  # fmt: skip


def _say_points_count(points: Decimal) -> str:
    # A language's plural of a fraction is that of many.
    number = int(points) if points == int(points) else 2
    return ngettext("%(points)s more point", "%(points)s more points", number) % {"points": say_decimal(points)}
