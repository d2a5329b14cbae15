"""When pages of dated things change by themselves."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from amls.agenda.managers import TOMBSTONE_DAYS, AgendaItemQuerySet
from amls.agenda.models import AgendaItem
from amls.courses.models import Course
from amls.pagecache.boundaries import boundaries, own_boundaries

# The join link stands on the page from this long before the start.
JOIN_LEAD = timedelta(minutes=15)


@boundaries
def agenda_boundaries(course: Course, now: datetime) -> Iterator[datetime]:
    """Yield starts, ends, when join links appear, when deadlines are over, when tombstones expire."""
    yield from _instants(AgendaItem.objects.filter(course=course), now)


@own_boundaries
def own_agenda_boundaries(enrolment: int, now: datetime) -> Iterator[datetime]:
    """Yield the same of a person's own dates: 1 query."""
    yield from _instants(AgendaItem.objects.filter(enrolment=enrolment), now)


def _instants(items: AgendaItemQuerySet, now: datetime) -> Iterator[datetime]:
    rows = items.in_feeds_at(now)
    for starts_at, ends_at, cancelled_at in rows.values_list("starts_at", "ends_at", "cancelled_at"):
        if ends_at + timedelta(minutes=1) > now:
            yield starts_at - JOIN_LEAD
            yield starts_at
            yield ends_at
            # A deadline's whole minute counts.
            yield ends_at + timedelta(minutes=1)
        if cancelled_at is not None:
            yield cancelled_at + TOMBSTONE_DAYS
