"""Who may see or do what in a course. What a person may not see is a 404."""

from collections.abc import Sequence
from functools import cache

from django.conf import settings
from django.contrib.auth.models import AnonymousUser

from amls.core.statements import ModelStatement, Parameter
from amls.courses.factor import has_factor
from amls.courses.models import Course, Enrolment, Role, User, WeeklySlot
from amls.courses.vouched import is_of_course_makers


def enrolment_of(user: User | AnonymousUser, course: Course) -> Enrolment | None:
    """Return the person's enrolment in the course, or None."""
    if not user.is_authenticated:
        return None
    enrolment = Enrolment.objects.filter(user=user, course=course).first()
    if enrolment is not None:
        enrolment.user, enrolment.course = user, course
    return enrolment


def enrolment_at(user: User | AnonymousUser, slug: str, *, along: Sequence[str] = ()) -> Enrolment | None:
    """Return the person's enrolment in the course at `slug`, or None.

    The course comes with it, with its weekly slots and what is read `along` with the enrolment.
    """
    if not user.is_authenticated:
        return None
    enrolment = _enrolment_with(tuple(along)).first({"user": user.pk, "slug": slug})
    if enrolment is not None:
        enrolment.user = user
        enrolment.course.slot_values = enrolment.slot_values  # type: ignore[attr-defined]
    return enrolment


@cache
def _enrolment_with(along: tuple[str, ...]) -> ModelStatement[Enrolment]:
    rows = Enrolment.objects.annotate(slot_values=WeeklySlot.objects.of_each("course"))
    rows = rows.filter(user=Parameter("user"), course__slug=Parameter("slug"))
    return ModelStatement.of(rows.order_by(), along=["course", *along], annotated=["slot_values"])


def teaches(user: User | AnonymousUser, course: Course, enrolment: Enrolment | None = None) -> bool:
    """Return whether the person belongs to those who run the course: its staff, and superusers."""
    if not user.is_authenticated or not user.is_active:
        return False
    if user.is_superuser:
        return True
    own = enrolment or enrolment_of(user, course)
    return own is not None and own.is_staff


def lacks_second_factor(user: User) -> bool:
    """Return whether the person has to prove a second factor before they do what staff do (ASVS 5.0, 6.3.3)."""
    return settings.STAFF_NEEDS_SECOND_FACTOR and not has_factor(user)


def may_manage(user: User | AnonymousUser, course: Course, enrolment: Enrolment | None = None) -> bool:
    """Return whether the person may change the course: whoever teaches it, with a second factor where one is needed."""
    return isinstance(user, User) and teaches(user, course, enrolment) and not lacks_second_factor(user)


def may_appoint(user: User | AnonymousUser, course: Course) -> bool:
    """Return whether the person decides who teaches the course: its lecturers, and superusers."""
    if not user.is_authenticated or not user.is_active:
        return False
    return user.is_superuser or user.enrolments.filter(course=course, role=Role.LECTURER).exists()


def is_last_lecturer(enrolment: Enrolment) -> bool:
    """Return whether a course would be left without a lecturer."""
    if enrolment.role != Role.LECTURER:
        return False
    others = Enrolment.objects.reachable().filter(course=enrolment.course_id, role=Role.LECTURER)
    return not others.exclude(pk=enrolment.pk).exists()


def may_create_courses(user: User | AnonymousUser) -> bool:
    """Return whether the person may make a new course: superusers, who lectures in one already, and whom the university's rules name."""
    if not user.is_authenticated or not user.is_active:
        return False
    return user.is_superuser or Role.LECTURER in user.staff_roles or is_of_course_makers(user)
