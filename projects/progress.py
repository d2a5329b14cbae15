"""Projects as the staff's desk shows them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Prefetch, Q, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Cast, Coalesce, JSONObject
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amls.agenda.models import AgendaItem, ItemKind, Status
from amls.core.decimals import say_decimal
from amls.core.statements import ModelStatement, Parameter, Statement, is_among
from amls.courses.models import Course, Enrolment, User
from projects.deadlines import Deadlines
from projects.models import Assignment, ExtensionRequest, Membership, Outcome, Project, Submission, Topic
from projects.points import score_of
from projects.queries import TeamView, personal_result, teams_listed, views_of
from projects.states import ProjectState

DECIDED = Q(assessment__outcome__in=["passed", "failed"])
# Given to statements that are made once: keys.
_COURSES = Parameter("courses")


def state_of(view: TeamView) -> ProjectState:
    """Return how far a team's project is, as its staff know it."""
    if not view.project.is_active:
        return ProjectState.WITHDRAWN
    if view.published:
        return ProjectState.PUBLISHED
    if view.assessment is not None and view.assessment.outcome:
        return ProjectState.ASSESSED
    return ProjectState.SUBMITTED if view.counting else ProjectState.REGISTERED


def desk_views(projects: Iterable[Project]) -> dict[int, TeamView]:
    """Return the views of projects that `with_team` or `teams_listed` loaded, by pk, in the given order: 1 query."""
    return {view.project.pk: view for view in views_of(list(projects))}


def names_of(view: TeamView) -> list[str]:
    """Return the members' names; of a withdrawn project those of who was in it until then."""
    if view.project.is_active:
        return [str(member.user) for member in view.members]
    team: list[Membership] = view.project.team_memberships  # type: ignore[attr-defined]
    return [str(row.enrolment.user) for row in team]


def with_names(projects: QuerySet[Project]) -> QuerySet[Project]:
    """Load what `label_of` says of projects: 2 queries, however many."""
    members = Membership.objects.active().select_related("enrolment__user").order_by("joined_at", "pk")
    rows = projects.select_related("topic", "assignment__course")
    return rows.prefetch_related(Prefetch("memberships", members, to_attr="active_memberships"))


def label_of(project: Project) -> str:
    """Return what tells a team from others on its topic: number, topic and members, as `with_names` loaded them."""
    members: list[Membership] = project.active_memberships  # type: ignore[attr-defined]
    return f"{project}: {', '.join(str(member.enrolment.user) for member in members) or '–'}"


def named(project: Project) -> str:
    """Return what a project is, and whose, for people who know no numbers, as `with_names` loaded it."""
    members: list[Membership] = project.active_memberships  # type: ignore[attr-defined]
    return f"{project.title}: {', '.join(str(member.enrolment.user) for member in members) or '–'}"


def is_mentor(user: User, prefix: str = "topic__") -> Q:
    """Return the condition that a topic's mentor is this person, by address or by name.

    Titles may stand before a name, but not before one of a single word: 'Li' is not 'Jun Li'.
    """
    matches = Q(**{f"{prefix}mentor__email__iexact": user.email})
    if user.display_name:
        matches |= Q(**{f"{prefix}mentor__name__iexact": user.display_name})
    if len(user.display_name.split()) > 1:
        matches |= Q(**{f"{prefix}mentor__name__iendswith": f" {user.display_name}"})
    return matches


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a course's assessment is.

    Attributes:
        due_at: when everyone's result is needed: as its project says, else the first exam after the
            deadline, to which it admits; None where there is neither.
        mine: how many of the undecided ones are the person's.
    """

    course: Course
    decided: int
    total: int
    mine: int
    due_at: datetime | None

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to decide."""
        return self.decided == self.total


