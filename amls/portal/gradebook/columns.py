"""The columns of a gradebook: what there is to be had in each, and by which key addresses and tables call it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from amls.courses.models import Course
from exams.models import Exam, ExamTask
from exams.models.exam import told_apart
from projects.models import Assignment
from projects.queries import assignments_of

# With more columns than these, exams' tasks are folded away until somebody asks for them.
ROOM = 9


@dataclass(frozen=True, slots=True)
class BookColumn:
    """An assignment, an exam or one task of an exam.

    Attributes:
        key: 'a17' is an assignment, 'e3' an exam, 'x5' a task of one.
        title: as people read it; exams of one name with their day.
        most: points to be had; None where it is passed or failed.
        counts: it belongs to the sum.
    """

    key: str
    title: str
    most: Decimal | None
    counts: bool
    assignment: Assignment | None = None
    exam: Exam | None = None
    task: ExamTask | None = None

    @property
    def place(self) -> tuple[str, int]:
        """Of what kind it is, by the letter of its key, and its primary key."""
        return self.key[0], int(self.key[1:])

    @property
    def full_title(self) -> str:
        """As it is called where its neighbours don't say of which exam a task is."""
        return f"{self.exam}: {self.title}" if self.task is not None else self.title


@dataclass(frozen=True, slots=True)
class Columns:
    """What a course's gradebook has columns for, besides the project.

    Attributes:
        assignments: all of the course, in their order.
        exams: in their order, with their tasks.
        shown: those that are shown: but for the course's project where it gives no points, which has a column of its
            own; one alone where that was asked for. Exams' tasks are among them where they are unfolded.
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
        return replace(self, shown=chosen, key=key) if chosen else self

    @property
    def has_exam_tasks(self) -> bool:
        """Whether exams' tasks are among those that are shown."""
        return any(column.task is not None for column in self.shown)

    def unfolded(self, wish: str) -> Columns:
        """Return these columns, each exam followed by its tasks where that was asked for, or where there is room.

        Args:
            wish: '1' for the tasks, '0' for none; all else leaves it to the room.
        """
        unfolded = [part for column in self.shown for part in (column, *_tasks_of(column))]
        wants = len(unfolded) <= ROOM or len(self.shown) == 1 if wish not in ("0", "1") else wish == "1"
        return replace(self, shown=unfolded) if wants else self


def _tasks_of(column: BookColumn) -> Iterator[BookColumn]:
    if column.exam is not None and column.task is None:
        for task in column.exam.tasks.all():
            yield BookColumn(f"x{task.pk}", task.title, task.max_points, counts=False, exam=column.exam, task=task)


def columns_of(course: Course) -> Columns:
    """Return what a course's gradebook has columns for, exams' tasks folded: 2 queries, one more with exams."""
    # Nobody gets anything in a date that is cancelled.
    held = Exam.objects.filter(course=course, cancelled_at__isnull=True)
    exams = list(held.order_by("starts_at", "pk").prefetch_related("tasks"))
    assignments = assignments_of(course)
    by_points = Assignment.Grading.POINTS
    shown = [
        BookColumn(
            f"a{row.pk}", row.title, row.max_points if row.grading == by_points else None,
            counts=row.counts and row.grading == by_points, assignment=row,
        )
        for row in assignments
        if not row.is_main or row.grading == by_points
    ]  # fmt: skip
    names = Counter(map(str, exams))
    told_apart(exams, [(course.pk, exam.starts_at, course.zone) for exam in exams])
    for exam in exams:
        title = exam.with_day(course.zone) if names[str(exam)] > 1 else str(exam)
        shown.append(
            BookColumn(
                f"e{exam.pk}", title, None if exam.is_graded_directly else exam.max_points, counts=False, exam=exam
            )
        )
    return Columns(assignments, exams, shown)
