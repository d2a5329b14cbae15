"""How students stand with the assignments of a course: a fixed number of queries, however many of either.

The staff's tables and the rules ask for everybody, `works_of`; pages ask for their reader, `own_works_of`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from django.db.models import prefetch_related_objects

from amls.core.clock import deadline_closes_at, is_open_until
from amls.courses.access import Access
from amls.courses.models import Enrolment
from amls.grading.facts import Piece
from amls.grading.points import ZERO, Tally, WorkState, tally
from projects.addresses import address_of
from projects.deadlines import Deadlines
from projects.models import Assignment, Outcome, Task
from projects.points import Score, counted_points, outcome_of, score_from
from projects.queries import assignments_of
from projects.workrows import Known, Sums, TeamPlace, places_of, read_rows

_BY_POINTS = Assignment.Grading.POINTS


class Work(NamedTuple):
    """One student's work on one assignment.

    Attributes:
        state: as the student may know it.
        points: of an assignment that gives some; None where nothing is given. They may not be published yet.
        outcome: passed or failed; '' where nothing is decided. It may not be published yet.
        is_published: whether the student may see points and outcome.
        project: the team's key; None without one.
        score: the points task by task, where these were asked for.
        feedback: what the team reads with it once it is published, where the tasks were asked for.
        earned: the points before something was deducted for being late; None where nothing is.
    """

    assignment: Assignment
    state: WorkState
    points: Decimal | None
    outcome: str
    is_published: bool
    project: int | None
    score: Score | None = None
    feedback: str = ""
    earned: Decimal | None = None

    @property
    def is_graded(self) -> bool:
        """Whether there is a published result that counts."""
        return self.state == WorkState.GRADED

    @property
    def most(self) -> Decimal | None:
        """What there is to be had; None where it is passed or failed."""
        return self.assignment.max_points if self.assignment.grading == _BY_POINTS else None


def works_of(
    assignments: Sequence[Assignment],
    enrolments: Sequence[Enrolment],
    *,
    now: datetime,
    with_tasks: bool = False,
    deadlines: Mapping[int, Deadlines] | None = None,
) -> dict[int, dict[int, Work]]:
    """Return how these students stand, by enrolment and by assignment: 7 queries, none without assignments.

    One less where the deadlines are known, and one where none gives points.

    Args:
        assignments: of one course; their tasks are read here.
        enrolments: its students.
        now: aware.
        with_tasks: whether points are wanted task by task, and with what the team reads; else the database adds them up.
        deadlines: by assignment, where they are read already.
    """
    if not assignments:
        return {enrolment.pk: {} for enrolment in enrolments}
    with_points = [assignment for assignment in assignments if assignment.grading == Assignment.Grading.POINTS]
    prefetch_related_objects(with_points, "tasks")
    deadlines = deadlines or Deadlines.of_each(assignments)
    people, by_key = [enrolment.pk for enrolment in enrolments], {row.pk: row for row in assignments}
    known = read_rows(assignments, people, deadlines, with_tasks=with_tasks)
    return {
        person: {key: _work(key, assignment, person, theirs.get(key), known, now) for key, assignment in by_key.items()}
        for person in people
        for theirs in [known.places[person]]
    }


def read_works(
    assignments: Sequence[Assignment],
    enrolments: Sequence[Enrolment],
    *,
    now: datetime,
    deadlines: Mapping[int, Deadlines] | None = None,
) -> dict[int, dict[int, Work]]:
    """Return how these students stand with all assignments of their course, as `works_of`, and keep it on them.

    Whatever else the page asks of these people, such as the rules of admission, finds it there: see `known_works`.
    """
    works = works_of(assignments, enrolments, now=now, deadlines=deadlines)
    for enrolment in enrolments:
        enrolment.works_read = (now, works[enrolment.pk])  # type: ignore[attr-defined]
    return works


def known_works(enrolments: Sequence[Enrolment], *, now: datetime) -> dict[int, dict[int, Work]] | None:
    """Return what `read_works` has kept of these students at this time; None unless it has of all: no query."""
    kept = {enrolment.pk: getattr(enrolment, "works_read", None) for enrolment in enrolments}
    works = {pk: known[1] for pk, known in kept.items() if known is not None and known[0] == now}
    return works if len(works) == len(kept) else None


def _own_points(sums: Sequence[Sums], enrolment: int) -> tuple[Decimal, int]:
    """Return a person's points and for how many tasks: their own go before the team's, task by task."""
    theirs = {
        task: (points, tasks)
        for _assessment, member, task, points, tasks in sorted(sums, key=lambda row: row[1] is not None)
        if member in (None, enrolment)
    }
    return sum((points for points, _tasks in theirs.values()), ZERO), sum(tasks for _points, tasks in theirs.values())


def _work(
    key: int, assignment: Assignment, enrolment: int, place: TeamPlace | None, known: Known, now: datetime
) -> Work:
    if place is None or place.assessment is None:
        state = _state_without_decision(key, assignment, enrolment, place, known, now=now)
        return Work(assignment, state, None, "", is_published=False, project=place.project if place else None)
    # A table asks this of thousands: what nearly all of them lack is looked for but once.
    assessment, is_published = place.assessment, place.is_published
    outcome = (known.overrides and known.overrides.get((assessment, enrolment))) or place.outcome or ""
    points, earned, score, is_complete = None, None, None, False
    if (tasks := known.tasks.get(key)) is not None:
        earned, score, is_complete = _earned(assignment, enrolment, assessment, tasks, known, place.late_percent or 0)
        if earned is not None:
            points = counted_points(earned, place.late_percent or 0)
            earned = earned if earned != points else None
    if points is not None and is_complete and outcome:
        outcome = outcome_of(points, assignment.max_points or ZERO, assignment.pass_percent)
    state = WorkState.GRADED
    if not is_published:
        is_decided = points is not None or bool(outcome)
        state = _state_without_decision(key, assignment, enrolment, place, known, now=now, is_decided=is_decided)
    elif known.excused and (enrolment, key) in known.excused:
        state = WorkState.EXCUSED
    if not known.has_texts:
        return Work(assignment, state, points, outcome, is_published, place.project, earned=earned)
    feedback = (place.feedback or "") if is_published else ""
    return Work(assignment, state, points, outcome, is_published, place.project, score, feedback, earned)


def _earned(
    assignment: Assignment, enrolment: int, assessment: int, tasks: list[Task], known: Known, late_percent: int
) -> tuple[Decimal | None, Score | None, bool]:
    """Return what somebody earned before anything was deducted, task by task where it is known so, and whether all is given."""
    if given := known.teams_points.get(assessment):
        return given[0], None, given[1] == (len(tasks) or 1)
    if sums := known.sums.get(assessment):
        earned, count = _own_points(sums, enrolment)
        return earned, None, count == (len(tasks) or 1)
    if rows := known.given.get(assessment):
        score = score_from(rows, tasks, assignment, enrolment, late_percent=late_percent)
        return score.earned, score, score.is_complete
    return None, None, False


def _state_without_decision(
    key: int,
    assignment: Assignment,
    enrolment: int,
    place: TeamPlace | None,
    known: Known,
    *,
    now: datetime,
    is_decided: bool = False,
) -> WorkState:
    """Return how somebody stands who knows of no decision; of a draft only that what is over may still bring points."""
    if (enrolment, key) in known.excused:
        return WorkState.EXCUSED
    if place is not None and place.is_handed_in:
        return WorkState.WAITING
    deadlines, project = known.deadlines[key], place.project if place is not None else 0
    closes_at = deadlines.closes_at(deadlines.for_team(project, known.members.get(project, [enrolment])))
    if closes_at is None or now < closes_at:
        return WorkState.OPEN
    if is_decided:
        return WorkState.WAITING
    if not assignment.is_handed_in_here:
        # What is handed in on paper is known once the staff give points: whoever has none then handed nothing in.
        return WorkState.MISSING if key in known.published else WorkState.WAITING
    return WorkState.MISSING


def piece_of(work: Work, path: str = "") -> Piece:
    """Return a student's work as rules judge it: with what is published only."""
    assignment, is_graded = work.assignment, work.is_graded
    return Piece(
        key=assignment.pk,
        title=assignment.title,
        most=work.most,
        state=work.state,
        points=work.points if is_graded else None,
        is_passed=work.outcome == Outcome.PASSED if is_graded else None,
        counts=assignment.counts,
        path=path,
    )


