"""Writes to what is dated: lectures and office hours."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from amls.agenda.services import Change, reconcile
from amls.core.violations import RuleViolation
from amls.courses.models import Course, Mode
from amls.courses.services import lock_course, touch
from lectures.models import Lecture, OfficeHour

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


def add_lecture(*, course: Course, now: datetime, **values: Any) -> Lecture:
    """Add a lecture to the course; `values` are the model's fields, times aware.

    Raises:
        ValidationError: the values break a rule; by field.
    """
    with transaction.atomic():
        lecture = Lecture(course=lock_course(course.pk), **values)
        _save(lecture)
        _follow(lecture.course, now=now)
    return lecture


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
        if lecture.mode == Mode.VIRTUAL and "room" not in values:
            lecture.room = ""
        _save(lecture)
        return _follow(lecture.course, now=now)


def remove_lecture(*, lecture_pk: int, now: datetime) -> list[Change]:
    """Remove a lecture; calendars show it as cancelled for 90 days.

    Raises:
        RuleViolation: it has uploaded files, which would be lost.
    """
    with transaction.atomic():
        course_pk = Lecture.objects.values_list("course_id", flat=True).get(pk=lecture_pk)
        course = lock_course(course_pk)
        lecture = Lecture.objects.select_for_update().get(pk=lecture_pk)
        if lecture.materials.filter(files__isnull=False).exists():
            raise RuleViolation(
                _("'%(lecture)s' has uploaded files. Set its state to cancelled instead, or remove its files first.")
                % {"lecture": lecture},
                code="lecture-has-files",
            )
        lecture.delete()
        return _follow(course, now=now)


def add_office_hour(*, course: Course, now: datetime, **values: Any) -> OfficeHour:
    """Add a weekly office hour.

    Raises:
        ValidationError: the values break a rule; by field.
    """
    with transaction.atomic():
        office_hour = OfficeHour(course=lock_course(course.pk), **values)
        office_hour.full_clean()
        office_hour.save()
        _follow(office_hour.course, now=now)
    return office_hour


def _save(lecture: Lecture) -> None:
    if lecture.part is not None and lecture.part.course_id != lecture.course_id:
        raise ValidationError({"part": _("This part belongs to another course.")})
    lecture.full_clean()
    lecture.save()


def _follow(course: Course, *, now: datetime) -> list[Change]:
    touch(course, now=now)
    return reconcile(course, now=now, sources=SOURCES)
