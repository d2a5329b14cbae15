"""Everybody's exam results."""

from collections import defaultdict
from collections.abc import Sequence

from amls.courses.models import Enrolment
from exams.models import Registration, Result


def results_by_person(people: Sequence[Enrolment]) -> dict[int, dict[int, Result]]:
    """Return the results of people by enrolment and exam, published or not: 1 query.

    Who withdrew and came back is registered twice: the newest counts.
    """
    results: dict[int, dict[int, Result]] = defaultdict(dict)
    pks = [person.pk for person in people]
    rows = Registration.objects.filter(enrolment__in=pks, result__isnull=False).select_related("result").order_by("pk")
    for registration in rows:
        results[registration.enrolment_id][registration.exam_id] = registration.result
    return results
