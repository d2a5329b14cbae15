"""What an act would do and tell, found out by doing it and rolling it back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from amls.core.preview import seal_of_shown, without_trace
from amls.courses.models import Course
from amls.mail.letters import label_of
from amls.mail.models import Notice


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of an act that was tried.

    Attributes:
        said: what the act says of itself.
        told: the notices that it would leave, in their order.
    """

    said: str
    told: tuple[Notice, ...]

    @property
    def people(self) -> list[tuple[str, str]]:
        """Each who is told something, once, and of what kinds that is."""
        told: dict[tuple[int | None, str], list[Notice]] = {}
        for notice in self.told:
            told.setdefault((notice.recipient_id, notice.address), []).append(notice)
        return [
            (
                str(theirs[0].recipient or theirs[0].address),
                ", ".join(dict.fromkeys(label_of(row.kind) for row in theirs)),
            )
            for theirs in told.values()
        ]

    @property
    def seal(self) -> str:
        """What names who is told what, in whatever language and order."""
        return seal_of_shown(sorted((notice.recipient_id or 0, notice.address, notice.kind) for notice in self.told))


def tried(act: Callable[[], str], *, course: Course, now: datetime) -> Trial:
    """Return what an act would do and tell; nothing of it stays.

    Args:
        act: what a service does at `now`, and what is said of it then.
        course: whose people it tells.
        now: the request's clock.

    Raises:
        RuleViolation: the act refuses.
    """
    return without_trace(lambda: watched(act, course=course, now=now))


def watched(act: Callable[[], str], *, course: Course, now: datetime) -> Trial:
    """Do an act, and return what it did and tells: 2 queries beside its own.

    Raises:
        RuleViolation: the act refuses.
    """
    last = Notice.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    said = act()
    told = Notice.objects.filter(course=course, created_at=now, pk__gt=last).select_related("recipient")
    return Trial(said, tuple(told.order_by("pk")))
