"""A change of the agenda in words: for previews, messages and change notices."""

from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from amls.agenda.models import ItemKind, Status
from amls.agenda.services import Change, ChangeKind
from amls.agenda.sources import Item
from amls.core.times import say_clock, say_day, say_span
from amls.courses.models import Mode


@dataclass(frozen=True, slots=True)
class Described:
    """A change as one line: what, and where it was and is. `str()` gives the whole."""

    kind: ChangeKind
    title: str
    before: str
    after: str

    def __str__(self) -> str:
        if self.before and self.after and self.before != self.after:
            return f"{self.title}: {self.before} → {self.after}"
        return f"{self.title}: {self.after or self.before}"


def describe_change(change: Change, zone: ZoneInfo) -> Described:
    """Return a change in the active language, with times in `zone`."""
    after, before = change.after, change.before
    old = _as_it_stands(before, zone) if before is not None else ""
    new = _as_it_stands(after, zone)
    if change.kind == ChangeKind.CANCELLED:
        return Described(change.kind, after.name, old, _("cancelled"))
    if change.kind == ChangeKind.ADDED and after.status != Status.CANCELLED:
        return Described(change.kind, after.name, "", _("new, %(when)s") % {"when": new})
    if change.kind == ChangeKind.RESTORED:
        return Described(change.kind, after.name, _("cancelled"), new)
    if change.kind == ChangeKind.EDITED and before is not None and before.name != after.name:
        return Described(change.kind, before.name, before.name, after.name)
    if old == new:
        return Described(change.kind, after.name, "", _("new details"))
    return Described(change.kind, after.name, old, new)


def _as_it_stands(item: Item, zone: ZoneInfo) -> str:
    """Return when and where it is, and that it is cancelled where it is: an office hour may come with days left out."""
    said = when_and_where(item, zone)
    return f"{said}, {_('cancelled')}" if item.status == Status.CANCELLED else said


def when_and_where(item: Item, zone: ZoneInfo) -> str:
    """Return 'Tue 21 May 2024, 16:00–18:00, H 0111'; of deadlines and openings the moment, not their block.

    What has no time of day says its days, and that the time is open where it is to have one.
    """
    first = say_day(item.moment, zone)
    if item.is_all_day:
        last = say_day(item.ends_at - timedelta(microseconds=1), zone)
        words = [first if last == first else f"{first} – {last}"]
        if item.is_time_open:
            words.append(_("time open"))
    else:
        is_moment = item.kind in (ItemKind.DEADLINE, ItemKind.OPENING)
        clock = say_clock(item.moment, zone) if is_moment else say_span(item.starts_at, item.ends_at, zone)
        words = [first, clock]
    if item.place:
        words.append(item.place_name)
    if item.mode == Mode.VIRTUAL:
        words.append(_("online only"))
    return ", ".join(words)
