"""Moved and cancelled dates: held back for corrections, merged, told in one mail."""

import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amls.agenda.changes import describe_change, when_and_where
from amls.agenda.feeds import irrelevant_keys
from amls.agenda.models import SESSIONS, AgendaItem, ItemKind, Status
from amls.agenda.services import Change, ChangeKind
from amls.agenda.sources import REVISING_FIELDS, Item
from amls.core.doorbell import ring
from amls.core.hooks import Hook
from amls.courses.models import Audience, Course, Enrolment
from amls.courses.services import is_quiet, lock_course
from amls.mail.letters import Letter
from amls.mail.models import ItemChange, MailSettings, Notice
from amls.mail.outbox import SWEEP, notify_enrolled
from amls.mail.wording import because_enrolled, bullet_list

KIND = "mail.changes"
# What happens within this time is told at once.
SOON = timedelta(hours=24)
# Corrections put the mail off again, but not for longer than this in all.
_LONGEST_HOLD_FACTOR = 3
# Given courses and, by key, what happened to dates of theirs: yields each of these dates with the enrolment of somebody who is
# told of it by a mail of its own, which can't be switched off, as they take part in it.
Apart = Callable[[Collection[int], Mapping[str, ChangeKind]], Iterable[tuple[str, int]]]
told_apart: Hook[Apart] = Hook("mails about dates in which one takes part")
# Given, by key, what happened to dates: yields the keys of those of which another one of them says it all.
Implied = Callable[[Mapping[str, ChangeKind]], Iterable[str]]
goes_without_saying: Hook[Implied] = Hook("dates that go with another one")
_TOLD_WHEN_NEW = SESSIONS | {ItemKind.DEADLINE, ItemKind.EXAM}
_together: ContextVar[bool] = ContextVar("together", default=False)


@contextmanager
def told_together() -> Iterator[None]:
    """Let what changes inside the block be told in one mail: at once for all of it, if any of it happens within 24 hours."""
    token = _together.set(True)
    try:
        yield
    finally:
        _together.reset(token)


def note_changes(course: Course, changes: Sequence[Change], now: datetime) -> None:
    """Note what people are to be told of, in the transaction of the change."""
    if course.state != Course.State.RUNNING:
        return
    settings = MailSettings.objects.filter(course=course).first() or MailSettings(course=course)
    pending = {row.key: row for row in ItemChange.objects.pending().filter(course=course).select_for_update()}
    is_muted = is_quiet() or not settings.tells_changes
    is_urgent = False
    is_hurried = _together.get() and is_any_soon(changes, now)
    for change in changes:
        # What was removed and brought back has another key by now.
        row = pending.get(change.key if change.before is None else change.before.key)
        if row is not None and change.after.is_for_participants and change.is_removal:
            row.delete()
            continue
        # What is noted already must stay true, also when staff tell nobody of a further change.
        if row is None and (is_muted or not is_told(change, now)):
            continue
        is_urgent |= _note(row, change, course, settings, now, is_hurried=is_hurried)
    if is_urgent:
        ring(SWEEP)


def is_told(change: Change, now: datetime) -> bool:
    """Return whether a change concerns those who attend: not what is over, nor a mere correction of a title.

    Nor what was never to take place, nor a day without class: whoever had planned for it hears of the sessions that move.
    """
    kind = kind_of_difference(change.before, change.after)
    if kind is None or change.after.kind == ItemKind.FREE_DAY:
        return False
    if change.after.is_for_participants and (kind == ChangeKind.ADDED or change.is_removal):
        # Nobody takes part in it yet, or ever did: it could not go otherwise. What all see of it is told.
        return False
    moments = [item.moment for item in (change.before, change.after) if item is not None]
    if max(moments) <= now:
        return False
    return kind != ChangeKind.ADDED or change.after.kind in _TOLD_WHEN_NEW


