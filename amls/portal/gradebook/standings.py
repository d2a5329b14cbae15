"""Everyone's standing in a course, joined from what the apps know."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from amls.courses.eligibility import Finding, Verdict, extra_points_of
from amls.courses.models import Course, Enrolment, Role
from amls.grading.models import PersonNote
from amls.grading.points import Tally
from amls.portal.gradebook.cells import Cell, cell_of_exam, cell_of_task, cell_of_work
from amls.portal.gradebook.columns import Columns, columns_of
from amls.portal.gradebook.results import BookResult, results_by_person, task_points_by_person
from exams.admission import Admission, AdmissionState, admissions_of
from projects.deadlines import Deadlines
from projects.models import Outcome
from projects.queries import StudentResult, read_parts
from projects.states import STUDENT_STATES, ProjectState
from projects.works import Work, read_works, sum_of

# The kind of its exports.
GRADEBOOK = "portal.gradebook"
# What costs more to read than all that is shown of a person.
_NOT_SHOWN = ("created_at", "user__password", "user__last_login", "user__date_joined")
_ADMISSIONS = list(AdmissionState)


@dataclass(frozen=True, slots=True)
class BookQuery:
    """Which part of a gradebook somebody wants to see, and in which order; what says nothing is ''.

    Attributes:
        search: words, each in the name, the address or the matriculation number.
        state: only who stands so with the project.
        admission: only whose admission stands so.
        column: this one alone, as 'a17' or 'e3'.
        work: only who has a cell of this kind, in that column or in any; see `Cell`.
        sort: the key of a column, 'name', 'number', 'project', 'extra', 'admission', 'sum' or 'note'; '-' before it
            turns the order round.
        tasks: '1' for a column for each task of an exam, '0' for none, '' for as many as there is room for.
    """

    search: str = ""
    state: str = ""
    admission: str = ""
    column: str = ""
    work: str = ""
    sort: str = ""
    tasks: str = ""

    @property
    def narrows(self) -> bool:
        """Whether it leaves some people out."""
        return bool(self.search or self.state or self.admission or self.work)

    @classmethod
    def of(cls, parameters: Mapping[str, object]) -> BookQuery:
        """Return what the parameters of an export ask for; those of an older release may have others."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: str(value) for name, value in parameters.items() if name in known})

    def parameters(self) -> dict[str, str]:
        """Return what says it again, for an export."""
        return asdict(self)


class Standing(NamedTuple):
    """One student.

    Attributes:
        points: published extra points, at most what the course gives.
        admission: to the exams, with what the rules say.
        works: by assignment.
        exams: results by exam, published or not.
        note: of the staff; '' without one.
        cells: of the columns that are shown.
        sum: the points of all assignments that count, as published.
    """

    enrolment: Enrolment
    project: StudentResult
    points: Decimal
    admission: Admission
    works: Mapping[int, Work]
    exams: Mapping[int, BookResult]
    note: str
    cells: Sequence[Cell]
    sum: Tally

    @property
    def state(self) -> ProjectState:
        """How the student stands with their project, as published."""
        return self.project.state

    @property
    def draft(self) -> str:
        """The decision that is not published yet, in words; '' without."""
        return str(Outcome(self.project.draft).label) if self.project.draft else ""

    @property
    def findings(self) -> Sequence[Finding]:
        """What the rules of admission say."""
        return self.admission.findings

    @property
    def verdict(self) -> Verdict:
        """What the rules say together: the worst of them."""
        verdicts = {finding.verdict for finding in self.findings}
        return next((worst for worst in (Verdict.UNMET, Verdict.PENDING) if worst in verdicts), Verdict.MET)


def is_any_late(rows: Iterable[Standing]) -> bool:
    """Return whether something is deducted for being late from what is shown of these students."""
    return any(cell.earned is not None for row in rows for cell in row.cells)


