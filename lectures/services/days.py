"""Writes to days without class and to deadlines of a course's own."""

from datetime import datetime
from typing import Any

from django.db import transaction

from amls.agenda.services import Change, reconcile
from amls.courses.models import Course
from amls.courses.services import lock_course, touch
from lectures.models import Deadline, FreeDay
from lectures.services.schedule import SOURCES


def add_free_day(*, course: Course, now: datetime, **values: Any) -> FreeDay:
    """Add one or several days without class; office hours on them are not held, and every calendar follows.

    Args:
        course: of whose term they are.
        now: aware.
        values: the model's fields, days as the course's zone has them.

    Raises:
        ValidationError: the values break a rule; by field.
    """
    with transaction.atomic():
        free_day = FreeDay(course=lock_course(course.pk), **values)
        _save(free_day, now=now)
    return free_day


def change_free_day(*, pk: int, now: datetime, **values: Any) -> list[Change]:
    """Change days without class; parameters, errors and result as for `change_deadline`."""
    return _change(FreeDay, pk, values, now=now)


def remove_free_day(*, pk: int, now: datetime) -> list[Change]:
    """Let there be class again; returns what changes for those who see the agenda."""
    return _remove(FreeDay, pk, now=now)


def add_deadline(*, course: Course, now: datetime, **values: Any) -> Deadline:
    """Add a deadline that is neither the project's nor an exam's.

    Args:
        course: whose it is.
        now: aware.
        values: the model's fields; `due_at` aware, or only the `day`.

    Raises:
        ValidationError: the values break a rule; by field.
    """
    with transaction.atomic():
        deadline = Deadline(course=lock_course(course.pk), **values)
        _save(deadline, now=now)
    return deadline


def change_deadline(*, pk: int, now: datetime, **values: Any) -> list[Change]:
    """Change a deadline and let every calendar follow; a moment takes the place of its day, and the other way round.

    Returns:
        What changes for those who see the agenda.

    Raises:
        ValidationError: the values break a rule; by field.
        ObjectDoesNotExist: it was removed meanwhile.
    """
    if values.get("due_at") is not None:
        values.setdefault("day", None)
    elif values.get("day") is not None:
        values.setdefault("due_at", None)
    return _change(Deadline, pk, values, now=now)


def remove_deadline(*, pk: int, now: datetime) -> list[Change]:
    """Remove a deadline; calendars show it as cancelled for 90 days."""
    return _remove(Deadline, pk, now=now)


def _change(model: type[FreeDay | Deadline], pk: int, values: dict[str, Any], *, now: datetime) -> list[Change]:
    with transaction.atomic():
        row = _locked(model, pk)
        for name, value in values.items():
            setattr(row, name, value)
        return _save(row, now=now)


def _remove(model: type[FreeDay | Deadline], pk: int, *, now: datetime) -> list[Change]:
    with transaction.atomic():
        row = _locked(model, pk)
        row.delete()
        return _follow(row.course, now=now)


def _locked(model: type[FreeDay | Deadline], pk: int) -> FreeDay | Deadline:
    lock_course(model.objects.values_list("course_id", flat=True).get(pk=pk))
    return model.objects.select_related("course").select_for_update(of=("self",)).get(pk=pk)


def _save(row: FreeDay | Deadline, *, now: datetime) -> list[Change]:
    row.full_clean()
    row.save()
    return _follow(row.course, now=now)


def _follow(course: Course, *, now: datetime) -> list[Change]:
    touch(course, now=now)
    return reconcile(course, now=now, sources=SOURCES)
