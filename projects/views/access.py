"""What the pages have in common: who it is, which team, and refusals as form errors."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms
from django.http import Http404, HttpRequest

from amls.core.keys import primary_key
from amls.core.violations import RuleViolation
from amls.courses.access import Access, open_course
from amls.courses.models import Course, Enrolment
from projects.deadlines import Deadlines
from projects.models import Assignment, Project
from projects.queries import TeamView, team_of
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

    @property
    def project(self) -> Project:
        """The team's project; without one it is a 404."""
        return self.require_team().project


def open_mine(request: HttpRequest, slug: str) -> Mine:
    """Return the course at `slug` as one of its students has it; raises as `mine_of`."""
    return mine_of(open_course(request, slug))


def mine_of(access: Access) -> Mine:
    """Return a course that was opened as one of its students has it.

    Raises:
        Http404: the course is not to be seen, or the person is not enrolled in it.
    """
    if access.enrolment is None:
        raise Http404
    assignment = main_of(access.course)
    deadlines = Deadlines.of(assignment)
    return Mine(access, access.enrolment, team_of(access.enrolment, assignment, deadlines), assignment, deadlines)


def main_of(course: Course) -> Assignment | None:
    """Return the course's project, which knows its course, or None: 1 query."""
    assignment = Assignment.objects.main_of(course)
    if assignment is not None:
        assignment.course = course
    return assignment


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


def add_violation(form: forms.Form, violation: RuleViolation) -> None:
    """Show a refusal at the field that it belongs to, or above the form."""
    field = violation.field if violation.field in form.fields else None
    form.add_error(field, str(violation.message))
