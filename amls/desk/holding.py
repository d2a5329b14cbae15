"""What the desk doesn't do at once: a layer above holds it back, and does it later or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
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


# Ends what waits of a kind about a thing, with what is to be said of it, but for what waits in the course that is given.
Ender = Callable[[str, str, str, datetime, Course | None], None]
end_held: Hook[Ender] = Hook("enders of the desk's acts")


def end_waiting(*, kind: str, about: str, why: str, now: datetime, but_in: Course | None = None) -> None:
    """Let what was held back happen no more, as somebody has changed what it is about: it counts as taken back.

    Args:
        kind: of the act.
        about: names the thing.
        why: what became of it, for whoever looks at what was held back.
        now: the request's clock.
        but_in: a course whose act goes on, as it is asked for anew.
    """
    for ender in end_held:
        ender(kind, about, why, now, but_in)
