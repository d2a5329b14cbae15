"""Corrections of what people know: told once they stand, so that what is put right in time is told to nobody."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from amls.core.preview import seal_of_shown
from amls.mail.models import Notice
from amls.mail.outbox import Told, notify_each

# What a notice's references name: the thing, and how people knew it.
_ABOUT, _WAS = "about", "was"


@dataclass(frozen=True, slots=True)
class Correction:
    """That something which people know is otherwise now.

    Attributes:
        about: names the thing within its kind of notice.
        was: how it stood before this correction; numbers, texts, and collections of these.
        is_now: how it stands.
        told: who is told of it.
        knew: what their notices say of how they know it; of several corrections before anybody was told, the first says it.
    """

    about: str
    was: object
    is_now: object
    told: Sequence[Told]
    knew: Mapping[str, Any] = field(default_factory=dict)


def notify_corrected(corrections: Iterable[Correction], *, kind: str, now: datetime, not_before: datetime) -> None:
    """Put what was corrected into the outbox: 4 queries for any number, none for none.

    What is corrected again before anybody was told is told once, as it stands then; what stands again as people know it
    is told to nobody.

    Args:
        corrections: each of something else.
        kind: for which an app registered a writer, which looks at how the thing stands when it is sent.
        now: the request's clock.
        not_before: until then nobody is told.
    """
    by_thing = {correction.about: correction for correction in corrections}
    if not by_thing:
        return
    waiting = Notice.objects.filter(kind=kind, state=Notice.State.DUE, not_before__gt=now)
    waiting = waiting.filter(**{f"references__{_ABOUT}__in": list(by_thing)})
    known: dict[str, Mapping[str, Any]] = {
        row.references[_ABOUT]: row.references for row in waiting.select_for_update()
    }
    if known:
        waiting.delete()
    told: list[Told] = []
    for about, correction in by_thing.items():
        first = known.get(about) or {_ABOUT: about, _WAS: _seal(correction.was), **correction.knew}
        if first[_WAS] != _seal(correction.is_now):
            # A notice of the last release may know less.
            named = {name: first[name] for name in (_ABOUT, _WAS, *correction.knew) if name in first}
            told += [replace(person, references={**person.references, **named}) for person in correction.told]
    notify_each(told, kind=kind, now=now, not_before=not_before)


def call_off(*, kind: str, references: Mapping[str, object], now: datetime) -> None:
    """Take notices of a kind out of the outbox that wait to be told, and name all of `references`: 1 query."""
    waiting = Notice.objects.filter(kind=kind, state=Notice.State.DUE, not_before__gt=now)
    waiting.filter(references__contains=dict(references)).delete()


def _seal(value: object) -> str:
    return seal_of_shown(_plain(value))


def _plain(value: object) -> object:
    """Return a value so that what is equal reads alike: 2 and 2.0 points, and whatever the order of a mapping."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, Mapping):
        return sorted((repr(_plain(key)), _plain(item)) for key, item in value.items())
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