def sum_of(works: Iterable[Work]) -> Tally:
    """Return the sum of a student's points, of what counts and is published."""
    return tally(
        (work.state, work.points, most) for work in works if work.assignment.counts and (most := work.most) is not None
    )


def blank_piece(assignment: Assignment) -> Piece:
    """Return an assignment as it is to somebody of whom nothing is known."""
    return piece_of(Work(assignment, WorkState.OPEN, None, "", is_published=False, project=None))


class WorkStanding(StrEnum):
    """How a person stands with handing an assignment in."""

    COMING = "coming"  # it opens later
    OPEN = "open"
    OVERDUE = "overdue"  # the deadline is over, late hand-ins are kept
    DONE = "done"
    LATE = "late"  # handed in, waits for the staff
    MISSED = "missed"
    EXCUSED = "excused"
    ELSEWHERE = "elsewhere"  # on paper, or presented


@dataclass(frozen=True, slots=True)
class OwnWork:
    """One person's work on an assignment, with its dates, or the assignment as everybody has it.

    Attributes:
        due_at: with all extensions, as typed; None without a deadline.
        closes_at: from then nothing is taken.
        is_done: a hand-in counts.
        has_topic: the person's team has one.
    """

    work: Work
    due_at: datetime | None
    closes_at: datetime | None
    is_done: bool = False
    is_handed_in: bool = False
    has_topic: bool = False

    @property
    def assignment(self) -> Assignment:
        """What it is."""
        return self.work.assignment

    @property
    def address(self) -> str:
        """Where its page is."""
        return address_of(self.assignment)

    @property
    def points_address(self) -> str:
        """Where its points are, task by task."""
        return address_of(self.assignment, "my_points")

    def standing_at(self, now: datetime) -> WorkStanding:
        """Return how the person stands now."""
        if self.work.state == WorkState.EXCUSED:
            return WorkStanding.EXCUSED
        if self.is_done:
            return WorkStanding.DONE
        if self.is_handed_in:
            return WorkStanding.LATE
        if not self.assignment.is_handed_in_here:
            return WorkStanding.ELSEWHERE
        opens_at = self.assignment.opens_at
        if opens_at is not None and now < opens_at:
            return WorkStanding.COMING
        if self.due_at is None or self.closes_at is None or is_open_until(self.due_at, now):
            return WorkStanding.OPEN
        return WorkStanding.OVERDUE if now < self.closes_at else WorkStanding.MISSED

    def is_coming_at(self, now: datetime) -> bool:
        """Whether it is not due yet, and there is something to be done for it."""
        if self.standing_at(now) in (WorkStanding.DONE, WorkStanding.LATE, WorkStanding.EXCUSED):
            return False
        return self.due_at is not None and now < deadline_closes_at(self.due_at)


