"""What a term leaves in the database, and what the purge makes of it: rows and bytes of each kind, and how long a batch holds locks.

`python -m tests.bench growth`; with `PEOPLE=100` a tenth of it. The rows are written in few statements, as what a term does
to a table is the point here and not how it came.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

PEOPLE = 1000
# Of each person within a term: reminders, changes, receipts, codes, results.
MAILS, SIGN_INS, RECORDINGS, DATES = 40, 25, 10, 3
TERM = timedelta(days=120)
# By whose models they are; histories and all else are kinds of their own.
_KINDS = {
    "courses": "people and accounts", "account": "people and accounts", "mail": "mails", "agenda": "calendar",
    "lectures": "lectures and their use", "projects": "projects", "exams": "exams", "files": "imports of tables",
    "sessions": "devices", "usersessions": "devices",
}  # fmt: skip


@dataclass
class Weight:
    """What lies in tables.

    Attributes:
        rows: how many.
        size: their bytes, without indexes and without what PostgreSQL has not tidied up yet.
    """

    rows: int = 0
    size: int = 0


@dataclass
class Purge:
    """What purging took.

    Attributes:
        deleted: rows by retention, as it counts them.
        seconds: of each transaction, in which it held locks.
    """

    deleted: dict[str, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)


def live_a_term(people: int) -> datetime:
    """Make what a course of so many people leaves, archived after its end; return when it was in the middle of its term."""
    from amls.agenda.services import reconcile
    from amls.courses.models import Course
    from tests.large_course import NOW, make_large

    large = make_large("growth", lectures=28, topics=24, teams=people // 3, people=people)
    reconcile(large.course, now=NOW)
    _mail(large, NOW)
    _come_by(large, NOW)
    _write_the_exam(large, NOW)
    Course.objects.filter(pk=large.course.pk).update(
        state=Course.State.ARCHIVED, last_day=(NOW + TERM / 2).date(), term="SS2024"
    )
    return NOW


def _in_thousands(make: Callable[..., Any], rows: Iterable[Any]) -> None:
    make(rows, batch_size=5000)


def _mail(large: Any, now: datetime) -> None:
    from amls.mail.models import Notice

    _in_thousands(
        Notice.objects.bulk_create,
        (
            Notice(
                key=f"growth:{person.pk}:{number}", kind="agenda.reminder", course=large.course, recipient=person.user,
                references={"item": number}, state="sent", not_before=now, created_at=now, sent_at=now,
                sent_to=person.user.email, subject=f"Tomorrow: Parameter Servers {number}",
            )
            for person in large.people
            for number in range(MAILS)
        ),
    )  # fmt: skip


def _come_by(large: Any, now: datetime) -> None:
    """Sign in, subscribe to calendars, watch recordings, fetch slides; and have a table imported."""
    from django.contrib.sessions.models import Session

    from amls.agenda.models import AgendaItem, FeedToken, FeedUse
    from amls.courses.models import AccountEvent
    from amls.files.models import ImportedRow, TableImport
    from lectures.models import Material, MaterialCount, WatchPosition

    days = [(now + timedelta(days=number)).date() for number in range(TERM.days)]
    _in_thousands(
        AccountEvent.objects.bulk_create,
        (
            AccountEvent(user=person.user, what="signed-in", how="login_code", at=now + timedelta(days=day), network="192.0.2.0/24")
            for person in large.people
            for day in range(SIGN_INS)
        ),
    )  # fmt: skip
    Session.objects.bulk_create(
        Session(session_key=f"growth{person.pk:026}", session_data="x" * 300, expire_date=now + timedelta(days=60))
        for person in large.people
    )
    FeedToken.objects.bulk_create(FeedToken(enrolment=person) for person in large.people)
    FeedUse.objects.bulk_create(
        FeedUse(course=large.course, day=day, client=client, count=300)
        for day in days
        for client in ("khal", "Outlook")
    )
    shared = list(AgendaItem.objects.filter(course=large.course, enrolment=None)[:DATES])
    _in_thousands(
        AgendaItem.objects.bulk_create,
        (
            AgendaItem(
                course=large.course, enrolment=person, key=item.key, uid=item.uid, kind=item.kind, title=item.title,
                starts_at=item.starts_at, ends_at=item.ends_at, is_done=True, created_at=now, changed_at=now,
            )
            for person in large.people
            for item in shared
        ),
    )  # fmt: skip
    materials = list(Material.objects.filter(lecture__course=large.course))
    MaterialCount.objects.bulk_create(
        MaterialCount(material=material, day=day, use="downloaded", count=20)
        for material in materials
        for day in days[:14]
    )
    _in_thousands(
        WatchPosition.objects.bulk_create,
        (
            WatchPosition(user=person.user, material=material, seconds=900, updated_at=now)
            for person in large.people
            for material in materials[:RECORDINGS]
        ),
    )
    table = TableImport.objects.create(course=large.course, kind="courses.roster", filename="Größe.xlsx", at=now)
    ImportedRow.objects.bulk_create(
        ImportedRow(
            table_import=table, line=line, label=person.user.email, object_id=person.pk, after={"name": "Łukasz"}
        )
        for line, person in enumerate(large.people)
    )


def _write_the_exam(large: Any, now: datetime) -> None:
    from exams.models import Registration, Result

    signed_up = Registration.objects.filter(exam=large.exam)
    results = Result.objects.bulk_create(
        Result(registration=registration, points=Decimal("61.5"), grade=Decimal("2.3")) for registration in signed_up
    )
    # Published, which the history notes as well.
    Result.objects.filter(pk__in=[result.pk for result in results]).update(state="published", published_at=now)


def weigh() -> dict[str, Weight]:
    """Return what lies in each table that has rows, by the label of its model."""
    from django.apps import apps
    from django.db import connection

    weights = {}
    for model in apps.get_models(include_auto_created=True):
        if model._meta.proxy or not model._meta.managed:
            continue
        name = connection.ops.quote_name(model._meta.db_table)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*), coalesce(sum(pg_column_size(kept.*)), 0) FROM {name} kept")
            rows, size = cursor.fetchone()
        if rows:
            weights[model._meta.label] = Weight(rows, int(size))
    return weights


def by_kind(weights: dict[str, Weight]) -> dict[str, Weight]:
    """Return what lies in tables by kind."""
    from amls.portal.growth import histories

    of_history = {model._meta.label for model in histories()} | {"pghistory.Context"}
    kinds: dict[str, Weight] = defaultdict(Weight)
    for label, weight in weights.items():
        kind = "histories" if label in of_history else _KINDS.get(label.split(".")[0], "all else")
        kinds[kind].rows += weight.rows
        kinds[kind].size += weight.size
    return kinds


@contextmanager
def _timed(seconds: list[float]) -> Iterator[None]:
    """Note how long the server worked in each transaction."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        yield
    is_open = False
    for query in queries:
        if query["sql"] == "BEGIN":
            is_open = True
            seconds.append(0.0)
        if is_open:
            seconds[-1] += float(query["time"])
        is_open = is_open and query["sql"] != "COMMIT"


