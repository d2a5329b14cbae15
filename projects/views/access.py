"""What the pages have in common: who it is, which team, and refusals as form errors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from amls.core.keys import primary_key
from amls.core.statements import ModelStatement, Parameter
from amls.core.violations import RuleViolation
from amls.courses.access import Access, open_course, open_course_as_manager
from amls.courses.accounts import user_of
from amls.courses.models import Course, Enrolment, User
from projects.addresses import address_of
from projects.deadlines import Deadlines
from projects.models import Assignment, Excuse, Project
from projects.queries import TeamView, team_of
from projects.services.joining import teammates_to_be
from projects.services.locks import require_open_under


@dataclass(frozen=True, slots=True)
class Mine:
    """A student of a course, an assignment with its deadlines, and their team for it.

    Attributes:
        assignment: None in a course without any.
    """

    access: Access
    enrolment: Enrolment
    team: TeamView | None
    assignment: Assignment | None
    deadlines: Deadlines

    @property
    def problem(self) -> str:
        """Why teams can't be registered or changed now, or an empty text."""
        return registration_problem(self.access, self.assignment, self.deadlines)

    @property
    def course(self) -> Course:
        """The course."""
        return self.access.course

    def require_team(self) -> TeamView:
        """Return the team.

        Raises:
            Http404: the person is in none.
        """
        if self.team is None:
            raise Http404
        return self.team

    def require_assignment(self) -> Assignment:
        """Return the assignment.

        Raises:
            Http404: the course has none.
        """
        if self.assignment is None:
            raise Http404
        return self.assignment

    def excuse(self) -> Excuse | None:
        """Return by what the person is excused from the assignment, or None: 1 query where there is an assignment."""
        if self.assignment is None:
            return None
        return _excuse().first({"enrolment": self.enrolment.pk, "assignment": self.assignment.pk})

    @property
    def address(self) -> str:
        """Where the assignment's page is."""
        return address_of(self.require_assignment())

    @property
    def opens_later(self) -> bool:
        """Whether nothing is handed in yet."""
        opens_at = self.assignment.opens_at if self.assignment is not None and not self.assignment.has_topics else None
        return opens_at is not None and self.access.now < opens_at

    @property
    def due_at(self) -> datetime | None:
        """Until when the person may hand in, as typed; None without a deadline."""
        return self.team.due_at if self.team is not None else self.deadlines.for_team(0, [self.enrolment.pk])

    @property
    def own_base(self) -> datetime | None:
        """The assignment's deadline as extended for all, where the person or their team has more time; else None."""
        base = self.deadlines.for_all
        return base if base is not None and self.due_at is not None and self.due_at > base else None

    @property
    def may_ask_for_time(self) -> bool:
        """Whether more time would change something: who may hand in may ask, whether or not there is a team by now."""
        if self.due_at is None or self.assignment is None or self.course.state != Course.State.RUNNING:
            return False
        if self.team is None:
            return not self.assignment.has_topics and not self.opens_later
        return not self.team.is_settled and not self.team.project.waits_for_topic

    def teammates_to_be(self) -> list[User]:
        """Return with whom the first hand-in makes the team: 1 query where teams are kept, 2 if there is anybody."""
        if self.team is not None or self.assignment is None or self.assignment.has_topics:
            return []
        keys = teammates_to_be(self.enrolment, self.assignment)
        return list(User.objects.filter(enrolments__in=keys).order_by("sort_name", "pk")) if keys else []

    @property
    def project_or_assignment(self) -> Project | Assignment:
        """The team's project, or the assignment where the first hand-in makes the team; without either it is a 404."""
        assignment = self.require_assignment()
        return self.project if self.team is not None or assignment.has_topics else assignment

    @property
    def project(self) -> Project:
        """The team's project; without one it is a 404."""
        return self.require_team().project


@cache
def _excuse() -> ModelStatement[Excuse]:
    return ModelStatement.of(
        Excuse.objects.filter(enrolment=Parameter("enrolment"), assignment=Parameter("assignment")).order_by()
    )


def open_mine(request: HttpRequest, slug: str, pk: int | None = None) -> Mine:
    """Return an assignment of the course at `slug` as one of its students has it; raises as `mine_of`."""
    return mine_of(open_course(request, slug), pk)


def mine_of(access: Access, pk: int | None = None) -> Mine:
    """Return an assignment of a course that was opened as one of its students has it.

    Args:
        access: to the course.
        pk: the assignment's key; the course's project by default.

    Raises:
        Http404: course or assignment are not to be seen, or the person is not enrolled.
    """
    if access.enrolment is None:
        raise Http404
    assignment = main_of(access) if pk is None else assignment_at(access, pk)
    deadlines = Deadlines.of(assignment)
    return Mine(access, access.enrolment, team_of(access.enrolment, assignment, deadlines), assignment, deadlines)


def assignment_at(access: Access, pk: int) -> Assignment:
    """Return an assignment that the reader may see, which knows its course: 1 query.

    Raises:
        Http404: there is none with this key.
    """
    given = {"course": access.course.pk, "assignment": pk, "now": access.now}
    assignment = _visible(is_manager=access.is_manager).first(given)
    if assignment is None:
        raise Http404
    assignment.course = access.course
    return assignment


@cache
def _visible(*, is_manager: bool) -> ModelStatement[Assignment]:
    rows = Assignment.objects.filter(course=Parameter("course"), pk=Parameter("assignment"))
    return ModelStatement.of(rows.visible_at(Parameter("now"), is_manager=is_manager))


def main_of(access: Access) -> Assignment | None:
    """Return the course's project, which knows its course, or None where the reader sees none: 1 query."""
    assignment = Assignment.objects.main_of(access.course)
    if assignment is None or not (access.is_manager or assignment.is_visible_at(access.now)):
        return None
    assignment.course = access.course
    return assignment


@dataclass(frozen=True, slots=True)
class StaffPage:
    """A page on which the staff work on an assignment, for one request."""

    access: Access
    assignment: Assignment
    user: User

    @property
    def course(self) -> Course:
        """The course."""
        return self.access.course

    @property
    def context(self) -> dict[str, Any]:
        """What every such page shows."""
        return {"access": self.access, "course": self.course, "assignment": self.assignment}


def open_staff_page(request: HttpRequest, slug: str, pk: int, **only: Any) -> StaffPage:
    """Return an assignment for those who may change its course.

    Args:
        request: whose page it is.
        slug: of the course.
        pk: of the assignment.
        only: what else is asked of the assignment, such as `grading="points"`.

    Raises:
        Http404: for everyone else, and where there is no such assignment.
    """
    access = open_course_as_manager(request, slug)
    assignment = get_object_or_404(Assignment.objects.filter(course=access.course, **only), pk=pk)
    assignment.course = access.course
    return StaffPage(access, assignment, user_of(request))


def number(value: str | None) -> int:
    """Return the primary key that a form sent.

    Raises:
        Http404: it is none.
    """
    pk = primary_key(value)
    if not pk:
        raise Http404
    return pk


def registration_problem(access: Access, assignment: Assignment | None, deadlines: Deadlines) -> str:
    """Return why teams can't be registered or changed now for this assignment, or an empty text."""
    try:
        require_open_under(assignment, deadlines, access.course, now=access.now)
    except RuleViolation as violation:
        return str(violation.message)
    return ""