def own_works_of(
    enrolment: Enrolment | None,
    assignments: Sequence[Assignment],
    *,
    now: datetime,
    deadlines: Mapping[int, Deadlines] | None = None,
    with_tasks: bool = False,
    with_results: bool = True,
) -> list[OwnWork]:
    """Return how a student stands with these assignments, or what everybody sees of them: at most 6 queries.

    What is due first comes first, then what stands first in the course. 2 queries without results, none for staff.

    Args:
        enrolment: whose work; None, or one of the staff: nobody's.
        assignments: of one course.
        now: aware.
        deadlines: by assignment, where they are read already; else 1 query more.
        with_tasks: whether points are wanted task by task, and with what the team reads.
        with_results: whether points are wanted at all, or only what is to be handed in.
    """
    deadlines = deadlines or Deadlines.of_each(assignments)
    ordered = sorted(assignments, key=_when_due)
    if enrolment is None or enrolment.is_staff or not assignments:
        return [_nobodys(assignment, deadlines[assignment.pk], enrolment) for assignment in ordered]
    if with_results:
        prefetch_related_objects([row for row in assignments if row.grading == Assignment.Grading.POINTS], "tasks")
    known = read_rows(
        assignments, [enrolment.pk], deadlines, with_tasks=with_tasks, with_times=True, with_results=with_results
    )
    return [_own(assignment, enrolment.pk, known, now) for assignment in ordered]


