"""What the database knows of students' work: places in teams, hand-ins, decisions and points, for many at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from itertools import starmap
from typing import Any, NamedTuple

from django.db import models
from django.db.models import Case, Count, Exists, ExpressionWrapper, F, Func, OuterRef, Q, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce

from amls.core.statements import Parameter, Statement, is_among
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
        late_percent: of the points that are deducted for being late.
        is_published: whether the person has a result, which who joined later has not.
    """

    enrolment: int
    assignment: int
    project: int
    topic: int | None
    is_handed_in: bool
    assessment: int | None
    outcome: str | None
    late_percent: int | None
    is_published: bool
    first_at: datetime | None = None
    is_accepted: bool = False
    feedback: str | None = None

    def counts_by(self, until: datetime | None) -> bool:
        """Return whether an attempt counts, where those do that began before `until`, and those that were accepted."""
        if self.first_at is None:
            return False
        return self.is_accepted or until is None or self.first_at < until


# By assessment: what a team (None) or a member got for one task (0 is the whole), and for how many.
Sums = tuple[int, int | None, int | None, Decimal, int]


# Whoever joined after the publication has a result once the staff decide on them in particular, as `TeamView.newcomers`.
_OF_THEIRS = {"assessment__project": OuterRef("project"), "enrolment": OuterRef("enrolment")}
IS_PUBLISHED = ExpressionWrapper(
    Q(project__assessment__published_at__isnull=False)
    & (
        Q(joined_at__lte=F("project__assessment__published_at"))
        | Q(Exists(MemberAssessment.objects.filter(**_OF_THEIRS)))
        | Q(Exists(TaskPoints.objects.filter(**_OF_THEIRS)))
    ),
    output_field=models.BooleanField(),
)
_FEW = 50
_ASSIGNMENTS = Parameter("assignments")
_ARE_THEIRS = is_among("enrolment_id", Parameter("people"))


@dataclass(frozen=True, slots=True)
class Known:
    """What was read of all assignments at once.

    Attributes:
        places: by enrolment and assignment; nothing for whoever has none.
        members: the keys of enrolments, by team.
        teams_points: by assessment, the points that all of the team have, and for how many tasks.
        sums: by assessment where some member has points of their own, all of them.
        given: by assessment, task by task, where that was asked for.
        tasks: of the assignments that give points.
        has_texts: whether it was asked task by task, and for what the team reads with it.
    """

    deadlines: Mapping[int, Deadlines]
    places: Mapping[int, dict[int, TeamPlace]]
    members: dict[int, list[int]]
    teams_points: dict[int, tuple[Decimal, int]]
    sums: dict[int, list[Sums]]
    given: dict[int, list[TaskPoints]]
    overrides: dict[tuple[int, int], str]
    tasks: dict[int, list[Task]]
    excused: set[tuple[int, int]]
    published: set[int]
    has_texts: bool = False


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
    are_few = len(people) <= _FEW
    given: dict[str, Any] = {"assignments": [assignment.pk for assignment in assignments], "people": list(people)}
    places: Mapping[int, dict[int, TeamPlace]] = defaultdict(dict)
    assessments: set[int] = set()
    members: dict[int, list[int]] = defaultdict(list)
    for place in places_of(given["assignments"], people, with_texts=with_tasks, with_times=with_times):
        places[place.enrolment][place.assignment] = place
        members[place.project].append(place.enrolment)
        if place.assessment is not None:
            assessments.add(place.assessment)
    given["assessments"] = list(assessments)
    points: dict[int, list[TaskPoints]] = defaultdict(list)
    if with_tasks:
        for row in TaskPoints.objects.filter(assessment__in=given["assessments"]):
            points[row.assessment_id].append(row)
    excused = {(person, assignment) for person, assignment in _excuses(are_few=are_few).run(given)}
    if not with_results:
        return Known(deadlines, places, members, {}, {}, {}, {}, {}, excused, set())
    is_assessed = bool(given["assessments"]) or not are_few
    teams_points, sums = _read_sums(given, are_few=are_few) if is_assessed and not with_tasks else ({}, {})
    overrides = _overrides(are_few=are_few).run(given) if is_assessed else []
    is_any_on_paper = not all(assignment.is_handed_in_here for assignment in assignments)
    return Known(
        deadlines=deadlines,
        places=places,
        members=members,
        teams_points=teams_points,
        sums=sums,
        given=points,
        tasks={assignment.pk: list(assignment.tasks.all()) for assignment in assignments if assignment.grading == Assignment.Grading.POINTS},
        overrides={(key, person): said for key, person, said in overrides},
        excused=excused,
        published={pk for (pk,) in _published().run(given)} if is_any_on_paper else set(),
        has_texts=with_tasks,
    )  # fmt: skip


