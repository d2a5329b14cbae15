"""What pages of the whole course show of a person's projects."""

from typing import Any

from django import template

from amls.courses.access import Access
from amls.courses.models import User
from projects.queries import invitations_to

register = template.Library()


@register.inclusion_tag("projects/_invitations.html", takes_context=True)
def open_invitations(context: template.Context) -> dict[str, Any]:
    """Show the invitations that wait for the reader's answer: before all else, as they end by themselves; 1 query."""
    access: Access | None = context.get("access")
    user = context.get("user")
    if access is None or not isinstance(user, User):
        return {"invitations": []}
    return {"invitations": list(invitations_to(user, access.course, now=access.now)), "course": access.course}
