"""A course for a new term: dates move by teaching weeks, weekdays and clock times stay."""

import re
from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime, timedelta

from django.utils.translation import gettext as _

from amls.courses.models import Course
from amls.portal.takeover.apply import import_course
from amls.portal.takeover.diff import Diff
from amls.portal.takeover.export import export_course
from amls.portal.takeover.spec import (
    CourseFileError,
    CourseSpec,
    ExceptionSpec,
    LectureSpec,
    MaterialSpec,
    OfficeHourSpec,
)
from amls.portal.takeover.words import WEEKDAYS

_WEEK = timedelta(weeks=1)


def roll_over(
    *,
    course: Course,
    new_slug: str,
    start: date,
    now: datetime,
    skip: Collection[date] = (),
    dry_run: bool = False,
) -> Diff:
    """Make the course for a new term, as a draft, and return what it will hold.

    Args:
        course: the one to copy; it is not changed.
        new_slug: of the new course; it must be free.
        start: a day of the first teaching week: the first lecture keeps its weekday in it.
        now: aware; the moment of the change.
        skip: days without teaching. A session on one of them moves to the same weekday of
            the next week, and those that follow on later days move with it; an office hour
            is cancelled. A deadline or an exam stays, with a warning.
        dry_run: compare only.

    Raises:
        CourseFileError: the address is taken, or the course has no lectures to go by.
    """
    spec = shift_course(export_course(course), new_slug=new_slug, start=start, skip=skip)
    spec = replace(spec, warnings=_on_free_days(spec, set(skip)))
    return import_course(spec=spec, now=now, dry_run=dry_run, must_be_new=True)


def shift_course(spec: CourseSpec, *, new_slug: str, start: date, skip: Collection[date] = ()) -> CourseSpec:
    """Return the course moved to another term; see roll_over()."""
    if not spec.lectures:
        raise CourseFileError([_("The course has no lectures to count the weeks from.")])
    first = min(lecture.starts_at for lecture in spec.lectures).date()
    weeks = (_monday(start) - _monday(first)) // _WEEK
    lectures = _shift_lectures(spec.lectures, weeks, set(skip))
    # Deadlines and exams keep their distance to the last lecture: where weeks were skipped they move with it.
    old_last = max(lecture.starts_at for lecture in spec.lectures).date()
    new_last = max(lecture.starts_at for lecture in lectures).date()
    late = (_monday(new_last) - _monday(old_last)) // _WEEK

    def at(moment: datetime | None) -> datetime | None:
        return moment + late * _WEEK if moment else None

    def on(day: date | None, by: int) -> date | None:
        return day + by * _WEEK if day else None

    projects = spec.projects and replace(
        spec.projects,
        submission_deadline=at(spec.projects.submission_deadline),
        registration_opens_at=_plus(spec.projects.registration_opens_at, weeks),
        registration_closes_at=at(spec.projects.registration_closes_at),
        assessed_by=at(spec.projects.assessed_by),
    )
    exams = tuple(
        replace(
            exam, starts_at=exam.starts_at + late * _WEEK, opens_at=at(exam.opens_at), closes_at=at(exam.closes_at),
            withdraw_until=at(exam.withdraw_until), review_at=at(exam.review_at),
        )
        for exam in spec.exams
    )  # fmt: skip
    office_hours = tuple(_shift_office_hour(hour, weeks, late, set(skip)) for hour in spec.office_hours)
    return replace(
        spec,
        slug=new_slug,
        term=term_label(spec.term, lectures[0].starts_at.date()),
        first_day=on(spec.first_day, weeks),
        last_day=on(spec.last_day, late),
        lectures=lectures,
        office_hours=office_hours,
        projects=projects,
        exams=exams,
    )


def _plus(moment: datetime | None, weeks: int) -> datetime | None:
    return moment + weeks * _WEEK if moment else None


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _shift_lectures(lectures: tuple[LectureSpec, ...], weeks: int, skip: set[date]) -> tuple[LectureSpec, ...]:
    shifted = []
    by = weeks
    for lecture in sorted(lectures, key=lambda one: one.starts_at):
        while (lecture.starts_at + by * _WEEK).date() in skip:
            by += 1
        length = lecture.ends_at - lecture.starts_at
        starts_at = lecture.starts_at + by * _WEEK
        materials = tuple(_announced(material, by) for material in lecture.materials)
        shifted.append(
            replace(lecture, starts_at=starts_at, ends_at=starts_at + length, state="planned", materials=materials)
        )
    return tuple(shifted)


def _announced(material: MaterialSpec, weeks: int) -> MaterialSpec:
    """Return the material as it is announced anew: last term's file or link is not this term's."""
    return replace(material, file="", sha256="", url="", visible_from=_plus(material.visible_from, weeks))


def _shift_office_hour(hour: OfficeHourSpec, weeks: int, late: int, skip: set[date]) -> OfficeHourSpec:
    first = hour.first + weeks * _WEEK if hour.first else None
    last = hour.last + late * _WEEK if hour.last else None
    free = sorted(day for day in skip if day.weekday() == WEEKDAYS.index(hour.weekday))
    exceptions = tuple(ExceptionSpec(day=day, cancelled=True) for day in free)
    return replace(hour, first=first, last=last, exceptions=exceptions)


def _on_free_days(spec: CourseSpec, skip: set[date]) -> tuple[str, ...]:
    """Return a warning for each deadline and exam on a day without teaching: moving those is a decision."""
    dated = [(_("Exam"), exam.starts_at) for exam in spec.exams]
    if spec.projects and spec.projects.submission_deadline:
        dated.append((_("Project submission deadline"), spec.projects.submission_deadline))
    why = _("%(what)s: %(day)s is a day without teaching. Look whether the date can stay.")
    return tuple(
        why % {"what": what, "day": moment.date().isoformat()} for what, moment in dated if moment.date() in skip
    )


def term_label(old: str, first: date) -> str:
    """Return the label of the term that begins on `first`, in the manner of the old one: 'SS2025', 'WS2025/26'."""
    is_summer = 3 <= first.month <= 8
    year = first.year if is_summer or first.month > 8 else first.year - 1
    following = f"{(year + 1) % 100:02}"
    styles = [
        (r"^(?:SS|WS)", f"SS{year}", f"WS{year}/{following}"),
        (r"^(?:SoSe|WiSe)", f"SoSe {year}", f"WiSe {year}/{following}"),
        (r"^(?:Summer|Winter)", f"Summer {year}", f"Winter {year}/{following}"),
        (r"^(?:Spring|Fall|Autumn)", f"Spring {year}", f"Fall {year}"),
    ]
    for pattern, summer, winter in styles:
        if re.match(pattern, old, re.IGNORECASE):
            return summer if is_summer else winter
    return f"SS{year}" if is_summer else f"WS{year}/{following}"
