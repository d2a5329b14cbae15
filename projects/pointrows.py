"""Who has which points for an assignment, row by row: each team, and each student who is in none yet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal

from amls.courses.models import Enrolment
from projects.models import (
    Assessment,
    Assignment,
    Excuse,
    MemberAssessment,
    Membership,
    Outcome,
    Project,
    TaskPoints,
)
from projects.points import Mark, counted_points


@dataclass(frozen=True, slots=True)
class PointsRow:
    """A team of an assignment, or a student who is in none, with what the team has for each task.

    Attributes:
        key: names the row in a form: 't' and the team's key, or 'p' and the enrolment's.
        project: None for a student without a team.
        members: by name.
        given: by task; None is the sum of an assignment without tasks.
        excused: the members who are excused.
        own: by member and task, what a member has of their own instead of the team's.
    """

    key: str
    project: Project | None
    members: tuple[Enrolment, ...]
    assessment: Assessment | None
    given: Mapping[int | None, TaskPoints]
    excused: frozenset[int]
    own: Mapping[int, Mapping[int | None, Mark]]

    @property
    def label(self) -> str:
        """Who it is."""
        return ", ".join(str(member.user) for member in self.members)

    @property
    def is_published(self) -> bool:
        """Whether the team knows its points."""
        return self.assessment is not None and self.assessment.published_at is not None

    @property
    def is_draft(self) -> bool:
        """Whether all points are given, and the team doesn't know them yet."""
        return self.assessment is not None and bool(self.assessment.outcome) and not self.is_published

    def mark_for(self, task: int | None) -> Mark | None:
        """Return the team's points for a task, or whether it passed; None where nothing is given."""
        if self.project is not None and self.project.assignment.grading != Assignment.Grading.POINTS:
            outcome = self.assessment.outcome if self.assessment is not None else ""
            return Outcome(outcome) if outcome else None
        row = self.given.get(task)
        return row.points if row is not None else None

    def sum_of(self, member: int | None = None) -> tuple[Decimal, Decimal] | None:
        """Return the points that the team, or one member, earned, and those that count; None where none are given."""
        tasks = {*self.given, *(self.own.get(member, {}) if member is not None else {})}
        marks = [self.mark_for(task) if member is None else self.mark_of(member, task) for task in tasks]
        points = [mark for mark in marks if isinstance(mark, Decimal)]
        if not points:
            return None
        earned = sum(points, Decimal(0))
        return earned, counted_points(earned, self.late_percent)

    @property
    def late_percent(self) -> int:
        """How many percent are deducted for being late."""
        return self.assessment.late_percent if self.assessment is not None else 0

    def mark_of(self, member: int, task: int | None) -> Mark | None:
        """Return what a member has for a task: of their own, or with the team."""
        own = self.own.get(member, {}).get(task)
        return own if own is not None else self.mark_for(task)

    @property
    def differing(self) -> list[Enrolment]:
        """The members who have something else than the team."""
        return [
            member
            for member in self.members
            if any(mark != self.mark_for(task) for task, mark in self.own.get(member.pk, {}).items())
        ]


def points_rows(assignment: Assignment) -> list[PointsRow]:
    """Return all rows of an assignment by the name of who comes first in each: 5 queries, 6 where it gives no points.

    Where it has topics, who is in no team has no row: there is nothing yet to have points for.
    """
    teams: dict[int, list[Enrolment]] = {}
    memberships = Membership.objects.active().filter(assignment=assignment, project__withdrawn_at__isnull=True)
    projects: dict[int, Project] = {}
    for membership in memberships.select_related("enrolment__user", "project"):
        projects[membership.project_id] = membership.project
        teams.setdefault(membership.project_id, []).append(membership.enrolment)
    assessments = {row.project_id: row for row in Assessment.objects.filter(project__in=projects)}
    given, marks = _given(assignment, projects)
    excused = frozenset(Excuse.objects.filter(assignment=assignment).values_list("enrolment", flat=True))
    rows = []
    for pk, project in projects.items():
        project.assignment, assessment = assignment, assessments.get(pk)
        members = tuple(sorted(teams[pk], key=_by_name))
        of_team = given.get(assessment.pk, {}) if assessment is not None else {}
        own: Mapping[int, Mapping[int | None, Mark]] = marks.get(assessment.pk, {}) if assessment is not None else {}
        rows.append(_row(f"t{pk}", project, members, assessment, of_team, excused, own))
    if not assignment.has_topics:
        placed = {member.pk for members in teams.values() for member in members}
        students = Enrolment.objects.students().filter(course=assignment.course_id).select_related("user")
        rows += [
            _row(f"p{student.pk}", None, (student,), None, {}, excused, {})
            for student in students
            if student.pk not in placed
        ]
    return sorted(rows, key=lambda row: _by_name(row.members[0]))


_Given = dict[int, dict[int | None, TaskPoints]]
_Own = defaultdict[int, defaultdict[int, dict[int | None, Mark]]]


def _given(assignment: Assignment, projects: Collection[int]) -> tuple[_Given, _Own]:
    """Return by decision the points of teams, and what members have of their own: 1 query, or 2 where there are no points."""
    given: _Given = {}
    own: _Own = defaultdict(lambda: defaultdict(dict))
    for points in TaskPoints.objects.filter(assessment__project__in=projects):
        if points.enrolment_id is None:
            given.setdefault(points.assessment_id, {})[points.task_id] = points
        else:
            own[points.assessment_id][points.enrolment_id][points.task_id] = points.points
    if assignment.grading != Assignment.Grading.POINTS:
        differing = MemberAssessment.objects.filter(assessment__project__in=projects).exclude(outcome="")
        for decision, member, outcome in differing.values_list("assessment", "enrolment", "outcome"):
            own[decision][member][None] = Outcome(outcome)
    return given, own


def _row(
    key: str,
    project: Project | None,
    members: tuple[Enrolment, ...],
    assessment: Assessment | None,
    given: Mapping[int | None, TaskPoints],
    excused: frozenset[int],
    own: Mapping[int, Mapping[int | None, Mark]],
) -> PointsRow:
    return PointsRow(key, project, members, assessment, given, excused & {member.pk for member in members}, own)


def _by_name(enrolment: Enrolment) -> tuple[str, int]:
    return enrolment.user.sort_name, enrolment.pk
