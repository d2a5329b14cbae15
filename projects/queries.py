"""Projects as pages and lists show them: a fixed number of queries, however many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from django.db.models import Exists, Expression, OuterRef, Prefetch, QuerySet, Sum, prefetch_related_objects
from django.db.models.functions import Now

from amls.core.statements import ModelStatement, Parameter, Statement, is_among
from amls.courses.models import Course, Enrolment, User
from projects.deadlines import Deadlines, Timeliness, counting_submission, may_pick
from projects.models import (
    Assessment,
    Assignment,
    EarlierPass,
    Invitation,
    MemberAssessment,
    Membership,
    Outcome,
    Project,
    Submission,
)
from projects.points import score_of
from projects.states import ProjectState
from projects.teamrows import attempts_in_order, places_taken, read_parts_listed, read_teams, team_in_order


def assignments_of(course: Course, *, visible_at: datetime | None = None) -> list[Assignment]:
    """Return the assignments of a course in their order, each of which knows its course: 1 query.

    Args:
        course: whose they are.
        visible_at: only what everyone who sees the course may see then; None: all.
    """
    statement = _assignments() if visible_at is None else _assignments(visible_at=Parameter("now"))
    return _of_course(course, statement.read({"course": course.pk, "now": visible_at}))


def assignments_shown(course: Course) -> list[Assignment]:
    """Return those that everyone who sees the course may see by now, by the database's clock: 1 query."""
    return _of_course(course, _assignments(visible_at=Now()).read({"course": course.pk}))


def _of_course(course: Course, assignments: list[Assignment]) -> list[Assignment]:
    """Let assignments know their course, which was read already."""
    for assignment in assignments:
        assignment.course = course
    return assignments


@cache
def _assignments(*, visible_at: Expression | None = None) -> ModelStatement[Assignment]:
    rows = Assignment.objects.filter(course=Parameter("course"))
    return ModelStatement.of(rows if visible_at is None else rows.visible_at(visible_at))


def bytes_kept(project: Project) -> int:
    """Return how many bytes the files of all attempts of a project have, also of those out of account: 1 query."""
    ((kept,),) = _bytes_kept().run({"project": project.pk})
    return int(kept or 0)


@cache
def _bytes_kept() -> Statement:
    project = Project.objects.filter(pk=Parameter("project")).order_by()
    return Statement.of(project.values_list(Sum("submissions__files__size")))


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt with what follows from the deadline.

    Attributes:
        is_late: its upload began after the team's deadline.
        counts: it is the one that is assessed.
        percent: of its points that are deducted for being late.
    """

    row: Submission
    is_late: bool
    is_counting: bool
    counts: bool
    percent: int = 0


@dataclass(frozen=True, slots=True)
class TeamView:
    """A project with its team, deadline and attempts.

    Attributes:
        due_at: the team's deadline with all extensions, as typed; None without one.
        closes_at: from then nothing is taken; None without a deadline.
        newcomers: the keys of members who joined after the publication, and on whom nothing is decided: they have no
            result by joining.
        is_settled: a result is published, also where the page's reader is such a newcomer.
        counts_until: from then on an attempt counts only if the staff accept it; None without a deadline.
    """

    project: Project
    members: list[Enrolment]
    due_at: datetime | None
    base: datetime | None
    closes_at: datetime | None
    attempts: list[Attempt]
    assessment: Assessment | None
    overrides: dict[int, MemberAssessment] = field(default_factory=dict)
    newcomers: frozenset[int] = frozenset()
    is_settled: bool = False
    counts_until: datetime | None = None

    @property
    def counting(self) -> Attempt | None:
        """The attempt that is assessed."""
        return next((attempt for attempt in self.attempts if attempt.counts), None)

    @property
    def is_newer_than_decision(self) -> bool:
        """Whether what counts came, or was let count, after the decision: that was made on something else."""
        if self.counting is None or self.assessment is None or not self.assessment.outcome:
            return False
        row = self.counting.row
        return max(row.received_at, row.accepted_at or row.received_at) > self.assessment.judges_until

    @property
    def newly_deducted(self) -> int:
        """How many percent would be deducted from a published result if it were for what counts now; 0 where no more."""
        if self.published is None or self.counting is None or self.counting.percent <= self.published.late_percent:
            return 0
        return self.counting.percent

    @property
    def picked(self) -> Attempt | None:
        """The attempt that counts because the team picked it: a newer one doesn't take its place."""
        return next(
            (attempt for attempt in self.attempts if attempt.counts and attempt.row.pk == self.project.picked_id), None
        )

    @property
    def waiting_late(self) -> list[Attempt]:
        """Late attempts that count only when they are accepted."""
        return [
            attempt
            for attempt in self.attempts
            if attempt.is_late and not attempt.is_counting and not attempt.row.withdrawn_at
        ]

    def may_pick(self, now: datetime) -> bool:
        """Whether the team may say which attempt counts: while the course is running and one counts by itself."""
        return may_pick(self.project, self.counts_until, now)

    @property
    def is_extended(self) -> bool:
        """Whether the team has more time than the course."""
        return self.due_at is not None and self.base is not None and self.due_at > self.base

    @property
    def is_small(self) -> bool:
        """Whether the team is below its topic's minimum."""
        return places_taken(self.members) < self.project.team_min

    @property
    def published(self) -> Assessment | None:
        """The assessment, once the team may see it."""
        return self.assessment if self.assessment is not None and self.assessment.published_at else None


