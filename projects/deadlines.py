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
from typing import Any

from amls.core.clock import deadline_closes_at
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
class LateRule:
    """How an assignment takes what is handed in after the deadline.

    Attributes:
        counts: whether it counts without the staff's asking.
        grace: so long after the deadline it still is in time.
        percent: of the points that are deducted for each begun day.
    """

    counts: bool = False
    grace: timedelta = timedelta(0)
    percent: int = 0

    @classmethod
    def of(cls, assignment: Assignment) -> LateRule:
        """Return what an assignment says."""
        return cls(
            assignment.late_policy == Assignment.LatePolicy.DEDUCTED,
            timedelta(minutes=assignment.grace_minutes),
            assignment.late_percent,
        )


def _cutoff_of(assignment: Assignment) -> timedelta:
    is_refused = assignment.late_policy == Assignment.LatePolicy.REFUSED
    return timedelta(minutes=assignment.grace_minutes) if is_refused else timedelta(hours=assignment.late_cutoff_hours)


@dataclass(frozen=True, slots=True)
class Deadlines:
    """An assignment's deadline with every extension that holds.

    Attributes:
        base: as typed; None if the assignment has none.
        cutoff: how long after the deadline something is taken: late, or in a time of grace.
        registration: until when teams are registered, where the assignment says so.
        late: how what comes after the deadline is taken.
    """

    base: datetime | None
    cutoff: timedelta
    extensions: tuple[Extension, ...]
    registration: datetime | None = None
    late: LateRule = LateRule()
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
                _cutoff_of(assignment),
                tuple(extensions[pk]),
                assignment.registration_closes_at,
                LateRule.of(assignment),
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
        """Return how a hand-in stands whose upload began at `began_at`; the whole minute of `due_at` counts, and its grace."""
        if due_at is None or began_at < deadline_closes_at(due_at) + self.late.grace:
            return Timeliness.IN_TIME
        return Timeliness.LATE if began_at < deadline_closes_at(due_at) + self.cutoff else Timeliness.REFUSED

    def counts_until(self, due_at: datetime | None) -> datetime | None:
        """Return from when on a hand-in counts only if the staff accept it, for a deadline at `due_at`; None: never."""
        if due_at is None:
            return None
        return deadline_closes_at(due_at) + (self.cutoff if self.late.counts else self.late.grace)

    def counts(self, submission: Submission, due_at: datetime | None) -> bool:
        """Return whether an attempt counts: not withdrawn, and in time, accepted, or taken late with a deduction."""
        if submission.withdrawn_at is not None:
            return False
        until = self.counts_until(due_at)
        return submission.accepted_at is not None or until is None or submission.began_at < until

    def deduction_at(self, due_at: datetime | None, began_at: datetime) -> int:
        """Return how many percent of the points are deducted for a hand-in that began then, unless the staff waive it."""
        if due_at is None or not self.late.percent or self.standing_at(due_at, began_at) == Timeliness.IN_TIME:
            return 0
        days = (began_at - deadline_closes_at(due_at)) // timedelta(days=1) + 1
        return min(100, days * self.late.percent)

    def new_attempt(self, due_at: datetime | None, began_at: datetime) -> AttemptStanding:
        """Return how an attempt stands that comes now, for a deadline at `due_at`."""
        until = self.counts_until(due_at)
        return AttemptStanding(
            due_at,
            until is None or began_at < until,
            self.standing_at(due_at, began_at) == Timeliness.IN_TIME,
            self.deduction_at(due_at, began_at),
        )

    def deduction_of(self, submission: Submission, due_at: datetime | None) -> int:
        """Return how many percent are deducted for an attempt; none where the staff took it as if it were in time."""
        return 0 if submission.accepted_at is not None else self.deduction_at(due_at, submission.began_at)


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


@dataclass(frozen=True, slots=True)
class AttemptStanding:
    """How an attempt stands by what holds now for its team.

    Attributes:
        due_at: the team's deadline; None without one.
        percent: of its points that are deducted.
    """

    due_at: datetime | None
    is_counting: bool
    is_in_time: bool
    percent: int

    @property
    def as_json(self) -> dict[str, Any]:
        """As it is kept with the attempt."""
        due_at = self.due_at.isoformat() if self.due_at is not None else None
        counts = {"is_counting": self.is_counting, "is_in_time": self.is_in_time, "percent": self.percent}
        return {"due_at": due_at, **counts}


def standing_when_received(submission: Submission) -> AttemptStanding | None:
    """Return how an attempt stood when it was received, as its receipt said; None where that wasn't kept yet."""
    said = submission.receipt_said
    if said is None:
        return None
    due_at = datetime.fromisoformat(said["due_at"]) if said["due_at"] is not None else None
    return AttemptStanding(due_at, said["is_counting"], said["is_in_time"], said["percent"])


def standing_of(submission: Submission) -> AttemptStanding:
    """Return how an attempt stands now: 2 queries."""
    project = submission.project
    members = Membership.objects.filter(project=project, left_at__isnull=True).values_list("enrolment", flat=True)
    deadlines = Deadlines.of(project.assignment)
    due_at = deadlines.for_team(project.pk, members)
    return AttemptStanding(
        due_at,
        deadlines.counts(submission, due_at),
        deadlines.standing_at(due_at, submission.began_at) == Timeliness.IN_TIME,
        deadlines.deduction_of(submission, due_at),
    )


def said_by_receipt(submission: Submission, standing: AttemptStanding) -> dict[str, object]:
    """Return for a template what a receipt said when it was given, and what is true now where that is something else.

    Args:
        submission: whose receipt it is.
        standing: how it stands now.
    """
    given = standing_when_received(submission)
    is_as_given = (given is None or given == standing) and submission.withdrawn_at is None
    is_as_given = is_as_given and (given is None or submission.accepted_at is None)
    return {"given": given or standing, "is_given": given is not None, "standing": standing, "is_as_given": is_as_given}


def is_counting(submission: Submission) -> bool:
    """Return whether an attempt counts by what holds now for its team: 2 queries."""
    return standing_of(submission).is_counting


def may_pick(project: Project, until: datetime | None, now: datetime) -> bool:
    """Return whether a team may say which attempt counts: in a running course, as long as one counts by itself."""
    return project.course.state == Course.State.RUNNING and (until is None or now < until)


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
    counting = [submission for submission in submissions if deadlines.counts(submission, due_at)]
    picked = next((attempt for attempt in counting if attempt.pk == project.picked_id), None)
    if picked is not None and project.picked_at is not None:
        chosen_at = project.picked_at

        def was_late(attempt: Submission) -> bool:
            known = deadlines.for_team(project.pk, members, known_at=max(attempt.began_at, chosen_at))
            until = deadlines.counts_until(known)
            return until is not None and attempt.began_at >= until

        counting = [
            picked,
            *(attempt for attempt in counting if attempt.attempt > picked.attempt and was_late(attempt)),
        ]
    return max(counting, key=lambda attempt: attempt.attempt, default=None)
