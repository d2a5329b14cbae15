"""What teams have for the tasks of their assignments: read for many at once, changed in memory, and kept at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db.models import prefetch_related_objects
from django.utils.translation import gettext as _

from amls.core.decimals import say_decimal
from amls.core.meanwhile import decided_meanwhile, is_overtaken
from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment, User
from amls.grading.points import QUARTER, ZERO, in_steps
from projects.models import Assessment, Assignment, Membership, Outcome, Project, Task, TaskPoints
from projects.points import Score, score_from
from projects.services.assessing import Readings, reading_of, tell_corrected, version_of
from projects.services.locks import follow_in_feeds, require_valid

# By task; None is the sum of an assignment without tasks.
PointsByTask = Mapping[int | None, "Given"]
_Place = tuple[int | None, int | None]
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Given:
    """What is given for a task; no points take back what was given."""

    points: Decimal | None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class TeamWish:
    """What a team is to have; see `give_points`.

    Attributes:
        is_for_newest: whether published points are for an attempt that came after them, with what is deducted of that.
        made_on: they are what they were on what counted then, as where a correction is taken back.
    """

    given: PointsByTask
    members: Mapping[int, PointsByTask] | None = None
    feedback: str | None = None
    seen: str | None = None
    is_for_newest: bool = False
    made_on: datetime | None = None


def most_by_task(assignment: Assignment) -> dict[int | None, Decimal]:
    """Return what there is to be had for each task; under None for all, where the assignment has no tasks."""
    tasks: dict[int | None, Decimal] = {task.pk: task.max_points for task in assignment.tasks.all()}
    return tasks or {None: assignment.max_points or ZERO}


def need_points_of(points: Decimal, most: Decimal) -> None:
    """Refuse points that there are not.

    Raises:
        RuleViolation: they lie outside of 0 to `most`, or between quarters.
    """
    if not ZERO <= points <= most or not in_steps(points, QUARTER):
        raise RuleViolation(
            _("Points lie between 0 and %(most)s, in quarters, found %(points)s.")
            % {"most": say_decimal(most), "points": say_decimal(points)},
            code="points-range",
        )


@dataclass(slots=True)
class TeamSheet:
    """What a team and its members have for the tasks: as it is, then as it is to be.

    Attributes:
        row: the team's decision, locked; a new one where there is none.
        standing: what is given, by member (None is the team) and task.
        tasks: of the assignment.
        most: what there is to be had for each of them.
        members: who is or was in the team.
        written, removed: of what was `standing`, what is to be kept and what is to be deleted.
        was: what they read of it before something was entered, as `readings`; nothing where nobody is to know it still.
        is_settled: points or feedback changed, and the outcome with them.
    """

    row: Assessment
    standing: dict[_Place, TaskPoints]
    tasks: list[Task]
    most: Mapping[int | None, Decimal]
    members: frozenset[int]
    written: list[TaskPoints] = field(default_factory=list)
    removed: list[TaskPoints] = field(default_factory=list)
    was: Readings = field(default_factory=dict)
    is_settled: bool = False

    @property
    def assignment(self) -> Assignment:
        """Whose tasks they are."""
        return self.row.project.assignment

    @property
    def is_published(self) -> bool:
        """Whether the team knows its points."""
        return self.row.published_at is not None

    @property
    def score(self) -> Score:
        """The team's points."""
        return score_from(self.standing.values(), self.tasks, self.assignment, late_percent=self.row.late_percent)

    def enter(self, wish: TeamWish, *, by: User, now: datetime, reason: str, late_percent: int = 0) -> None:
        """Let the team have what is wished for, of which so many percent are deducted for being late.

        Raises:
            RuleViolation: as `give_points`; the sheet is good for nothing then.
        """
        if self.assignment.grading != Assignment.Grading.POINTS:
            raise RuleViolation(_("This assignment is passed or failed, it gives no points."), code="no-points")
        if is_overtaken(wish.seen, stands=version_of(self.row if self.row.pk else None)):
            raise decided_meanwhile(self.row.assessed_by)
        before, was = self.said, self.readings
        self._judge(wish, late_percent)
        if wish.feedback is not None:
            self.row.feedback = wish.feedback
        if not self.row.pk:
            self.row.assessed_by, self.row.assessed_at = by, now
        require_valid(self.row, asks=False)
        self._write(None, wish.given)
        for enrolment, differing in (wish.members or {}).items():
            if enrolment not in self.members:
                raise RuleViolation(_("This person is not in the team."), code="not-a-member")
            self._write(enrolment, differing)
            self._as_the_team(enrolment, differing)
        if before != self.said:
            self.was = was
            self.settle(by=by, now=now, reason=reason)

    def _judge(self, wish: TeamWish, late_percent: int) -> None:
        """Let it be a decision on what counts, or where published points are corrected on what they were given for.

        What a team handed in after its result would bring a deduction otherwise that nobody decided on.
        """
        row = self.row
        if wish.made_on is not None:
            row.late_percent, row.made_on = late_percent, wish.made_on
        elif self.is_published and late_percent > row.late_percent and not wish.is_for_newest:
            row.made_on = row.judges_until
        else:
            row.late_percent, row.made_on = late_percent, None

    @property
    def said(self) -> object:
        """All that is given."""
        return (
            {place: (row.points, row.comment) for place, row in self.standing.items()},
            self.row.feedback,
            self.row.late_percent,
        )

    def deduct(self, late_percent: int, *, reason: str) -> None:
        """Let so many percent be deducted for being late; what was decided, when and by whom stays so.

        Raises:
            RuleViolation: as `settle`.
        """
        self.was, self.row.late_percent = self.readings, late_percent
        self.settle(by=None, now=self.row.assessed_at, reason=reason)

    @property
    def readings(self) -> Readings:
        """What each member who has something of their own reads of published points, and (None) all others."""
        if not self.is_published:
            return {}
        given, members = list(self.standing.values()), {member for member, _task in self.standing}
        percent = self.row.late_percent
        scores = {
            member: score_from(given, self.tasks, self.assignment, member, late_percent=percent)
            for member in {None, *members}
        }
        return {
            member: ([(task.points, task.comment) for task in score.tasks], score.deducted, self.row.feedback)
            for member, score in scores.items()
        }

    @property
    def _corrected(self) -> list[int]:
        """The keys of the members who read something else than before."""
        is_now = self.readings
        return [pk for pk in sorted(self.members) if reading_of(self.was, pk) != reading_of(is_now, pk)]

    def _write(self, enrolment: int | None, given: PointsByTask) -> None:
        for task, wanted in given.items():
            if task not in self.most:
                raise RuleViolation(_("This task belongs to another assignment."), code="no-task")
            if wanted.points is None:
                self._remove((enrolment, task))
                continue
            need_points_of(wanted.points, self.most[task])
            points = self.standing.get((enrolment, task)) or TaskPoints(task_id=task, enrolment_id=enrolment)
            if points.pk and (points.points, points.comment) == (wanted.points, wanted.comment):
                continue
            points.points, points.comment = wanted.points, wanted.comment
            require_valid(points, asks=False)
            self.standing[enrolment, task] = points
            self.written.append(points)

    def _as_the_team(self, enrolment: int, differing: PointsByTask) -> None:
        """Take back what a member had of their own and no longer has."""
        kept = {task for task, given in differing.items() if given.points is not None}
        for member, task in list(self.standing):
            if member == enrolment and task not in kept:
                self._remove((member, task))

    def _remove(self, place: _Place) -> None:
        if (points := self.standing.pop(place, None)) is not None:
            self.removed.append(points)

    def settle(self, *, by: User | None, now: datetime, reason: str) -> None:
        """Let the outcome follow the points and the pass mark; published ones change with a reason and a mail.

        Args:
            by: who changed them; None: whoever decided stays so.
            now: the request's clock.
            reason: why.

        Raises:
            RuleViolation: there is no reason, or a published task would be without points.
        """
        score, row = self.score, self.row
        if self.is_published and not reason.strip():
            raise RuleViolation(
                _("These points are published: say why they change."), code="no-reason", field="correction"
            )
        if self.is_published and not score.is_complete:
            raise RuleViolation(_("These points are published: a task can't be left without any."), code="incomplete")
        row.outcome = score.outcome if score.is_complete else ""
        if row.outcome == Outcome.FAILED and row.extra_points:
            raise RuleViolation(_("A failed project gives no extra points."), code="invalid")
        row.assessed_by, row.assessed_at = by or row.assessed_by, now
        row.correction = reason if self.is_published else ""
        if self.is_published:
            row.add_correction(self._corrected, reason.strip())
        else:
            row.corrections = {}
        require_valid(row, asks=False)
        self.is_settled = True


