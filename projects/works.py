"""How every student stands with every assignment of a course: a fixed number of queries, however many of either."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from amls.courses.models import Course, Enrolment
from amls.grading.facts import Piece
from amls.grading.points import Tally, WorkState, tally
from projects.deadlines import Deadlines
from projects.models import (
    Assessment,
    Assignment,
    Excuse,
    MemberAssessment,
    Membership,
    Outcome,
    Submission,
    TaskPoints,
)
from projects.points import Score, score_from


@dataclass(frozen=True, slots=True)
class Work:
    """One student's work on one assignment.

    Attributes:
        state: as the student may know it.
        score: of an assignment that gives points; None where nothing is given. It may not be published yet.
        outcome: passed or failed; '' where nothing is decided. It may not be published yet.
        is_published: whether the student may see score and outcome.
        project: the team's key; None without one.
        feedback, correction: what the team reads with it, once it is published.
    """

    assignment: Assignment
    state: WorkState
    score: Score | None
    outcome: str
    is_published: bool
    project: int | None
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


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read of all assignments at once."""

    deadlines: dict[int, Deadlines]
    projects: dict[tuple[int, int], int]
    members: dict[int, list[int]]
    handed_in: set[int]
    assessments: dict[int, Assessment]
    given: dict[int, list[TaskPoints]]
    overrides: dict[tuple[int, int], MemberAssessment]
    excused: set[tuple[int, int]]
    published: set[int]


def assignments_of(course: Course) -> list[Assignment]:
    """Return the assignments of a course in their order, each with its tasks: 2 queries."""
    return list(Assignment.objects.filter(course=course).prefetch_related("tasks"))


def works_of(
    assignments: Sequence[Assignment], enrolments: Sequence[Enrolment], *, now: datetime
) -> dict[int, dict[int, Work]]:
    """Return how these students stand, by enrolment and by assignment: 7 queries, none without assignments.

    Args:
        assignments: of one course, as `assignments_of` reads them.
        enrolments: its students.
        now: aware.
    """
    if not assignments:
        return {enrolment.pk: {} for enrolment in enrolments}
    known = _read(assignments)
    return {
        enrolment.pk: {assignment.pk: _work(assignment, enrolment.pk, known, now) for assignment in assignments}
        for enrolment in enrolments
    }


def _read(assignments: Sequence[Assignment]) -> _Known:
    pks = [assignment.pk for assignment in assignments]
    projects: dict[tuple[int, int], int] = {}
    members: dict[int, list[int]] = defaultdict(list)
    memberships = Membership.objects.filter(assignment__in=pks, left_at__isnull=True)
    for enrolment, assignment, project in memberships.values_list("enrolment", "assignment", "project"):
        projects[enrolment, assignment] = project
        members[project].append(enrolment)
    handed_in = Submission.objects.filter(project__assignment__in=pks, withdrawn_at__isnull=True)
    assessments = {row.project_id: row for row in Assessment.objects.filter(project__assignment__in=pks)}
    assignment_of = {project: assignment for (_person, assignment), project in projects.items()}
    given: dict[int, list[TaskPoints]] = defaultdict(list)
    for points in TaskPoints.objects.filter(assessment__project__assignment__in=pks):
        given[points.assessment_id].append(points)
    overrides = MemberAssessment.objects.filter(assessment__project__assignment__in=pks)
    return _Known(
        deadlines=Deadlines.of_each(assignments),
        projects=projects,
        members=members,
        handed_in=set(handed_in.values_list("project", flat=True)),
        assessments=assessments,
        given=given,
        overrides={(override.assessment_id, override.enrolment_id): override for override in overrides},
        excused=set(Excuse.objects.filter(assignment__in=pks).values_list("enrolment", "assignment")),
        published={assignment_of.get(row.project_id, 0) for row in assessments.values() if row.published_at},
    )


def _work(assignment: Assignment, enrolment: int, known: _Known, now: datetime) -> Work:
    project = known.projects.get((enrolment, assignment.pk))
    assessment = known.assessments.get(project) if project is not None else None
    score, outcome = None, ""
    if assessment is not None:
        override = known.overrides.get((assessment.pk, enrolment))
        outcome = (override.outcome if override is not None else "") or assessment.outcome
        if assignment.grading == Assignment.Grading.POINTS and known.given[assessment.pk]:
            score = score_from(known.given[assessment.pk], list(assignment.tasks.all()), assignment, enrolment)
            outcome = score.outcome if score.is_complete and outcome else outcome
    is_published = assessment is not None and assessment.published_at is not None
    state = _state(assignment, enrolment, project, known, is_published=is_published, now=now)
    feedback, correction = (assessment.feedback, assessment.correction) if assessment and is_published else ("", "")
    return Work(assignment, state, score, outcome, is_published, project, feedback, correction)


def _state(
    assignment: Assignment, enrolment: int, project: int | None, known: _Known, *, is_published: bool, now: datetime
) -> WorkState:
    if (enrolment, assignment.pk) in known.excused:
        return WorkState.EXCUSED
    if is_published:
        return WorkState.GRADED
    if project in known.handed_in or project in known.assessments:
        return WorkState.WAITING
    deadlines = known.deadlines[assignment.pk]
    closes_at = deadlines.closes_at(deadlines.for_team(project or 0, known.members.get(project or 0, [enrolment])))
    if closes_at is None or now < closes_at:
        return WorkState.OPEN
    if not assignment.is_handed_in_here:
        # What is handed in on paper is known once the staff give points: whoever has none then handed nothing in.
        return WorkState.MISSING if assignment.pk in known.published else WorkState.WAITING
    return WorkState.MISSING


def piece_of(work: Work, path: str = "") -> Piece:
    """Return a student's work as rules judge it: with what is published only."""
    assignment, is_graded = work.assignment, work.is_graded
    return Piece(
        key=assignment.pk,
        title=assignment.title,
        most=work.most,
        state=work.state,
        points=work.score.points if is_graded and work.score is not None else None,
        is_passed=work.outcome == Outcome.PASSED if is_graded else None,
        counts=assignment.counts,
        path=path,
    )


def sum_of(works: Iterable[Work]) -> Tally:
    """Return the sum of a student's points, of what counts and is published."""
    return tally(
        (work.state, work.score.points if work.score is not None else None, work.most)
        for work in works
        if work.most is not None and work.assignment.counts
    )


def blank_piece(assignment: Assignment) -> Piece:
    """Return an assignment as it is to somebody of whom nothing is known."""
    return piece_of(Work(assignment, WorkState.OPEN, None, "", False, None))
