"""Whether exports are made: for /readyz."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min

from amls.exports.models import Export


@dataclass(frozen=True, slots=True)
class ExportHealth:
    """What is known of the workshop.

    Attributes:
        waiting: exports that should be made by now and wait for a worker.
        oldest_due_at: since when the oldest of them waits.
        failed: exports that failed within the last day.
    """

    waiting: int
    oldest_due_at: datetime | None
    failed: int


def health(*, now: datetime) -> ExportHealth:
    """Return how exports come along, in two queries."""
    waiting = Export.objects.claimable_at(now).aggregate(count=Count("pk"), oldest=Min("not_before"))
    failed = Export.objects.failed_since(now - timedelta(days=1)).count()
    return ExportHealth(waiting=waiting["count"], oldest_due_at=waiting["oldest"], failed=failed)
