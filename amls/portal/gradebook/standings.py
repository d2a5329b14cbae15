"""Everyone's standing in a course, joined from what the apps know."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils import timezone
from django.utils.translation import gettext as _

from amls.core.decimals import say_decimal
from amls.core.keys import primary_key
from amls.courses.eligibility import Finding, Verdict, evaluate, extra_points_of
from amls.courses.models import Course, Enrolment, Role
from amls.files.tables.writing import Cell
from amls.grading.points import Tally, WorkState
from exams.models import Exam, Registration, Result
from projects.models import Assignment, Outcome
from projects.queries import StudentResult, results_of
from projects.states import ProjectState
from projects.works import Work, assignments_of, sum_of, works_of

# The kind of its exports.
GRADEBOOK = "portal.gradebook"


@dataclass(frozen=True, slots=True)
class Standing:
    """One student.

    Attributes:
        points: published extra points, at most what the course gives.
        findings: what the rules of admission say.
        works: by assignment.
        exams: results by exam, published or not.
    """

    enrolment: Enrolment
    project: StudentResult
    points: Decimal
    findings: list[Finding]
    works: dict[int, Work]
    exams: dict[int, Result]

    @property
    def sum(self) -> Tally:
        """The points of all assignments that count, as published."""
        return sum_of(self.works.values())

    @property
    def state(self) -> ProjectState:
        """How the student stands with their project, as published."""
        return self.project.state

    @property
    def draft(self) -> str:
        """The decision that is not published yet, in words; '' without."""
        return str(Outcome(self.project.draft).label) if self.project.draft else ""

    @property
    def verdict(self) -> Verdict:
        """What the rules say together: the worst of them."""
        verdicts = {finding.verdict for finding in self.findings}
        return next((worst for worst in (Verdict.UNMET, Verdict.PENDING) if worst in verdicts), Verdict.MET)


@dataclass(frozen=True, slots=True)
class Columns:
    """What a course's gradebook has columns for, besides the project.

    Attributes:
        assignments: but for the course's project where it gives no points: that has columns of its own.
        exams: in their order.
    """

    assignments: list[Assignment]
    exams: list[Exam]

    @property
    def gives_points(self) -> bool:
        """Whether there is a sum to show."""
        return any(assignment.grading == Assignment.Grading.POINTS for assignment in self.assignments)


def columns_of(course: Course) -> Columns:
    """Return what a course's gradebook has columns for: 2 queries, 3 with assignments."""
    rows = assignments_of(course)
    by_points = Assignment.Grading.POINTS
    shown = [row for row in rows if not row.is_main or row.grading == by_points]
    return Columns(shown, list(Exam.objects.filter(course=course).order_by("starts_at", "pk")))


def standings(
    course: Course,
    *,
    now: datetime,
    search: str = "",
    state: str = "",
    verdict: str = "",
    sort: str = "",
    columns: Columns | None = None,
) -> list[Standing]:
    """Return the students of a course by name: a fixed number of queries, however many.

    Args:
        course: whose they are.
        now: the request's clock.
        search: words, each in the name, the address or the matriculation number.
        state: only those who stand so.
        verdict: only those of whom the rules say so.
        sort: by name, or by a column as `cells_of` calls it: 'sum', 'a17', 'e3'; '-' before it turns the order round.
        columns: of the course, where they are known.
    """
    columns = columns or columns_of(course)
    rows = Enrolment.objects.filter(course=course, role=Role.STUDENT).select_related("user")
    if search:
        rows = rows.found_by(search)
    people = list(rows.order_by("user__sort_name", "pk"))
    for person in people:
        person.course = course
    results, findings = results_of(course, people), evaluate(course, people, now=now)
    points = extra_points_of(course, people)
    works, exams = works_of(columns.assignments, people, now=now), _results_by_person(course)
    everyone = [
        Standing(person, results[person.pk], points[person.pk], findings[person.pk], works[person.pk], exams[person.pk])
        for person in people
    ]
    chosen = [
        standing
        for standing in everyone
        if (not state or standing.state == state) and (not verdict or standing.verdict == verdict)
    ]
    return _sorted(chosen, sort)


def _results_by_person(course: Course) -> dict[int, dict[int, Result]]:
    """Return everyone's results by enrolment and exam: 1 query."""
    results: dict[int, dict[int, Result]] = defaultdict(dict)
    rows = Registration.objects.filter(course=course, result__isnull=False).select_related("result").order_by("pk")
    for registration in rows:
        results[registration.enrolment_id][registration.exam_id] = registration.result
    return results


