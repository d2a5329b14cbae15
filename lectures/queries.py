"""Lectures in their order, and as a page shows them to one reader."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, time
from functools import cache

from django.db.models import Prefetch

from amls.core.statements import ModelStatement, Parameter
from amls.courses.access import Access
from amls.courses.models import Course
from lectures.managers import LectureQuerySet
from lectures.models import Lecture, Material


def lectures_for(access: Access) -> list[Lecture]:
    """Return the course's lectures in order, each with `shown_materials`: 2 queries, however many.

    `shown_materials` are those that the reader may open now, and those that are announced.
    """
    visible = Material.objects.visible_to(access.enrolment, now=access.now, is_manager=access.is_manager)
    prefetch = Prefetch("materials", queryset=visible.select_related("current"), to_attr="shown_materials")
    rows = Lecture.objects.filter(course=access.course).select_related("part").prefetch_related(prefetch)
    lectures = list(rows)
    for lecture in lectures:
        # One loaded course for all: addresses and chips cost no query.
        lecture.course = access.course
        for material in getattr(lecture, "shown_materials", []):
            material.lecture = lecture
    return in_order(lectures)


def lectures_of(course: Course, rows: LectureQuerySet | None = None) -> list[Lecture]:
    """Return a course's lectures in order, each with this course: 1 query.

    Args:
        course: whose they are.
        rows: where to look them up, for what is to be loaded with them.
    """
    among = rows if rows is not None else Lecture.objects.all()
    return _of_course(course, list(among.filter(course=course).select_related("part")))


def undated_lectures_of(course: Course) -> list[Lecture]:
    """Return those of a course's lectures whose date is open, in order, each with this course: 1 query."""
    return _of_course(course, _undated().read({"course": course.pk}))


@cache
def _undated() -> ModelStatement[Lecture]:
    rows = Lecture.objects.filter(course=Parameter("course"), starts_at__isnull=True, day__isnull=True)
    return ModelStatement.of(rows, along=["part"])


def _of_course(course: Course, lectures: list[Lecture]) -> list[Lecture]:
    for lecture in lectures:
        lecture.course = course
    return in_order(lectures)


def in_order(lectures: Iterable[Lecture]) -> list[Lecture]:
    """Return lectures of one course by their dates; whose date is open stands where its number belongs.

    That is behind the last of its kind with a smaller number, else before the next one, else at the end.
    """
    ordered = sorted(lectures, key=lambda lecture: (_begins(lecture), lecture.number, lecture.pk))
    dated = [lecture for lecture in ordered if lecture.held_on is not None]
    places = {lecture.pk: (place, 0) for place, lecture in enumerate(dated)}
    for lecture in ordered:
        if lecture.held_on is None:
            places[lecture.pk] = _place_by_number(lecture, dated)
    return sorted(
        ordered,
        key=lambda lecture: (places[lecture.pk], _count(lecture) if lecture.held_on is None else (0, ""), lecture.pk),
    )


def _begins(lecture: Lecture) -> datetime:
    day = lecture.held_on
    if day is None:
        return datetime.max.replace(tzinfo=UTC)
    return lecture.starts_at or datetime.combine(day, time(), lecture.course.zone)


def _place_by_number(lecture: Lecture, dated: list[Lecture]) -> tuple[int, int]:
    alike = [(place, other) for place, other in enumerate(dated) if other.kind == lecture.kind and other.number]
    if lecture.number:
        before = [place for place, other in alike if _count(other) < _count(lecture)]
        if before:
            return before[-1], 1
        behind = [place for place, other in alike if _count(other) > _count(lecture)]
        if behind:
            return behind[0], -1
    return len(dated), 0


def _count(lecture: Lecture) -> tuple[int, str]:
    digits = re.match(r"\d*", lecture.number)
    return int((digits.group() if digits else "") or "99999"), lecture.number