def _note(
    row: ItemChange | None,
    change: Change,
    course: Course,
    settings: MailSettings,
    now: datetime,
    *,
    is_hurried: bool = False,
) -> bool:
    """Write a change down, merged with what is held back; return whether it is to be told at once."""
    before = change.before if row is None else (_load(row.before) if row.before else None)
    after = change.after
    kind = kind_of_difference(before, after)
    if kind is None:
        # Taken back before anybody was told.
        if row is not None:
            row.delete()
        return False
    is_soon = is_hurried or _is_soon(before, after, now)
    hold = timedelta(minutes=settings.hold_back_minutes)
    first = row.created_at if row is not None else now
    held_until = now if is_soon else min(now + hold, first + hold * _LONGEST_HOLD_FACTOR)
    fresh = row or ItemChange(course=course, key=change.key, created_at=now)
    fresh.before, fresh.after = (_dump(before) if before else None), _dump(after)
    fresh.key, fresh.kind, fresh.held_until = change.key, kind, held_until
    fresh.save()
    return is_soon


def told_from(course: Course, change: Change, now: datetime) -> datetime:
    """Return from when on people may be told of a change that just happened: it waits for corrections if it is not soon."""
    return told_of(course, [item.moment for item in (change.before, change.after) if item is not None], now)


def told_of(course: Course, moments: Iterable[datetime], now: datetime) -> datetime:
    """Return from when on people may be told of a change of what is at these moments; see `told_from`."""
    if any(now < moment <= now + SOON for moment in moments):
        return now
    settings = MailSettings.objects.filter(course=course).first() or MailSettings(course=course)
    return now + timedelta(minutes=settings.hold_back_minutes)


def is_any_soon(changes: Iterable[Change], now: datetime) -> bool:
    """Return whether any of these changes is to be told at once."""
    return any(is_told(change, now) and _is_soon(change.before, change.after, now) for change in changes)


def _is_soon(before: Item | None, after: Item, now: datetime) -> bool:
    return any(item is not None and now < item.moment <= now + SOON for item in (before, after))


def kind_of_difference(before: Item | None, after: Item) -> ChangeKind | None:
    """Return what happened between what people knew and what is so; None if that is nothing."""
    is_gone = after.status == Status.CANCELLED
    was_gone = before is None or before.status == Status.CANCELLED
    if is_gone:
        return None if was_gone else ChangeKind.CANCELLED
    if before is None:
        return ChangeKind.ADDED
    if was_gone:
        return ChangeKind.RESTORED
    if any(getattr(before, name) != getattr(after, name) for name in REVISING_FIELDS):
        return ChangeKind.MOVED
    is_other = before.call_in != after.call_in or before.conducted_by != after.conducted_by
    return ChangeKind.EDITED if is_other else None


def tell_changes(*, now: datetime) -> int:
    """Put mails about changes that were held back long enough into the outbox; return how many mails."""
    ripe = ItemChange.objects.pending().filter(held_until__lte=now).order_by()
    count = 0
    for pk in ripe.values_list("course", flat=True).distinct():
        with transaction.atomic():
            course = lock_course(pk)
            rows = list(ItemChange.objects.pending().filter(course=course, held_until__lte=now).select_for_update())
            if not rows:
                continue
            batch = uuid.uuid4()
            ItemChange.objects.filter(pk__in=[row.pk for row in rows]).update(told_at=now, batch=batch)
            if course.state != Course.State.RUNNING:
                continue
            count += notify_enrolled(
                Enrolment.objects.filter(course=course),
                course=course,
                key=f"changes:{batch}",
                kind=KIND,
                now=now,
                references={"batch": str(batch)},
                due_at=max(max(_load(item).moment for item in (row.before, row.after) if item) for row in rows),
            )
    return count


def prepare_changes(notices: Sequence[Notice], now: datetime) -> None:
    """Load the changes of each mail that are still so and concern its person: what changed again is told by a later mail."""
    batches = {str(notice.references["batch"]) for notice in notices}
    rows = list(ItemChange.objects.filter(batch__in=batches).order_by("pk"))
    latest = set(
        ItemChange.objects.filter(course__in={row.course_id for row in rows}, key__in={row.key for row in rows})
        .order_by()
        .values("course", "key")
        .annotate(newest=Max("pk"))
        .values_list("newest", flat=True)
    )
    current = {
        (item.course_id, item.key): item
        for item in AgendaItem.objects.base().filter(
            course__in={row.course_id for row in rows}, key__in={row.key for row in rows}
        )
    }
    changes: dict[str, list[Change]] = {batch: [] for batch in batches}
    since = {(row.course_id, row.key): row.created_at for row in rows if row.pk in latest}
    for row in rows:
        item = current.get((row.course_id, row.key))
        change = change_of(row)
        if item is not None and row.pk in latest and _is_so(item, change.after):
            changes[str(row.batch)].append(change)
    others = _keys_of_others(notices, changes, now)
    variants = _own_dates(notices, changes)
    for notice in notices:
        told = changes[str(notice.references["batch"])]
        own = variants.get((notice.course_id, notice.recipient_id), {})
        changed_at = {key: at for (pk, key), at in since.items() if pk == notice.course_id}
        told, shared = _as_theirs(told, own, changed_at)
        notice.shared = shared  # type: ignore[attr-defined]
        of_no_concern = others.get((notice.course_id, notice.recipient_id), set())
        notice.changes = [change for change in told if change.key not in of_no_concern]  # type: ignore[attr-defined]


