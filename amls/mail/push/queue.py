"""What is to be said on devices: one row for each device that a mail's news concerns."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from amls.core.doorbell import ring
from amls.core.jobs import Queue
from amls.core.seals import account_code
from amls.mail.letters import Letter
from amls.mail.models import Notice, Push, PushDevice

PUSH = "amls.mail.tasks.push"
# What could not be said for so long is not said any more.
WORTHLESS_AFTER = timedelta(days=1)


class _Pushes(Queue[Push]):
    """What waits to be said, but on devices that are left in peace for a while."""

    model, task, lease = Push, PUSH, timedelta(minutes=3)
    since_field = "created_at"

    def waiting(self, *, now: datetime) -> QuerySet[Push]:
        """Return what should be said by now."""
        is_free = Q(leased_until__isnull=True) | Q(leased_until__lte=now)
        is_reached = Q(device__paused_until__isnull=True) | Q(device__paused_until__lte=now)
        return Push.objects.filter(is_free, is_reached, created_at__gt=now - WORTHLESS_AFTER)

    def choose(self, *, now: datetime, limit: int) -> Iterable[Push]:
        """Return the oldest, locked."""
        return self.free(self.waiting(now=now)).select_related("device").order_by("pk")[:limit]


PUSHES = _Pushes()


def push_told(notice: Notice, letter: Letter, *, now: datetime) -> None:
    """Have said on the person's devices what a mail has told them, once on each: 1 query where there is none.

    Args:
        notice: that was sent.
        letter: what it says; only one that is `pushed` is said on devices.
        now: when it was sent.
    """
    if not letter.is_pushed or notice.recipient_id is None:
        return
    course = notice.course
    rows = [
        Push(
            device=device, notice=notice, title=course.title if course is not None else "AMLS", text=letter.subject[:300],
            path=letter.action[1][:500] if letter.action else "/", account=account_code(notice.recipient_id), created_at=now,
        )
        for device in PushDevice.objects.filter(user=notice.recipient_id)
    ]  # fmt: skip
    if rows:
        Push.objects.bulk_create(rows, ignore_conflicts=True)
        ring(PUSH)
