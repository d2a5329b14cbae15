"""All assignments of a course as one person stands with each: as many queries for many as for one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from amls.core.clock import deadline_closes_at
from amls.courses.access import Access
from amls.courses.models import Enrolment
from projects.addresses import address_of
from projects.deadlines import Deadlines
from projects.models import Assignment, Project
from projects.queries import TeamView, assignments_of, team_views, views_under, with_team


class PieceStanding(StrEnum):
    """How a person stands with an assignment."""

    COMING = "coming"  # it opens later
    OPEN = "open"
    DONE = "done"
    LATE = "late"  # handed in, waits for the staff
    MISSED = "missed"
    ELSEWHERE = "elsewhere"  # on paper, or presented


@dataclass(frozen=True, slots=True)
class OwnPiece:
    """An assignment as one person has it, or as everybody has it.

    Attributes:
        due_at: with all extensions, as typed; None without a deadline.
        closes_at: from then nothing is taken.
        team: None where there is none, or for who is no student.
    """

    assignment: Assignment
    due_at: datetime | None
    closes_at: datetime | None
    team: TeamView | None

    @property
    def address(self) -> str:
        """Where its page is."""
        return address_of(self.assignment)

    @property
    def submit_address(self) -> str:
        """Where it is handed in."""
        return address_of(self.assignment, "submit")

    def standing_at(self, now: datetime) -> PieceStanding:
        """Return how the person stands now."""
        if self.team is not None and self.team.counting is not None:
            return PieceStanding.DONE
        if self.team is not None and self.team.waiting_late:
            return PieceStanding.LATE
        if not self.assignment.is_handed_in_here:
            return PieceStanding.ELSEWHERE
        opens_at = self.assignment.opens_at
        if opens_at is not None and now < opens_at:
            return PieceStanding.COMING
        return PieceStanding.OPEN if self.closes_at is None or now < self.closes_at else PieceStanding.MISSED

    def is_coming_at(self, now: datetime) -> bool:
        """Whether it is not due yet, and not done."""
        if self.standing_at(now) in (PieceStanding.DONE, PieceStanding.LATE):
            return False
        return self.due_at is not None and now < deadline_closes_at(self.due_at)


def _when_due(assignment: Assignment) -> tuple[bool, float]:
    return assignment.due_at is None, assignment.due_at.timestamp() if assignment.due_at is not None else 0.0


def pieces_of(
    enrolment: Enrolment | None, assignments: Sequence[Assignment], deadlines: dict[int, Deadlines]
) -> list[OwnPiece]:
    """Return how a student stands with these assignments, or what everybody sees of them: at most 4 queries.

    What is due first comes first, then what stands first in the course.
    """
    teams: dict[int, TeamView] = {}
    if enrolment is not None and not enrolment.is_staff and assignments:
        mine = {"memberships__enrolment": enrolment, "memberships__left_at__isnull": True}
        rows = Project.objects.active().filter(assignment__in=assignments, **mine)
        teams = {view.project.assignment_id: view for view in views_under(with_team(rows, with_files=False), deadlines)}
    pieces = []
    for assignment in sorted(assignments, key=_when_due):
        held, team = deadlines[assignment.pk], teams.get(assignment.pk)
        if team is not None:
            due_at = team.due_at
        else:
            due_at = held.for_team(0, [enrolment.pk]) if enrolment is not None else held.for_all
        pieces.append(OwnPiece(assignment, due_at, held.closes_at(due_at), team))
    return pieces


@dataclass(frozen=True, slots=True)
class HandedIn:
    """How the teams of an assignment stand, by the keys of their members.

    Attributes:
        in_teams: who is in one.
        done: whose hand-in counts.
        late: whose hand-in was late, and waits for the staff.
    """

    in_teams: set[int]
    done: set[int]
    late: set[int]


def who_handed_in(assignment: Assignment, students: Collection[int] | None = None) -> HandedIn:
    """Return who is in a team for an assignment, and who handed in: 6 queries, however many they are.

    Args:
        assignment: with its course.
        students: whose teams alone are read; None: all.
    """
    rows = Project.objects.active().filter(assignment=assignment)
    if students is not None:
        rows = rows.filter(memberships__enrolment__in=students).distinct()
    handed_in = HandedIn(set(), set(), set())
    for view in team_views(with_team(rows, with_files=False), Deadlines.of(assignment)):
        people = {member.pk for member in view.members}
        handed_in.in_teams.update(people)
        if view.counting is not None:
            handed_in.done.update(people)
        elif view.waiting_late:
            handed_in.late.update(people)
    return handed_in


def pieces_for(access: Access) -> list[OwnPiece]:
    """Return the assignments of a course as the page's reader has them: at most 6 queries."""
    assignments = assignments_of(access.course, visible_at=None if access.is_manager else access.now)
    return pieces_of(access.enrolment, assignments, Deadlines.of_each(assignments))
