"""One's own exam, for the course's home and 'my course'."""

from typing import Any

from django import template

from amls.courses.access import Access
from exams.queries import exams_for, overview_of

register = template.Library()


@register.inclusion_tag("exams/_tile.html", takes_context=True)
def exam_tile(context: template.Context) -> dict[str, Any]:
    """Show a student's exam, what is missing for it, or the date for which they can register; else nothing."""
    access: Access | None = context.get("access")
    values: dict[str, Any] = {"card": None, "now": context.get("now")}
    if access is None or access.enrolment is None or access.enrolment.is_staff:
        return values
    overview = overview_of(access.enrolment) or exams_for(access)
    coming = [card for card in overview.cards if card.exam.ends_at > access.now]
    result = overview.newest_result
    active = overview.active
    card = active or next((card for card in coming if card.may_register), None) or result or next(iter(coming), None)
    return {**values, "card": card, "overview": overview, "course": access.course}