def purge(now: datetime) -> Purge:
    """Delete what has been kept long enough at `now`, as beat does every hour."""
    from amls.privacy.registry import retentions

    done = Purge()
    for kind in retentions():
        with _timed(done.seconds):
            done.deleted[kind.name] = kind.purge(now, False)
    return done


def measure() -> list[dict[str, object]]:
    """Return rows and MiB of each kind after the term, after a year more, and when its people are forgotten."""
    from tests.bench.stage import stage

    with stage():
        from django.conf import settings

        middle = live_a_term(int(os.environ.get("PEOPLE", PEOPLE)))
        states, purges = [by_kind(weigh())], []
        for years in (1, settings.KEEP_COURSE_YEARS + 1):
            purges.append(purge(middle + TERM + timedelta(days=366 * years)))
            states.append(by_kind(weigh()))
    rows: list[dict[str, object]] = [
        {"case": "rows (MiB) of each kind", "value": "term", "ratio": "1 year", "aim": "people forgotten"}
    ]
    for kind in sorted(states[0], key=lambda kind: -states[0][kind].size):
        after, later, last = (_said(state.get(kind, Weight())) for state in states)
        rows.append({"case": kind, "value": after, "ratio": later, "aim": last})
    for name, done in zip(("a year later", "when its people are forgotten"), purges, strict=True):
        longest = max(done.seconds, default=0)
        aim = f"transactions, the longest {longest:.2f} s of the server"
        rows.append(
            {"case": f"purge {name}", "value": sum(done.deleted.values()), "ratio": len(done.seconds), "aim": aim}
        )
    return rows


def _said(weight: Weight) -> str:
    return f"{weight.rows:,} ({weight.size / 2**20:.2f})"
