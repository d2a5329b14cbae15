"""What the database knows of students' work: places in teams, hand-ins, decisions and points, for many at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import models
from django.db.models import Case, Count, Exists, ExpressionWrapper, F, OuterRef, Q, Subquery, Sum, Value, When

from amls.core.clock import is_open_until
from projects.deadlines import Deadlines
from projects.models import (
    Assessment,
    Assignment,
    Excuse,
    MemberAssessment,
    Membership,
    Submission,
    Task,
    TaskPoints,
)


class TeamPlace(NamedTuple):
    """Somebody's place in a team, what the team handed in, and what is decided on its work.

    Attributes:
        topic: of the team; None without one.
        is_handed_in: whether there is an attempt, in time or late, that is not withdrawn.
        first_at: when the first of those began; None without any, and where it is not asked for.
        is_accepted: whether the staff let a late one count, where it is asked for.
    """

    enrolment: int
    assignment: int
    project: int
    topic: int | None
    is_handed_in: bool
    first_at: datetime | None
    is_accepted: bool
    assessment: int | None
    outcome: str | None
    is_published: bool
    feedback: str | None
    correction: str | None

    def counts_by(self, due_at: datetime | None) -> bool:
        """Return whether an attempt counts, where the team has until `due_at`: it is in time, or accepted."""
        if self.first_at is None:
            return False
        return self.is_accepted or due_at is None or is_open_until(due_at, self.first_at)


# By assessment: what a team (None) or a member got for one task, or for several of them, and for how many.
Sums = tuple[int, int | None, int | None, Decimal, int]


_IS_PUBLISHED = ExpressionWrapper(
    Q(project__assessment__published_at__isnull=False), output_field=models.BooleanField()
)
_FEW = 50


@dataclass(frozen=True, slots=True)
class Known:
    """What was read of all assignments at once."""

    deadlines: Mapping[int, Deadlines]
    places: dict[tuple[int, int], TeamPlace]
    members: dict[int, list[int]]
    sums: dict[int, list[Sums]]
    given: dict[int, list[TaskPoints]]
    overrides: dict[tuple[int, int], str]
    tasks: dict[int, list[Task]]
    excused: set[tuple[int, int]]
    published: set[int]


def read_rows(
    assignments: Sequence[Assignment],
    people: Sequence[int],
    deadlines: Mapping[int, Deadlines],
    *,
    with_tasks: bool = False,
    with_times: bool = False,
    with_results: bool = True,
) -> Known:
    """Return what is known of these students and their teams: at most 5 queries, 2 without results.

    Args:
        assignments: those that give points with their tasks.
        people: keys of enrolments.
        deadlines: by assignment.
        with_tasks: whether points are wanted task by task, and with what the team reads; else the database adds them up.
        with_times: whether it is asked when they handed in.
        with_results: whether points and decisions on single members are wanted at all.
    """
    pks = [assignment.pk for assignment in assignments]
    places: dict[tuple[int, int], TeamPlace] = {}
    members: dict[int, list[int]] = defaultdict(list)
    for place in places_of(pks, people, with_texts=with_tasks, with_times=with_times):
        places[place.enrolment, place.assignment] = place
        members[place.project].append(place.enrolment)
    given: dict[int, list[TaskPoints]] = defaultdict(list)
    if with_tasks:
        for points in TaskPoints.objects.filter(assessment__in={place.assessment for place in places.values()}):
            given[points.assessment_id].append(points)
    are_few = len(people) <= _FEW
    excuses = Excuse.objects.filter(assignment__in=pks, **{"enrolment__in": people} if are_few else {})
    excused = set(excuses.values_list("enrolment", "assignment"))
    if not with_results:
        return Known(deadlines, places, members, {}, {}, {}, {}, excused, set())
    # One person's page must not cost more the more people there are beside them.
    given_in: dict[str, Any] = {"assessment__project__assignment__in": pks}
    if are_few:
        given_in = {"assessment__in": {place.assessment for place in places.values()}}
    overrides = MemberAssessment.objects.filter(**given_in)
    published = Assessment.objects.filter(project__assignment=OuterRef("pk"), published_at__isnull=False)
    return Known(
        deadlines=deadlines,
        places=places,
        members=members,
        sums={} if with_tasks else _sums(given_in),
        given=given,
        tasks={assignment.pk: list(assignment.tasks.all()) for assignment in assignments if assignment.grading == Assignment.Grading.POINTS},
        overrides={(key, person): said for key, person, said in overrides.values_list("assessment", "enrolment", "outcome")},
        excused=excused,
        published=set(Assignment.objects.filter(Exists(published), pk__in=pks).order_by().values_list("pk", flat=True)),
    )  # fmt: skip


def places_of(
    pks: Sequence[int], people: Collection[int] | None, *, with_texts: bool = False, with_times: bool = False
) -> Iterable[TeamPlace]:
    """Return the places of these students, or of all, in teams, and those of their teammates: 1 query."""
    active = Membership.objects.filter(assignment__in=pks, left_at__isnull=True)
    # Of many people nearly all teams are wanted: to name them would cost more than the rest.
    if people is not None and len(people) <= _FEW:
        active = active.filter(project__in=active.filter(enrolment__in=people).values("project"))
    attempts = Submission.objects.filter(project=OuterRef("project"), withdrawn_at__isnull=True)
    times: list[Any] = [Value(None, models.DateTimeField()), Value(value=False)]
    if with_times:
        first = attempts.order_by("began_at").values("began_at")[:1]
        times = [Subquery(first), Exists(attempts.filter(accepted_at__isnull=False))]
    texts: list[Any] = [Value(""), Value("")]
    if with_texts:
        texts = [F("project__assessment__feedback"), F("project__assessment__correction")]
    rows = active.values_list(
        "enrolment", "assignment", "project", "project__topic", Exists(attempts), *times, "project__assessment",
        "project__assessment__outcome", _IS_PUBLISHED, *texts,
    )  # fmt: skip
    return map(TeamPlace._make, rows)


def _sums(given_in: dict[str, Any]) -> dict[int, list[Sums]]:
    """Return what is given in these assessments, by assessment: 1 query, in which the database adds up what needs no telling apart.

    Where some member has points of their own, each task stands by itself.
    """
    own = TaskPoints.objects.filter(assessment=OuterRef("assessment"), enrolment__isnull=False)
    rows = (
        TaskPoints.objects.filter(**given_in)
        .annotate(alone=Case(When(Exists(own), then=F("task")), default=None))
        .order_by()
        .values_list("assessment", "enrolment", "alone")
        .annotate(Sum("points"), Count("pk"))
    )
    sums: dict[int, list[Sums]] = defaultdict(list)
    for row in rows:
        sums[row[0]].append(row)
    return sums
