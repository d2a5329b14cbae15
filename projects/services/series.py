"""A series of assignments, such as a sheet for every week, made in one step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from amls.agenda.models import AgendaItem, ItemKind, Status
from amls.core.clock import from_wall_clock, to_wall_clock
from amls.core.violations import RuleViolation
from amls.courses.models import Course, User
from amls.courses.services import finish_course_change, lock_course
from projects.models import Assignment
from projects.services.locks import save_checked

# A term has no more weeks.
MOST = 60


@dataclass(frozen=True, slots=True)
class PlannedAssignment:
    """One of a series, as it would be.

    Attributes:
        opens_at, due_at: aware instants; `opens_at` is None where it opens at once.
        skipped: the days without class on which it would have been due.
    """

    number: int
    title: str
    opens_at: datetime | None
    due_at: datetime
    skipped: tuple[date, ...] = ()


def plan_series(
    course: Course, *, name: str, first: int, last: int, due_at: datetime, open_days: int | None
) -> list[PlannedAssignment]:
    """Return the assignments from number `first` to `last`, one a week; a week whose day is without class is left out.

    The hour stays by the course's clock, also where the clocks change.

    Args:
        course: whose days without class are asked.
        name: of the series; the titles are it with the number.
        first: the first number.
        last: the last number.
        due_at: when the first is due, unless that day is without class.
        open_days: how many days before it opens; None: at once.

    Raises:
        RuleViolation: the numbers are in no order, or too many.
    """
    if not 0 <= first <= last or last - first >= MOST:
        raise RuleViolation(
            _("Give the first and the last number, at most %(most)d apart.") % {"most": MOST},
            code="no-numbers",
            field="last",
        )
    free, at = _free_days(course), to_wall_clock(due_at, course.zone)
    planned = []
    for number in range(first, last + 1):
        skipped = []
        while at.date() in free:
            skipped.append(at.date())
            at += timedelta(days=7)
        opens = from_wall_clock(at - timedelta(days=open_days), course.zone) if open_days is not None else None
        due = from_wall_clock(at, course.zone)
        planned.append(PlannedAssignment(number, f"{name} {number}", opens, due, tuple(skipped)))
        at += timedelta(days=7)
    return planned


def _free_days(course: Course) -> set[date]:
    """Return the days without class, from the agenda: 1 query."""
    rows = AgendaItem.objects.filter(
        course=course, kind=ItemKind.FREE_DAY, is_removed=False, status=Status.CONFIRMED, enrolment__isnull=True
    )
    days: set[date] = set()
    for starts_at, ends_at in rows.values_list("starts_at", "ends_at"):
        day, end = to_wall_clock(starts_at, course.zone).date(), to_wall_clock(ends_at, course.zone)
        while datetime.combine(day, datetime.min.time()) < end:
            days.add(day)
            day += timedelta(days=1)
    return days


def make_series(
    *,
    course: Course,
    name: str,
    planned: Sequence[PlannedAssignment],
    values: Mapping[str, Any],
    by: User,
    now: datetime,
) -> list[Assignment]:
    """Add a planned series to a course, all or none.

    Args:
        course: whose they are.
        name: of the series.
        planned: from `plan_series`.
        values: the other fields of an assignment, equal for all.
        by: who adds it.
        now: the request's clock.

    Raises:
        RuleViolation: one breaks a rule, such as a number or title that is there already.
    """
    with transaction.atomic():
        course = lock_course(course.pk)
        newest = Assignment.objects.filter(course=course).aggregate(newest=Max("position"))["newest"] or 0
        made = []
        for place, plan in enumerate(planned, start=newest + 1):
            assignment = Assignment(
                course=course,
                kind=Assignment.Kind.SHEET,
                topics_given=Assignment.TopicsGiven.NONE,
                series=name,
                number=plan.number,
                title=plan.title,
                position=place,
                opens_at=plan.opens_at,
                due_at=plan.due_at,
                **values,
            )
            save_checked(assignment)
            made.append(assignment)
        finish_course_change(course, now=now)
    return made
