"""reconcile(): the one way into the ledger."""

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum
from functools import cache

from django.db import transaction
from django.utils import translation

from amls.agenda.models import AgendaItem, FeedToken, Status
from amls.agenda.returning import with_returned
from amls.agenda.sources import REVISING_FIELDS, Item, Registry, registry
from amls.core.hooks import Hook
from amls.core.statements import LockingStatement, ModelStatement, Parameter, Statement, is_among
from amls.courses.models import Course, Enrolment
from amls.courses.services import lock_course, touch, touch_enrolment, touch_enrolments

_ITEM_FIELDS = tuple(field.name for field in fields(Item))
_KEPT_FIELDS = ("sequence", "is_removed", "changed_at", "cancelled_at", "moved_from")


class ChangeKind(StrEnum):
    """What happened to an item, as its readers see it."""

    ADDED = "added"
    MOVED = "moved"
    EDITED = "edited"
    CANCELLED = "cancelled"
    RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference that reconcile() found; change notices are made of these.

    Attributes:
        kind: MOVED means time, place or mode; EDITED means anything else.
        before: what readers saw until now; None for a new item. Its key is another one where it was removed and brought back.
        after: what they see from now on.
        is_removal: whether no source speaks of it any more; what is cancelled and still spoken of is none.
    """

    kind: ChangeKind
    before: Item | None
    after: Item
    is_removal: bool = False

    @property
    def key(self) -> str:
        """The item's identity."""
        return self.after.key

    @property
    def shown(self) -> object:
        """All that people see of it; what a new row gets anew with every attempt, its key and address, is none of it."""
        return str(self.kind), [item and _shown_of(item) for item in (self.before, self.after)]

    @property
    def is_news(self) -> bool:
        """Whether people see any of it: not where only the address of a page here is another, which the former leads to."""
        return self.kind != ChangeKind.EDITED or self.before is None or _shown_of(self.before) != _shown_of(self.after)


def _shown_of(item: Item) -> Item:
    return replace(item, key="", path="" if item.path.startswith("/") else item.path)


@dataclass(frozen=True, slots=True)
class _Settled:
    """What a ledger needs in order to say what its sources say: rows to insert and to write, and what is told of it."""

    added: list[AgendaItem]
    changed: list[AgendaItem]
    changes: list[Change]


Listener = Callable[[Course, Sequence[Change], datetime], None]
# Who is to hear of changes that everyone sees, in their transaction.
after_reconcile: Hook[Listener] = Hook("listeners to changes of the agenda")


def reconcile(
    course: Course, *, now: datetime, sources: Collection[str] | None = None, known: Registry = registry
) -> list[Change]:
    """Make the ledger say what the named sources say, and return what changed.

    In one transaction under the course's lock, and idempotent: new items are inserted; a
    changed time, place, mode or status raises SEQUENCE; any other change only
    `changed_at`; what a source no longer names becomes a tombstone; what is brought back
    under another key takes up its row (`returning.py`); equal rows are not touched. When anything changed, the course gets a new revision, and people who have a
    variant of a changed item get theirs anew.

    Args:
        course: the course whose ledger it is.
        now: aware; becomes DTSTAMP and LAST-MODIFIED of what changed.
        sources: names of the sources to ask; all by default. Rows of others stay.
        known: the registry to look them up in.

    Raises:
        ValueError: a source names an item that is not its own, or one twice.
    """
    names = known.items.names() if sources is None else list(sources)
    with transaction.atomic():
        course = lock_course(course.pk)
        with translation.override(course.language):
            spoken = _checked({name: known.items[name](course) for name in names})
        rows = AgendaItem.objects.base().filter(course=course)
        settled = _settle(rows, spoken, names, course=course, enrolment=None, now=now)
        _write_rows([settled])
        changes = settled.changes
        if changes:
            _rename_variants(course, changes)
            touch(course, now=now)
            _follow_in_variants(course, {change.key for change in changes}, names, now=now, known=known)
            for listener in after_reconcile:
                listener(course, changes, now)
    return changes


def _rename_variants(course: Course, changes: Sequence[Change]) -> None:
    """Let people's variants of what came back under another key have that key, too: at most 2 queries."""
    renamed = {change.before.key: change.key for change in changes if change.before and change.before.key != change.key}
    if not renamed:
        return
    variants = list(AgendaItem.objects.filter(course=course, enrolment__isnull=False, key__in=renamed))
    for variant in variants:
        variant.key = renamed[variant.key]
    AgendaItem.objects.bulk_update(variants, ["key"])


def _follow_in_variants(
    course: Course, keys: Collection[str], names: Collection[str], *, now: datetime, known: Registry
) -> None:
    """Let everyone's variants of changed items follow them: a delta, an end time, what is done."""
    people = Enrolment.objects.filter(course=course, agenda__key__in=keys).distinct()
    personal = [name for name in names if name in known.personal_items]
    reconcile_people(people, now=now, sources=personal, known=known)


