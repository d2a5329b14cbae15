"""How every student stands with every assignment of a course: a fixed number of queries, however many of either."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import models
from django.db.models import (
    Case,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    Sum,
    Value,
    When,
    prefetch_related_objects,
)

from amls.courses.models import Enrolment
from amls.grading.facts import Piece
from amls.grading.points import ZERO, Tally, WorkState, tally
from projects.deadlines import Deadlines
from projects.models import (
    Assessment,
    Assignment,
    Excuse,
    MemberAssessment,
    Membership,
    Outcome,
    Submission,
    Task,
    TaskPoints,
)
from projects.points import Score, outcome_of, score_from


class Work(NamedTuple):
    """One student's work on one assignment.

    Attributes:
        state: as the student may know it.
        points: of an assignment that gives some; None where nothing is given. They may not be published yet.
        outcome: passed or failed; '' where nothing is decided. It may not be published yet.
        is_published: whether the student may see points and outcome.
        project: the team's key; None without one.
        score: the points task by task, where these were asked for.
        feedback, correction: what the team reads with it once it is published, where the tasks were asked for.
    """

    assignment: Assignment
    state: WorkState
    points: Decimal | None
    outcome: str
    is_published: bool
    project: int | None
    score: Score | None = None
    feedback: str = ""
    correction: str = ""

    @property
    def is_graded(self) -> bool:
        """Whether there is a published result that counts."""
        return self.state == WorkState.GRADED

    @property
    def most(self) -> Decimal | None:
        """What there is to be had; None where it is passed or failed."""
        is_by_points = self.assignment.grading == Assignment.Grading.POINTS
        return self.assignment.max_points if is_by_points else None


class _Place(NamedTuple):
    """Somebody's place in a team, and what is decided on the team's work."""

    enrolment: int
    assignment: int
    project: int
    is_handed_in: bool
    assessment: int | None
    outcome: str | None
    is_published: bool
    feedback: str | None
    correction: str | None


# By assessment: what a team (None) or a member got for one task, or for several of them, and for how many.
_Sum = tuple[int, int | None, int | None, Decimal, int]


_IS_PUBLISHED = ExpressionWrapper(
    Q(project__assessment__published_at__isnull=False), output_field=models.BooleanField()
)
_FEW = 50


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read of all assignments at once."""

    deadlines: dict[int, Deadlines]
    places: dict[tuple[int, int], _Place]
    members: dict[int, list[int]]
    sums: dict[int, list[_Sum]]
    given: dict[int, list[TaskPoints]]
    overrides: dict[tuple[int, int], str]
    tasks: dict[int, list[Task]]
    excused: set[tuple[int, int]]
    published: set[int]


def works_of(
    assignments: Sequence[Assignment],
    enrolments: Sequence[Enrolment],
    *,
    now: datetime,
    with_tasks: bool = False,
    deadlines: dict[int, Deadlines] | None = None,
) -> dict[int, dict[int, Work]]:
    """Return how these students stand, by enrolment and by assignment: 7 queries, none without assignments.

    One less where the deadlines are known, and one where none gives points.

    Args:
        assignments: of one course; their tasks are read here.
        enrolments: its students.
        now: aware.
        with_tasks: whether points are wanted task by task, and with what the team reads; else the database adds them up.
        deadlines: by assignment, where they are read already.
    """
    if not assignments:
        return {enrolment.pk: {} for enrolment in enrolments}
    with_points = [assignment for assignment in assignments if assignment.grading == Assignment.Grading.POINTS]
    prefetch_related_objects(with_points, "tasks")
    deadlines = deadlines or Deadlines.of_each(assignments)
    people, by_key = [enrolment.pk for enrolment in enrolments], {row.pk: row for row in assignments}
    known = _read(assignments, people, deadlines, with_tasks=with_tasks)
    return {
        person: {key: _work(key, assignment, person, known, now) for key, assignment in by_key.items()}
        for person in people
    }


