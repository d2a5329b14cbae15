"""Writing to the outbox."""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from celery import current_app
from django.db import connection, transaction
from kombu.exceptions import OperationalError

from amls.courses.models import Course, User
from amls.notifications.models import Notice

logger = logging.getLogger(__name__)
DELIVER = "amls.notifications.tasks.deliver"


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
) -> bool:
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
        grouping_key: notices of one person with the same one may become one mail.

    Returns:
        Whether it is new.
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
        created_at=now,
    )
    Notice.objects.bulk_create([notice], ignore_conflicts=True)
    ring_after_commit()
    # With ignore_conflicts PostgreSQL returns no key for what was there already.
    return Notice.objects.filter(key=key, created_at=now).exists()


def ring_after_commit() -> None:
    """Tell the broker, once per transaction, that there is work."""
    if not any(waiting[1] is _ring for waiting in connection.run_on_commit):
        transaction.on_commit(_ring)


def _ring() -> None:
    # The broker is a doorbell: beat sweeps in any case, so a broker that is down costs time, no mail.
    try:
        current_app.send_task(DELIVER, ignore_result=True)
    except (OperationalError, OSError) as error:
        logger.warning("The broker did not hear the ring for new mail: %s", error)
