"""Everybody's exam results, and what they got for the tasks of exams."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal

from django.db.models import F

from amls.courses.models import Enrolment
from exams.models import ExamTaskPoints, Result


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


def task_points_by_person(people: Sequence[Enrolment]) -> Mapping[int, Mapping[int, Decimal]]:
    """Return what people got for tasks of exams, by enrolment and task, published or not: 1 query.

    Who withdrew and came back is registered twice: the newest counts.
    """
    by_registration: dict[tuple[int, int], tuple[int, dict[int, Decimal]]] = {}
    rows = ExamTaskPoints.objects.filter(registration__course__in={person.course_id for person in people})
    if len(people) == 1:
        rows = rows.filter(registration__enrolment=people[0].pk)
    ordered = rows.order_by("registration").values_list(
        "registration__enrolment", "registration__exam", "registration", "task", "points"
    )
    for person, exam, registration, task, points in ordered:
        newest, given = by_registration.get((person, exam), (registration, {}))
        if newest != registration:
            given = {}
        given[task] = points
        by_registration[person, exam] = registration, given
    points_of: dict[int, dict[int, Decimal]] = defaultdict(dict)
    for (person, _exam), (_registration, given) in by_registration.items():
        points_of[person] |= given
    return points_of
