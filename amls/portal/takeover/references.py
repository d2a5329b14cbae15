"""What a course file names by a title: the rule of admission as titles and as keys, and what names nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from amls.core.violations import RuleViolation
from amls.grading.points import ZERO, in_steps
from amls.grading.tree import VERSION, AllBlock, dump, load
from amls.portal.takeover.spec import BlockSpec, CourseSpec, WorkSpec
from projects.models import Assignment
from projects.services.assignments import title_of_project

_UNSAID = {item.name: item.default for item in fields(BlockSpec)}


def titles_of(spec: CourseSpec) -> list[str]:
    """Return what assignments a file has, by their titles; the course's project first."""
    main = [main_title(spec)] if spec.projects is not None or any(not topic.assignment for topic in spec.topics) else []
    return main + [assignment.title for assignment in spec.assignments]


def main_title(spec: CourseSpec) -> str:
    """Return what the course's project is called."""
    return (spec.projects.title if spec.projects is not None else "") or title_of_project(spec)


def problems_of(spec: CourseSpec) -> Iterator[tuple[str, str]]:
    """Go through what a file says of points, topics and the rule of admission that can't be, each with its place."""
    for place, topic in enumerate(spec.topics):
        projects = [main_title(spec)] + [row.title for row in spec.assignments if row.kind == Assignment.Kind.PROJECT]
        if topic.assignment and topic.assignment not in projects:
            yield f"topics[{place}].assignment", _unknown(topic.assignment, projects)
    works: dict[str, WorkSpec] = {} if spec.projects is None else {"projects": spec.projects}
    works |= {f"assignments[{place}]": assignment for place, assignment in enumerate(spec.assignments)}
    for path, work in works.items():
        for number, task in enumerate(work.tasks):
            if task.max_points <= ZERO or not in_steps(task.max_points):
                yield f"{path}.tasks[{number}].max_points", _("must be above 0, in quarters")
        if work.tasks and work.max_points not in (None, sum(task.max_points for task in work.tasks)):
            yield f"{path}.max_points", _("is not what its tasks add up to; leave it out")
        if work.tasks and work.grading != Assignment.Grading.POINTS:
            yield f"{path}.grading", _("must be 'points' where there are tasks")
    lists = [row.title for row in spec.lists]
    for place, block in enumerate(spec.admission):
        yield from _problems_of_block(f"admission[{place}]", block, titles_of(spec), lists)


def _problems_of_block(
    path: str, block: BlockSpec, titles: Collection[str], lists: Collection[str]
) -> Iterator[tuple[str, str]]:
    unknown = [title for title in block.of if title not in titles]
    for title in unknown:
        yield f"{path}.of", _unknown(title, titles)
    is_list_unknown = block.block == "entries" and block.list not in lists
    if is_list_unknown:
        yield f"{path}.list", _unknown(block.list, lists)
    for number, part in enumerate(block.parts):
        yield from _problems_of_block(f"{path}.parts[{number}]", part, titles, lists)
    if unknown or is_list_unknown:
        return
    keys = {title: key for key, title in enumerate(titles, start=1)}
    try:
        rule_of([replace(block, parts=())], keys, {title: key for key, title in enumerate(lists, start=1)})
    except RuleViolation as violation:
        where = "list" if violation.field == "roll" else violation.field
        place = f"{path}.{where}" if where in _UNSAID else path
        yield place, _("is not right: %(why)s") % {"why": str(violation.message).rstrip(".")}


def _unknown(title: str, known: Collection[str]) -> str:
    return _("says '%(title)s', which the file has not; it has %(known)s") % {
        "title": title,
        "known": ", ".join(known) or "–",
    }


def rule_of(blocks: Collection[BlockSpec], assignments: Mapping[str, int], lists: Mapping[str, int]) -> AllBlock:
    """Return the rule that blocks say.

    Args:
        blocks: all of which have to be met.
        assignments: their keys by title.
        lists: their keys by title.

    Raises:
        RuleViolation: it is no rule.
    """
    parts = [_data(block, assignments, lists) for block in blocks]
    return load({"version": VERSION, "rule": {"block": "all", "parts": parts}})


def _data(block: BlockSpec, assignments: Mapping[str, int], lists: Mapping[str, int]) -> dict[str, Any]:
    said = {name: value for name, unsaid in _UNSAID.items() if (value := getattr(block, name)) != unsaid}
    if block.of:
        said["of"] = [assignments[title] for title in block.of]
    if block.percent is not None:
        said["percent"] = f"{block.percent:f}"
    if "list" in said:
        said["roll"] = lists[said.pop("list")]
    if block.block in ("all", "any"):
        said["parts"] = [_data(part, assignments, lists) for part in block.parts]
    return said


def blocks_of(rule: AllBlock, assignments: Mapping[int, str], lists: Mapping[int, str]) -> tuple[BlockSpec, ...]:
    """Return a rule as a file says it; what it speaks of and is gone is named by its key, such as '#17'."""
    return tuple(_said(part, assignments, lists) for part in dump(rule)["rule"]["parts"])


def _said(data: Mapping[str, Any], assignments: Mapping[int, str], lists: Mapping[int, str]) -> BlockSpec:
    of = data.get("of", "all")
    return BlockSpec(
        block=data["block"],
        of=() if of == "all" else tuple(assignments.get(key, f"#{key}") for key in of),
        percent=Decimal(data["percent"]) if "percent" in data else None,
        leave_out=data.get("leave_out", 0),
        halves=data.get("halves", False),
        at_least=data.get("at_least"),
        list=lists.get(data["roll"], f"#{data['roll']}") if "roll" in data else "",
        parts=tuple(_said(part, assignments, lists) for part in data.get("parts", [])),
    )


def without_lost(
    blocks: Collection[BlockSpec], assignments: Collection[str], lists: Collection[str]
) -> tuple[tuple[BlockSpec, ...], list[str]]:
    """Return blocks without what they speak of and is gone, and what that is; a block that says nothing more goes."""
    kept, lost = [], []
    for block in blocks:
        gone = [title for title in block.of if title not in assignments]
        gone += [block.list] if block.list and block.list not in lists else []
        parts, inner = without_lost(block.parts, assignments, lists)
        lost += gone + inner
        of = tuple(title for title in block.of if title in assignments)
        says_nothing = (block.of and not of) or (block.list and block.list not in lists) or (block.parts and not parts)
        if not says_nothing:
            kept.append(_within(replace(block, of=of, parts=parts)))
    return tuple(kept), lost


def _within(block: BlockSpec) -> BlockSpec:
    """Return a block that asks for no more than the assignments that are left of it."""
    if not block.of:
        return block
    at_least = None if block.at_least is None else min(block.at_least, len(block.of))
    return replace(block, leave_out=min(block.leave_out, len(block.of) - 1), at_least=at_least)
