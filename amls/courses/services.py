"""Changes of a course, and what follows from each: a new revision, its calendars, what is not finished when it ends."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from amls.core.hooks import Hook
from amls.core.violations import RuleViolation
from amls.courses.models import Course, Enrolment, StaffMember


def lock_course(pk: int) -> Course:
    """Return the course, locked until the transaction ends: the first lock that any write takes."""
    return Course.objects.select_for_update(no_key=True).get(pk=pk)


@contextmanager
def holding(course: Course) -> Iterator[Course]:
    """Hold the course's lock while a form is compared with what is there, and writes over it."""
    with transaction.atomic():
        yield lock_course(course.pk)


def touch(course: Course, *, now: datetime) -> None:
    """Give the course a new revision: the ETag and cache key of all that visitors see."""
    Course.objects.filter(pk=course.pk).update(revision=F("revision") + 1, revised_at=now)
    course.refresh_from_db(fields=["revision", "revised_at"])


def touch_enrolments(pks: Iterable[int]) -> None:
    """Give each of these people's views of their course a new revision: at most 1 query."""
    wanted = list(pks)
    if wanted:
        Enrolment.objects.filter(pk__in=wanted).update(revision=F("revision") + 1)


def touch_enrolment(enrolment: Enrolment) -> None:
    """Give one person's view of the course a new revision."""
    Enrolment.objects.filter(pk=enrolment.pk).update(revision=F("revision") + 1)
    enrolment.refresh_from_db(fields=["revision"])


Finisher = Callable[[Course, datetime], Any]
# What must follow every change of a course's shared content; the agenda's reconcile is one.
after_course_change: Hook[Finisher] = Hook("consequences of a course's change")


_gathered: ContextVar[dict[int, Course] | None] = ContextVar("gathered", default=None)


@contextmanager
def gathering() -> Iterator[dict[int, Course]]:
    """Gather the courses that services change inside the block, by pk: the caller finishes them, once for all changes."""
    courses: dict[int, Course] = {}
    token = _gathered.set(courses)
    try:
        yield courses
    finally:
        _gathered.reset(token)


def finish_course_change(course: Course, *, now: datetime, follow: Finisher | None = None) -> list[Any]:
    """Bump the revision and let the agenda follow; call once at the end of a change.

    Args:
        course: what was changed, locked.
        now: the request's clock.
        follow: what follows of this change; everything that follows of any (`after_course_change`) by default.

    Returns:
        What the finishers returned, the agenda's its list of changes; nothing where whoever `gathers` finishes later.
    """
    gathered = _gathered.get()
    if gathered is not None:
        gathered[course.pk] = course
        return []
    with transaction.atomic():
        touch(course, now=now)
        return [
            change for finisher in ([follow] if follow else after_course_change) for change in finisher(course, now)
        ]


def publish_course(*, course: Course, now: datetime) -> Course:
    """Let everyone see a draft; return the course.

    Raises:
        RuleViolation: it is no draft any more.
    """
    with transaction.atomic():
        course = lock_course(course.pk)
        if course.state != Course.State.DRAFT:
            raise RuleViolation(_("The course is no draft any more: it is published already."), "no-draft")
        course.state = Course.State.RUNNING
        course.save(update_fields=["state"])
        finish_course_change(course, now=now)
    return course


_quiet: ContextVar[bool] = ContextVar("quiet", default=False)


@contextmanager
def quietly(*, is_wanted: bool = True) -> Iterator[None]:
    """Let changes inside the block be told to nobody by mail, if that `is_wanted`; pages and calendars follow all the same."""
    token = _quiet.set(is_wanted or _quiet.get())
    try:
        yield
    finally:
        _quiet.reset(token)


def is_quiet() -> bool:
    """Return whether whoever makes the change wants nobody to be told of it by mail."""
    return _quiet.get()


Loose = Callable[[Course], Iterable[str]]
# Says in words, with numbers, what in a course is not finished yet.
before_archiving: Hook[Loose] = Hook("loose ends of a course")


def loose_ends_of(course: Course) -> list[str]:
    """Return what in a course is not finished, for whoever wants to archive it."""
    return [said for look in before_archiving for said in look(course)]


Charge = Callable[[StaffMember], str]
# Says in words what of a course is in the charge of somebody who stands on its page; an empty text: nothing.
charges: Hook[Charge] = Hook("charges of who is named on a course's page")


def need_without_charge(member: StaffMember) -> None:
    """Refuse to take somebody off a course's page who is in charge of something in it.

    Raises:
        RuleViolation: it says of what.
    """
    held = [said for charge in charges if (said := charge(member))]
    if held:
        raise RuleViolation(
            _("%(name)s stays: %(what)s. Give that to somebody else first.")
            % {"name": member.name, "what": ", ".join(held)},
            code="in-charge",
        )