def progress_of(courses: Iterable[Course], user: User, *, assignment: int | None = None) -> list[Progress]:
    """Return how far the assessment of each course is that has projects, or of one assignment alone: 2 queries in all."""
    wanted = list(courses)
    projects = Project.objects.active().filter(assignment__course__in=wanted)
    counted = {
        row["assignment__course"]: row
        for row in (projects.filter(assignment=assignment) if assignment else projects)
        .values("assignment__course")
        .annotate(
            total=Count("pk"), decided=Count("pk", filter=DECIDED), mine=Count("pk", filter=~DECIDED & Q(assessor=user))
        )
        .order_by()
    }
    exams = AgendaItem.objects.filter(
        course=OuterRef("course"), enrolment__isnull=True, kind=ItemKind.EXAM, status=Status.CONFIRMED, is_removed=False
    ).filter(starts_at__gt=OuterRef("due_at"))
    first_exam = Subquery(exams.order_by("starts_at").values("starts_at")[:1])
    assignments = Assignment.objects.filter(course__in=wanted)
    asked = assignments.filter(pk=assignment) if assignment else assignments.filter(is_main=True)
    due = dict(asked.annotate(needed_at=Coalesce(F("assessed_by"), first_exam)).values_list("course", "needed_at"))
    return [
        Progress(
            course,
            counted[course.pk]["decided"],
            counted[course.pk]["total"],
            counted[course.pk]["mine"],
            due.get(course.pk),
        )
        for course in wanted
        if course.pk in counted
    ]


@dataclass(frozen=True, slots=True)
class UndecidedProjects:
    """How many projects of an assignment are without a decision."""

    course: int
    assignment: int
    title: str
    is_main: bool
    count: int


@dataclass(frozen=True, slots=True)
class WaitingProjects:
    """What in some courses waits for the staff, in numbers."""

    ideas: int
    requests: int
    late: int
    newer: int
    undecided: tuple[UndecidedProjects, ...]
    small: int


def say_undecided(row: UndecidedProjects) -> str:
    """Say of how many projects nothing is decided, and of what, where it is not the course's project."""
    if row.is_main:
        said = ngettext("%(count)d project without a decision", "%(count)d projects without a decision", row.count)
    else:
        said = ngettext(
            "%(title)s: %(count)d team without a decision", "%(title)s: %(count)d teams without a decision", row.count
        )
    return said % {"count": row.count, "title": row.title}


def waiting_in(courses: Sequence[Course]) -> WaitingProjects:
    """Return what waits for the staff of these courses, for any number of them: 1 query.

    4 where late hand-ins may wait, and 8 more where something may be newer than its decision.
    """
    keys = [course.pk for course in courses]
    counted = {**dict.fromkeys(_COUNTED, 0), **dict(_counts().run({"courses": keys}))}
    if counted["late"]:
        counted["late"] = _teams_that_wait(_attempts_after_the_deadline().read({"courses": keys}))
    if counted["newer"]:
        candidates = teams_listed(_with_newer_attempts(Project.objects.active().filter(assignment__course__in=keys)))
        counted["newer"] = sum(view.is_newer_than_decision for view in desk_views(candidates).values())
    by_assignment = [
        UndecidedProjects(**json.loads(name), count=counted.pop(name)) for name in list(counted) if name.startswith("{")
    ]
    undecided = sorted(by_assignment, key=lambda row: (row.course, not row.is_main, row.assignment))
    return WaitingProjects(**counted, undecided=tuple(undecided))


# Names an assignment in a query that counts by names.
_ASSIGNMENT = Cast(
    JSONObject(
        course="assignment__course",
        assignment="assignment",
        title="assignment__title",
        is_main="assignment__is_main",
    ),
    TextField(),
)


_COUNTED = ("ideas", "requests", "late", "newer", "small")


@cache
def _counts() -> Statement:
    """Return the statement that counts what waits in some courses: by its name, and what is undecided by assignment."""
    projects, small = _active_projects(), Project.objects.below_minimum().values("pk")
    wanted: dict[str, QuerySet[Any]] = {
        "ideas": Topic.objects.filter(is_among("course_id", _COURSES), proposal=Topic.Proposal.OPEN),
        "requests": ExtensionRequest.objects.filter(
            is_among("project__assignment__course_id", _COURSES), state=ExtensionRequest.State.OPEN
        ),
        "late": _after_the_deadline(),
        "newer": _with_newer_attempts(_active_projects()),
        "small": projects.filter(pk__in=small),
    }
    undecided = projects.exclude(DECIDED).annotate(of=_ASSIGNMENT)
    counted = [undecided, *(wanted[name].annotate(of=Value(name, TextField())) for name in _COUNTED)]
    first, *others = (
        rows.order_by().values("of").annotate(count=Count("pk")).values_list("of", "count") for rows in counted
    )
    return Statement.of(first.union(*others, all=True))


def _active_projects() -> QuerySet[Project]:
    return Project.objects.active().filter(is_among("assignment__course_id", _COURSES))


