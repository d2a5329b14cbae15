"""What the worker reads for whoever brings a course in: pages that somebody waits for, and those that are followed."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from amls.core.jobs import Queue
from amls.courses.models import Course
from amls.portal.models import ImportDraft, Upstream

FETCH = "amls.portal.tasks.fetch_drafts"
READ = "amls.portal.tasks.read_upstreams"


class _Fetches(Queue[ImportDraft]):
    """The drafts whose address somebody waits for, the oldest first."""

    model, task, lease, most_attempts = ImportDraft, FETCH, timedelta(seconds=90), 3
    since_field = "made_at"

    def waiting(self, *, now: datetime) -> QuerySet[ImportDraft]:
        """Return the drafts that nobody fetches yet."""
        is_free = Q(leased_until__isnull=True) | Q(leased_until__lte=now)
        return ImportDraft.objects.filter(is_free, source__isnull=True, problem="")

    def choose(self, *, now: datetime, limit: int) -> Iterable[ImportDraft]:
        """Return the next drafts, locked."""
        return self.free(self.waiting(now=now).select_related("owner")).order_by("pk")[:limit]


class _Upstreams(Queue[Upstream]):
    """The pages that are due, the longest due first; those of courses that are over are left alone."""

    model, task, lease = Upstream, READ, timedelta(seconds=90)
    since_field = "due_at"

    def waiting(self, *, now: datetime) -> QuerySet[Upstream]:
        """Return the pages that are due and that nobody reads."""
        is_free = Q(leased_until__isnull=True) | Q(leased_until__lte=now)
        return Upstream.objects.filter(is_free, due_at__lte=now).exclude(course__state=Course.State.ARCHIVED)

    def choose(self, *, now: datetime, limit: int) -> Iterable[Upstream]:
        """Return the next pages, locked."""
        return self.free(self.waiting(now=now).select_related("course")).order_by("due_at", "pk")[:limit]


FETCHES = _Fetches()
UPSTREAMS = _Upstreams()
