"""What a table says of many people is done by the services that correct each kind of field, for all people at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from django.utils.translation import gettext as _

from amls.core.attempts import refused_of
from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment, User
from amls.courses.services import lock_course
from amls.portal.gradebook.entries import BookEntry, BookField, Entries
from exams.models import Registration
from exams.services.points import enter_points_each
from exams.services.tasks import enter_task_points_each
from projects.models import Assignment
from projects.services.excuses import end_excuses, excuse_each
from projects.services.memberpoints import correct_points_each

_ByTask = dict[int | None, Decimal | None]
_Points = TypeVar("_Points")
# By registration.
_Refusals = Mapping[int, RuleViolation]


@dataclass(slots=True)
class _OfAssignment:
    """What becomes of people's work on an assignment, by enrolment."""

    assignment: Assignment
    excused: list[Enrolment] = field(default_factory=list)
    not_excused: list[Enrolment] = field(default_factory=list)
    points: dict[int, tuple[Enrolment, _ByTask]] = field(default_factory=dict)

    def add(self, person: Enrolment, book_field: BookField, entry: BookEntry) -> None:
        """Add what a field of a person is to say."""
        if book_field.task is not None:
            self._points_of(person)[book_field.task.pk] = entry.points
        elif entry.is_excused:
            self.excused.append(person)
        else:
            self.not_excused.append(person)
            # The sum of what has tasks follows these.
            if not self.assignment.tasks.all():
                self._points_of(person)[None] = entry.points

    def _points_of(self, person: Enrolment) -> _ByTask:
        return self.points.setdefault(person.pk, (person, {}))[1]


@dataclass(slots=True)
class _OfExam:
    """What becomes of people's results of an exam, by enrolment; sums and points for tasks."""

    sums: dict[int, Decimal | None] = field(default_factory=dict)
    tasks: dict[int, dict[int, Decimal | None]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, person: Enrolment, book_field: BookField, entry: BookEntry) -> None:
        """Add what a field of a person is to say."""
        if book_field.exam_task is not None:
            self.tasks[person.pk][book_field.exam_task.pk] = entry.points
        else:
            self.sums[person.pk] = entry.points


def apply_each(
    people: Mapping[int, tuple[Enrolment, Entries]],
    fields: Mapping[str, BookField],
    *,
    by: User,
    now: datetime,
    reason: str,
) -> dict[int, RuleViolation]:
    """Let this stand in fields of people, and return by enrolment what is refused: queries as for one person.

    Whoever is refused anything may have the rest: roll it back.

    Args:
        people: of one course, by the key of each one's enrolment, the person, and what their fields are to say.
        fields: of the course, by their keys.
        by: who corrects.
        now: the request's clock.
        reason: why, where published points change.
    """
    # Exams are locked before teams: whoever writes both begins with the course.
    for course in {person.course_id for person, _entries in people.values()}:
        lock_course(course)
    assignments: dict[int, _OfAssignment] = {}
    exams: dict[int, _OfExam] = defaultdict(_OfExam)
    for person, entries in people.values():
        for key, entry in entries.items():
            known = fields[key]
            if known.exam is not None:
                exams[known.exam.pk].add(person, known, entry)
            elif known.assignment is not None:
                of_it = assignments.setdefault(known.assignment.pk, _OfAssignment(known.assignment))
                of_it.add(person, known, entry)
    refused = _do_exams(exams, people, by=by, now=now, reason=reason)
    for of_it in assignments.values():
        assignment = of_it.assignment
        if of_it.excused:
            refused |= refused_of(excuse_each(enrolments=of_it.excused, assignment=assignment, by=by, now=now))
        if of_it.not_excused:
            end_excuses(enrolments=of_it.not_excused, assignment=assignment, now=now)
        if of_it.points:
            given = correct_points_each(assignment=assignment, points=of_it.points, by=by, now=now, reason=reason)
            refused |= refused_of(given)
    return refused


def _do_exams(
    exams: Mapping[int, _OfExam],
    people: Mapping[int, tuple[Enrolment, Entries]],
    *,
    by: User,
    now: datetime,
    reason: str,
) -> dict[int, RuleViolation]:
    """Let this stand in fields of exams, and return by enrolment what is refused."""
    refused: dict[int, RuleViolation] = {}
    listed = _registrations(people, exams) if exams else {}
    # Exams are locked in the order of their keys everywhere.
    for exam, of_exam in sorted(exams.items()):

        def enter_tasks(points: Mapping[int, Mapping[int, Decimal | None]], exam: int = exam) -> _Refusals:
            return enter_task_points_each(exam_pk=exam, points=points, by=by, reason=reason, now=now)[1]

        def enter_sums(points: Mapping[int, Decimal | None], exam: int = exam) -> _Refusals:
            return enter_points_each(exam_pk=exam, points=points, by=by, reason=reason, now=now)[1]

        # The sum comes after the tasks: whose tasks are gone may have one that was typed.
        refused |= _enter(of_exam.tasks, exam, listed, people, enter_tasks)
        refused |= _enter(of_exam.sums, exam, listed, people, enter_sums)
    return refused


def _registrations(people: Iterable[int], exams: Iterable[int]) -> dict[tuple[int, int], int]:
    """Return the newest registration of these people for each of these exams, by enrolment and exam: 1 query."""
    rows = Registration.objects.filter(enrolment__in=list(people), exam__in=list(exams)).order_by("pk")
    return {(person, exam): pk for pk, person, exam in rows.values_list("pk", "enrolment", "exam")}


def _enter(
    wanted: Mapping[int, _Points],
    exam: int,
    listed: Mapping[tuple[int, int], int],
    people: Mapping[int, tuple[Enrolment, Entries]],
    enter: Callable[[dict[int, _Points]], _Refusals],
) -> dict[int, RuleViolation]:
    """Enter points of an exam by registration; return by enrolment what is refused."""
    refused: dict[int, RuleViolation] = {}
    by_registration: dict[int, _Points] = {}
    person_of: dict[int, int] = {}
    for pk, points in wanted.items():
        registration = listed.get((pk, exam))
        if registration is None:
            said = _("%(person)s does not stand on the list of this exam.") % {"person": people[pk][0].user}
            refused[pk] = RuleViolation(said, code="not-on-list")
        else:
            by_registration[registration], person_of[registration] = points, pk
    if not by_registration:
        return refused
    try:
        answers = enter(by_registration)
    except RuleViolation as violation:
        # The exam takes none at all.
        answers = dict.fromkeys(by_registration, violation)
    return refused | {person_of[registration]: violation for registration, violation in answers.items()}
