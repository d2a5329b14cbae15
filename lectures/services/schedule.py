"""Writes to what is dated: lectures, office hours, days without class, deadlines."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from amls.agenda.services import Change, reconcile
from amls.core.violations import RuleViolation
from amls.courses.models import Course, Mode, User
from amls.courses.services import finish_course_change, lock_course
from lectures.models import Deadline, FreeDay, Lecture, OfficeHour, OfficeHourException

SOURCES = ("lectures",)
LECTURE_FIELDS = frozenset(
    {
        "part",
        "kind",
        "number",
        "title",
        "abstract",
        "starts_at",
        "ends_at",
        "day",
        "room",
        "mode",
        "call_in",
        "is_call_in_public",
        "state",
    }
)


def save_lecture(lecture: Lecture, *, by: User | None = None, now: datetime) -> list[Change]:
    """Keep a lecture, new or changed, and let every calendar follow; one that is virtual only has no room.

    Returns:
        What changes for those who see the agenda.

    Raises:
        ValidationError: the values break a rule; by field.
    """
    with transaction.atomic():
        course = lock_course(lecture.course_id)
        if lecture.mode == Mode.VIRTUAL:
            lecture.room = ""
        _save(lecture)
        return _follow(course, now=now)


def change_lecture(*, lecture_pk: int, now: datetime, **values: Any) -> list[Change]:
    """Change fields of a lecture and let every calendar follow; one that gets a moment has no open day any more.

    Returns:
        What changes for those who see the agenda.

    Raises:
        ValidationError: the values break a rule; by field.
        Lecture.DoesNotExist: it was removed meanwhile.
    """
    unknown = values.keys() - LECTURE_FIELDS
    if unknown:
        raise TypeError(f"A lecture has no field {', '.join(sorted(unknown))} to change.")
    with transaction.atomic():
        course_pk = Lecture.objects.values_list("course_id", flat=True).get(pk=lecture_pk)
        lock_course(course_pk)
        lecture = Lecture.objects.select_related("course").select_for_update(of=("self",)).get(pk=lecture_pk)
        if values.get("starts_at") is not None:
            values.setdefault("day", None)
        for name, value in values.items():
            setattr(lecture, name, value)
        return save_lecture(lecture, now=now)


def remove_lecture(lecture: Lecture, *, by: User | None = None, now: datetime) -> list[Change]:
    """Remove a lecture; calendars show it as cancelled for 90 days.

    Raises:
        RuleViolation: it has uploaded files, which would be lost.
    """
    with transaction.atomic():
        course = lock_course(lecture.course_id)
        if lecture.materials.filter(files__isnull=False).exists():
            raise RuleViolation(
                _("'%(lecture)s' has uploaded files. Set its state to cancelled instead, or remove its files first.")
                % {"lecture": lecture},
                code="lecture-has-files",
            )
        lecture.delete()
        return _follow(course, now=now)


# What else of a course is dated, by rule or by day.
Dated = OfficeHour | FreeDay | Deadline


def save_dated(row: Dated, *, by: User | None = None, now: datetime) -> list[Change]:
    """Keep a weekly office hour, days without class, or a deadline of the course's own, new or changed.

    Returns:
        What changes for those who see the agenda.

    Raises:
        ValidationError: the values break a rule; by field.
    """
    with transaction.atomic():
        course = lock_course(row.course_id)
        row.full_clean()
        row.save()
        return _follow(course, now=now)


def remove_dated(row: Dated, *, by: User | None = None, now: datetime) -> list[Change]:
    """Remove such a row; calendars show what was dated by it as cancelled for 90 days."""
    with transaction.atomic():
        course = lock_course(row.course_id)
        row.delete()
        return _follow(course, now=now)


def save_exception(exception: OfficeHourException, *, by: User | None = None, now: datetime) -> list[Change]:
    """Keep what differs on one day of an office hour.

    Raises:
        ValidationError: the values break a rule; by field.
    """
    with transaction.atomic():
        course = lock_course(exception.office_hour.course_id)
        exception.full_clean()
        exception.save()
        return _follow(course, now=now)


def remove_exception(exception: OfficeHourException, *, by: User | None = None, now: datetime) -> list[Change]:
    """Let an office hour take place as always."""
    with transaction.atomic():
        course = lock_course(exception.office_hour.course_id)
        exception.delete()
        return _follow(course, now=now)


def _save(lecture: Lecture) -> None:
    if lecture.part is not None and lecture.part.course_id != lecture.course_id:
        raise ValidationError({"part": _("This part belongs to another course.")})
    lecture.full_clean()
    lecture.save()


def _follow(course: Course, *, now: datetime) -> list[Change]:
    return finish_course_change(course, now=now, follow=_reconcile)


def _reconcile(course: Course, now: datetime) -> list[Change]:
    return reconcile(course, now=now, sources=SOURCES)
