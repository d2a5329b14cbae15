"""What of a term comes along into the next one: what its lecturer decides, and what they are to look at."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TypeVar

from django.utils.translation import gettext as _

from amls.core.text import say_some
from amls.core.times import say_day, say_moment
from amls.courses.models import Course
from amls.portal.takeover.freedays import not_in_the_new
from amls.portal.takeover.labels import lecture_label
from amls.portal.takeover.spec import AssignmentSpec, CourseSpec, LectureSpec, ProjectSpec, SlotSpec
from amls.portal.takeover.teaching import TeachingWeeks, beside_the_old, monday
from amls.portal.takeover.understanding.slots import WEEKDAYS

# So many are named in one line; the others are counted.
_NAMED = 6
Work = TypeVar("Work", ProjectSpec, AssignmentSpec)
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What is decided about a new term, beside its dates; by default what is last term's alone stays there.

    Attributes:
        title: of the new course; empty for the old one's.
        enrolment_code: with which students join the new course, where they join by code; without one it is closed.
        keeps_call_in: whether links of single sessions come along, and for whom they are open.
        to_slots: whether what was held off its weekly slot is planned in it.
        left_out: names on the page that don't come along.
    """

    title: str = ""
    enrolment_code: str = ""
    keeps_call_in: bool = False
    to_slots: bool = False
    left_out: Collection[str] = ()


SAFE = Choices()


def chosen(spec: CourseSpec, choices: Choices) -> CourseSpec:
    """Return a course with what comes along of it, its dates being those of its own term still."""
    by_code = spec.enrolment_policy == Course.EnrolmentPolicy.CODE
    is_closed = by_code and not choices.enrolment_code
    out = set(choices.left_out)
    return replace(
        spec,
        title=choices.title or spec.title,
        enrolment_policy=str(Course.EnrolmentPolicy.CLOSED) if is_closed else spec.enrolment_policy,
        enrolment_code=choices.enrolment_code if by_code else "",
        staff=tuple(person for person in spec.staff if person.name not in out),
        topics=tuple(replace(topic, mentor="") if topic.mentor in out else topic for topic in spec.topics),
        projects=spec.projects and _without_mentors(spec.projects, out),
        assignments=tuple(_without_mentors(work, out) for work in spec.assignments),
        lectures=_in_slots(spec, choices),
    )


def _without_mentors(work: Work, out: Collection[str]) -> Work:
    return replace(work, mentor_limits=tuple(limit for limit in work.mentor_limits if limit.mentor not in out))


def _in_slots(spec: CourseSpec, choices: Choices) -> tuple[LectureSpec, ...]:
    lectures = spec.lectures
    if not choices.keeps_call_in:
        lectures = tuple(replace(lecture, call_in="", call_in_public=False) for lecture in lectures)
    if not choices.to_slots:
        return lectures
    taken = {(lecture.kind, day) for lecture in lectures if (day := lecture.held_on)}
    return tuple(_in_slot(lecture, spec.slots, taken) for lecture in lectures)


def _in_slot(lecture: LectureSpec, slots: Sequence[SlotSpec], taken: set[tuple[str, date]]) -> LectureSpec:
    """Return a session in the weekly slot of its week that it left, where nothing else is held in that."""
    day = lecture.held_on
    if day is None or not _is_off(lecture, slots):
        return lecture
    for slot in slots:
        if slot.kind != lecture.kind or slot.weekday not in WEEKDAYS:
            continue
        own = monday(day) + timedelta(days=WEEKDAYS.index(slot.weekday))
        if own == day or (lecture.kind, own) not in taken:
            taken.add((lecture.kind, own))
            return _held(lecture, own, slot)
    return lecture


def _held(lecture: LectureSpec, day: date, slot: SlotSpec) -> LectureSpec:
    """Return a session on a day, at the time and in the room of its weekly slot as far as they are known."""
    starts_at, ends_at = lecture.starts_at, lecture.ends_at
    if starts_at is None:
        return replace(lecture, day=day, room=slot.room or lecture.room)
    start = starts_at.replace(year=day.year, month=day.month, day=day.day)
    if slot.start:
        start = start.replace(hour=slot.start.hour, minute=slot.start.minute)
    end = start + (ends_at - starts_at) if ends_at else None
    if end and slot.start and slot.end:
        end = start.replace(hour=slot.end.hour, minute=slot.end.minute)
    return replace(lecture, starts_at=start, ends_at=end, room=slot.room or lecture.room)


