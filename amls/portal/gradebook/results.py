"""Everybody's exam results, and what they got for the tasks of exams."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from amls.courses.models import Enrolment
from exams.models import ExamTaskPoints, Result


class BookResult(NamedTuple):
    """What a person got in an exam.

    Attributes:
        points: None where there are none.
        grade: None without one.
        is_published: whether the person may see it.
    """

    points: Decimal | None
    grade: Decimal | None
    is_published: bool


def results_by_person(people: Sequence[Enrolment]) -> dict[int, dict[int, BookResult]]:
    """Return the results of people by enrolment and exam, published or not: 1 query.

    Who withdrew and came back is registered twice: the newest counts.
    """
    results: dict[int, dict[int, BookResult]] = defaultdict(dict)
    courses = {person.course_id for person in people}
    rows = Result.objects.filter(registration__course__in=courses).order_by("registration")
    if len(people) == 1:
        rows = rows.filter(registration__enrolment=people[0].pk)
    for person, exam, points, grade, state in rows.values_list(
        "registration__enrolment", "registration__exam", "points", "grade", "state"
    ):
        results[person][exam] = BookResult(points, grade, state == Result.State.PUBLISHED)
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
