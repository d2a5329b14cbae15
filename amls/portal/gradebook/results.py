"""Everybody's exam results."""

from collections import defaultdict
from collections.abc import Sequence

from django.db.models import F

from amls.courses.models import Enrolment
from exams.models import Result


def results_by_person(people: Sequence[Enrolment]) -> dict[int, dict[int, Result]]:
    """Return the results of people by enrolment and exam, published or not: 1 query.

    Who withdrew and came back is registered twice: the newest counts.
    """
    results: dict[int, dict[int, Result]] = defaultdict(dict)
    courses = {person.course_id for person in people}
    rows = Result.objects.filter(registration__course__in=courses).order_by("registration")
    if len(people) == 1:
        rows = rows.filter(registration__enrolment=people[0].pk)
    for result in rows.annotate(person=F("registration__enrolment"), exam=F("registration__exam")):
        results[result.person][result.exam] = result
    return results
