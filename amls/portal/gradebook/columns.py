"""The columns of a gradebook: what there is to be had in each, and by which key addresses and tables call it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from amls.courses.models import Course
from exams.models import Exam
from projects.models import Assignment
from projects.queries import assignments_of


@dataclass(frozen=True, slots=True)
class BookColumn:
    """An assignment or an exam.

    Attributes:
        key: 'a17' is an assignment, 'e3' an exam.
        title: as people read it.
        most: points to be had; None where it is passed or failed.
        counts: it belongs to the sum.
    """

    key: str
    title: str
    most: Decimal | None
    counts: bool
    assignment: Assignment | None = None
    exam: Exam | None = None

    @property
    def place(self) -> tuple[bool, int]:
        """Whether it is an exam, and its primary key or that of the assignment."""
        return self.exam is not None, int(self.key[1:])


@dataclass(frozen=True, slots=True)
class Columns:
    """What a course's gradebook has columns for, besides the project.

    Attributes:
        assignments: all of the course, in their order.
        exams: in their order.
        shown: those that are shown: but for the course's project where it gives no points, which has a column of its
            own; one alone where that was asked for.
        key: of the one that was asked for; '' for all.
    """

    assignments: Sequence[Assignment]
    exams: Sequence[Exam]
    shown: Sequence[BookColumn]
    key: str = ""

    @property
    def gives_points(self) -> bool:
        """Whether there is a sum to show."""
        return any(assignment.grading == Assignment.Grading.POINTS for assignment in self.assignments)

    @property
    def has_project(self) -> bool:
        """Whether the course has a project."""
        return any(assignment.is_main for assignment in self.assignments)

    def only(self, key: str) -> Columns:
        """Return these columns with but one of them shown; all of them where there is no such one."""
        chosen = [column for column in self.shown if column.key == key]
        return Columns(self.assignments, self.exams, chosen, key) if chosen else self


def columns_of(course: Course) -> Columns:
    """Return what a course's gradebook has columns for: 2 queries, 3 with assignments."""
    assignments, exams = assignments_of(course), list(Exam.objects.filter(course=course).order_by("starts_at", "pk"))
    by_points = Assignment.Grading.POINTS
    shown = [
        BookColumn(
            f"a{row.pk}", row.title, row.max_points if row.grading == by_points else None,
            counts=row.counts and row.grading == by_points, assignment=row,
        )
        for row in assignments
        if not row.is_main or row.grading == by_points
    ]  # fmt: skip
    shown += [BookColumn(f"e{exam.pk}", str(exam), exam.max_points, counts=False, exam=exam) for exam in exams]
    return Columns(assignments, exams, shown)