def with_team(projects: QuerySet[Project]) -> QuerySet[Project]:
    """Load topics, members, attempts and assessments of some projects: 5 queries in all.

    Pages of one person read theirs by `read_teams`.
    """
    attempts = attempts_in_order().select_related("submitted_by__user").prefetch_related("files")
    return projects.select_related(
        "assignment__course", "topic__mentor", "assessor", "assessment__assessed_by"
    ).prefetch_related(
        Prefetch("memberships", team_in_order().select_related("enrolment__user"), to_attr="team_memberships"),
        Prefetch("submissions", attempts, to_attr="all_attempts"),
        Prefetch("assessment__overrides", to_attr="all_overrides"),
    )


def teams_listed(projects: QuerySet[Project]) -> list[Project]:
    """Return hundreds of projects with what lists show of them, loaded otherwise as by `with_team`: 6 queries in all.

    These are no files of attempts, nor who handed in and who decided. What many have in common, such as the course, is read
    once, and not along with each.
    """
    rows = list(projects.select_related(None).select_related("assessor", "assessment"))
    read_parts_listed(rows)
    return rows


def read_points_of(projects: Sequence[Project]) -> None:
    """Read the points of these projects, loaded by `with_team`: no query where none of them gives any, else 2."""
    with_points = [row for row in projects if row.assignment.grading == Assignment.Grading.POINTS]
    if with_points:
        prefetch_related_objects(with_points, "assessment__task_points", "assignment__tasks")


def team_views(projects: Iterable[Project], deadlines: Deadlines) -> list[TeamView]:
    """Return projects, loaded by `with_team`, with what follows from the deadlines: no query."""
    return [_team_view(project, deadlines) for project in projects]


def views_of(projects: Sequence[Project]) -> list[TeamView]:
    """Return projects of any assignments, loaded by `with_team`, with what follows from their deadlines: 1 query."""
    deadlines = Deadlines.of_each({project.assignment_id: project.assignment for project in projects}.values())
    return views_under(projects, deadlines)


def views_under(projects: Iterable[Project], deadlines: Mapping[int, Deadlines]) -> list[TeamView]:
    """Return projects, loaded by `with_team`, with what follows from the deadlines of their assignments: no query."""
    return [_team_view(project, deadlines[project.assignment_id]) for project in projects]


def _team_view(project: Project, deadlines: Deadlines) -> TeamView:
    memberships: list[Membership] = project.team_memberships  # type: ignore[attr-defined]
    rows: list[Submission] = project.all_attempts  # type: ignore[attr-defined]
    members = [membership.enrolment for membership in memberships if membership.left_at is None]
    keys, course, topic = [member.pk for member in members], project.course, project.topic
    for member in members:
        member.course = course
    if topic is not None:
        topic.assignment, topic.course = project.assignment, course
    due_at = deadlines.for_team(project.pk, keys)
    counting = counting_submission(project, rows, deadlines, keys)
    assessment = getattr(project, "assessment", None)
    is_published = assessment is not None and assessment.published_at is not None
    return TeamView(
        project=project,
        members=members,
        due_at=due_at,
        base=deadlines.base,
        closes_at=deadlines.closes_at(due_at),
        attempts=[
            Attempt(
                row,
                is_late=deadlines.standing_at(due_at, row.began_at) != Timeliness.IN_TIME,
                is_counting=deadlines.counts(row, due_at),
                counts=row == counting,
                percent=deadlines.deduction_of(row, due_at),
            )
            for row in rows
        ],
        assessment=assessment,
        overrides={row.enrolment_id: row for row in assessment.all_overrides} if assessment else {},
        newcomers=_newcomers(memberships, assessment) if assessment is not None else frozenset(),
        is_settled=is_published,
        counts_until=deadlines.counts_until(due_at),
    )


