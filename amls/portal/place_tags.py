"""The places of a course, as its pages lead to them."""

from django import template
from django.utils.translation import gettext as _

from amls.courses.models import Course
from amls.portal.course_places import Places, places_of

register = template.Library()


@register.filter
def places(course: Course) -> Places:
    """Return which places a course has: see `places_of`."""
    return places_of(course)


@register.filter
def name_of_place(course: Course) -> str:
    """Return what the place of a course's projects and sheets is called: 'Assignments' where it has sheets alone."""
    return _("Assignments") if places_of(course).has_sheets_alone else _("Projects")