def standings(
    course: Course, *, now: datetime, asked: BookQuery | None = None, columns: Columns | None = None
) -> list[Standing]:
    """Return the students of a course by name: a fixed number of queries, however many.

    Args:
        course: whose they are.
        now: the request's clock.
        asked: who of them, and in which order.
        columns: of the course, where they are known.
    """
    asked = asked or BookQuery()
    columns = columns or columns_of(course).only(asked.column).unfolded(asked.tasks)
    rows = Enrolment.objects.filter(course=course, role=Role.STUDENT).select_related("user").defer(*_NOT_SHOWN)
    if asked.search:
        rows = rows.found_by(asked.search)
    people = list(rows.order_by("user__sort_name", "pk"))
    everyone = _standings(course, people, columns, now=now)
    return _sorted([standing for standing in everyone if _fits(standing, asked)], asked.sort, columns)


def standing_of(enrolment: Enrolment, *, now: datetime, columns: Columns) -> Standing:
    """Return how one student stands."""
    return _standings(enrolment.course, [enrolment], columns, now=now)[0]


def _standings(course: Course, people: Sequence[Enrolment], columns: Columns, *, now: datetime) -> list[Standing]:
    for person in people:
        person.course = course
    by_key = {person.pk: person for person in people}
    deadlines = Deadlines.of_each(columns.assignments)
    main = next((row for row in columns.assignments if row.is_main), None)
    works = read_works(columns.assignments, people, now=now, deadlines=deadlines)
    results = read_parts(course, people, main, deadlines[main.pk] if main is not None else Deadlines.of(None))
    admissions = admissions_of(course, people, now=now)
    points, exams = extra_points_of(course, people, now=now), results_by_person(people)
    tasks = task_points_by_person(people) if columns.has_exam_tasks else {}
    notes = dict(PersonNote.objects.filter(enrolment__course=course).values_list("enrolment", "text"))
    places = [(*column.place, column.exam.pk if column.exam is not None else 0) for column in columns.shown]
    return [
        Standing(
            person, results[pk], points[pk], admissions[pk], works[pk], exams[pk], notes.get(pk, ""),
            _cells(places, works[pk], exams[pk], tasks.get(pk, {})), sum_of(works[pk].values()),
        )
        for pk, person in by_key.items()
    ]  # fmt: skip


def _cells(
    places: Sequence[tuple[str, int, int]],
    works: Mapping[int, Work],
    exams: Mapping[int, BookResult],
    tasks: Mapping[int, Decimal],
) -> list[Cell]:
    return [
        cell_of_work(works[key]) if kind == "a"
        else cell_of_exam(exams.get(exam)) if kind == "e"
        else cell_of_task(tasks.get(key), exams.get(exam))
        for kind, key, exam in places
    ]  # fmt: skip


def _fits(standing: Standing, asked: BookQuery) -> bool:
    return (
        (not asked.state or standing.state == asked.state)
        and (not asked.admission or standing.admission.state == asked.admission)
        and (not asked.work or any(cell.kind == asked.work for cell in standing.cells))
    )


_ORDERS: Mapping[str, Callable[[Standing], Decimal | int | str | None]] = {
    "number": lambda row: row.enrolment.number.rjust(20) if row.enrolment.number else None,
    "project": lambda row: STUDENT_STATES.index(row.state),
    "extra": lambda row: row.points,
    "admission": lambda row: _ADMISSIONS.index(row.admission.state),
    "sum": lambda row: row.sum.points,
    "note": lambda row: row.note.casefold() or None,
}


def _sorted(rows: list[Standing], sort: str, columns: Columns) -> list[Standing]:
    """Return the rows by a column; who has nothing there comes last, whatever the order, and ties stay by name."""
    name = sort.removeprefix("-")
    places = {column.key: place for place, column in enumerate(columns.shown)}
    if name not in places and name not in _ORDERS:
        return rows[::-1] if sort == "-name" else rows

    def value(row: Standing) -> Decimal | int | str | None:
        return row.cells[places[name]].points if name in places else _ORDERS[name](row)

    known = [(worth, row) for row in rows if (worth := value(row)) is not None]
    # All of a column are of one kind.
    ordered = sorted(known, key=lambda pair: pair[0], reverse=sort.startswith("-"))
    return [row for _value, row in ordered] + [row for row in rows if value(row) is None]
