"""How views reach a course: loaded by what the person may see, in the course's zone."""

from dataclasses import dataclass
from datetime import datetime

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone

from amls.courses.models import Course, Enrolment
from amls.courses.permissions import enrolment_of, may_manage


@dataclass(frozen=True, slots=True)
class Access:
    """A course as one person sees it."""

    course: Course
    enrolment: Enrolment | None
    is_manager: bool
    now: datetime

    @property
    def sees_enrolled(self) -> bool:
        """Whether the person sees what is meant for enrolled people, such as call-in links."""
        return self.enrolment is not None or self.is_manager


def open_course(request: HttpRequest, slug: str) -> Access:
    """Return the course at `slug` as the request's person sees it, and activate its time zone.

    Raises:
        Http404: there is none, or the person may not see it.
    """
    course = get_object_or_404(Course.objects.visible_to(request.user), slug=slug)
    enrolment = enrolment_of(request.user, course)
    timezone.activate(course.zone)
    now: datetime = request.now  # type: ignore[attr-defined]
    return Access(course, enrolment, may_manage(request.user, course, enrolment), now)


def open_course_as_manager(request: HttpRequest, slug: str) -> Access:
    """Return the course at `slug` for those who may change it.

    Raises:
        Http404: for everyone else, whether or not the course exists.
    """
    access = open_course(request, slug)
    if not access.is_manager:
        raise Http404
    return access