def _own_dates(
    notices: Sequence[Notice], changes: Mapping[str, Sequence[Change]]
) -> dict[tuple[int | None, int | None], dict[str, AgendaItem]]:
    """Return, by course and person, the dates of their own among what changed: 1 query, none where sessions alone did."""
    keys = {change.key for told in changes.values() for change in told if change.after.kind not in SESSIONS}
    if not keys:
        return {}
    rows = AgendaItem.objects.present().filter(
        course__in={notice.course_id for notice in notices},
        key__in=keys,
        enrolment__user__in={notice.recipient_id for notice in notices},
    )
    own: dict[tuple[int | None, int | None], dict[str, AgendaItem]] = {}
    for row in rows.select_related("enrolment"):
        if row.enrolment is not None:
            own.setdefault((row.course_id, row.enrolment.user_id), {})[row.key] = row
    return own


def _as_theirs(
    told: Sequence[Change], own: Mapping[str, AgendaItem], since: Mapping[str, datetime]
) -> tuple[list[Change], dict[str, Item]]:
    """Return the changes with a person's own dates in place of those of all, and by key what holds for the others.

    A date of theirs that stayed where it was is left out.

    Args:
        told: what changed for all.
        own: their own dates, by key.
        since: when each date changed.
    """
    theirs, shared = list[Change](), dict[str, Item]()
    for change in told:
        row = own.get(change.key)
        item = Item.from_row(row) if row is not None else None
        if row is None or item is None or item.moment == change.after.moment:
            theirs.append(change)
        elif row.changed_at >= since[change.key]:
            # Where it was is not kept: what they knew is in their calendar no more.
            theirs.append(Change(change.kind, None if change.kind == ChangeKind.MOVED else change.before, item))
            shared[change.key] = change.after
    return theirs, shared


def _keys_of_others(
    notices: Sequence[Notice], changes: Mapping[str, Sequence[Change]], now: datetime
) -> dict[tuple[int | None, int | None], set[str]]:
    """Return, by course and person, the keys of dates that this mail does not tell them of; sessions are everybody's.

    They are not in their calendar either, or they are told of them apart.
    """
    batches = {batch for batch, told in changes.items() if any(change.after.kind not in SESSIONS for change in told)}
    asked = [notice for notice in notices if notice.references["batch"] in batches]
    rows = Enrolment.objects.filter(
        course__in={notice.course_id for notice in asked}, user__in={notice.recipient_id for notice in asked}
    )
    people = list(rows.select_related("course", "user")) if asked else []
    kinds = {change.key: change.kind for batch in batches for change in changes[batch]}
    apart = who_is_told_apart({person.course_id for person in people}, kinds)
    return {
        (person.course_id, person.user_id): irrelevant_keys(person, now=now)
        | {key for key, told in apart.items() if person.pk in told}
        for person in people
    }


def who_is_told_apart(courses: Collection[int], kinds: Mapping[str, ChangeKind]) -> dict[str, set[int]]:
    """Return the enrolments of those who are told by a mail of its own of each of these dates: a query for each app.

    Args:
        courses: whose dates they are.
        kinds: by key, what happened to each.
    """
    told: dict[str, set[int]] = {}
    if courses and kinds:
        for apart in told_apart:
            for key, enrolment in apart(courses, kinds):
                told.setdefault(key, set()).add(enrolment)
    return told


def _is_so(item: AgendaItem, after: Item) -> bool:
    now = Item.from_row(item)
    return all(getattr(now, name) == getattr(after, name) for name in REVISING_FIELDS)


