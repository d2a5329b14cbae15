"""The teams of some people with all that their pages show of them, by statements that are made once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from django.db.models import F, Q, QuerySet, prefetch_related_objects

from amls.core.statements import ModelStatement, Parameter, is_among
from amls.courses.models import Enrolment
from projects.models import Assignment, MemberAssessment, Membership, Project, Submission, Topic


def read_teams(enrolments: Sequence[int], *, assignment: int | None = None, with_files: bool = False) -> list[Project]:
    """Return the projects in which these people are now, as `with_team` loads them: at most 4 queries, 5 with files.

    Who assesses and who decided is read where it is asked for: pages of students say neither.

    Args:
        enrolments: whose; keys.
        assignment: for which; its key. None: for the project of their course.
        with_files: whether the files of the attempts are wanted.
    """
    statement = _projects(of_main=assignment is None)
    projects = statement.read({"enrolments": list(enrolments), "assignment": assignment})
    if not projects:
        return []
    _read_parts(projects, _members(with_course=False), _attempts(with_people=True))
    if with_files:
        attempts: list[Submission] = [attempt for project in projects for attempt in project.all_attempts]  # type: ignore[attr-defined]
        prefetch_related_objects(attempts, "files")
    return projects


def read_parts_listed(projects: Sequence[Project]) -> None:
    """Let projects, loaded with their assessments, have what lists show of them: at most 5 queries.

    What many have in common, such as topics and the course, is read once, and not along with each.
    """
    if not projects:
        return
    _read_parts(projects, _teams(), _attempts(with_people=False))
    keys = {
        "assignments": [*{project.assignment_id for project in projects}],
        "topics": [*{project.topic_id for project in projects if project.topic_id}],
    }
    assignments = {assignment.pk: assignment for assignment in _assignments().read(keys)}
    topics = {topic.pk: topic for topic in _topics().read(keys)} if keys["topics"] else {}
    for project in projects:
        project.assignment = assignments[project.assignment_id]
        project.topic = topics[project.topic_id] if project.topic_id else None


def _read_parts(
    projects: Sequence[Project], members: ModelStatement[Membership], attempts: ModelStatement[Submission]
) -> None:
    """Let projects have their members, their attempts, and what differs for single members: at most 3 queries."""
    keys = {"projects": [project.pk for project in projects]}
    teams, handed_in = defaultdict[int, list[Membership]](list), defaultdict[int, list[Submission]](list)
    for membership in members.read(keys):
        teams[membership.project_id].append(membership)
    for attempt in attempts.read(keys):
        handed_in[attempt.project_id].append(attempt)
    overrides = defaultdict[int, list[MemberAssessment]](list)
    if any(getattr(project, "assessment", None) is not None for project in projects):
        for override in _overrides().read(keys):
            overrides[override.assessment_id].append(override)
    for project in projects:
        _give(project, team_memberships=teams[project.pk], all_attempts=handed_in[project.pk])
        if (assessment := getattr(project, "assessment", None)) is not None:
            _give(assessment, all_overrides=overrides[assessment.pk])


def members_of(project: Project) -> list[Enrolment]:
    """Return who is in the team now, by the time at which they joined, each with their course: 1 query."""
    return members_by_project([project])[project.pk]


def members_by_project(projects: Iterable[Project]) -> dict[int, list[Enrolment]]:
    """Return who is in each team now, by the time at which they joined, each with their course: 1 query."""
    teams: dict[int, list[Enrolment]] = {project.pk: [] for project in projects}
    for row in _members(with_course=True).read({"projects": list(teams)}) if teams else ():
        teams[row.project_id].append(row.enrolment)
    return teams


def places_taken(people: Iterable[Enrolment]) -> int:
    """Return how many places of a team these people take: whose account was deleted stays in it, and takes none."""
    return sum(not person.user.is_nameless for person in people)


def _give(model: Any, **rows: Sequence[Any]) -> None:
    """Let a model have its rows where `Prefetch` of `with_team` puts them."""
    for name, values in rows.items():
        setattr(model, name, values)


@cache
def _projects(*, of_main: bool) -> ModelStatement[Project]:
    theirs = Membership.objects.active().filter(is_among("enrolment_id", Parameter("enrolments"))).values("project")
    rows: QuerySet[Project] = Project.objects.active().filter(pk__in=theirs)
    rows = rows.filter(assignment__is_main=True) if of_main else rows.filter(assignment=Parameter("assignment"))
    # With who assesses it as well, the database would plan longer than it reads.
    return ModelStatement.of(rows, along=["assignment__course", "topic__mentor", "assessment"])


def members_in_order() -> QuerySet[Membership]:
    """Return who is in a team, in the order in which pages name them; with 'enrolment__user' to be read along."""
    return Membership.objects.active().order_by("joined_at", "pk")


def team_in_order() -> QuerySet[Membership]:
    """Return as `members_in_order`; of a withdrawn project, which has no members, who was in it until then."""
    is_of_team = Q(left_at__isnull=True) | Q(left_at=F("project__withdrawn_at"))
    return Membership.objects.filter(is_of_team).order_by("joined_at", "pk")


def attempts_in_order() -> QuerySet[Submission]:
    """Return the attempts of teams, the newest first; with 'submitted_by__user' to be read along."""
    return Submission.objects.order_by("-attempt")


@cache
def _members(*, with_course: bool) -> ModelStatement[Membership]:
    rows = members_in_order().filter(is_among("project_id", Parameter("projects")))
    return ModelStatement.of(rows, along=["enrolment__user", *(["enrolment__course"] if with_course else [])])


@cache
def _teams() -> ModelStatement[Membership]:
    rows = team_in_order().filter(is_among("project_id", Parameter("projects")))
    return ModelStatement.of(rows, along=["enrolment__user"])


@cache
def _attempts(*, with_people: bool) -> ModelStatement[Submission]:
    rows = attempts_in_order().filter(is_among("project_id", Parameter("projects")))
    return ModelStatement.of(rows, along=["submitted_by__user"] if with_people else [])


@cache
def _assignments() -> ModelStatement[Assignment]:
    return ModelStatement.of(Assignment.objects.filter(is_among("pk", Parameter("assignments"))), along=["course"])


@cache
def _topics() -> ModelStatement[Topic]:
    return ModelStatement.of(Topic.objects.filter(is_among("pk", Parameter("topics"))), along=["mentor"])


@cache
def _overrides() -> ModelStatement[MemberAssessment]:
    return ModelStatement.of(MemberAssessment.objects.filter(is_among("assessment__project_id", Parameter("projects"))))