def read_works(
    assignments: Sequence[Assignment], enrolments: Sequence[Enrolment], *, now: datetime
) -> dict[int, dict[int, Work]]:
    """Return how these students stand with all assignments of their course, as `works_of`, and keep it on them.

    Whatever else the page asks of these people, such as the rules of admission, finds it there: see `known_works`.
    """
    works = works_of(assignments, enrolments, now=now)
    for enrolment in enrolments:
        enrolment.works_read = (now, works[enrolment.pk])  # type: ignore[attr-defined]
    return works


def known_works(enrolments: Sequence[Enrolment], *, now: datetime) -> dict[int, dict[int, Work]] | None:
    """Return what `read_works` has kept of these students at this time; None unless it has of all: no query."""
    kept = {enrolment.pk: getattr(enrolment, "works_read", None) for enrolment in enrolments}
    works = {pk: known[1] for pk, known in kept.items() if known is not None and known[0] == now}
    return works if len(works) == len(kept) else None


def _read(
    assignments: Sequence[Assignment], people: Sequence[int], deadlines: dict[int, Deadlines], *, with_tasks: bool
) -> _Known:
    pks = [assignment.pk for assignment in assignments]
    places: dict[tuple[int, int], _Place] = {}
    members: dict[int, list[int]] = defaultdict(list)
    for place in _places(pks, people, with_texts=with_tasks):
        places[place.enrolment, place.assignment] = place
        members[place.project].append(place.enrolment)
    given: dict[int, list[TaskPoints]] = defaultdict(list)
    if with_tasks:
        for points in TaskPoints.objects.filter(assessment__in={place.assessment for place in places.values()}):
            given[points.assessment_id].append(points)
    overrides = MemberAssessment.objects.filter(assessment__project__assignment__in=pks)
    published = Assessment.objects.filter(project__assignment__in=pks, published_at__isnull=False)
    return _Known(
        deadlines=deadlines,
        places=places,
        members=members,
        sums={} if with_tasks else _sums(pks),
        given=given,
        tasks={assignment.pk: list(assignment.tasks.all()) for assignment in assignments if assignment.grading == Assignment.Grading.POINTS},
        overrides={(key, person): said for key, person, said in overrides.values_list("assessment", "enrolment", "outcome")},
        excused=set(Excuse.objects.filter(assignment__in=pks).values_list("enrolment", "assignment")),
        published=set(published.order_by().values_list("project__assignment", flat=True).distinct()),
    )  # fmt: skip


def _places(pks: Sequence[int], people: Sequence[int], *, with_texts: bool) -> Iterable[_Place]:
    """Return the places of these students in teams, and those of their teammates: 1 query."""
    active = Membership.objects.filter(assignment__in=pks, left_at__isnull=True)
    # Of many people nearly all teams are wanted: to name them would cost more than the rest.
    if len(people) <= _FEW:
        active = active.filter(project__in=active.filter(enrolment__in=people).values("project"))
    attempts = Submission.objects.filter(project=OuterRef("project"), withdrawn_at__isnull=True)
    texts: list[Any] = [Value(""), Value("")]
    if with_texts:
        texts = [F("project__assessment__feedback"), F("project__assessment__correction")]
    rows = active.values_list(
        "enrolment", "assignment", "project", Exists(attempts), "project__assessment",
        "project__assessment__outcome", _IS_PUBLISHED, *texts,
    )  # fmt: skip
    return map(_Place._make, rows)


def _sums(pks: Sequence[int]) -> dict[int, list[_Sum]]:
    """Return what is given, by assessment: 1 query, in which the database adds up what needs no telling apart.

    Where some member has points of their own, each task stands by itself.
    """
    own = TaskPoints.objects.filter(assessment=OuterRef("assessment"), enrolment__isnull=False)
    rows = (
        TaskPoints.objects.filter(assessment__project__assignment__in=pks)
        .annotate(alone=Case(When(Exists(own), then=F("task")), default=None))
        .order_by()
        .values_list("assessment", "enrolment", "alone")
        .annotate(Sum("points"), Count("pk"))
    )
    sums: dict[int, list[_Sum]] = defaultdict(list)
    for row in rows:
        sums[row[0]].append(row)
    return sums


