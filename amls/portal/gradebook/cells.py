"""The cells of a gradebook: points or a word, and what tells missing, excused and not yet published apart."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.decimals import say_decimal, say_grade
from amls.grading.points import WorkState
from amls.portal.gradebook.results import BookResult
from projects.models import Outcome
from projects.works import Work

# By which kinds of cells a gradebook is narrowed down, as people call them.
KINDS = {
    "missing": gettext_lazy("missing"),
    "excused": gettext_lazy("excused"),
    "waiting": gettext_lazy("to be graded"),
    "draft": gettext_lazy("not published yet"),
    "graded": gettext_lazy("published"),
    "open": gettext_lazy("nothing yet"),
}


class Cell(NamedTuple):
    """A person's work on an assignment, their exam, or a task of it.

    Attributes:
        kind: one of `KINDS`.
        points: None where there are none, or where they don't count for the person.
        word: the outcome where it is passed or failed; the grade of an exam, as one reads it.
        project: the team's key, where the desk has a page for it.
        grade: of an exam, as tables compute with it.
        earned: the points before something was deducted for being late; None where nothing is.
    """

    kind: str
    points: Decimal | None = None
    word: str = ""
    project: int | None = None
    grade: Decimal | None = None
    earned: Decimal | None = None

    @property
    def is_settled(self) -> bool:
        """Whether its points are published, so that they belong to sums."""
        return self.kind == "graded" and self.points is not None


_NOTHING = Cell("open")
_KINDS_OF_STATES = {WorkState.MISSING: "missing", WorkState.WAITING: "waiting", WorkState.OPEN: "open"}


def cell_of_work(work: Work) -> Cell:
    """Return the cell of a person's work on an assignment."""
    if work.state == WorkState.EXCUSED:
        return Cell("excused", project=work.project)
    if work.points is None and not work.outcome:
        return Cell(_KINDS_OF_STATES.get(work.state, "open"), project=work.project)
    kind = "graded" if work.is_published else "draft"
    word = str(Outcome(work.outcome).label) if work.points is None else ""
    return Cell(kind, work.points, word, work.project, earned=work.earned)


def cell_of_exam(result: BookResult | None) -> Cell:
    """Return the cell of a person's exam; None where they have no result."""
    if result is None:
        return _NOTHING
    kind = "graded" if result.is_published else "draft"
    word = say_grade(result.grade) if result.grade is not None else ""
    return Cell(kind, result.points, word, grade=result.grade)


def cell_of_task(points: Decimal | None, result: BookResult | None) -> Cell:
    """Return the cell of what a person got for a task of an exam; it is published with their result."""
    if points is None:
        return _NOTHING
    is_published = result is not None and result.is_published
    return Cell("graded" if is_published else "draft", points)


def said(cell: Cell) -> str:
    """Return what a cell says, in words and numbers; '' for nothing yet."""
    if cell.kind in ("missing", "excused", "waiting"):
        return str(KINDS[cell.kind])
    points = say_decimal(cell.points) if cell.points is not None else ""
    if cell.points is not None and cell.earned is not None:
        points = f"{points} {said_of_deduction(cell.earned, cell.points)}"
    return " · ".join(part for part in (points, cell.word) if part)


def said_of_deduction(earned: Decimal, points: Decimal) -> str:
    """Return how points came of those that were earned: '(20 − 2, late)'."""
    deducted = {"earned": say_decimal(earned), "deducted": say_decimal(earned - points)}
    return _("(%(earned)s − %(deducted)s, late)") % deducted