def reconcile_people(
    enrolments: Iterable[Enrolment],
    *,
    now: datetime,
    sources: Collection[str] | None = None,
    known: Registry = registry,
) -> dict[int, list[Change]]:
    """Make people's variants say what the sources say of these people: a fixed number of queries for each course.

    Called by the service that changed their extension, seat or submission. A variant shares the UID of the base item
    with its key. Bumps `enrolment.revision` of whose variants changed, never the course's. Parameters and errors as
    for reconcile(); who left meanwhile is passed over.

    Returns:
        What changed, by enrolment pk; an empty list where nothing did.
    """
    # A step of what a service does, which fails with it.
    with transaction.atomic(savepoint=False):
        settled = _settle_all(enrolments, now=now, sources=sources, known=known)
        touch_enrolments(pk for pk, theirs in settled.items() if theirs.changes)
    return {pk: theirs.changes for pk, theirs in settled.items()}


def _settle_all(
    enrolments: Iterable[Enrolment], *, now: datetime, sources: Collection[str] | None, known: Registry
) -> dict[int, _Settled]:
    names = known.personal_items.names() if sources is None else list(sources)
    pks = {enrolment.pk for enrolment in enrolments}
    people = _people().lock({"people": list(pks)}) if pks else []
    by_course: dict[Course, list[Enrolment]] = {}
    for person in people:
        by_course.setdefault(person.course, []).append(person)
    settled: dict[int, _Settled] = {}
    for course, members in by_course.items():
        settled |= _settle_people(course, members, names, now=now, known=known)
    _write_rows(settled.values())
    return settled


def _settle_people(
    course: Course, members: Sequence[Enrolment], names: Collection[str], *, now: datetime, known: Registry
) -> dict[int, _Settled]:
    with translation.override(course.language):
        answers = {name: known.personal_items[name](course, members) for name in names}
    rows: dict[int, list[AgendaItem]] = {member.pk: [] for member in members}
    for row in _items_of_people().read({"people": [member.pk for member in members]}):
        rows[row.enrolment_id or 0].append(row)
    settled = {}
    for member in members:
        spoken = _checked({name: answer.get(member.pk, ()) for name, answer in answers.items()})
        settled[member.pk] = _settle(rows[member.pk], spoken, names, course=course, enrolment=member, now=now)
    _share_uids([row for theirs in settled.values() for row in theirs.added], course)
    return settled


@cache
def _people() -> LockingStatement[Enrolment]:
    """Lock the people only: the course, locked after them, would be out of order."""
    rows = Enrolment.objects.filter(is_among("pk", Parameter("people"))).order_by("pk")
    return LockingStatement.of(rows, along=["course"])


@cache
def _items_of_people() -> ModelStatement[AgendaItem]:
    return ModelStatement.of(AgendaItem.objects.filter(is_among("enrolment_id", Parameter("people"))))


def follow_people(enrolments: Iterable[Enrolment], *, now: datetime, sources: Collection[str]) -> set[int]:
    """Bring people's agendas up to date after their part in something changed; return who are still there, by pk.

    Even where no variant differs, other dates of the course may concern them now, or no longer.
    Parameters and errors as for reconcile_people().
    """
    with transaction.atomic(savepoint=False):
        settled = _settle_all(enrolments, now=now, sources=sources, known=registry)
        touch_enrolments(settled)
    return set(settled)


def _checked(answers: Mapping[str, Iterable[Item]]) -> dict[str, Item]:
    """Return what sources say, by key, if each names its own items alone, and each once."""
    spoken: dict[str, Item] = {}
    for name, items in answers.items():
        for item in items:
            if not item.key.startswith(f"{name}."):
                raise ValueError(f"The source '{name}' may not name '{item.key}': keys begin with '{name}.'.")
            if item.key in spoken:
                raise ValueError(f"The source '{name}' names '{item.key}' twice.")
            spoken[item.key] = item
    return spoken


def _settle(
    rows: Iterable[AgendaItem],
    spoken: dict[str, Item],
    names: Collection[str],
    *,
    course: Course,
    enrolment: Enrolment | None,
    now: datetime,
) -> _Settled:
    own = {row.key: row for row in rows if row.key.partition(".")[0] in names}
    if enrolment is None:
        own = with_returned(own, spoken, now=now)
    added, changed, changes = [], [], []
    for key, item in spoken.items():
        row = own.get(key)
        if row is None:
            added.append(_new_row(item, course=course, enrolment=enrolment, now=now))
            changes.append(Change(ChangeKind.ADDED, None, item))
            continue
        words, change = (row.titles, row.places), _update_row(row, item, now=now)
        if change is not None and enrolment is None:
            _note_move(row, change, course)
        if change is not None:
            changes.append(change)
        if change is not None or (row.titles, row.places) != words:
            changed.append(row)
    for key, row in own.items():
        if key not in spoken and not row.is_removed:
            changes.append(_remove_row(row, now=now))
            changed.append(row)
    return _Settled(added, changed, changes)


