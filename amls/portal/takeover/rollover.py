"""A course for a new term: dates move by teaching weeks, weekdays and clock times stay."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any, TypeVar

from django.utils import timezone
from django.utils.translation import gettext as _

from amls.core.times import say_day
from amls.core.violations import RuleViolation
from amls.courses.models import Course
from amls.portal.takeover.apply import import_course
from amls.portal.takeover.carried import SAFE, Choices, chosen, to_look_at
from amls.portal.takeover.diff import Diff
from amls.portal.takeover.export import export_course
from amls.portal.takeover.freedays import as_free_days, days_of, proposed
from amls.portal.takeover.references import titles_of, without_lost
from amls.portal.takeover.spec import (
    AssignmentSpec,
    CourseFileError,
    CourseSpec,
    DeadlineSpec,
    ExamSpec,
    ExceptionSpec,
    LectureSpec,
    MaterialSpec,
    OfficeHourSpec,
    ProjectSpec,
)
from amls.portal.takeover.teaching import WEEK, TeachingWeeks, check_start, monday
from amls.portal.takeover.understanding.slots import WEEKDAYS
from amls.portal.takeover.understanding.terms import named_like

_NONE: Mapping[date, str] = {}


def roll_over(
    *,
    course: Course,
    new_slug: str,
    start: date,
    now: datetime,
    skip: Collection[date] = (),
    names: Mapping[date, str] = _NONE,
    first_day: date | None = None,
    last_day: date | None = None,
    term: str = "",
    choices: Choices = SAFE,
    dry_run: bool = False,
    must_be_new: bool = True,
) -> Diff:
    """Make the course for a new term, as a draft, and return what it will hold, with what is to be looked at.

    Args:
        course: the one to copy; it is not changed.
        new_slug: of the new course; it must be free.
        start: a day of the first teaching week: the first lecture keeps its weekday in it.
        now: aware; the moment of the change.
        skip: days without teaching, which the new course has as free days instead of its own. A session on one of
            them moves to the next day on which its kind is usually held, and those of its kind that follow move with
            it; an office hour is cancelled. What else has a date moves with the sessions around it, but a
            deadline or an exam that comes to lie on one of these days stays there, with a warning.
        names: what days of `skip` are called; others have the name of what lies there each year in the old term.
        first_day: of the new course; by default it moves with the weeks.
        last_day: of the new course; by default that of the old one moves with the sessions.
        term: what the new term is called; by default it is named in the manner of the old one.
        choices: what of the old term comes along.
        dry_run: compare only.
        must_be_new: refuse an address that a course has; without it a dry run tells whether that one is what would be made.

    Raises:
        CourseFileError: the address is taken, the term is far off, or the course has no dates to go by.
    """
    today = timezone.localdate(now, course.zone)
    try:
        check_start(start, today)
    except RuleViolation as violation:
        raise CourseFileError([str(violation.message)]) from violation
    old = export_course(course)
    coming = chosen(old, choices)
    spec = shift_course(coming, new_slug=new_slug, start=start, skip=skip, names=names)
    spec = replace(spec, first_day=first_day or spec.first_day, last_day=last_day or spec.last_day)
    admission, lost = without_lost(spec.admission, titles_of(spec), [row.title for row in spec.lists])
    spec = replace(
        spec,
        term=term or spec.term,
        admission=admission,
        warnings=(
            *_on_free_days(spec, set(skip)),
            *_without_parts(lost, new_slug),
            *to_look_at(old, spec, _teaching(coming, start, skip), choices, today),
        ),
    )
    return import_course(spec=spec, now=now, dry_run=dry_run, must_be_new=must_be_new)


def shift_course(
    spec: CourseSpec, *, new_slug: str, start: date, skip: Collection[date] = (), names: Mapping[date, str] = _NONE
) -> CourseSpec:
    """Return the course moved to another term; see roll_over()."""
    teaching = _teaching(spec, start, skip)
    weeks = teaching.weeks
    usual = _Usual(spec.lectures)
    lectures = tuple(_shift_lecture(lecture, teaching, usual) for lecture in sorted(spec.lectures, key=_order))
    held_anew = [day for lecture in lectures if (day := lecture.held_on)]
    return replace(
        spec,
        slug=new_slug,
        term=term_label(spec.term, min(held_anew, default=start)),
        first_day=spec.first_day + weeks * WEEK if spec.first_day else None,
        last_day=_on(spec.last_day, teaching),
        lectures=lectures,
        free_days=as_free_days(skip, _named(spec, skip, names)),
        deadlines=tuple(_shift_deadline(deadline, teaching) for deadline in spec.deadlines),
        office_hours=tuple(_shift_office_hour(hour, weeks, teaching, set(skip)) for hour in spec.office_hours),
        projects=spec.projects and _shift_work(spec.projects, teaching, "submission_deadline", "registration_opens_at"),
        assignments=tuple(_shift_work(assignment, teaching, "due_at", "opens_at") for assignment in spec.assignments),
        exams=tuple(_shift_exam(exam, teaching) for exam in spec.exams),
    )


def _teaching(spec: CourseSpec, start: date, skip: Collection[date]) -> TeachingWeeks:
    held = [day for lecture in spec.lectures if (day := lecture.held_on)] or [day for day in (spec.first_day,) if day]
    if not held:
        raise CourseFileError([_("The course has no lectures to count the weeks from.")])
    first = monday(min(held))
    return TeachingWeeks(
        [(lecture.kind, day) for lecture in spec.lectures if (day := lecture.held_on)],
        first=first, weeks=(monday(start) - first) // WEEK, free=set(days_of(spec.free_days)), skip=set(skip),
        slots=[(slot.kind, WEEKDAYS.index(slot.weekday)) for slot in spec.slots if slot.weekday in WEEKDAYS],
    )  # fmt: skip


def _plus(moment: datetime | None, weeks: int) -> datetime | None:
    return moment + weeks * WEEK if moment else None


def _at(moment: datetime | None, teaching: TeachingWeeks) -> datetime | None:
    return moment + teaching.of_day(moment.date()) * WEEK if moment else None


def _on(day: date | None, teaching: TeachingWeeks) -> date | None:
    return day + teaching.of_day(day) * WEEK if day else None


def _named(spec: CourseSpec, skip: Collection[date], names: Mapping[date, str]) -> dict[date, str]:
    """Return what days without teaching are called: as is said, or as what lies there each year was called in the old term."""
    if not skip:
        return {}
    known = days_of(proposed(spec.free_days, first=min(skip), last=max(skip)).days)
    return {day: names.get(day) or known.get(day, "") for day in skip}


def _order(lecture: LectureSpec) -> tuple[date, time]:
    starts_at = lecture.starts_at
    return lecture.held_on or date.max, starts_at.time() if starts_at else time.min


class _Usual:
    """At what times and in which room a kind of session is usually held on each weekday."""

    def __init__(self, lectures: Iterable[LectureSpec]) -> None:
        times: dict[tuple[str, int], Counter[tuple[time, time | None]]] = defaultdict(Counter)
        rooms: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
        for lecture in lectures:
            if lecture.starts_at:
                on = lecture.kind, lecture.starts_at.weekday()
                times[on][lecture.starts_at.time(), lecture.ends_at.time() if lecture.ends_at else None] += 1
                rooms[on][lecture.room] += 1
        self._times = {on: counted.most_common(1)[0][0] for on, counted in times.items()}
        self._rooms = {on: counted.most_common(1)[0][0] for on, counted in rooms.items()}

    def on_day(self, lecture: LectureSpec, new: date) -> LectureSpec:
        """Return a session on its new day: on another weekday at the usual time and in the usual room of that, where its own were usual."""
        starts_at, ends_at = lecture.starts_at, lecture.ends_at
        if starts_at is None:
            return replace(lecture, day=new)
        by = new - starts_at.date()
        moved = replace(lecture, starts_at=starts_at + by, ends_at=ends_at + by if ends_at else None)
        old_on, on = (lecture.kind, starts_at.weekday()), (lecture.kind, new.weekday())
        if old_on == on or on not in self._times:
            return moved
        if self._times[old_on] == (starts_at.time(), ends_at.time() if ends_at else None):
            start, end = self._times[on]
            moved = replace(
                moved, starts_at=datetime.combine(new, start), ends_at=datetime.combine(new, end) if end else None
            )
        return replace(moved, room=self._rooms[on]) if lecture.room == self._rooms[old_on] else moved


def _shift_lecture(lecture: LectureSpec, teaching: TeachingWeeks, usual: _Usual) -> LectureSpec:
    """Return the session as planned anew; what it gives out is announced as long before or after it as it was."""
    day = lecture.held_on
    if day is None:
        materials = tuple(_announced(material, _at(material.visible_from, teaching)) for material in lecture.materials)
        return replace(lecture, state="planned", materials=materials)
    new = teaching.of_session(lecture.kind, day)
    moved = usual.on_day(lecture, new)
    materials = tuple(
        _announced(material, at + (new - day) if (at := material.visible_from) else None)
        for material in lecture.materials
    )
    return replace(moved, state="planned", materials=materials)


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
    """Return the exam in its teaching week, and how long before and after it people may do what as it was; why it was not held stays in the old term."""
    by = teaching.of_day(exam.starts_at.date())
    return replace(
        exam, starts_at=exam.starts_at + by * WEEK, opens_at=_plus(exam.opens_at, by), closes_at=_plus(exam.closes_at, by),
        withdraw_until=_plus(exam.withdraw_until, by), review_at=_plus(exam.review_at, by), cancelled="",
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
