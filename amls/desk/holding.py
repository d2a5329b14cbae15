"""What the desk doesn't do at once: a layer above holds it back, and does it later or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from amls.core.hooks import Hook
from amls.courses.models import Course


@dataclass(frozen=True, slots=True)
class WantedAct:
    """An act as it is asked for.

    Attributes:
        course: of which it is.
        kind: of the act.
        about: names the thing.
        references: what is done, with what names the state that the person saw.
        title: what it does.
        back: the path of the page where it was asked for.
    """

    course: Course
    kind: str
    about: str
    references: Mapping[str, Any]
    title: str
    back: str


# Holds an act back that somebody at the desk has seen and agreed to, and tells them until when it can be taken back.
Holder = Callable[[HttpRequest, WantedAct], None]
hold_back: Hook[Holder] = Hook("holders of the desk's acts")


def hold_at_desk(request: HttpRequest, wanted: WantedAct) -> None:
    """Hold an act back that was seen and agreed to."""
    for holder in hold_back:
        holder(request, wanted)