def _write_rows(settled: Iterable[_Settled]) -> None:
    """Write what was settled, of one person or of many: at most 2 queries."""
    every = list(settled)
    AgendaItem.objects.bulk_create(row for theirs in every for row in theirs.added)
    # One INSERT that updates: bulk_update() compares each row with all others in each of its columns.
    AgendaItem.objects.bulk_create(
        (row for theirs in every for row in theirs.changed),
        update_conflicts=True,
        unique_fields=["pk"],
        update_fields=[*_ITEM_FIELDS, *_KEPT_FIELDS],
    )


def _new_row(item: Item, *, course: Course, enrolment: Enrolment | None, now: datetime) -> AgendaItem:
    row = AgendaItem(course=course, enrolment=enrolment, uid=uuid.uuid4(), created_at=now, changed_at=now)
    # A variant adds its sequence to the base item's: it begins above all that the feed has shown.
    row.sequence = 0 if enrolment is None else 1
    _write(row, item, now=now)
    return row


def _write(row: AgendaItem, item: Item, *, now: datetime) -> None:
    for name in _ITEM_FIELDS:
        setattr(row, name, getattr(item, name))
    if item.status == Status.CONFIRMED:
        row.cancelled_at = None
    elif row.cancelled_at is None:
        row.cancelled_at = now
    row.is_removed = False


def _update_row(row: AgendaItem, item: Item, *, now: datetime) -> Change | None:
    before = Item.from_row(row)
    revised = row.is_removed or any(getattr(before, name) != getattr(item, name) for name in REVISING_FIELDS)
    if before.with_words_of(item) == item and not row.is_removed:
        # Words in other languages are no news, and no feed shows them.
        row.titles, row.places = item.titles, item.places
        return None
    was_gone = row.is_removed or before.status == Status.CANCELLED
    row.sequence += revised
    row.changed_at = now
    _write(row, item, now=now)
    if item.status == Status.CANCELLED:
        kind = ChangeKind.EDITED if was_gone else ChangeKind.CANCELLED
    elif was_gone:
        kind = ChangeKind.RESTORED
    else:
        kind = ChangeKind.MOVED if revised else ChangeKind.EDITED
    return Change(kind, before, item)


def _note_move(row: AgendaItem, change: Change, course: Course) -> None:
    """Keep when a moved item was to be first; nobody had yet read the dates of a draft.

    A time that was open until now moves nothing.
    """
    before, after = change.before, change.after
    if before is None or before.moment == after.moment:
        return
    days = {item.moment.astimezone(course.zone).date() for item in (before, after)}
    if len(days) == 1 and (before.is_time_open or after.is_time_open):
        return
    first = row.moved_from or before.moment
    row.moved_from = first if course.state == Course.State.RUNNING and first != after.moment else None


def _remove_row(row: AgendaItem, *, now: datetime) -> Change:
    before = Item.from_row(row)
    row.is_removed = True
    row.changed_at = now
    if row.enrolment_id is None:
        row.sequence += before.status == Status.CONFIRMED
        row.status = Status.CANCELLED
        row.cancelled_at = row.cancelled_at or now
        after = before.as_cancelled()
    else:
        # A revoked variant gives way to the base item, again above all that the feed has shown.
        row.sequence += 1
        after = before
    return Change(ChangeKind.CANCELLED, before, after, is_removal=True)


def _share_uids(rows: Sequence[AgendaItem], course: Course) -> None:
    if not rows:
        return
    uids = dict(_uids().run({"course": course.pk, "keys": list({row.key for row in rows})}))
    for row in rows:
        row.uid = uids.get(row.key, row.uid)


@cache
def _uids() -> Statement:
    rows = AgendaItem.objects.base().filter(is_among("key", Parameter("keys")), course=Parameter("course"))
    return Statement.of(rows.values_list("key", "uid"))


def renew_feed(*, enrolment: Enrolment) -> FeedToken:
    """Give a person's feed a new address; the old one is gone at once."""
    with transaction.atomic():
        enrolment = Enrolment.objects.select_for_update(no_key=True).get(pk=enrolment.pk)
        token, _created = FeedToken.objects.get_or_create(enrolment=enrolment)
        token.generation += 1
        token.last_fetched_at, token.last_client = None, ""
        token.save()
        touch_enrolment(enrolment)
    return token


def follow_course_change(course: Course, now: datetime) -> list[Change]:
    """Reconcile with every source after a change whose reach is not known."""
    return reconcile(course, now=now)