def sheets_of(projects: Mapping[int, Project]) -> dict[int, TeamSheet]:
    """Return the sheets of some teams, with their decisions locked: 4 queries, however many.

    Args:
        projects: by their keys, locked, each with its assignment.
    """
    assignments = {project.assignment_id: project.assignment for project in projects.values()}
    prefetch_related_objects(list(assignments.values()), "tasks")
    locked = Assessment.objects.select_for_update(of=("self",)).filter(project__in=projects).order_by("project")
    rows = {row.project_id: row for row in locked.select_related("assessed_by")}
    standing: dict[int, dict[_Place, TaskPoints]] = defaultdict(dict)
    for points in TaskPoints.objects.filter(assessment__in=rows.values()).order_by("pk"):
        standing[points.assessment_id][points.enrolment_id, points.task_id] = points
    members: dict[int, set[int]] = defaultdict(set)
    for project_pk, enrolment in Membership.objects.filter(project__in=projects).values_list("project", "enrolment"):
        members[project_pk].add(enrolment)
    sheets = {}
    for pk, project in projects.items():
        project.assignment = assignments[project.assignment_id]
        row = rows.get(pk) or Assessment()
        row.project = project
        given = standing[row.pk] if row.pk else {}
        tasks, most = list(project.assignment.tasks.all()), most_by_task(project.assignment)
        sheets[pk] = TeamSheet(row, given, tasks, most, frozenset(members[pk]))
    return sheets


