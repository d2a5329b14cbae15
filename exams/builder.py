"""A rule while it is built in a form: every block is a few fields, named by its place in the tree ('b', 'b-0', 'b-0-1').

What was typed stays as it was typed until `amls.grading.tree.load` reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.violations import RuleViolation
from amls.grading.facts import Facts
from amls.grading.tree import DEEPEST, MOST_BLOCKS, VERSION, AllBlock, dump, fields_of, load

ROOT = "b"
# The button's name; its value says what to do, such as 'up:b-0-1'.
DO = "do"
KINDS: Mapping[str, str | Promise] = {
    "points": gettext_lazy("A share of the points"),
    "passed": gettext_lazy("Assignments passed"),
    "entries": gettext_lazy("Attendance or presentations, from a list"),
    "project": gettext_lazy("Project passed"),
    "earlier": gettext_lazy("Passed in an earlier term"),
    "any": gettext_lazy("One of several"),
    "all": gettext_lazy("All of several"),
}


def _number(text: str) -> int | str:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else text


# How `load` is given what is typed into a field, by its name: whatever is no number is left as text, which it refuses.
TYPED: Mapping[str, Callable[[str], Any]] = {
    "percent": lambda text: text.strip().replace(",", "."),
    "leave_out": lambda text: _number(text or "0"),
    "halves": bool,
    "at_least": lambda text: _number(text) if text else None,
    "roll": _number,
}
# What a new block says at first, by the names of its fields.
_FIRST: Mapping[str, Mapping[str, str]] = {
    "points": {"percent": "50", "leave_out": "0", "halves": ""},
    "passed": {"at_least": ""},
    "entries": {"roll": "", "at_least": "1"},
}


@dataclass
class BlockDraft:
    """A block as it stands in the form.

    Attributes:
        kind: one of KINDS.
        path: its place in the tree.
        typed: what stands in its fields.
        of: the keys of the assignments that are ticked; none for all.
        parts: of a group.
        problem: what is wrong with it, in words; '' while nothing was checked.
        problem_field: with which of its fields.
        gone: the keys among `of` of assignments that the course has no more.
    """

    kind: str
    path: str = ROOT
    typed: dict[str, str] = field(default_factory=dict)
    of: list[str] = field(default_factory=list)
    parts: list[BlockDraft] = field(default_factory=list)
    problem: str = ""
    problem_field: str = ""
    gone: list[str] = field(default_factory=list)

    @property
    def label(self) -> str:
        """What kind of block it is, in words."""
        return str(KINDS[self.kind])

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of its fields."""
        return fields_of(self.kind)

    @property
    def is_group(self) -> bool:
        """Whether it holds others."""
        return "parts" in self.fields

    @property
    def takes_more(self) -> bool:
        """Whether a block may be put into it."""
        return self.is_group and self.path.count("-") < DEEPEST - 1

    def data(self) -> dict[str, Any]:
        """Return it as `load` reads it."""
        data: dict[str, Any] = {"block": self.kind}
        for name in self.fields:
            if name == "parts":
                data[name] = [part.data() for part in self.parts]
            elif name == "of":
                data[name] = [_number(key) for key in self.of] or "all"
            else:
                data[name] = TYPED[name](self.typed.get(name, ""))
        return data

    def place(self, path: str) -> None:
        """Give it and its parts their places."""
        self.path = path
        for number, part in enumerate(self.parts):
            part.place(f"{path}-{number}")

    def all(self) -> Iterable[BlockDraft]:
        """Go through it and what it holds, from above."""
        yield self
        for part in self.parts:
            yield from part.all()


