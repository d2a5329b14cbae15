"""Writing to the outbox."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import CharField, DateTimeField, Exists, F, IntegerField, JSONField, OuterRef, QuerySet, Value
from django.db.models.functions import Cast, Concat

from amls.core.doorbell import ring
from amls.courses.models import Course, Enrolment, User
from amls.mail.categories import MailTopic
from amls.mail.letters import topic_of
from amls.mail.models import Notice, Preference

DELIVER = "amls.mail.tasks.deliver"
# Looks at reminders, changes and announcements.
SWEEP = "amls.mail.tasks.sweep"


def notify(
    *,
    key: str,
    kind: str,
    now: datetime,
    recipient: User | None = None,
    address: str = "",
    course: Course | None = None,
    references: Mapping[str, Any] | None = None,
    not_before: datetime | None = None,
    due_at: datetime | None = None,
    grouping_key: str = "",
) -> None:
    """Put a notice into the outbox, in the transaction of its cause, and ring after the commit.

    Args:
        key: names this very notice; a second one with the same key is ignored.
        kind: for which an app registered a writer.
        now: when the cause happened.
        recipient: the person; or
        address: the address of somebody without an account.
        course: whose contact address replies go to.
        references: primary keys and the like, never text.
        not_before: held back until then; `now` by default.
        due_at: from then on it is worthless and is dropped.
        grouping_key: notices of one person with the same one that come due within an hour become one mail.
    """
    notice = Notice(
        key=key,
        kind=kind,
        course=course,
        recipient=recipient,
        address=address,
        references=dict(references or {}),
        not_before=not_before or now,
        due_at=due_at,
        grouping_key=grouping_key,
        priority=priority_of(kind),
        created_at=now,
    )
    _insert([notice])


@dataclass(frozen=True, slots=True)
class Told:
    """That a person of a course, or an address, is told something; `key` and `references` as for notify()."""

    key: str
    recipient: User | None
    course: Course
    references: Mapping[str, Any]
    address: str = ""


def notify_each(told: Iterable[Told], *, kind: str, now: datetime, not_before: datetime | None = None) -> None:
    """Put notices of one kind into the outbox, each about something of its own: 1 query for any number.

    Whose key is there already is left out. Other parameters as for notify().
    """
    notices = [
        Notice(
            key=news.key,
            kind=kind,
            course=news.course,
            recipient=news.recipient,
            address=news.address,
            references=dict(news.references),
            not_before=not_before or now,
            priority=priority_of(kind),
            created_at=now,
        )
        for news in told
    ]
    _insert(notices)


def _insert(notices: list[Notice]) -> None:
    """Keep the notices but those to accounts that were deleted: nobody is there to read them."""
    read = [notice for notice in notices if not is_to_nobody(notice)]
    if read:
        Notice.objects.bulk_create(read, ignore_conflicts=True)
        ring(DELIVER)


def is_to_nobody(notice: Notice) -> bool:
    """Return whether the account of a notice's person was deleted."""
    return notice.recipient is not None and notice.recipient.is_nameless


def notify_enrolled(
    enrolments: QuerySet[Enrolment],
    *,
    course: Course,
    key: str,
    kind: str,
    now: datetime,
    references: Mapping[str, Any],
    not_before: datetime | None = None,
    due_at: datetime | None = None,
    grouping_key: str = "",
) -> int:
    """Put a notice for each of many people of a course into the outbox with one INSERT … SELECT; return how many.

    People who switched the kind's topic off get none. `key` is completed by the person's pk, where it says {person} or
    at its end.
    Other parameters as for notify().
    """
    before, _person, after = key.partition("{person}") if "{person}" in key else (f"{key}:", "", "")
    topic = topic_of(kind)
    rows = enrolments.filter(course=course, user__is_active=True)
    if topic is not None:
        rows = wanting(rows, topic=topic)
    columns: dict[str, Any] = {
        "key": Concat(Value(before), Cast("user_id", CharField()), Value(after), output_field=CharField()),
        "kind": Value(kind, CharField()),
        "course_id": F("course_id"),
        "recipient_id": F("user_id"),
        "address": Value("", CharField()),
        "references": Value(dict(references), JSONField()),
        "grouping_key": Value(grouping_key, CharField()),
        "priority": Value(int(priority_of(kind)), IntegerField()),
        "not_before": Value(not_before or now, DateTimeField()),
        "due_at": Value(due_at, DateTimeField()),
        "state": Value("due", CharField()),
        "attempts": Value(0, IntegerField()),
        "last_error": Value("", CharField()),
        "created_at": Value(now, DateTimeField()),
        "sent_to": Value("", CharField()),
        "subject": Value("", CharField()),
        "reason": Value("", CharField()),
    }
    aliased = {f"n_{name}": expression for name, expression in columns.items()}
    selected = rows.order_by().annotate(**aliased).values_list(*aliased)
    sql, parameters = selected.query.sql_with_params()
    names = ", ".join(f'"{name}"' for name in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO mail_notice ({names}) {sql} ON CONFLICT (key) DO NOTHING",
            parameters,
        )
        count = int(cursor.rowcount)
    if count:
        ring(DELIVER)
    return count


def wanting(enrolments: QuerySet[Enrolment], *, topic: MailTopic) -> QuerySet[Enrolment]:
    """Return those who want the mails of a topic."""
    said = Preference.objects.filter(topic=topic.name, is_on=not topic.is_default)
    unlike = said.filter(user=OuterRef("user_id"), course=OuterRef("course_id"))
    return enrolments.exclude(Exists(unlike)) if topic.is_default else enrolments.filter(Exists(unlike))


def priority_of(kind: str) -> Notice.Priority:
    """Return how soon a kind goes out: what can be switched off waits for what can't."""
    return Notice.Priority.AT_ONCE if topic_of(kind) is None else Notice.Priority.BULK


def retry_notices(*, notices: QuerySet[Notice], now: datetime) -> int:
    """Put failed notices back into the queue, with a whole day to try; return how many.

    What has become worthless is dropped by its round, and what was sealed is gone: such mails are not tried again.
    """
    wiped = {"kind": "mail.account"}
    failed = notices.filter(state=Notice.State.FAILED).exclude(**wiped)
    with transaction.atomic():
        pks = list(failed.select_for_update(of=("self",)).values_list("pk", flat=True))
        count = Notice.objects.filter(pk__in=pks).update(
            state=Notice.State.DUE, attempts=0, not_before=now, created_at=now, failed_at=None
        )
        if count:
            ring(DELIVER)
    return count
