"""What is known of a person, as rules judge it: the apps above tell it by a hook."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from amls.core.hooks import Hook
from amls.core.violations import RuleViolation
from amls.courses.eligibility import Finding
from amls.courses.models import Course, Enrolment
from amls.grading.points import UNSETTLED, WorkState
from amls.grading.tree import AllBlock, named_by, walk


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One assignment, and how a person's work on it stands.

    Attributes:
        key: the assignment's.
        title: as people read it.
        most: points to be had; None where it is passed or failed.
        points: given and published; None in every other state than 'graded', and where there are none.
        is_passed: the decision; None while there is none.
        counts: it belongs to 'all assignments'.
        path: where the person works on it.
    """

    key: int
    title: str
    most: Decimal | None
    state: WorkState
    points: Decimal | None = None
    is_passed: bool | None = None
    counts: bool = True
    path: str = ""

    @property
    def is_settled(self) -> bool:
        """Whether nothing more comes of it."""
        return self.state not in UNSETTLED


@dataclass(frozen=True, slots=True, kw_only=True)
class RollEntries:
    """A list that the staff keep, and what stands there of a person.

    Attributes:
        key: the list's.
        title: as people read it.
        entered: how often the person was there.
        excused: how often they were excused.
        left: how many occasions are still to come; None where nobody knows.
    """

    key: int
    title: str
    entered: int = 0
    excused: int = 0
    left: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that is known of one person.

    Attributes:
        pieces: the assignments of the course by key, in their order.
        rolls: the lists by key.
        project: what the rule 'project passed' finds; None where the course has no project.
        earlier_term: in which the work was passed before; '' if in none.
    """

    pieces: Mapping[int, Piece] = field(default_factory=dict)
    rolls: Mapping[int, RollEntries] = field(default_factory=dict)
    project: Finding | None = None
    earlier_term: str = ""

    def joined(self, other: Facts) -> Facts:
        """Return these facts and others of the same person, which add to them."""
        return Facts(
            pieces={**self.pieces, **other.pieces},
            rolls={**self.rolls, **other.rolls},
            project=self.project or other.project,
            earlier_term=self.earlier_term or other.earlier_term,
        )

    def pieces_of(self, keys: Sequence[int]) -> list[Piece]:
        """Return the assignments of these keys that there are, in the course's order; all that count for no keys."""
        if not keys:
            return [piece for piece in self.pieces.values() if piece.counts]
        wanted = set(keys)
        return [piece for key, piece in self.pieces.items() if key in wanted]


# People of one course in, what an app knows of each by enrolment pk: a fixed number of queries, however many.
FactsOf = Callable[[Course, Sequence[Enrolment], datetime], Mapping[int, Facts]]
facts: Hook[FactsOf] = Hook("facts for rules")


def facts_of(course: Course, enrolments: Iterable[Enrolment], *, now: datetime) -> dict[int, Facts]:
    """Return what all apps know of these people of `course`, by enrolment pk; nobody is missing."""
    people = list(enrolments)
    joined: dict[int, Facts] = {}
    for tell in facts:
        for pk, part in tell(course, people, now).items():
            joined[pk] = joined[pk].joined(part) if pk in joined else part
    return {pk: joined.get(pk) or Facts() for pk in [person.pk for person in people]}


# The assignments and lists of a course as they are to somebody of whom nothing is known.
CourseFacts = Callable[[Course], Facts]
course_facts: Hook[CourseFacts] = Hook("what rules can speak of")


def facts_of_course(course: Course) -> Facts:
    """Return what rules of a course can speak of: its assignments and lists, with nobody's work."""
    joined = Facts()
    for tell in course_facts:
        joined = joined.joined(tell(course))
    return joined


# The rule by which a course judges, as a tree; raises RuleViolation where a later version of this program wrote it.
CourseRule = Callable[[Course], AllBlock]
course_rules: Hook[CourseRule] = Hook("rules of a course")


def names_in_rules(course: Course, *, assignment: int | None = None, roll: int | None = None) -> bool:
    """Return whether a rule of a course names an assignment or a list: once that is gone it lets nobody through.

    Args:
        course: whose rules.
        assignment: its key.
        roll: the list's key.
    """
    named = [named_by(block) for rule in _rules_of(course) for block in walk(rule)]
    return any(assignment in block.assignments or roll in block.rolls for block in named)


def _rules_of(course: Course) -> Iterator[AllBlock]:
    for rule_of in course_rules:
        # What can't be read says so by itself, on the page where rules are built.
        with suppress(RuleViolation):
            yield rule_of(course)