def _with_newer_attempts(projects: QuerySet[Project]) -> QuerySet[Project]:
    """Return those of these projects that handed in, or were let count what was late, after their decision."""
    decided_at = Coalesce(OuterRef("assessment__made_on"), OuterRef("assessment__assessed_at"))
    newer = Submission.objects.filter(project=OuterRef("pk"), withdrawn_at__isnull=True)
    newer = newer.filter(Q(received_at__gt=decided_at) | Q(accepted_at__gt=decided_at))
    return projects.filter(DECIDED, Exists(newer))


@cache
def _attempts_after_the_deadline() -> ModelStatement[Submission]:
    return ModelStatement.of(_after_the_deadline(), along=["project__assignment"])


def _after_the_deadline() -> QuerySet[Submission]:
    """Return the attempts that no extension apart came after the deadline and count for nothing yet."""
    return Submission.objects.filter(
        project__in=_active_projects().values("pk"),
        withdrawn_at__isnull=True,
        accepted_at__isnull=True,
        # An extension only ever moves a deadline on.
        began_at__gte=F("project__assignment__due_at"),
    )


def _teams_that_wait(after_it: Sequence[Submission]) -> int:
    """Return how many teams have an attempt among these that is late with every extension: at most 2 queries.

    Args:
        after_it: attempts after the deadline, with project and assignment.
    """
    deadlines = Deadlines.of_each({row.project.assignment_id: row.project.assignment for row in after_it}.values())
    members: dict[int, list[int]] = defaultdict(list)
    has_personal = any(extension.enrolment_id for row in deadlines.values() for extension in row.extensions)
    active = Membership.objects.active().filter(project__in={row.project_id for row in after_it})
    for project, enrolment in active.order_by().values_list("project", "enrolment") if has_personal else ():
        members[project].append(enrolment)
    return len(
        {
            row.project_id
            for row in after_it
            for rule in [deadlines[row.project.assignment_id]]
            if not rule.counts(row, rule.for_team(row.project_id, members[row.project_id]))
        }
    )


def open_questions_in(courses: Sequence[Course]) -> list[tuple[Assignment, int]]:
    """Return the assignments of these courses with questions about points that wait for an answer, and how many: 1 query."""
    by_key = {course.pk: course for course in courses}
    rows = _with_open_questions().read({"courses": list(by_key)})
    for row in rows:
        row.course = by_key[row.course_id]
    return [(row, row.waiting) for row in rows]  # type: ignore[attr-defined]


@cache
def _with_open_questions() -> ModelStatement[Assignment]:
    waiting = Count(
        "projects__assessment__questions", filter=Q(projects__assessment__questions__answered_at__isnull=True)
    )
    rows = Assignment.objects.filter(is_among("course_id", _COURSES)).annotate(waiting=waiting).filter(waiting__gt=0)
    return ModelStatement.of(rows.order_by("course", "position", "pk"), annotated=["waiting"])


def said_result(view: TeamView) -> str:
    """Return a team's decision as lists of the staff say it: with its points of how many, or with its extra points.

    A star says that a member's differs. No query where the points are read (`read_points_of`).
    """
    row, assignment = view.assessment, view.project.assignment
    if row is None or not row.outcome:
        return ""
    points = say_decimal(row.extra_points)
    if assignment.grading == Assignment.Grading.POINTS:
        score = score_of(row, assignment)
        points = _("%(points)s of %(most)s") % {"points": say_decimal(score.points), "most": say_decimal(score.most)}
    return f"{row.get_outcome_display()} · {points}{' *' if differing_members(view) else ''}"


def differing_members(view: TeamView) -> dict[Enrolment, tuple[Outcome, Decimal]]:
    """Return the members whose decision differs from the team's: whether they passed, and their points or extra points."""
    row, assignment = view.assessment, view.project.assignment
    if row is None or not row.outcome:
        return {}
    gives_points = assignment.grading == Assignment.Grading.POINTS
    team: tuple[Outcome, Decimal] = (
        Outcome(row.outcome),
        score_of(row, assignment).points if gives_points else row.extra_points,
    )
    differing = {}
    for member in view.members:
        if member.pk in view.newcomers:
            # Nothing is decided on them.
            continue
        outcome, extra = personal_result(row, view.overrides.get(member.pk), member.pk)
        own = (outcome, score_of(row, assignment, member.pk).points if gives_points else extra)
        if own != team:
            differing[member] = own
    return differing