def _is_off(lecture: LectureSpec, slots: Iterable[SlotSpec]) -> bool:
    """Return whether a session is held at another time than each weekly slot of its kind, as far as these are known."""
    own = [slot for slot in slots if slot.kind == lecture.kind and slot.weekday in WEEKDAYS]
    day, at = lecture.held_on, lecture.starts_at
    return bool(own and day) and not any(
        day.weekday() == WEEKDAYS.index(slot.weekday) and (not slot.start or not at or at.time() == slot.start)
        for slot in own
        if day
    )


def to_look_at(old: CourseSpec, new: CourseSpec, teaching: TeachingWeeks, choices: Choices, today: date) -> list[str]:
    """Return what the lecturer of a new term is to look at, one line each.

    Args:
        old: as it was held.
        new: as it is planned.
        teaching: by which its sessions moved.
        choices: what was decided.
        today: in the course's zone.
    """
    return [
        line
        for lines in (
            _in_the_past(new, today), _off_slot(new), _empty(new, teaching), _ahead(old, new), _links(old, new, choices),
            _code(old, new), _people(old, new, choices), _naming_the_term(old, new), _beside_the_old(old, new),
            _outside(new), _free_days(old, new), _cancelled(old, new),
        )
        for line in lines
    ]  # fmt: skip


def span_of(spec: CourseSpec) -> tuple[date, date] | None:
    """Return the first and the last day of a term, as far as its course or its sessions say them."""
    days = [day for day in (spec.first_day, spec.last_day, *(row.held_on for row in spec.lectures)) if day]
    return (min(days), max(days)) if days else None


def _in_the_past(new: CourseSpec, today: date) -> Iterator[str]:
    first = min((day for lecture in new.lectures if (day := lecture.held_on)), default=new.first_day)
    if first is not None and first < today:
        yield _("The new term begins in the past: %(day)s. Look at the year.") % {"day": say_day(first)}


def _beside_the_old(old: CourseSpec, new: CourseSpec) -> Iterator[str]:
    """Yield a line where the new term is not after the old one."""
    span, start = span_of(old), span_of(new)
    if span is not None and start is not None and (why := beside_the_old(start[0], *span)):
        yield why


def _outside(new: CourseSpec) -> Iterator[str]:
    """Yield a line with the sessions that are not within the days of the new term."""
    off = [
        lecture
        for lecture in new.lectures
        if (day := lecture.held_on) and not (new.first_day or day) <= day <= (new.last_day or day)
    ]
    if off:
        why = _(
            "Before the first day or after the last day of the new term: %(sessions)s. Look where they can be held."
        )
        yield why % {"sessions": _some(_session(lecture) for lecture in off)}


def _free_days(old: CourseSpec, new: CourseSpec) -> Iterator[str]:
    """Yield a line with the days without teaching that the new term lacks."""
    if (span := span_of(new)) is not None:
        yield from not_in_the_new(old.free_days, new.free_days, first=span[0], last=span[1])


def _off_slot(new: CourseSpec) -> Iterator[str]:
    off = [lecture for lecture in new.lectures if _is_off(lecture, new.slots)]
    if off:
        why = _(
            "Off the weekly slot as in the old term: %(sessions)s. If they were moved there only once, choose that they "
            "are planned in the weekly slot."
        )
        yield why % {"sessions": _some(_session(lecture) for lecture in off)}


def _session(lecture: LectureSpec) -> str:
    day = say_moment(lecture.starts_at) if lecture.starts_at else say_day(lecture.day) if lecture.day else ""
    return f"{lecture_label(lecture)} ({day})"


def _empty(new: CourseSpec, teaching: TeachingWeeks) -> Iterator[str]:
    """Yield a line with the days of each kind of session on which nothing is planned, but for those that one left which `_off_slot` names."""
    left = Counter((row.kind, monday(day)) for row in new.lectures if (day := row.held_on) and _is_off(row, new.slots))
    for kind, days in teaching.left_empty():
        empty = []
        for day in days:
            week = kind, monday(day)
            if left[week]:
                left[week] -= 1
            else:
                empty.append(day)
        if empty:
            why = _("%(kind)s: nothing is planned on %(days)s, as in the old term. Look whether that is meant.")
            yield why % {"kind": _kind(kind), "days": _some(map(say_day, empty))}


def _kind(kind: str) -> str:
    return lecture_label(LectureSpec(title="", kind=kind)).strip()


def _ahead(old: CourseSpec, new: CourseSpec) -> Iterator[str]:
    """Yield a line for each kind of session that comes earlier among the lectures than it did."""
    before, after = _lectures_before(old), _lectures_before(new)
    seen: set[str] = set()
    for key, number in before.items():
        kind, label = key
        if key in after and after[key] < number and kind not in seen:
            seen.add(kind)
            why = _(
                "%(session)s came after %(old)d lectures and comes after %(new)d now: each kind of session has its own "
                "days without teaching. Look whether it, and what follows it, may run ahead."
            )
            yield why % {"session": label, "old": number, "new": after[key]}


