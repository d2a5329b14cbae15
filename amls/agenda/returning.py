"""What was removed and is brought back as another row of its app: a course file, a pasted page, typed anew."""

import re
from collections import defaultdict
from collections.abc import Hashable, Mapping
from datetime import date, datetime

from amls.agenda.managers import TOMBSTONE_DAYS
from amls.agenda.models import SESSIONS, AgendaItem, ItemKind
from amls.agenda.sources import Item

# The key of an app's row, which is another one once it is made anew; a day in a key stays.
_ROW = re.compile(r":\d+(?=:|$)")
# The day in the key of an occurrence of a weekly rule.
_DAY = re.compile(r":(\d{4}-\d\d-\d\d)$")


def with_returned(own: Mapping[str, AgendaItem], spoken: Mapping[str, Item], *, now: datetime) -> dict[str, AgendaItem]:
    """Return the ledger's rows by key, those of what is gone under the key under which it is named now.

    Taken for one are what has the same name at the same time, then sessions with the same address, which says kind and
    number, then sessions with the same name at another time, then office hours of the same week, of the same rule first, whose weekday
    is another or which another rule takes over: each of one source and kind, in turn where several are alike.

    Args:
        own: rows of the ledger, by their keys.
        spoken: what the sources say, by key.
        now: of the reconciliation.
    """
    rows = dict(own)
    new = [item for key, item in spoken.items() if key not in own]
    gone = [row for key, row in own.items() if key not in spoken and _is_in_mind(row, now)] if new else []
    for way in (_when, _where, _what, _week_of_rule, _week) if gone else ():
        alike: dict[Hashable, list[AgendaItem]] = defaultdict(list)
        for row in gone:
            alike[way(row)].append(row)
        left = []
        for item in new:
            same = way(item)
            if same is None or not alike[same]:
                left.append(item)
                continue
            row = alike[same].pop(0)
            gone.remove(row)
            rows[item.key] = rows.pop(row.key)
        new = left
    return rows


def _is_in_mind(row: AgendaItem, now: datetime) -> bool:
    # For so long calendars show as cancelled what was removed.
    return not row.is_removed or row.changed_at > now - TOMBSTONE_DAYS


def _sort(named: AgendaItem | Item) -> tuple[str, str]:
    return _ROW.sub(":", named.key), str(named.kind)


def _when(named: AgendaItem | Item) -> Hashable:
    return *_sort(named), named.title, named.starts_at, named.ends_at


def _where(named: AgendaItem | Item) -> Hashable:
    return (*_sort(named), named.path) if named.kind in SESSIONS and named.path else None


def _what(named: AgendaItem | Item) -> Hashable:
    # Of two exams the reviews are called alike, as days without class are: at another time it is another one.
    return (*_sort(named), named.title) if named.kind in SESSIONS else None


def _week_of_rule(named: AgendaItem | Item) -> Hashable:
    day = _DAY.search(named.key) if named.kind == ItemKind.OFFICE_HOUR else None
    return (named.key[: day.start()], date.fromisoformat(day[1]).isocalendar()[:2]) if day else None


def _week(named: AgendaItem | Item) -> Hashable:
    day = _DAY.search(named.key) if named.kind == ItemKind.OFFICE_HOUR else None
    return (named.key.partition(":")[0], date.fromisoformat(day[1]).isocalendar()[:2]) if day else None