def _read_sums(
    given: Mapping[str, Any], *, are_few: bool
) -> tuple[dict[int, tuple[Decimal, int]], dict[int, list[Sums]]]:
    """Return the points that all of a team have, and of single members, by assessment: 1 query. See `Known`."""
    teams_points: dict[int, tuple[Decimal, int]] = {}
    sums: dict[int, list[Sums]] = defaultdict(list)
    for assessment, enrolment, alone, added, count in _sums(are_few=are_few).run(given):
        if alone is None:
            teams_points[assessment] = added, count
        else:
            sums[assessment].append((assessment, enrolment, alone, added, count))
    return teams_points, sums


def places_of(
    pks: Sequence[int], people: Collection[int] | None, *, with_texts: bool = False, with_times: bool = False
) -> Iterable[TeamPlace]:
    """Return the places of these students, or of all, in teams, and those of their teammates: 1 query."""
    # Of many people nearly all teams are wanted: to name them would cost more than the rest.
    are_few = people is not None and len(people) <= _FEW
    statement = _places(are_few=are_few, with_texts=with_texts, with_times=with_times)
    return starmap(TeamPlace, statement.run({"assignments": list(pks), "people": list(people or ())}))


@cache
def _places(*, are_few: bool, with_texts: bool, with_times: bool) -> Statement:
    active = Membership.objects.filter(is_among("assignment_id", _ASSIGNMENTS), left_at__isnull=True)
    if are_few:
        theirs = Membership.objects.filter(_ARE_THEIRS, left_at__isnull=True)
        active = active.filter(project__in=theirs.filter(is_among("assignment_id", _ASSIGNMENTS)).values("project"))
    attempts = Submission.objects.filter(project=OuterRef("project"), withdrawn_at__isnull=True)
    # A table reads thousands of rows: what it doesn't ask for is not in them.
    more: list[Any] = []
    if with_times:
        first = attempts.order_by("began_at").values("began_at")[:1]
        more = [Subquery(first), Exists(attempts.filter(accepted_at__isnull=False))]
    elif with_texts:
        more = [Value(None, models.DateTimeField()), Value(value=False)]
    if with_texts:
        more.append(F("project__assessment__feedback"))
    return Statement.of(
        active.values_list(
            "enrolment", "assignment", "project", "project__topic", Exists(attempts), "project__assessment",
            "project__assessment__outcome", "project__assessment__late_percent", IS_PUBLISHED, *more,
        )
    )  # fmt: skip


@cache
def _excuses(*, are_few: bool) -> Statement:
    rows = Excuse.objects.filter(is_among("assignment_id", _ASSIGNMENTS)).order_by()
    return Statement.of((rows.filter(_ARE_THEIRS) if are_few else rows).values_list("enrolment", "assignment"))


def _in_these(*, are_few: bool) -> Func:
    """Return the condition that something belongs to these people's work: of one person's only what is theirs is read."""
    if are_few:
        return is_among("assessment_id", Parameter("assessments"))
    return is_among("assessment__project__assignment_id", _ASSIGNMENTS)


@cache
def _sums(*, are_few: bool) -> Statement:
    """Return what is given in these assessments: the database adds up what needs no telling apart.

    Where some member has points of their own, each task stands by itself.
    """
    own = TaskPoints.objects.filter(assessment=OuterRef("assessment"), enrolment__isnull=False)
    return Statement.of(
        TaskPoints.objects.filter(_in_these(are_few=are_few))
        .annotate(alone=Case(When(Exists(own), then=Coalesce(F("task"), 0)), default=None))
        .order_by()
        .values_list("assessment", "enrolment", "alone")
        .annotate(Sum("points"), Count("pk"))
    )


@cache
def _overrides(*, are_few: bool) -> Statement:
    rows = MemberAssessment.objects.filter(_in_these(are_few=are_few)).order_by()
    return Statement.of(rows.values_list("assessment", "enrolment", "outcome"))


@cache
def _published() -> Statement:
    """Return for which of these assignments something is published."""
    published = Assessment.objects.filter(project__assignment=OuterRef("pk"), published_at__isnull=False)
    rows = Assignment.objects.filter(Exists(published), is_among("pk", _ASSIGNMENTS))
    return Statement.of(rows.order_by().values_list("pk"))
