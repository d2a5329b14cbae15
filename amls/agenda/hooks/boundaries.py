"""When pages of dated things change by themselves."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db.models import DateTimeField, F, Func, QuerySet

from amls.agenda.managers import JOIN_LEAD, TOMBSTONE_DAYS, AgendaItemQuerySet
from amls.agenda.models import AgendaItem
from amls.pagecache.boundaries import COURSE, ENROLMENT, NOW, boundaries, own_boundaries


@boundaries
def agenda_boundaries() -> Iterator[QuerySet[Any, Any]]:
    """Yield starts, ends, when join links appear, when deadlines are over, when tombstones expire."""
    yield _instants(AgendaItem.objects.filter(course=COURSE))


@own_boundaries
def own_agenda_boundaries() -> Iterator[QuerySet[Any, Any]]:
    """Yield the same of a person's own dates."""
    yield _instants(AgendaItem.objects.filter(enrolment=ENROLMENT))


def _instants(items: AgendaItemQuerySet) -> QuerySet[Any, Any]:
    # A deadline's whole minute counts.
    over = F("ends_at") + timedelta(minutes=1)
    instants = F("starts_at") - JOIN_LEAD, F("starts_at"), F("ends_at"), over, F("cancelled_at") + TOMBSTONE_DAYS
    instant = Func(*instants, template="unnest(ARRAY[%(expressions)s])", output_field=DateTimeField())
    return items.in_feeds_at(NOW).annotate(instant=instant).values_list("instant")
