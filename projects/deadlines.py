"""The one place that knows until when: for pages, uploads, reminders and feeds.

A hand-in is the team's, and so is its lateness: a team has the latest of the assignment's
deadline, the extensions for all, its own, and those of its members.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache

from amls.core.clock import deadline_closes_at, is_open_until
from amls.core.statements import ModelStatement, Parameter, is_among
from amls.courses.models import Course, Enrolment
from projects.models import Assignment, Extension, Membership, Project, Submission


class Timeliness(StrEnum):
    """How a hand-in stands whose upload began at some time."""

    IN_TIME = "in-time"
    LATE = "late"  # kept, but counts only when staff accept it
    REFUSED = "refused"


@cache
def _extensions() -> ModelStatement[Extension]:
    rows = Extension.objects.filter(is_among("assignment_id", Parameter("assignments")), revoked_at__isnull=True)
    return ModelStatement.of(rows)


@dataclass(frozen=True, slots=True)
class Deadlines:
    """An assignment's deadline with every extension that holds.

    Attributes:
        base: as typed; None if the assignment has none.
        registration: until when teams are registered, where the assignment says so.
    """

    base: datetime | None
    cutoff: timedelta
    extensions: tuple[Extension, ...]
    registration: datetime | None = None
    # By project and enrolment: a list asks for hundreds of teams.
    _of_whom: dict[tuple[int | None, int | None], list[Extension]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        for extension in self.extensions:
            self._of_whom.setdefault((extension.project_id, extension.enrolment_id), []).append(extension)

    @classmethod
    def of(cls, assignment: Assignment | None) -> Deadlines:
        """Read what holds now for an assignment, or for none: at most 1 query."""
        if assignment is None:
            return cls(None, timedelta(0), ())
        return cls.of_each([assignment])[assignment.pk]

    @classmethod
    def of_each(cls, assignments: Iterable[Assignment]) -> dict[int, Deadlines]:
        """Read what holds now for these assignments, by their keys: 1 query for any number."""
        by_key = {assignment.pk: assignment for assignment in assignments}
        extensions: dict[int, list[Extension]] = {pk: [] for pk in by_key}
        for extension in _extensions().read({"assignments": list(by_key)}):
            extensions[extension.assignment_id].append(extension)
        return {
            pk: cls(
                assignment.due_at,
                timedelta(hours=assignment.late_cutoff_hours),
                tuple(extensions[pk]),
                assignment.registration_closes_at,
            )
            for pk, assignment in by_key.items()
        }

    @classmethod
    def of_main(cls, course: Course) -> Deadlines:
        """Read what holds now for the course's project, or for none: 2 queries."""
        return cls.of(Assignment.objects.main_of(course))

    @property
    def for_all(self) -> datetime | None:
        """The assignment's deadline with the extensions for everyone."""
        return self._latest(self._of_whom.get((None, None), ()))

    @property
    def registration_closes_at(self) -> datetime | None:
        """Until when teams are registered: unless it is set, until the deadline as extended for everyone."""
        return self.registration or self.for_all

    def for_team(
        self, project_pk: int, member_pks: Iterable[int], *, known_at: datetime | None = None
    ) -> datetime | None:
        """Return a team's deadline.

        Args:
            project_pk: the project's key.
            member_pks: the keys of its members' enrolments.
            known_at: only with what had been given by then; with everything by default.
        """
        theirs = [(None, None), (project_pk, None), *((None, member) for member in set(member_pks))]
        return self._latest(
            extension
            for whom in theirs
            for extension in self._of_whom.get(whom, ())
            if known_at is None or extension.granted_at <= known_at
        )

    def _latest(self, extensions: Iterable[Extension]) -> datetime | None:
        if self.base is None:
            return None
        return max([self.base, *(extension.extends(self.base) for extension in extensions)])

    def closes_at(self, due_at: datetime | None) -> datetime | None:
        """Return from when nothing is taken any more, for a deadline at `due_at`."""
        return None if due_at is None else deadline_closes_at(due_at) + self.cutoff

    def standing_at(self, due_at: datetime | None, began_at: datetime) -> Timeliness:
        """Return how a hand-in stands whose upload began at `began_at`; the whole minute of `due_at` counts."""
        if due_at is None or is_open_until(due_at, began_at):
            return Timeliness.IN_TIME
        return Timeliness.LATE if began_at < deadline_closes_at(due_at) + self.cutoff else Timeliness.REFUSED


def effective_deadline(project: Project) -> datetime | None:
    """Return until when a team may hand in, as typed: open while `now < it + 1 minute`. None without a deadline."""
    members = Membership.objects.filter(project=project, left_at__isnull=True).values_list("enrolment", flat=True)
    return Deadlines.of(project.assignment).for_team(project.pk, members)


def deadline_of(enrolment: Enrolment, assignment: Assignment) -> datetime | None:
    """Return until when a person may hand in: their team's deadline, or what theirs would be."""
    deadlines = Deadlines.of(assignment)
    project = Project.objects.of_member(enrolment, assignment).first()
    if project is None:
        return deadlines.for_team(0, [enrolment.pk])
    members = Membership.objects.filter(project=project, left_at__isnull=True).values_list("enrolment", flat=True)
    return deadlines.for_team(project.pk, members)


def registration_closes_at(assignment: Assignment | None) -> datetime | None:
    """Return until when teams are registered; None without an end. 1 query where the assignment doesn't say it."""
    if assignment is None:
        return None
    return assignment.registration_closes_at or Deadlines.of(assignment).registration_closes_at


def is_counting(submission: Submission, due_at: datetime | None) -> bool:
    """Return whether an attempt counts: not withdrawn, and in time or accepted."""
    if submission.withdrawn_at is not None:
        return False
    return submission.accepted_at is not None or due_at is None or is_open_until(due_at, submission.began_at)


def may_pick(project: Project, due_at: datetime | None, now: datetime) -> bool:
    """Return whether a team may say which attempt counts: in a running course, until its deadline at `due_at`."""
    is_running = project.course.state == Course.State.RUNNING
    return is_running and (due_at is None or is_open_until(due_at, now))


def counting_submission(
    project: Project, submissions: Iterable[Submission], deadlines: Deadlines, member_pks: Iterable[int]
) -> Submission | None:
    """Return the attempt that counts for a team: the one it picked, else the newest that counts.

    A newer one that was late when the team picked, and that the staff let count since, comes before the picked one:
    the team chose among what there was in time, and the staff were asked about this one.

    Args:
        project: the team's.
        submissions: all its attempts.
        deadlines: of its assignment.
        member_pks: the keys of its members' enrolments.
    """
    members = set(member_pks)
    due_at = deadlines.for_team(project.pk, members)
    counting = [submission for submission in submissions if is_counting(submission, due_at)]
    picked = next((attempt for attempt in counting if attempt.pk == project.picked_id), None)
    if picked is not None and project.picked_at is not None:
        chosen_at = project.picked_at

        def was_late(attempt: Submission) -> bool:
            known = deadlines.for_team(project.pk, members, known_at=max(attempt.began_at, chosen_at))
            return known is not None and not is_open_until(known, attempt.began_at)

        counting = [
            picked,
            *(attempt for attempt in counting if attempt.attempt > picked.attempt and was_late(attempt)),
        ]
    return max(counting, key=lambda attempt: attempt.attempt, default=None)
