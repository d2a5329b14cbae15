"""A rule as data: a tree of blocks, read strictly on the way in, written with the version of its form.

    {"version": 1, "rule": {"block": "all", "parts": [
        {"block": "points", "of": "all", "percent": "50", "leave_out": 2},
        {"block": "entries", "roll": 3, "at_least": 10}]}}

`of` is 'all', or the keys of assignments. Whatever refers to something that is gone meanwhile stays readable: the
judgement says so, and nobody is let through by it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple, TypeAlias

from django.utils.translation import gettext as _

from amls.core.violations import RuleViolation

VERSION = 1
MOST_BLOCKS = 60
DEEPEST = 5
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class PointsBlock:
    """At least so many percent of the points of some assignments.

    It is met where at most `leave_out` of them can be left out so that the rest has that share.

    Attributes:
        of: keys of assignments; empty for all of the course that count and give points.
        percent: above 0, at most 100.
        leave_out: how many of the weakest don't count.
        halves: the share is needed in each half of the assignments; of an odd number the first half has one more.
    """

    of: tuple[int, ...] = ()
    percent: Decimal = Decimal(50)
    leave_out: int = 0
    halves: bool = False


@dataclass(frozen=True, slots=True)
class PassedBlock:
    """So many of some assignments are passed.

    Attributes:
        of: keys of assignments; empty for all of the course that count.
        at_least: how many; None for every one from which the person is not excused.
    """

    of: tuple[int, ...] = ()
    at_least: int | None = None


@dataclass(frozen=True, slots=True)
class EntriesBlock:
    """So many entries in a list that the staff keep: attendance, or presentations. An excused one counts as attended."""

    roll: int
    at_least: int


@dataclass(frozen=True, slots=True)
class ProjectBlock:
    """The course's project is passed, in this term or an earlier one."""


@dataclass(frozen=True, slots=True)
class EarlierBlock:
    """The course's work was passed in an earlier term."""


@dataclass(frozen=True, slots=True)
class AllBlock:
    """Every part is met; so is none at all."""

    parts: tuple["Block", ...] = ()


@dataclass(frozen=True, slots=True)
class AnyBlock:
    """One part at least is met; of none at all it never is."""

    parts: tuple["Block", ...] = ()


Block: TypeAlias = PointsBlock | PassedBlock | EntriesBlock | ProjectBlock | EarlierBlock | AllBlock | AnyBlock
Group = AllBlock | AnyBlock
# By the name under which each is stored.
BLOCKS: Mapping[str, type[Block]] = {
    "points": PointsBlock,
    "passed": PassedBlock,
    "entries": EntriesBlock,
    "project": ProjectBlock,
    "earlier": EarlierBlock,
    "all": AllBlock,
    "any": AnyBlock,
}
NAMES: Mapping[type[Block], str] = {kind: name for name, kind in BLOCKS.items()}


def fields_of(name: str) -> tuple[str, ...]:
    """Return the names of a block's fields, by the name under which it is stored."""
    return tuple(item.name for item in fields(BLOCKS[name]))


def walk(block: Block) -> Iterator[Block]:
    """Go through a block and all that it holds, from above."""
    yield block
    if isinstance(block, AllBlock | AnyBlock):
        for part in block.parts:
            yield from walk(part)


class Named(NamedTuple):
    """What a block speaks of: keys of assignments, and of lists that the staff keep."""

    assignments: tuple[int, ...] = ()
    rolls: tuple[int, ...] = ()


def named_by(block: Block) -> Named:
    """Return what a block names by itself; its parts say their own."""
    match block:
        case PointsBlock() | PassedBlock():
            return Named(assignments=block.of)
        case EntriesBlock():
            return Named(rolls=(block.roll,))
        case ProjectBlock() | EarlierBlock() | AllBlock() | AnyBlock():
            return Named()


# ── writing ──


def dump(block: AllBlock) -> dict[str, Any]:
    """Return a rule as it is stored; `load` gives it back."""
    return {"version": VERSION, "rule": _dumped(block)}


def _dumped(block: Block) -> dict[str, Any]:
    return {"block": NAMES[type(block)], **_fields_dumped(block)}


def _fields_dumped(block: Block) -> dict[str, Any]:
    match block:
        case PointsBlock():
            said = {"of": list(block.of) or "all", "percent": f"{block.percent.normalize():f}"}
            return said | {"leave_out": block.leave_out, "halves": block.halves}
        case PassedBlock():
            return {"of": list(block.of) or "all", "at_least": block.at_least}
        case EntriesBlock():
            return {"roll": block.roll, "at_least": block.at_least}
        case ProjectBlock() | EarlierBlock():
            return {}
        case AllBlock() | AnyBlock():
            return {"parts": [_dumped(part) for part in block.parts]}


# ── reading ──


def load(data: object) -> AllBlock:
    """Return a stored rule; {} is the rule that asks for nothing.

    Raises:
        RuleViolation: it is no such rule (code 'no-rule'), written by a later version ('later-version'), or larger
            than anybody reads ('rule-too-large').
    """
    if data == {}:
        return AllBlock()
    if not isinstance(data, dict) or not isinstance(data.get("version"), int):
        raise _no_rule("version")
    if data["version"] > VERSION:
        raise RuleViolation(_("A newer version of this program wrote this rule."), code="later-version")
    if data["version"] < 1 or data.keys() - {"version", "rule"}:
        raise _no_rule("version")
    block = _loaded(data.get("rule"), 1)
    if sum(1 for _one in walk(block)) > MOST_BLOCKS:
        raise _too_large()
    return block if isinstance(block, AllBlock) else AllBlock((block,))


