"""The desk's first page."""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from amls.core.request import now_of
from amls.courses.accounts import user_of
from amls.courses.models import Course
from amls.courses.permissions import may_create_courses
from amls.desk.chosen_course import chosen_course, courses_of
from amls.desk.zones import are_in_several_zones
from amls.portal.desk.activity import activity_plots
from amls.portal.desk.needs import lectures_in, needs_of

_SOON = 5


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what comes next, what needs a hand, and how the running courses fill, to the desk's first page."""
    now = now_of(request)
    user = user_of(request)
    taught, chosen = courses_of(request), chosen_course(request)
    running = [course for course in taught if course.state != Course.State.ARCHIVED]
    # An archived one has its numbers, too, where it is what one looks at.
    courses = [chosen] if chosen is not None else running
    if courses:
        timezone.activate(courses[0].zone)
    lectures = lectures_in(courses)
    context["desk"] = {
        "courses": courses,
        "has_zones": are_in_several_zones(courses),
        "mine": running,
        "may_create": may_create_courses(user),
        "coming": [lecture for lecture in lectures if lecture.ends_at is not None and lecture.ends_at > now][:_SOON],
        "needs": needs_of(courses, lectures, user=user, now=now),
        "plots": activity_plots(courses, now=now),
    }
    return context