def keep_sheets(sheets: Sequence[TeamSheet], *, now: datetime) -> None:
    """Keep what was entered, and tell those whose published points changed: by batches, however many.

    Args:
        sheets: in each of which something was entered, or which were settled.
        now: the request's clock.
    """
    new = [sheet.row for sheet in sheets if not sheet.row.pk]
    old = [sheet.row for sheet in sheets if sheet.row.pk]
    removed = [points.pk for sheet in sheets for points in sheet.removed if points.pk]
    Assessment.objects.bulk_create(new, batch_size=_BATCH)
    columns = [
        "outcome",
        "feedback",
        "late_percent",
        "made_on",
        "correction",
        "corrections",
        "assessed_at",
        "assessed_by",
    ]
    Assessment.objects.bulk_update(old, columns, batch_size=_BATCH)
    if removed:
        TaskPoints.objects.filter(pk__in=removed).delete()
    made, changed = list[TaskPoints](), list[TaskPoints]()
    for sheet in sheets:
        for points in sheet.written:
            points.assessment = sheet.row
            (changed if points.pk else made).append(points)
    TaskPoints.objects.bulk_create(made, batch_size=_BATCH)
    TaskPoints.objects.bulk_update(changed, ["points", "comment"], batch_size=_BATCH)
    told = [(sheet.row, sheet.was, sheet.readings) for sheet in sheets if sheet.is_settled and sheet.is_published]
    tell_corrected(told, now=now)
    _follow_own(sheets, now=now)


def _follow_own(sheets: Sequence[TeamSheet], *, now: datetime) -> None:
    """Give members with points of their own the date until which they may ask: who joined after the publication had none."""
    own = {
        points.enrolment_id
        for sheet in sheets
        if sheet.is_published and sheet.assignment.takes_questions
        for points in sheet.written
        if points.enrolment_id is not None
    }
    if own:
        follow_in_feeds(Enrolment.objects.filter(pk__in=own).select_related("user", "course").order_by("pk"), now=now)