def _lectures_before(spec: CourseSpec) -> dict[tuple[str, str], int]:
    """Return after how many lectures each other session is held, by its kind and label, in the order of their days."""
    held = sorted(day for lecture in spec.lectures if lecture.kind == "lecture" and (day := lecture.held_on))
    return {
        (lecture.kind, lecture_label(lecture)): sum(earlier <= day for earlier in held)
        for lecture in sorted(spec.lectures, key=lambda lecture: lecture.held_on or date.max)
        if lecture.kind != "lecture" and (day := lecture.held_on)
    }


def _cancelled(old: CourseSpec, new: CourseSpec) -> Iterator[str]:
    """Yield a line with the dates of exams that were not held in the old term."""
    anew = [
        f"{later.title or _('Exam')} ({say_moment(later.starts_at)})"
        for earlier, later in zip(old.exams, new.exams, strict=False)
        if earlier.cancelled
    ]
    if anew:
        why = _(
            "Cancelled in the old term and planned anew, without the reason: %(exams)s. Delete at the desk what is not to be held."
        )
        yield why % {"exams": _some(anew)}


def _links(old: CourseSpec, new: CourseSpec, choices: Choices) -> Iterator[str]:
    linked = [lecture for lecture in old.lectures if lecture.call_in]
    if linked and choices.keeps_call_in:
        is_open = [lecture for lecture in linked if lecture.call_in_public]
        why = _("Call-in links of last term come along: %(sessions)s.")
        yield why % {"sessions": _some(map(lecture_label, linked))}
        if is_open:
            why = _("Open for everyone, without signing in: the call-in link of %(sessions)s.")
            yield why % {"sessions": _some(map(lecture_label, is_open))}
    elif linked:
        why = _("Call-in links of single sessions stay in the old term: %(sessions)s. Enter new ones.")
        yield why % {"sessions": _some(map(lecture_label, linked))}
    if any(slot.call_in for slot in new.slots) or any(hour.call_in for hour in new.office_hours):
        yield _("The call-in links of weekly slots and office hours come along. Look whether they are this term's.")


def _code(old: CourseSpec, new: CourseSpec) -> Iterator[str]:
    if old.enrolment_policy != Course.EnrolmentPolicy.CODE:
        return
    if not new.enrolment_code:
        yield _(
            "The old enrolment code does not come along, so nobody can join by it. Enter a new one here, or in the "
            "settings before you publish the course."
        )
    elif new.enrolment_code == old.enrolment_code:
        yield _("The enrolment code is the old term's: whoever knows it from then can join.")


def _people(old: CourseSpec, new: CourseSpec, choices: Choices) -> Iterator[str]:
    if new.staff:
        yield _("Named on the page: %(people)s.") % {"people": _some(person.name for person in new.staff)}
    gone = [person.name for person in old.staff if person.name in choices.left_out]
    if gone:
        yield _("No longer named on the page: %(people)s.") % {"people": _some(gone)}
    topics = [topic.title for topic in old.topics if topic.mentor in gone]
    if topics:
        yield _("Without a mentor now: %(topics)s.") % {"topics": _some(topics)}


def _naming_the_term(old: CourseSpec, new: CourseSpec) -> Iterator[str]:
    """Yield a line with the texts that name a year of the old term."""
    held = [day for lecture in old.lectures if (day := lecture.held_on)] or [day for day in (old.first_day,) if day]
    years = {str(day.year) for day in held}
    texts = [
        (_("Title"), new.title), (_("Description"), new.description), (_("Grading"), new.grading.text),
        *((lecture_label(row), f"{row.title} {row.abstract}") for row in new.lectures),
        *((topic.title, f"{topic.title} {topic.description}") for topic in new.topics),
        *((work.title, f"{work.title} {work.description}") for work in new.assignments),
        *((deadline.title, deadline.title) for deadline in new.deadlines),
        *((exam.title, exam.title) for exam in new.exams),
        *([(_("Project"), f"{new.projects.title} {new.projects.description}")] if new.projects else []),
    ]  # fmt: skip
    naming = [name for name, text in texts if years & set(_YEAR.findall(text))]
    if naming:
        why = _("Texts that name the old term's year come along as they are: %(texts)s. Correct them.")
        yield why % {"texts": _some(dict.fromkeys(naming))}


def _some(words: Iterable[str]) -> str:
    """Return the first of some words, and how many more there are."""
    return say_some(words, most=_NAMED)