def _newcomers(memberships: Iterable[Membership], assessment: Assessment) -> frozenset[int]:
    """Return who joined after a decision was published, and has neither a decision nor points of their own: no query."""
    published = assessment.published_at
    late = {row.enrolment_id for row in memberships if published is not None and row.joined_at > published}
    if late:
        late -= {row.enrolment_id for row in assessment.all_overrides}  # type: ignore[attr-defined]
    if late and assessment.project.assignment.grading == Assignment.Grading.POINTS:
        late -= {row.enrolment_id for row in assessment.task_points.all()}
    return frozenset(late)


def team_of(
    enrolment: Enrolment, assignment: Assignment | None, deadlines: Deadlines, *, with_files: bool = True
) -> TeamView | None:
    """Return the project in which a person is now for an assignment with these deadlines, or None.

    Whoever joined after the result was published has none by that: to them the team has no decision.
    """
    if assignment is None:
        return None
    projects = read_teams([enrolment.pk], assignment=assignment.pk, with_files=with_files)
    read_points_of(projects)
    view = next(iter(team_views(projects, deadlines)), None)
    return replace(view, assessment=None, overrides={}) if view is not None and enrolment.pk in view.newcomers else view


def invitations_to(user: User, course: Course, *, now: datetime) -> list[Invitation]:
    """Return the invitations to teams of a course that a person can still answer, the first to end first.

    1 query, 2 where there are any: hardly anybody has one. Each says whether the person `is_in_team` for what it is
    about: then joining it is leaving that, which its page does.
    """
    keys = [pk for (pk,) in _open_invitations().run({"user": user.pk, "course": course.pk, "now": now})]
    if not keys:
        return []
    theirs = Membership.objects.active().filter(
        enrolment__user=user, assignment=OuterRef("project__assignment"), project__withdrawn_at__isnull=True
    )
    rows = Invitation.objects.filter(pk__in=keys).annotate(is_in_team=Exists(theirs))
    rows = rows.select_related("project__topic", "project__assignment", "invited_by__user")
    return list(rows.order_by("expires_at", "pk"))


def invitations_anywhere(user: User, *, now: datetime) -> list[tuple[Course, list[Invitation]]]:
    """Return the invitations that a person can still answer by running course, as `invitations_to`.

    1 query; where there are some 1 more, and 2 for each course.
    """
    keys = [pk for (pk,) in _courses_inviting().run({"user": user.pk, "now": now})]
    courses = Course.objects.filter(pk__in=keys).order_by("pk") if keys else []
    return [(course, invitations_to(user, course, now=now)) for course in courses]


@cache
def _open_invitations() -> Statement:
    now = Parameter("now")
    rows = Invitation.objects.to_user(Parameter("user")).open_at(now).of_visible_at(now)
    return Statement.of(rows.filter(project__assignment__course=Parameter("course")).order_by().values_list("pk"))


@cache
def _courses_inviting() -> Statement:
    now = Parameter("now")
    rows = Invitation.objects.to_user(Parameter("user")).open_at(now).of_visible_at(now)
    rows = rows.filter(project__assignment__course__state=Course.State.RUNNING)
    return Statement.of(rows.order_by().distinct().values_list("project__assignment__course"))


class StudentResult(NamedTuple):
    """One student's project.

    Attributes:
        state: what is published; what is not is not told.
        extra_points: published ones; 0 otherwise.
        draft: the decision that is not published, for the staff.
    """

    enrolment: Enrolment
    state: ProjectState
    extra_points: Decimal
    team: TeamView | None
    earlier: EarlierPass | None
    draft: Outcome | None = None

    @property
    def is_passed(self) -> bool:
        """Whether the student has a passed project, of this term or an earlier one."""
        return self.state in (ProjectState.PASSED, ProjectState.EARLIER)


class ProjectPart(NamedTuple):
    """A student's part in the course's project, as a page has read it, with the deadlines by which it stands."""

    result: StudentResult
    deadlines: Deadlines


