"""Who may see or do what in a course. What a person may not see is a 404."""

from django.contrib.auth.models import AnonymousUser

from amls.courses.models import Course, Enrolment, Role, User


def enrolment_of(user: User | AnonymousUser, course: Course) -> Enrolment | None:
    """Return the person's enrolment in the course, or None."""
    if not user.is_authenticated:
        return None
    return Enrolment.objects.select_related("user", "course").filter(user=user, course=course).first()


def may_manage(user: User | AnonymousUser, course: Course, enrolment: Enrolment | None = None) -> bool:
    """Return whether the person may change the course: its staff, and superusers."""
    if not user.is_authenticated or not user.is_active:
        return False
    if user.is_superuser:
        return True
    found = enrolment or enrolment_of(user, course)
    return found is not None and found.is_staff


def may_create_courses(user: User | AnonymousUser) -> bool:
    """Return whether the person may make a new course: superusers, and who lectures in one already."""
    if not user.is_authenticated or not user.is_active:
        return False
    return user.is_superuser or user.enrolments.filter(role=Role.LECTURER).exists()