def write_changes(notice: Notice, now: datetime) -> Letter | None:
    """Return one letter of all changes that are still so; None if none is."""
    changes: list[Change] = getattr(notice, "changes", [])
    course = notice.course
    if not changes or course is None or course.state != Course.State.RUNNING:
        return None
    # As it was told at once: what lies further ahead waits for the mail to be read.
    is_soon = any(
        now < item.moment <= now + SOON for change in changes for item in (change.before, change.after) if item
    )
    return replace(letter_about(changes, course, shared=getattr(notice, "shared", {})), is_pushed=is_soon)


def letter_about(changes: Sequence[Change], course: Course, *, shared: Mapping[str, Item] | None = None) -> Letter:
    """Return how a mail about changes reads, in the active language.

    Args:
        changes: as the reader is to know them; what goes with another of them is not said besides.
        course: whose dates they are.
        shared: of dates that are the reader's own, by key what holds for the others.
    """
    kinds = {change.key: change.kind for change in changes}
    implied = {key for says in goes_without_saying for key in says(kinds)}
    ordered = sorted(changes, key=lambda change: (change.after.moment, change.key))
    ordered = [change for change in ordered if change.key not in implied]
    lines = [describe_change(change, course.zone) for change in ordered]
    apart = _("%(change)s (yours; that of the others: %(when)s)")
    said = [
        apart % {"change": line, "when": when_and_where(others, course.zone)}
        if (others := (shared or {}).get(change.key)) is not None
        else str(line)
        for change, line in zip(ordered, lines, strict=True)
    ]
    if len(lines) == 1:
        heads = {
            ChangeKind.MOVED: _("Moved: %(what)s"),
            ChangeKind.CANCELLED: _("Cancelled: %(what)s"),
            ChangeKind.RESTORED: _("Takes place after all: %(what)s"),
            ChangeKind.ADDED: _("New: %(what)s"),
            ChangeKind.EDITED: _("Changed: %(what)s"),
        }
        is_told_whole = ordered[0].kind in (ChangeKind.MOVED, ChangeKind.ADDED, ChangeKind.RESTORED)
        what = f"{lines[0].title}, {lines[0].after}" if is_told_whole else lines[0].title
        if ordered[0].kind == ChangeKind.ADDED:
            what = lines[0].title
        subject = heads[ordered[0].kind] % {"what": what}
    else:
        subject = _subject_of_many({line.kind for line in lines}, len(lines))
    return Letter(
        subject=subject,
        text=bullet_list(said)
        + "\n\n"
        + _("All times are those of %(zone)s.") % {"zone": course.timezone}
        + "\n\n"
        + _("Calendars that you have subscribed follow by themselves, some only after hours."),
        action=(_("See the schedule"), f"/{course.slug}/schedule/"),
        reason=because_enrolled(course),
    )


def _subject_of_many(kinds: set[ChangeKind], count: int) -> str:
    """Return what happened to this many dates: by its name where the same happened to all of them."""
    if kinds == {ChangeKind.ADDED}:
        said = ngettext("%(count)d new date", "%(count)d new dates", count)
    elif kinds == {ChangeKind.CANCELLED}:
        said = ngettext("%(count)d date cancelled", "%(count)d dates cancelled", count)
    elif kinds == {ChangeKind.MOVED}:
        said = ngettext("%(count)d date moved", "%(count)d dates moved", count)
    else:
        said = ngettext("%(count)d date changed", "%(count)d dates changed", count)
    return said % {"count": count}


def change_of(row: ItemChange) -> Change:
    """Return a noted change in the form in which the agenda speaks."""
    before = _load(row.before) if row.before else None
    return Change(ChangeKind(row.kind), before, _load(row.after))


def _dump(item: Item) -> dict[str, Any]:
    values = asdict(item)
    for name in ("conducted_by", "is_for_participants"):
        # The last release, whose processes may read this too, knows neither.
        if not values[name]:
            del values[name]
    return {**values, "starts_at": item.starts_at.isoformat(), "ends_at": item.ends_at.isoformat()}


def _load(values: dict[str, Any]) -> Item:
    return Item(
        **{
            **values,
            "kind": ItemKind(values["kind"]),
            "audience": Audience(values["audience"]),
            "status": Status(values["status"]),
            "starts_at": datetime.fromisoformat(values["starts_at"]),
            "ends_at": datetime.fromisoformat(values["ends_at"]),
        }
    )
