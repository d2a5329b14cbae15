"""Reading the outbox."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from amls.notifications.models import Notice  # noqa: F401


class NoticeQuerySet(models.QuerySet["Notice"]):
    """Notices."""

    def claimable_at(self, now: datetime) -> NoticeQuerySet:
        """Return what may be claimed: what is due, and what a worker claimed and left."""
        return self.filter(Q(state="due", not_before__lte=now) | Q(state="sending", leased_until__lte=now))
