"""A change of the agenda in words: for previews, messages and change notices."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import get_language_info
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
    renamed = _renamed(before, after) if before is not None else ""
    if old != new:
        return Described(
            change.kind, before.name if renamed and before else after.name, old, ", ".join(filter(None, [new, renamed]))
        )
    details = [renamed, *_details(before, after)] if before is not None else []
    title = before.name if before is not None else after.name
    return Described(change.kind, title, "", ", ".join(filter(None, details)) or _("new details"))


def _renamed(before: Item, after: Item) -> str:
    """Say what it is called from now on: in the reader's language, else in calendars, which have the course's."""
    if before.name != after.name:
        return _("now called “%(title)s”") % {"title": after.name}
    if before.title == after.title:
        return ""
    spoken = next((code for code, title in before.titles.items() if title == after.title), None)
    language = get_language_info(spoken)["name_translated"] if spoken is not None else ""
    if language:
        return _("in calendars now in %(language)s: “%(title)s”") % {"language": language, "title": after.title}
    return _("in calendars now called “%(title)s”") % {"title": after.title}


def _details(before: Item, after: Item) -> Iterator[str]:
    """Say what else changed that is neither its name nor when and where it is."""
    if before.kind != after.kind and before.name == after.name:
        yield _("now: %(kind)s") % {"kind": after.kind.label}
    if before.call_in != after.call_in:
        if not after.call_in:
            yield _("no call-in link any more")
        else:
            yield _("another call-in link") if before.call_in else _("now with a call-in link")
    elif before.is_call_in_public != after.is_call_in_public and after.call_in:
        yield (
            _("call-in link now for everyone") if after.is_call_in_public else _("call-in link no longer for everyone")
        )
    if before.path != after.path and not after.path.startswith("/"):
        yield _("leads to another page now")
    if before.audience != after.audience:
        yield _("now for: %(audience)s") % {"audience": after.audience.label}


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
    if item.conducted_by:
        words.append(item.conducted_by)
    if item.mode == Mode.VIRTUAL:
        words.append(_("online only"))
    return ", ".join(words)