def read_part(
    enrolment: Enrolment, main: Assignment | None, deadlines: Deadlines, *, with_files: bool = False
) -> StudentResult:
    """Return how a student stands with the course's project, and keep it on `enrolment`: at most 6 queries.

    Whatever else the page asks of this person, such as the rules of admission and which dates concern them, finds it
    there: see `part_of`.
    """
    team = team_of(enrolment, main, deadlines, with_files=with_files)
    result = _result_of(enrolment, team, getattr(enrolment, "earlier_pass", None))
    enrolment.project_part = ProjectPart(result, deadlines)  # type: ignore[attr-defined]
    return result


def read_parts(
    course: Course, enrolments: Sequence[Enrolment], main: Assignment | None, deadlines: Deadlines
) -> dict[int, StudentResult]:
    """Return how these students stand with the course's project, as `results_of`, and keep it on each.

    5 queries, 1 where the course has no project.

    Args:
        course: of all of them.
        enrolments: its students.
        main: its project, if it has one.
        deadlines: of the project, or of none.
    """
    results = _read_results(course, enrolments, deadlines, has_project=main is not None)
    for enrolment in enrolments:
        enrolment.project_part = ProjectPart(results[enrolment.pk], deadlines)  # type: ignore[attr-defined]
    return results


def part_of(enrolment: Enrolment) -> ProjectPart | None:
    """Return what `read_part` has kept of a person, or None: no query."""
    part: ProjectPart | None = getattr(enrolment, "project_part", None)
    return part


def results_of(
    course: Course, enrolments: Sequence[Enrolment], deadlines: Deadlines | None = None
) -> dict[int, StudentResult]:
    """Return how each of these students stands with the course's project, by enrolment pk.

    7 queries, 5 where the deadlines are known.

    What `read_part` has kept of them is not asked again.
    """
    known: dict[int, StudentResult] = {}
    others: list[Enrolment] = []
    for enrolment in enrolments:
        if (part := part_of(enrolment)) is not None:
            known[enrolment.pk] = part.result
        else:
            others.append(enrolment)
    return known | _read_results(course, others, deadlines) if others else known


def _read_results(
    course: Course, enrolments: Sequence[Enrolment], deadlines: Deadlines | None, *, has_project: bool = True
) -> dict[int, StudentResult]:
    deadlines = deadlines or Deadlines.of_main(course)
    keys = [enrolment.pk for enrolment in enrolments]
    teams: dict[int, TeamView] = {}
    projects = read_teams(keys) if has_project else []
    read_points_of(projects)
    for view in team_views(projects, deadlines):
        teams |= {member.pk: view for member in view.members}
    earlier = {row.enrolment_id: row for row in _earlier_passes().read({"enrolments": keys})}
    return {
        key: _result_of(enrolment, teams.get(key), earlier.get(key))
        for key, enrolment in zip(keys, enrolments, strict=True)
    }


@cache
def _earlier_passes() -> ModelStatement[EarlierPass]:
    return ModelStatement.of(EarlierPass.objects.filter(is_among("enrolment_id", Parameter("enrolments"))))


def _result_of(enrolment: Enrolment, team: TeamView | None, earlier: EarlierPass | None) -> StudentResult:
    state, points, draft = ProjectState.NONE, Decimal(0), None
    if team is not None:
        state = ProjectState.SUBMITTED if team.counting else ProjectState.REGISTERED
        if team.assessment is not None and team.assessment.outcome and enrolment.pk not in team.newcomers:
            outcome, given = personal_result(team.assessment, team.overrides.get(enrolment.pk), enrolment.pk)
            if team.published:
                state = ProjectState.PASSED if outcome == Outcome.PASSED else ProjectState.FAILED
                points = given
            else:
                draft = outcome
    if earlier is not None and state != ProjectState.PASSED:
        state, points = ProjectState.EARLIER, max(points, earlier.extra_points)
    return StudentResult(enrolment, state, points, team, earlier, draft)


def personal_result(
    assessment: Assessment, override: MemberAssessment | None, enrolment: int
) -> tuple[Outcome, Decimal]:
    """Return one member's outcome and extra points: the team's, but for what their own decision or their points say.

    Args:
        assessment: of the team, decided; with its project, and where that gives points with those.
        override: where the decision on the member differs.
        enrolment: the member's.
    """
    outcome = Outcome((override.outcome if override else "") or assessment.outcome)
    assignment = assessment.project.assignment
    if assignment.grading == Assignment.Grading.POINTS:
        score = score_of(assessment, assignment, enrolment)
        outcome = score.outcome if score.is_complete else outcome
    points = assessment.extra_points
    if override is not None and override.extra_points is not None:
        points = override.extra_points
    return outcome, points if outcome == Outcome.PASSED else Decimal(0)
