"""Words of the agenda in templates of the desk."""

from django import template

from amls.agenda.changes import describe_change
from amls.agenda.services import Change
from amls.courses.models import Course

register = template.Library()


@register.filter
def describe(change: Change, course: Course) -> str:
    """Return a change in one line, in the course's zone."""
    return str(describe_change(change, course.zone))