@dataclass
class RuleDraft:
    """A whole rule as it stands in the form."""

    root: BlockDraft

    @classmethod
    def of_rule(cls, rule: AllBlock) -> RuleDraft:
        """Return the form of a rule that holds."""
        draft = cls(_drafted(dump(rule)["rule"]))
        draft.root.place(ROOT)
        return draft

    @classmethod
    def sent(cls, post: QueryDict) -> RuleDraft:
        """Return the rule as a form sent it; what it doesn't know is left out."""
        left = [MOST_BLOCKS * 2]
        draft = cls(_read(post, ROOT, left) or BlockDraft("all"))
        if draft.root.kind != "all":
            draft = cls(BlockDraft("all", parts=[draft.root]))
        draft.root.place(ROOT)
        return draft

    def change(self, act: str, kinds: Mapping[str, str]) -> None:
        """Do what a button says: 'add:b-0', 'remove:b-0-1', 'up:b-1', 'down:b-1'; whatever else is no button.

        Args:
            act: the button's value.
            kinds: which kind of block is chosen to be added, by the place of the group.
        """
        name, _colon, path = act.partition(":")
        group, place = self._group_of(path)
        if name == "add":
            target = next((block for block in self.root.all() if block.path == path), None)
            kind = kinds.get(f"add-{path}", "")
            if target is not None and target.takes_more and kind in KINDS:
                target.parts.append(BlockDraft(kind, typed=dict(_FIRST.get(kind, {}))))
        elif group is not None and name == "remove":
            del group.parts[place]
        elif group is not None and name in ("up", "down"):
            other = place + (1 if name == "down" else -1)
            if 0 <= other < len(group.parts):
                group.parts[place], group.parts[other] = group.parts[other], group.parts[place]
        self.root.place(ROOT)

    def _group_of(self, path: str) -> tuple[BlockDraft | None, int]:
        for group in self.root.all():
            for place, part in enumerate(group.parts):
                if part.path == path:
                    return group, place
        return None, 0

    def look_up(self, known: Facts) -> None:
        """Let each block that speaks of what is gone say so: its staff choose anew, nothing is left out in silence."""
        for block in self.root.all():
            block.gone = [key for key in block.of if _number(key) not in known.pieces]
            if block.gone:
                block.problem, block.problem_field = _("An assignment is gone: take it out, or choose another."), "of"
            roll = _number(block.typed.get("roll", ""))
            if "roll" in block.fields and isinstance(roll, int) and roll not in known.rolls:
                block.problem, block.problem_field = _("This list is gone: choose another."), "roll"

    @property
    def problems(self) -> list[BlockDraft]:
        """The blocks that are wrong."""
        return [block for block in self.root.all() if block.problem]

    def rule(self) -> AllBlock:
        """Return the rule.

        Raises:
            RuleViolation: it is none yet; each block that is wrong says so by its `problem`.
        """
        for block in self.root.all():
            if not block.is_group:
                self._judge(block)
            elif block is not self.root and not block.parts:
                block.problem = _("Put something into it, or remove it.")
        if any(block.problem for block in self.root.all()):
            raise RuleViolation(_("Some blocks are not complete: look at what stands beside them."), code="incomplete")
        return load({"version": VERSION, "rule": self.root.data()})

    def _judge(self, block: BlockDraft) -> None:
        if "roll" in block.fields and not isinstance(_number(block.typed.get("roll", "")), int):
            block.problem, block.problem_field = _("Choose a list."), "roll"
            return
        try:
            load({"version": VERSION, "rule": {"block": "all", "parts": [block.data()]}})
        except RuleViolation as violation:
            block.problem, block.problem_field = str(violation.message), violation.field or ""


def _drafted(data: Mapping[str, Any]) -> BlockDraft:
    of = data.get("of", "all")
    values = {name: data[name] for name in TYPED if data.get(name) is not None}
    typed = {name: str(value) for name, value in values.items()} | {"halves": "on" if data.get("halves") else ""}
    parts = [_drafted(part) for part in data.get("parts", [])]
    return BlockDraft(data["block"], typed=typed, of=[] if of == "all" else [str(key) for key in of], parts=parts)


def _read(post: QueryDict, path: str, left: list[int]) -> BlockDraft | None:
    kind = post.get(f"{path}-kind", "")
    left[0] -= 1
    if kind not in KINDS or path.count("-") > DEEPEST or left[0] < 0:
        return None
    typed = {name: post.get(f"{path}-{name}", "")[:20] for name in TYPED}
    block = BlockDraft(kind, typed=typed, of=[key[:20] for key in post.getlist(f"{path}-of")][:200])
    while block.is_group and (part := _read(post, f"{path}-{len(block.parts)}", left)) is not None:
        block.parts.append(part)
    return block
