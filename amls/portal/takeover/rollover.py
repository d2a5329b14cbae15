"""A course for a new term: dates move by teaching weeks, weekdays and clock times stay."""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from django.utils.translation import gettext as _

from amls.core.times import say_day
from amls.courses.models import Course
from amls.portal.takeover.apply import import_course
from amls.portal.takeover.diff import Diff
from amls.portal.takeover.export import export_course
from amls.portal.takeover.references import titles_of, without_lost
from amls.portal.takeover.spec import (
    AssignmentSpec,
    CourseFileError,
    CourseSpec,
    DeadlineSpec,
    ExceptionSpec,
    FreeDaySpec,
    HandoutSpec,
    LectureSpec,
    MaterialSpec,
    OfficeHourSpec,
)
from amls.portal.takeover.understanding.slots import WEEKDAYS

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
        skip: days without teaching, which the new course has as free days. A session on one of them moves to the
            same weekday of the next week, and those of its kind that follow on later days move with it; an office
            hour is cancelled. A deadline or an exam stays, with a warning.
        dry_run: compare only.

    Raises:
        CourseFileError: the address is taken, or the course has no dates to go by.
    """
    spec = shift_course(export_course(course), new_slug=new_slug, start=start, skip=skip)
    admission, lost = without_lost(spec.admission, titles_of(spec), [row.title for row in spec.lists])
    spec = replace(
        spec, admission=admission, warnings=(*_on_free_days(spec, set(skip)), *_without_parts(lost, new_slug))
    )
    return import_course(spec=spec, now=now, dry_run=dry_run, must_be_new=True)


def shift_course(spec: CourseSpec, *, new_slug: str, start: date, skip: Collection[date] = ()) -> CourseSpec:
    """Return the course moved to another term; see roll_over()."""
    held = [day for lecture in spec.lectures if (day := lecture.held_on)] or [day for day in (spec.first_day,) if day]
    if not held:
        raise CourseFileError([_("The course has no lectures to count the weeks from.")])
    weeks = (_monday(start) - _monday(min(held))) // _WEEK
    moved = _shift_lectures(spec.lectures, weeks, set(skip))
    lectures = tuple(lecture for lecture, _by in moved)
    # Exams and the project keep their distance to the last session: where weeks were skipped they move with it.
    held_anew = [day for lecture in lectures if (day := lecture.held_on)]
    late = (_monday(max(held_anew)) - _monday(max(held))) // _WEEK if held_anew else weeks

    def at(moment: datetime | None) -> datetime | None:
        return moment + late * _WEEK if moment else None

    def on(day: date | None, by: int) -> date | None:
        return day + by * _WEEK if day else None

    projects = spec.projects and replace(
        spec.projects,
        submission_deadline=at(spec.projects.submission_deadline),
        registration_opens_at=_plus(spec.projects.registration_opens_at, weeks),
        registration_closes_at=at(spec.projects.registration_closes_at),
        visible_from=_plus(spec.projects.visible_from, weeks),
        assessed_by=at(spec.projects.assessed_by),
        wishes_close_at=_plus(spec.projects.wishes_close_at, weeks),
        handouts=_announced_anew(spec.projects.handouts, weeks),
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
        term=term_label(spec.term, min(held_anew, default=start)),
        first_day=on(spec.first_day, weeks),
        last_day=on(spec.last_day, late),
        lectures=lectures,
        free_days=_free_days(skip),
        deadlines=_shift_deadlines(spec, moved, weeks),
        office_hours=office_hours,
        projects=projects,
        assignments=_shift_assignments(spec, moved, weeks),
        exams=exams,
    )


def _plus(moment: datetime | None, weeks: int) -> datetime | None:
    return moment + weeks * _WEEK if moment else None


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _shift_lectures(lectures: tuple[LectureSpec, ...], weeks: int, skip: set[date]) -> list[tuple[LectureSpec, int]]:
    """Return the sessions in their order, each moved and by how many weeks; each kind has its own pace."""
    shifted = []
    pace: dict[str, int] = {}
    for lecture in sorted(lectures, key=_order):
        by = pace.get(lecture.kind, weeks)
        day = lecture.held_on
        while day is not None and day + by * _WEEK in skip:
            by += 1
        pace[lecture.kind] = by
        materials = tuple(_announced(material, by) for material in lecture.materials)
        moved = replace(
            lecture, starts_at=_plus(lecture.starts_at, by), ends_at=_plus(lecture.ends_at, by),
            day=lecture.day + by * _WEEK if lecture.day else None, state="planned", materials=materials,
        )  # fmt: skip
        shifted.append((moved, by))
    return shifted


def _order(lecture: LectureSpec) -> tuple[date, time]:
    starts_at = lecture.starts_at
    return lecture.held_on or date.max, starts_at.time() if starts_at else time.min


def _shift_deadlines(spec: CourseSpec, moved: list[tuple[LectureSpec, int]], weeks: int) -> tuple[DeadlineSpec, ...]:
    """Return the deadlines, each as long after the session before it as it was."""
    by_of = _pace(moved, weeks)
    return tuple(
        replace(
            deadline, due_at=_plus(deadline.due_at, by_of(deadline.due_on or date.min)), url="",
            day=deadline.day + by_of(deadline.day) * _WEEK if deadline.day else None,
        )
        for deadline in spec.deadlines
    )  # fmt: skip


def _shift_assignments(
    spec: CourseSpec, moved: list[tuple[LectureSpec, int]], weeks: int
) -> tuple[AssignmentSpec, ...]:
    """Return the assignments in the same teaching weeks: each as long after the session before it as it was."""
    by_of = _pace(moved, weeks)

    def with_dates(assignment: AssignmentSpec) -> AssignmentSpec:
        dated = assignment.due_at or assignment.opens_at
        by = by_of(dated.date()) if dated else weeks
        return replace(
            assignment,
            due_at=_plus(assignment.due_at, by),
            opens_at=_plus(assignment.opens_at, by),
            registration_closes_at=_plus(assignment.registration_closes_at, by),
            visible_from=_plus(assignment.visible_from, by),
            assessed_by=_plus(assignment.assessed_by, by),
            wishes_close_at=_plus(assignment.wishes_close_at, by),
            handouts=_announced_anew(assignment.handouts, by),
        )

    return tuple(with_dates(assignment) for assignment in spec.assignments)


def _pace(moved: list[tuple[LectureSpec, int]], weeks: int) -> Callable[[date], int]:
    """Return what says by how many weeks a day of the old term moves: as the last session before it."""
    pace = [(day - by * _WEEK, by) for lecture, by in moved if (day := lecture.held_on)]

    def by_of(day: date) -> int:
        return max((by for held, by in pace if held <= day), default=weeks)

    return by_of


def _without_parts(lost: Sequence[str], slug: str) -> tuple[str, ...]:
    """Return a warning where the rule of admission speaks of what the old course has no more."""
    if not lost:
        return ()
    why = _(
        "The rule of admission speaks of what is gone (%(what)s): that part is not in the new course, where nobody has "
        "to meet it. Look at the rule at /%(slug)s/staff/admission/."
    )
    return (why % {"what": ", ".join(lost), "slug": slug},)


def _free_days(skip: Collection[date]) -> tuple[FreeDaySpec, ...]:
    """Return days as free days; those that follow each other are one."""
    free_days: list[FreeDaySpec] = []
    for day in sorted(set(skip)):
        if free_days and (free_days[-1].last or free_days[-1].date) + timedelta(days=1) == day:
            free_days[-1] = replace(free_days[-1], last=day)
        else:
            free_days.append(FreeDaySpec(date=day))
    return tuple(free_days)


def _announced_anew(handouts: tuple[HandoutSpec, ...], weeks: int) -> tuple[HandoutSpec, ...]:
    """Return the files of an assignment as they are announced anew, moved as it is: last term's sheet stays there."""
    return tuple(
        replace(handout, file="", sha256="", visible_from=_plus(handout.visible_from, weeks)) for handout in handouts
    )


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
    dated = [(_("Exam"), exam.starts_at.date()) for exam in spec.exams]
    if spec.projects and spec.projects.submission_deadline:
        dated.append((_("Project submission deadline"), spec.projects.submission_deadline.date()))
    dated += [(assignment.title, at.date()) for assignment in spec.assignments if (at := assignment.due_at)]
    dated += [(deadline.title, day) for deadline in spec.deadlines if (day := deadline.due_on)]
    why = _("%(what)s: %(day)s is a day without teaching. Look whether the date can stay.")
    return tuple(why % {"what": what, "day": say_day(day)} for what, day in dated if day in skip)


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
