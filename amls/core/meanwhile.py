"""What is saved from a page that is older than what somebody else saved: nobody writes over what they have not seen.

Beside each value that can be typed a page sends what names the one that stood there when it was shown, `seen`. Under its
lock a service then asks two things: whether whoever sends it changed the value (`is_own_change`; what stands as it was shown
is left alone), and whether somebody else did so first (`is_overtaken`; then it is refused, with who it was and what is there).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from django.utils.translation import gettext as _

from amls.core.violations import RuleViolation

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
# By this code a refusal is told from others.
CODE = "changed-meanwhile"


def exactly(value: Decimal | None) -> str:
    """Return what names a number, the same in every language and however many zeros it ends with: '37.5'; '' for none."""
    return "" if value is None else f"{value.normalize():f}"


def is_own_change(wanted: object, *, stands: object, seen: object | None) -> bool:
    """Return whether whoever sends a page changed a value, and it isn't so already.

    Args:
        wanted: what they send.
        stands: what is there now.
        seen: what they were shown; None where nobody was shown anything, as with a file.
    """
    return wanted not in (stands, seen)


def is_overtaken(seen: object | None, *, stands: object) -> bool:
    """Return whether something is not as it was shown any more; what was not shown is not asked about."""
    return seen is not None and seen != stands


def own_changes(
    wanted: Mapping[K, V], *, stands: Mapping[K, V], seen: Mapping[K, str], named: Callable[[V | None], str]
) -> tuple[dict[K, V], list[K]]:
    """Return which of many values are to be written, and which are not because somebody else changed them first.

    Args:
        wanted: what somebody sends.
        stands: what is there now, of what there is.
        seen: what named what they were shown; what is not in it is not asked about.
        named: returns what names a value, or that there is none.
    """
    own, overtaken = dict[K, V](), list[K]()
    for key, value in wanted.items():
        there = named(stands.get(key))
        if not is_own_change(named(value), stands=there, seen=seen.get(key)):
            continue
        if is_overtaken(seen.get(key), stands=there):
            overtaken.append(key)
        else:
            own[key] = value
    return own, overtaken


@dataclass(frozen=True, slots=True)
class MergedLines:
    """What becomes of lines that somebody changed on a page while somebody else may have changed them too.

    Attributes:
        lines: what is to stand there, by what tells one line from another; of what both changed, what its sender typed.
        overtaken: what both changed.
    """

    lines: dict[str, str]
    overtaken: list[str]


def merged_lines(wanted: Mapping[str, str], *, stands: Mapping[str, str], seen: Mapping[str, str]) -> MergedLines:
    """Return lines with what their sender changed of them, and all else as it is by now, in the order that fits both.

    Args:
        wanted: what somebody sends: each line by what tells it from others, in their order.
        stands: what is there now.
        seen: what they were shown.
    """
    keys = {**wanted, **stands, **seen}
    own, overtaken = own_changes(
        {key: wanted.get(key, "") for key in keys},
        stands=stands, seen={key: seen.get(key, "") for key in keys}, named=lambda line: line or "",
    )  # fmt: skip
    kept = {**stands, **own, **{key: wanted.get(key, "") for key in overtaken}}
    return MergedLines({key: kept[key] for key in _order(wanted, stands, seen) if kept.get(key)}, overtaken)


def _order(wanted: Iterable[str], stands: Iterable[str], seen: Iterable[str]) -> list[str]:
    """Return keys in the order that their sender gave them, else in the one in which they stand, with what is new where it was put."""
    wanted, stands, seen = list(wanted), list(stands), list(seen)
    has_own_order = [key for key in wanted if key in seen] != [key for key in seen if key in wanted]
    order, others = (wanted, stands) if has_own_order else (stands, wanted)
    order = list(order)
    for place, key in enumerate(others):
        if key not in order:
            before = next((other for other in reversed(others[:place]) if other in order), None)
            order.insert(order.index(before) + 1 if before is not None else 0, key)
    return order


def changed_meanwhile(by: object | None, said: str, *, field: str | None = None) -> RuleViolation:
    """Return the refusal of a value that somebody else changed since the page was shown.

    Args:
        by: who; None where nobody knows.
        said: what is there now, in words; '' where it was taken away.
        field: of the form in which it is typed, if it has one to say it at.
    """
    name = by or _("Somebody")
    if said:
        text = _("%(name)s entered %(value)s meanwhile. If yours is to hold, save again.") % {
            "name": name,
            "value": said,
        }
    else:
        text = _("%(name)s emptied this meanwhile. If yours is to hold, save again.") % {"name": name}
    return RuleViolation(text, code=CODE, field=field)


def decided_meanwhile(by: object | None) -> RuleViolation:
    """Return the refusal of a decision, with all that belongs to it, on which somebody else decided since it was shown."""
    text = _("%(name)s changed this decision meanwhile. Look at it again before you save yours.")
    return RuleViolation(text % {"name": by or _("Somebody")}, code=CODE)