def read_own_works(
    enrolment: Enrolment, assignments: Sequence[Assignment], *, now: datetime, deadlines: Mapping[int, Deadlines]
) -> list[OwnWork]:
    """Return how a student stands with all assignments of their course, as `own_works_of`, and keep it on them.

    Whatever else the page asks of them, such as the rules of admission, finds it there: see `known_works`.
    """
    works = own_works_of(enrolment, assignments, now=now, deadlines=deadlines)
    if not enrolment.is_staff:
        known = {own.assignment.pk: own.work for own in works}
        enrolment.works_read = (now, {row.pk: known[row.pk] for row in assignments})  # type: ignore[attr-defined]
    return works


def _when_due(assignment: Assignment) -> tuple[bool, float]:
    return assignment.due_at is None, assignment.due_at.timestamp() if assignment.due_at is not None else 0.0


def _nobodys(assignment: Assignment, deadlines: Deadlines, enrolment: Enrolment | None) -> OwnWork:
    due_at = deadlines.for_team(0, [enrolment.pk]) if enrolment is not None else deadlines.for_all
    blank = Work(assignment, WorkState.OPEN, None, "", is_published=False, project=None)
    return OwnWork(blank, due_at, deadlines.closes_at(due_at))


def _own(assignment: Assignment, enrolment: int, known: Known, now: datetime) -> OwnWork:
    deadlines, place = known.deadlines[assignment.pk], known.places[enrolment].get(assignment.pk)
    work = _work(assignment.pk, assignment, enrolment, place, known, now)
    if place is None:
        due_at = deadlines.for_team(0, [enrolment])
        return OwnWork(work, due_at, deadlines.closes_at(due_at))
    due_at = deadlines.for_team(place.project, known.members[place.project])
    return OwnWork(
        work,
        due_at,
        deadlines.closes_at(due_at),
        is_done=place.counts_by(deadlines.counts_until(due_at)),
        is_handed_in=place.is_handed_in,
        has_topic=place.topic is not None,
    )


def own_works_for(access: Access) -> list[OwnWork]:
    """Return the assignments of a course as a page's reader has them: at most 8 queries."""
    assignments = assignments_of(access.course, visible_at=None if access.is_manager else access.now)
    return own_works_of(access.enrolment, assignments, now=access.now)


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
    """Return who is in a team for an assignment, and who handed in: 2 queries, however many they are.

    Args:
        assignment: what is handed in.
        students: whose teams alone are read; None: all.
    """
    deadlines, teams = Deadlines.of(assignment), dict[int, list[TeamPlace]]()
    for place in places_of([assignment.pk], students, with_times=True):
        teams.setdefault(place.project, []).append(place)
    handed_in = HandedIn(set(), set(), set())
    for project, places in teams.items():
        people = {place.enrolment for place in places}
        handed_in.in_teams.update(people)
        if places[0].counts_by(deadlines.counts_until(deadlines.for_team(project, people))):
            handed_in.done.update(people)
        elif places[0].is_handed_in:
            handed_in.late.update(people)
    return handed_in