def _points(sums: Sequence[_Sum], enrolment: int) -> tuple[Decimal, int]:
    """Return a person's points and for how many tasks: their own go before the team's, task by task."""
    if len(sums) == 1 and sums[0][1] is None:
        return sums[0][3:]
    theirs = {
        task: (points, tasks)
        for _assessment, member, task, points, tasks in sorted(sums, key=lambda row: row[1] is not None)
        if member in (None, enrolment)
    }
    return sum((points for points, _tasks in theirs.values()), ZERO), sum(tasks for _points, tasks in theirs.values())


def _work(key: int, assignment: Assignment, enrolment: int, known: _Known, now: datetime) -> Work:
    place = known.places.get((enrolment, key))
    if place is None or place.assessment is None:
        state = _state(key, assignment, enrolment, place, known, now=now)
        return Work(assignment, state, None, "", is_published=False, project=place.project if place else None)
    outcome = known.overrides.get((place.assessment, enrolment)) or place.outcome or ""
    points, score, is_complete = None, None, False
    if assignment.grading == Assignment.Grading.POINTS:
        if rows := known.given.get(place.assessment):
            score = score_from(rows, known.tasks[key], assignment, enrolment)
            points, is_complete = score.points, score.is_complete
        elif sums := known.sums.get(place.assessment):
            points, count = _points(sums, enrolment)
            is_complete = count == (len(known.tasks[key]) or 1)
    if points is not None and is_complete and outcome:
        outcome = outcome_of(points, assignment.max_points or ZERO, assignment.pass_percent)
    is_published = place.is_published
    state = _state(key, assignment, enrolment, place, known, now=now)
    feedback, correction = (place.feedback or "", place.correction or "") if is_published else ("", "")
    return Work(assignment, state, points, outcome, is_published, place.project, score, feedback, correction)


def _state(
    key: int, assignment: Assignment, enrolment: int, place: _Place | None, known: _Known, *, now: datetime
) -> WorkState:
    if (enrolment, key) in known.excused:
        return WorkState.EXCUSED
    if place is not None and place.is_published:
        return WorkState.GRADED
    if place is not None and (place.is_handed_in or place.assessment is not None):
        return WorkState.WAITING
    deadlines, project = known.deadlines[key], place.project if place is not None else 0
    closes_at = deadlines.closes_at(deadlines.for_team(project, known.members.get(project, [enrolment])))
    if closes_at is None or now < closes_at:
        return WorkState.OPEN
    if not assignment.is_handed_in_here:
        # What is handed in on paper is known once the staff give points: whoever has none then handed nothing in.
        return WorkState.MISSING if key in known.published else WorkState.WAITING
    return WorkState.MISSING


def piece_of(work: Work, path: str = "") -> Piece:
    """Return a student's work as rules judge it: with what is published only."""
    assignment, is_graded = work.assignment, work.is_graded
    return Piece(
        key=assignment.pk,
        title=assignment.title,
        most=work.most,
        state=work.state,
        points=work.points if is_graded else None,
        is_passed=work.outcome == Outcome.PASSED if is_graded else None,
        counts=assignment.counts,
        path=path,
    )


def sum_of(works: Iterable[Work]) -> Tally:
    """Return the sum of a student's points, of what counts and is published."""
    return tally(
        (work.state, work.points, work.most) for work in works if work.most is not None and work.assignment.counts
    )


def blank_piece(assignment: Assignment) -> Piece:
    """Return an assignment as it is to somebody of whom nothing is known."""
    return piece_of(Work(assignment, WorkState.OPEN, None, "", is_published=False, project=None))
