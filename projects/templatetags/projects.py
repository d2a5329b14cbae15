"""What pages of the whole course show of a person's projects."""

from typing import Any

from django import template

from amls.courses.access import Access
from amls.courses.models import User
from projects.addresses import address_of
from projects.models import Assignment
from projects.pieces import OwnPiece
from projects.queries import invitations_to
from projects.works import assignments_of, sum_of, works_of

register = template.Library()


@register.inclusion_tag("projects/_invitations.html", takes_context=True)
def open_invitations(context: template.Context) -> dict[str, Any]:
    """Show the invitations that wait for the reader's answer: before all else, as they end by themselves; 1 query."""
    access: Access | None = context.get("access")
    user = context.get("user")
    if access is None or not isinstance(user, User):
        return {"invitations": []}
    return {"invitations": list(invitations_to(user, access.course, now=access.now)), "course": access.course}


@register.inclusion_tag("projects/_works.html", takes_context=True)
def own_works(context: template.Context) -> dict[str, Any]:
    """Show a student's points in each assignment that they may see, where the course gives points.

    1 query for a course without any, else 8.
    """
    access: Access | None = context.get("access")
    if access is None or access.enrolment is None or access.enrolment.is_staff:
        return {"works": []}
    gives_points = Assignment.objects.filter(course=access.course, grading=Assignment.Grading.POINTS)
    if not gives_points.exists():
        return {"works": []}
    visible = [
        assignment
        for assignment in assignments_of(access.course)
        if assignment.visible_from is None or assignment.visible_from <= access.now
    ]
    theirs = works_of(visible, [access.enrolment], now=access.now, with_tasks=True)[access.enrolment.pk]
    works = list(theirs.values())
    return {"works": works, "sums": sum_of(works)}


@register.simple_tag(takes_context=True)
def standing(context: template.Context, piece: OwnPiece) -> str:
    """Return how the reader stands with an assignment now, as `PieceStanding` names it."""
    access: Access = context["access"]
    return piece.standing_at(access.now).value


@register.simple_tag(takes_context=True)
def at(context: template.Context, page: str, *more: object) -> str:
    """Return the address of a page of the assignment that the present page is about, such as 'submit'."""
    return address_of(context["assignment"], page, *more)
