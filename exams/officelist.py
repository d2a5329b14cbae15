"""The list that the examination office gets, as it was each time that results were frozen, and what changed since.

A list goes out while results are frozen, and nothing of it changes until they are released: so the moment at which they
were frozen names the list, and the history says what it held. Nobody has to keep the file, or to have downloaded it here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet

from amls.courses.models import Enrolment
from exams.models import Exam, Registration, Result
from exams.queries import office_grade, office_people

Line = tuple[Decimal | str, str]


@dataclass(frozen=True, slots=True)
class OfficeList:
    """A list that could be downloaded.

    Attributes:
        key: names it in an address.
        frozen_at: since when it could be.
        as_of: the moment of the history that it shows.
    """

    key: int
    frozen_at: datetime
    as_of: datetime


@dataclass(frozen=True, slots=True)
class OfficeChange:
    """What became of somebody's line: None for a grade and a state where they are not on the list."""

    person: Enrolment
    before: Line | None
    after: Line | None

    @property
    def kind(self) -> str:
        """Whether somebody was added, left, or changed."""
        return "added" if self.before is None else "left" if self.after is None else "changed"


def lists_of(exam: Exam) -> list[OfficeList]:
    """Return the lists of a date, the newest first: 1 query."""
    lists, before = list[OfficeList](), None
    for event in _history(Exam).filter(pgh_obj_id=exam.pk).order_by("pgh_id"):
        if event.frozen_at is not None and before is None:
            lists.append(OfficeList(event.pgh_id, event.frozen_at, event.pgh_created_at))
        before = event.frozen_at
    return lists[::-1]


def earlier_lists(exam: Exam) -> list[OfficeList]:
    """Return the lists before the one that can be downloaded now, the newest first: 1 query."""
    lists = lists_of(exam)
    return lists[1:] if exam.frozen_at is not None else lists


def changes_since(exam: Exam, earlier: OfficeList) -> list[OfficeChange]:
    """Return whose lines are not as they were, by name: 4 queries."""
    now = {person.enrolment_id: (office_grade(person), str(person.state)) for person in office_people(exam)}
    then = _lines_at(exam, earlier.as_of)
    differ = [pk for pk in {**then, **now} if then.get(pk) != now.get(pk)]
    people = Enrolment.objects.filter(pk__in=differ).select_related("user").order_by("user__sort_name", "pk")
    return [OfficeChange(person, then.get(person.pk), now.get(person.pk)) for person in people]


def _lines_at(exam: Exam, moment: datetime) -> dict[int, Line]:
    """Return grade and state of everybody on a list of a moment: who withdrew and came back stands there as they were last."""
    rows = sorted(_newest(Registration, moment, exam=exam.pk), key=lambda row: row.pgh_obj_id)
    newest = {row.enrolment_id: row for row in rows}
    keys = [row.pgh_obj_id for row in newest.values()]
    results = {row.registration_id: row for row in _newest(Result, moment, registration__in=keys)}
    return {
        pk: (_grade(row, results.get(row.pgh_obj_id)), row.state)
        for pk, row in newest.items()
        if row.state != Registration.State.WAITLISTED
    }


def _grade(row: Any, result: Any) -> Decimal | str:
    is_given = result is not None and result.grade is not None and result.state == Result.State.PUBLISHED
    return result.grade if is_given and row.state == Registration.State.ATTENDED else ""


def _newest(model: Any, moment: datetime, **of: Any) -> Iterable[Any]:
    """Return rows of the history as they were at a moment, without those that were gone."""
    events = _history(model).filter(Q(**of), pgh_created_at__lte=moment)
    newest = events.order_by("pgh_obj_id", "-pgh_created_at", "-pgh_id").distinct("pgh_obj_id")
    return [event for event in newest if event.pgh_label != "delete"]


def _history(model: Any) -> QuerySet[Any]:
    rows: QuerySet[Any] = model.pgh_event_model.objects.all()
    return rows
