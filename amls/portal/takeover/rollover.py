"""A course for a new term: dates move by teaching weeks, weekdays and clock times stay."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar

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
    ExamSpec,
    ExceptionSpec,
    FreeDaySpec,
    LectureSpec,
    MaterialSpec,
    OfficeHourSpec,
    ProjectSpec,
)
from amls.portal.takeover.teaching import WEEK, TeachingWeeks, monday
from amls.portal.takeover.understanding.slots import WEEKDAYS
from amls.portal.takeover.understanding.terms import named_like


def roll_over(
    *,
    course: Course,
    new_slug: str,
    start: date,
    now: datetime,
    skip: Collection[date] = (),
    term: str = "",
    dry_run: bool = False,
) -> Diff:
    """Make the course for a new term, as a draft, and return what it will hold.

    Args:
        course: the one to copy; it is not changed.
        new_slug: of the new course; it must be free.
        start: a day of the first teaching week: the first lecture keeps its weekday in it.
        now: aware; the moment of the change.
        skip: days without teaching, which the new course has as free days instead of its own. A session on one of
            them moves to the same weekday of the next week, and those of its kind that follow on later days move
            with it; an office hour is cancelled. What else has a date moves with the sessions around it, but a
            deadline or an exam that comes to lie on one of these days stays there, with a warning.
        term: what the new term is called; by default it is named in the manner of the old one.
        dry_run: compare only.

    Raises:
        CourseFileError: the address is taken, or the course has no dates to go by.
    """
    spec = shift_course(export_course(course), new_slug=new_slug, start=start, skip=skip)
    admission, lost = without_lost(spec.admission, titles_of(spec), [row.title for row in spec.lists])
    spec = replace(
        spec,
        term=term or spec.term,
        admission=admission,
        warnings=(*_on_free_days(spec, set(skip)), *_without_parts(lost, new_slug)),
    )
    return import_course(spec=spec, now=now, dry_run=dry_run, must_be_new=True)


def shift_course(spec: CourseSpec, *, new_slug: str, start: date, skip: Collection[date] = ()) -> CourseSpec:
    """Return the course moved to another term; see roll_over()."""
    held = [day for lecture in spec.lectures if (day := lecture.held_on)] or [day for day in (spec.first_day,) if day]
    if not held:
        raise CourseFileError([_("The course has no lectures to count the weeks from.")])
    first = monday(min(held))
    weeks = (monday(start) - first) // WEEK
    teaching = TeachingWeeks(
        [(lecture.kind, day) for lecture in spec.lectures if (day := lecture.held_on)],
        first=first, weeks=weeks, free=_days_of(spec.free_days), skip=set(skip),
    )  # fmt: skip
    lectures = tuple(_shift_lecture(lecture, teaching) for lecture in sorted(spec.lectures, key=_order))
    held_anew = [day for lecture in lectures if (day := lecture.held_on)]
    return replace(
        spec,
        slug=new_slug,
        term=term_label(spec.term, min(held_anew, default=start)),
        first_day=spec.first_day + weeks * WEEK if spec.first_day else None,
        last_day=_on(spec.last_day, teaching),
        lectures=lectures,
        free_days=_free_days(skip),
        deadlines=tuple(_shift_deadline(deadline, teaching) for deadline in spec.deadlines),
        office_hours=tuple(_shift_office_hour(hour, weeks, teaching, set(skip)) for hour in spec.office_hours),
        projects=spec.projects and _shift_work(spec.projects, teaching, "submission_deadline", "registration_opens_at"),
        assignments=tuple(_shift_work(assignment, teaching, "due_at", "opens_at") for assignment in spec.assignments),
        exams=tuple(_shift_exam(exam, teaching) for exam in spec.exams),
    )


def _plus(moment: datetime | None, weeks: int) -> datetime | None:
    return moment + weeks * WEEK if moment else None


def _at(moment: datetime | None, teaching: TeachingWeeks) -> datetime | None:
    return moment + teaching.of_day(moment.date()) * WEEK if moment else None


def _on(day: date | None, teaching: TeachingWeeks) -> date | None:
    return day + teaching.of_day(day) * WEEK if day else None


def _days_of(free_days: Iterable[FreeDaySpec]) -> set[date]:
    return {
        free_day.date + timedelta(days=number)
        for free_day in free_days
        for number in range(((free_day.last or free_day.date) - free_day.date).days + 1)
    }


def _order(lecture: LectureSpec) -> tuple[date, time]:
    starts_at = lecture.starts_at
    return lecture.held_on or date.max, starts_at.time() if starts_at else time.min


def _shift_lecture(lecture: LectureSpec, teaching: TeachingWeeks) -> LectureSpec:
    """Return the session as planned anew; what it gives out is announced as long before or after it as it was."""
    day = lecture.held_on
    if day is None:
        materials = tuple(_announced(material, _at(material.visible_from, teaching)) for material in lecture.materials)
        return replace(lecture, state="planned", materials=materials)
    by = teaching.of_session(lecture.kind, day)
    return replace(
        lecture, starts_at=_plus(lecture.starts_at, by), ends_at=_plus(lecture.ends_at, by),
        day=lecture.day + by * WEEK if lecture.day else None, state="planned",
        materials=tuple(_announced(material, _plus(material.visible_from, by)) for material in lecture.materials),
    )  # fmt: skip


def _announced(material: MaterialSpec, visible_from: datetime | None) -> MaterialSpec:
    """Return the material as it is announced anew: last term's file or link is not this term's."""
    return replace(material, file="", sha256="", url="", visible_from=visible_from)


def _shift_deadline(deadline: DeadlineSpec, teaching: TeachingWeeks) -> DeadlineSpec:
    return replace(deadline, due_at=_at(deadline.due_at, teaching), day=_on(deadline.day, teaching), url="")


Work = TypeVar("Work", ProjectSpec, AssignmentSpec)
_WORK_DATES = ("registration_closes_at", "visible_from", "assessed_by", "wishes_close_at")


def _shift_work(work: Work, teaching: TeachingWeeks, *dates: str) -> Work:
    """Return a piece of work, each of its dates in its own teaching week, and in the order in which they were."""
    written = {name: at for name in (*dates, *_WORK_DATES) if (at := getattr(work, name))}
    moved: dict[datetime, datetime] = {}
    for at in sorted(set(written.values())):
        new = at + teaching.of_day(at.date()) * WEEK
        while any(new <= earlier for earlier in moved.values()):
            new += WEEK
        moved[at] = new
    handouts = tuple(
        # Last term's sheet stays there.
        replace(handout, file="", sha256="", visible_from=_at(handout.visible_from, teaching))
        for handout in work.handouts
    )
    dates_anew: dict[str, Any] = {name: moved[at] for name, at in written.items()}
    return replace(work, handouts=handouts, **dates_anew)


def _shift_exam(exam: ExamSpec, teaching: TeachingWeeks) -> ExamSpec:
    """Return the exam in its teaching week, and how long before and after it people may do what as it was."""
    by = teaching.of_day(exam.starts_at.date())
    return replace(
        exam, starts_at=exam.starts_at + by * WEEK, opens_at=_plus(exam.opens_at, by), closes_at=_plus(exam.closes_at, by),
        withdraw_until=_plus(exam.withdraw_until, by), review_at=_plus(exam.review_at, by),
    )  # fmt: skip


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


def _shift_office_hour(hour: OfficeHourSpec, weeks: int, teaching: TeachingWeeks, skip: set[date]) -> OfficeHourSpec:
    first = hour.first + weeks * WEEK if hour.first else None
    free = sorted(day for day in skip if day.weekday() == WEEKDAYS.index(hour.weekday))
    exceptions = tuple(ExceptionSpec(day=day, cancelled=True) for day in free)
    return replace(hour, first=first, last=_on(hour.last, teaching), exceptions=exceptions)


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
    """Return the label of the term that begins on `first`, in the manner of the old one where that is known: 'SS2025', 'WS2025/26'."""
    return named_like(old, first) or named_like("SS2025", first)
