"""What is shown of a write at the desk before it is saved: what calendars see of it, what people are told, what else follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

from amls.core.preview import Preview, preview_of
from amls.courses.models import Course

# What calendars see of a write, by course.
Changes = list[tuple[Course, Any]]


@dataclass(slots=True)
class ShownFirst:
    """What is shown of a write before it is saved, beside calendars: what people would be told, and what else follows."""

    told: list[str] = field(default_factory=list)
    noted: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.told or self.noted)


def preview_before(request: HttpRequest, changes: Changes) -> Preview:
    """Return the seal of what calendars would see of a write, and people be told."""
    return preview_of(request.POST, ([(course.pk, change.shown) for course, change in changes], shown_first(request)))


def title_of(changes: Changes, first: ShownFirst) -> str:
    """Return what the question before a write is called."""
    if changes:
        return _("Everyone's calendar will change")
    return _("People will be told") if first.told else _("Nothing is saved yet")


def shown_first(request: HttpRequest) -> ShownFirst:
    """Return what this request would have shown before it writes, besides calendars; to be added to."""
    first: ShownFirst = request.__dict__.setdefault("desk_first", ShownFirst())
    return first


def forget_messages(request: HttpRequest) -> None:
    """Drop what this request wanted to tell: to read it would not do, templates would show it once more."""
    storage: Any = messages.get_messages(request)
    storage._queued_messages = []  # noqa: SLF001 - messages can't be taken back otherwise