def _sorted(rows: list[Standing], sort: str) -> list[Standing]:
    """Return the rows by a column; who has nothing there comes last, whatever the order, and ties stay by name."""
    name = sort.removeprefix("-")
    if name == "name" or not name:
        return rows[::-1] if sort == "-name" else rows

    def value(row: Standing) -> Decimal | None:
        if name == "sum":
            return row.sum.points
        if name == "extra":
            return row.points
        key = primary_key(name[1:])
        if name[0] == "a" and key in row.works:
            work = row.works[key]
            return work.points if work.state != WorkState.EXCUSED else None
        return row.exams[key].points if name[0] == "e" and key in row.exams else None

    known = [(points, row) for row in rows if (points := value(row)) is not None]
    ordered = sorted(known, key=lambda pair: pair[0], reverse=sort.startswith("-"))
    return [row for _points, row in ordered] + [row for row in rows if value(row) is None]


@dataclass(frozen=True, slots=True)
class GradebookCell:
    """One cell of the gradebook: a person's work on an assignment, or their exam.

    Attributes:
        value: points or a word, as a table has it.
        text: as the page shows it.
        kind: 'missing', 'excused', 'draft', 'open' or ''.
        project: the team's key, where the desk has a page for it.
    """

    value: Cell
    text: str
    kind: str = ""
    project: int | None = None


def marks_of(row: Standing, columns: Columns) -> list[GradebookCell]:
    """Return a student's cells: the assignments, then the exams."""
    works = [_mark_of_work(row.works[assignment.pk]) for assignment in columns.assignments]
    return works + [_mark_of_exam(row.exams.get(exam.pk)) for exam in columns.exams]


def _mark_of_work(work: Work) -> GradebookCell:
    if work.state == WorkState.EXCUSED:
        return GradebookCell("excused", _("excused"), "excused", work.project)
    if work.state == WorkState.MISSING and not work.outcome and work.points is None:
        return GradebookCell("missing", _("missing"), "missing", work.project)
    kind = "" if work.is_published else "draft"
    if work.points is not None:
        return GradebookCell(work.points, say_decimal(work.points), kind, work.project)
    if work.outcome:
        return GradebookCell(work.outcome, str(Outcome(work.outcome).label), kind, work.project)
    waits = work.state == WorkState.WAITING
    return GradebookCell("", _("to be graded") if waits else "", "open", work.project)


def _mark_of_exam(result: Result | None) -> GradebookCell:
    if result is None:
        return GradebookCell("", "", "open")
    kind = "" if result.state == Result.State.PUBLISHED else "draft"
    grade = f" · {result.grade:.1f}" if result.grade is not None else ""
    return GradebookCell(result.points, f"{say_decimal(result.points)}{grade}", kind)


def sheet_of(rows: Sequence[Standing], columns: Columns) -> tuple[list[str], list[list[Cell]]]:
    """Return the gradebook as a table: headers and rows; 'missing' and 'excused' are no zeros."""
    headers = [
        _("name"), _("e-mail"), _("matriculation number"), _("project"), _("topic"), _("state"),
        _("not published yet"), _("extra points"), _("admission"), _("what the rules say"),
    ]  # fmt: skip
    headers += [assignment.title for assignment in columns.assignments]
    for exam in columns.exams:
        day = f"{timezone.localtime(exam.starts_at):%Y-%m-%d}"
        headers += [f"{exam} {day}", _("grade %(day)s") % {"day": day}]
    headers += [_("sum of points"), _("points to be had so far")] if columns.gives_points else []
    return headers, [
        [
            str(row.enrolment.user),
            row.enrolment.user.email,
            row.enrolment.number,
            row.project.team.project.pk if row.project.team else "",
            row.project.team.project.title if row.project.team else "",
            str(row.state.label),
            row.draft,
            row.points,
            row.verdict.value,
            "; ".join(finding.for_staff for finding in row.findings),
            *(_mark_of_work(row.works[assignment.pk]).value for assignment in columns.assignments),
            *(cell for exam in columns.exams for cell in _exam_cells(row.exams.get(exam.pk))),
            *([row.sum.points, row.sum.most] if columns.gives_points else []),
        ]
        for row in rows
    ]


def _exam_cells(result: Result | None) -> list[Cell]:
    return ["", ""] if result is None else [result.points, result.grade]
