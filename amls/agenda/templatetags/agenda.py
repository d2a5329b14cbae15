"""How pages and the desk say what is in the agenda, and when."""

from typing import Any

from django import template
from django.utils.translation import gettext as _

from amls.agenda.changes import describe_change
from amls.agenda.models import AgendaItem, ItemKind
from amls.agenda.services import Change
from amls.agenda.views.subscribe import subscribe_context
from amls.core.times import say_clock, say_day, say_span
from amls.courses.access import Access
from amls.courses.models import Course

register = template.Library()


@register.filter
def describe(change: Change, course: Course) -> str:
    """Return a change in one line, in the course's zone."""
    return str(describe_change(change, course.zone))


@register.simple_tag
def hours_of(item: AgendaItem) -> str:
    """Return what stands behind an item's day: '16:00–18:00', 'until 23:59', 'time open', of several days the last."""
    if item.is_time_open:
        return _("time open")
    if item.is_all_day:
        # The year stands in the day from which it counts on.
        first, last = (say_day(moment, now=moment) for moment in (item.starts_at, item.last_moment))
        return "" if first == last else _("until %(day)s") % {"day": last}
    if item.kind == ItemKind.DEADLINE:
        return _("until %(time)s") % {"time": say_clock(item.ends_at)}
    if item.kind == ItemKind.OPENING:
        return _("from %(time)s") % {"time": say_clock(item.starts_at)}
    return say_span(item.starts_at, item.ends_at)


@register.simple_tag
def clock_of(item: AgendaItem) -> str:
    """Return when something happens on its day: '16:00', 'time open', nothing where it takes the whole day."""
    if item.is_time_open:
        return _("time open")
    return "" if item.is_all_day else say_clock(item.moment)


@register.inclusion_tag("agenda/_dialog.html")
def subscribe_dialog(access: Access) -> dict[str, Any]:
    """Show the dialog by which a page offers the course's calendar: the person's own one, read along as `own=["feed_token"]`."""
    return subscribe_context(access)
