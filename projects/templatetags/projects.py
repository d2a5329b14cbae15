"""What pages of the whole course show of a person's projects."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from django import template
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.clock import is_open_until
from amls.core.decimals import say_decimal
from amls.core.plots import PlotColumn
from amls.core.statements import ModelStatement, Parameter
from amls.courses.access import Access
from amls.courses.models import User
from amls.grading.points import WorkState
from projects.addresses import address_of, topics_of
from projects.models import Assignment, Outcome, Topic
from projects.queries import invitations_anywhere, invitations_to
from projects.services.teams import standing_of_invitations
from projects.works import OwnWork, Work, WorkStanding, sum_of

register = template.Library()


@register.inclusion_tag("projects/_invitations.html", takes_context=True)
def open_invitations(context: template.Context) -> dict[str, Any]:
    """Show the invitations that wait for the reader's answer: before all else, as they end by themselves; 1 query."""
    access: Access | None = context.get("access")
    user = context.get("user")
    if access is None or not isinstance(user, User):
        return {"invitations": []}
    invitations = invitations_to(user, access.course, now=access.now)
    for invitation in invitations:
        invitation.project.assignment.course = access.course
    standings = standing_of_invitations(invitations, now=access.now)
    return {"invitations": [(row, standings[row.pk]) for row in invitations], "course": access.course}


@register.inclusion_tag("projects/_invitations_anywhere.html", takes_context=True)
def invitations_of_courses(context: template.Context) -> dict[str, Any]:
    """Show the invitations that wait for the reader's answer in any course, on the page of all; 1 query where there are none."""
    user, now = context.get("user"), context.get("now")
    if not isinstance(user, User) or now is None:
        return {"courses": []}
    shown = []
    for course, invitations in invitations_anywhere(user, now=now):
        for invitation in invitations:
            invitation.project.assignment.course = course
        standings = standing_of_invitations(invitations, now=now)
        shown.append((course, [(row, standings[row.pk]) for row in invitations]))
    return {"courses": shown, "csrf_token": context.get("csrf_token")}


@register.filter
def last_minute(ends_at: datetime) -> datetime:
    """Return until when something is open that ends at a time, as deadlines are said: that whole minute counts."""
    return ends_at - timedelta(minutes=1)


@register.filter
def is_over(due_at: datetime | None, now: datetime | None) -> bool:
    """Return whether a deadline, of which the whole minute counts, is over."""
    return due_at is not None and now is not None and not is_open_until(due_at, now)


@register.filter
def wishes_are_over(assignment: Assignment, now: datetime | None) -> bool:
    """Return whether teams can no longer rank the topics of an assignment that gives them by wish."""
    return is_over(assignment.wishes_close_at, now)


@register.simple_tag(takes_context=True)
def waiting_ideas(context: template.Context, assignment: Assignment | None = None) -> list[tuple[Topic, str]]:
    """Return the reader's own ideas on which the staff have not decided yet, the newest first: 1 query for a student.

    Args:
        context: of the page.
        assignment: for which they are; None: whatever they are for.

    Returns:
        Each with the address of the page on which they are proposed and taken back.
    """
    access: Access | None = context.get("access")
    if access is None or access.enrolment is None or access.enrolment.is_staff:
        return []
    ideas = _waiting_ideas().read({"enrolment": access.enrolment.pk, "now": access.now})
    for idea in ideas:
        idea.assignment.course = access.course
    return [(idea, address_of(idea.assignment, "propose")) for idea in ideas if assignment in (None, idea.assignment)]


@cache
def _waiting_ideas() -> ModelStatement[Topic]:
    rows = Topic.objects.filter(proposed_by=Parameter("enrolment"), proposal=Topic.Proposal.OPEN)
    rows = rows.of_visible_at(Parameter("now"))
    return ModelStatement.of(rows.order_by("-proposed_at", "-pk"), along=["assignment"])