def _loaded(data: object, depth: int) -> Block:
    if depth > DEEPEST:
        raise _too_large()
    if not isinstance(data, dict):
        raise _no_rule("block")
    name = data.get("block")
    if not isinstance(name, str) or name not in BLOCKS:
        raise _no_rule("block")
    unknown = sorted(str(key) for key in data.keys() - {"block", *fields_of(name)})
    if unknown:
        raise _no_rule(unknown[0])
    return _READERS[name](data, depth)


def _points(data: Mapping[str, Any], depth: int) -> Block:
    try:
        percent = Decimal(data["percent"]) if isinstance(data.get("percent"), str) else None
    except InvalidOperation:
        percent = None
    if percent is None or not percent.is_finite() or not 0 < percent <= _HUNDRED:
        raise RuleViolation(_("A share lies above 0 and is at most 100 percent."), code="no-share", field="percent")
    if percent != round(percent, 2):
        raise RuleViolation(_("A share has at most two decimals."), code="no-share", field="percent")
    block = PointsBlock(_keys(data), percent, _count(data, "leave_out", 0), data.get("halves", False))
    if not isinstance(block.halves, bool):
        raise _no_rule("halves")
    if block.halves and block.leave_out:
        raise RuleViolation(
            _("Choose either the halves or how many are left out: with both nobody knows what counts."),
            code="halves-and-left-out",
            field="leave_out",
        )
    if block.of and block.leave_out >= len(block.of):
        raise RuleViolation(_("Leave at least one assignment to count."), code="all-left-out", field="leave_out")
    return block


def _passed(data: Mapping[str, Any], depth: int) -> Block:
    at_least = None if data.get("at_least") is None else _count(data, "at_least", 1)
    block = PassedBlock(_keys(data), at_least)
    if block.of and at_least is not None and at_least > len(block.of):
        raise RuleViolation(
            _("More are asked for than are chosen: choose more assignments, or ask for fewer."),
            code="more-than-chosen",
            field="at_least",
        )
    return block


def _entries(data: Mapping[str, Any], depth: int) -> Block:
    return EntriesBlock(_key(data.get("roll"), "roll"), _count(data, "at_least", 1))


def _group(kind: type[AllBlock] | type[AnyBlock]) -> Callable[[Mapping[str, Any], int], Block]:
    def read(data: Mapping[str, Any], depth: int) -> Block:
        parts = data.get("parts")
        if not isinstance(parts, list) or len(parts) > MOST_BLOCKS:
            raise _no_rule("parts")
        return kind(tuple(_loaded(part, depth + 1) for part in parts))

    return read


def _bare(kind: type[ProjectBlock] | type[EarlierBlock]) -> Callable[[Mapping[str, Any], int], Block]:
    def read(data: Mapping[str, Any], depth: int) -> Block:
        return kind()

    return read


_READERS: Mapping[str, Callable[[Mapping[str, Any], int], Block]] = {
    "points": _points,
    "passed": _passed,
    "entries": _entries,
    "project": _bare(ProjectBlock),
    "earlier": _bare(EarlierBlock),
    "all": _group(AllBlock),
    "any": _group(AnyBlock),
}


def _key(value: object, name: str) -> int:
    # True is an int to Python, and the key of nothing.
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**63:
        raise _no_rule(name)
    return value


def _keys(data: Mapping[str, Any]) -> tuple[int, ...]:
    of = data.get("of", "all")
    if of == "all":
        return ()
    if not isinstance(of, list) or not of or len(of) > 200:
        raise RuleViolation(_("Choose at least one assignment."), code="none-chosen", field="of")
    return tuple(dict.fromkeys(_key(key, "of") for key in of))


def _count(data: Mapping[str, Any], name: str, least: int) -> int:
    value = data.get(name, least)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= 1000:
        raise RuleViolation(
            _("Give a whole number from %(least)d to 1000.") % {"least": least}, code="no-count", field=name
        )
    return value


def _no_rule(where: str) -> RuleViolation:
    return RuleViolation(
        _("This is no rule: look at '%(where)s'.") % {"where": where[:40]}, code="no-rule", field="rule"
    )


def _too_large() -> RuleViolation:
    return RuleViolation(
        _("A rule of so many blocks explains nothing to anybody: make it smaller."), code="rule-too-large"
    )


# ── the switch 'project is a prerequisite' ──


def with_project(rule: AllBlock, *, needs_project: bool) -> AllBlock:
    """Return the whole rule, where a switch says that the project must be passed: as its first block."""
    return replace(rule, parts=(ProjectBlock(), *rule.parts)) if needs_project else rule


def split_project(rule: AllBlock) -> tuple[AllBlock, bool]:
    """Return a rule without the project as a part of its own, and whether it had that: undoes `with_project`."""
    rest = tuple(part for part in rule.parts if not isinstance(part, ProjectBlock))
    return AllBlock(rest), len(rest) < len(rule.parts)