# So many of what opens later, or is due later, are shown at once.
_TODO_SHOWN = 3


@register.inclusion_tag("projects/_works.html", takes_context=True)
def own_works(context: template.Context, works: Sequence[OwnWork]) -> dict[str, Any]:
    """Show how a student stands with each assignment beside the course's project, the ones to be done first: no query.

    Args:
        context: of the page.
        works: those that they may see, with results.
    """
    access: Access | None = context.get("access")
    if access is None or access.enrolment is None or access.enrolment.is_staff:
        return {"todo": []}
    now, others = access.now, [own for own in works if not own.assignment.is_main]
    open_ones = [own for own in others if own.work.state == WorkState.OPEN and not own.is_handed_in]
    coming = [own for own in open_ones if own.standing_at(now) == WorkStanding.COMING]
    todo = [own for own in open_ones if own not in coming]
    with_points = [own.work for own in sorted(works, key=lambda own: (own.assignment.position, own.assignment.pk))]
    gives_points = any(work.most is not None for work in with_points)
    return {
        "todo": todo[:_TODO_SHOWN],
        "later": [*todo[_TODO_SHOWN:], *coming],
        "past": [own for own in others if own not in open_ones],
        "sums": sum_of(with_points) if gives_points else None,
        "columns": _columns(with_points),
        "access": access,
        "course": access.course,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkColumn(PlotColumn):
    """A person's points in an assignment, of what there was to be had.

    Attributes:
        label: short, below it.
        mark: above it: the points, or a sign for what is missing, excused or to come.
        said: the same in words.
    """

    title: str
    label: str
    mark: str
    said: str
    is_passed: bool


_SLOTS = 8
_MARKS = {WorkState.MISSING: "✗", WorkState.EXCUSED: "~", WorkState.WAITING: "…", WorkState.OPEN: ""}
_WORDS = {
    WorkState.MISSING: gettext_lazy("nothing handed in"),
    WorkState.EXCUSED: gettext_lazy("excused, does not count"),
    WorkState.WAITING: gettext_lazy("not graded yet"),
    WorkState.OPEN: gettext_lazy("still to come"),
}


def _columns(works: Sequence[Work]) -> list[WorkColumn]:
    """Return a column for each assignment that gives points, in their order."""
    shown = [(work, most) for work in works if (most := work.most)]
    # Few are no broader than those of a term.
    slot = 100 / max(len(shown), _SLOTS)
    return [_column(work, most, place=place, slot=slot) for place, (work, most) in enumerate(shown)]


def _column(work: Work, most: Decimal, *, place: int, slot: float) -> WorkColumn:
    assignment = work.assignment
    label = str(assignment.number) if assignment.number is not None else Truncator(assignment.title).chars(8)
    share, mark, said = 0.0, _MARKS.get(work.state, ""), str(_WORDS.get(work.state, ""))
    if work.is_graded and work.points is not None:
        share, mark = float(work.points / most), say_decimal(work.points)
        said = _("%(points)s of %(most)s points") % {"points": mark, "most": say_decimal(most)}
    return WorkColumn(
        place=place, share=share, slot=slot, title=assignment.title, label=label, mark=mark, said=said,
        is_passed=work.outcome == Outcome.PASSED,
    )  # fmt: skip


@register.simple_tag(takes_context=True)
def standing(context: template.Context, work: OwnWork) -> str:
    """Return how the reader stands with an assignment now, as `WorkStanding` names it."""
    access: Access = context["access"]
    return work.standing_at(access.now).value


@register.simple_tag(takes_context=True)
def at(context: template.Context, page: str, *more: object) -> str:
    """Return the address of a page of the assignment that the present page is about, such as 'submit'."""
    return address_of(context["assignment"], page, *more)


@register.filter
def topics_address(assignment: Assignment) -> str:
    """Return the address of the page with an assignment's topics."""
    return topics_of(assignment)
