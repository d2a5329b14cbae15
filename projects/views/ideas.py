"""Own ideas."""

from collections.abc import Iterable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from amls.core.violations import RuleViolation, add_violation
from projects.addresses import address_of
from projects.forms.pages import IdeaForm
from projects.models import Topic
from projects.services.ideas import propose_idea, require_may_propose, take_idea_back
from projects.teamrows import places_taken
from projects.views.access import Mine, open_mine


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def propose(request: HttpRequest, slug: str, assignment: int | None = None) -> HttpResponse:
    """Hand an own idea for an assignment to the staff, and see what became of the earlier ones."""
    mine = open_mine(request, slug, assignment)
    # Whoever has a team has it in mind.
    size = places_taken(mine.team.members) if mine.team is not None else 1
    form = IdeaForm(request.POST if request.method == "POST" else None, initial={"team_max": max(1, size)})
    if request.method == "POST" and form.is_valid():
        try:
            propose_idea(
                enrolment=mine.enrolment,
                assignment=mine.require_assignment(),
                now=mine.access.now,
                **form.cleaned_data,
            )
        except RuleViolation as violation:
            add_violation(form, violation)
        except ValidationError as error:
            form.add_error(None, error.messages)
        else:
            messages.success(request, _("Your idea is with the staff. You get a mail when they decide."))
            return redirect(address_of(mine.require_assignment(), "propose"))
    ideas = list(Topic.objects.filter(proposed_by=mine.enrolment, assignment=mine.assignment).order_by("-proposed_at"))
    context = {
        "access": mine.access,
        "course": mine.course,
        "tab": "projects",
        "assignment": mine.assignment,
        "form": form,
        "ideas": ideas,
        "problem": _problem(mine, ideas),
        "team": mine.team,
    }
    return render(request, "projects/propose.html", context, status=422 if form.errors else 200)


def _problem(mine: Mine, ideas: Iterable[Topic]) -> str:
    """Return why no idea can be proposed now, or an empty text."""
    if mine.problem or mine.assignment is None:
        return mine.problem
    try:
        waiting = (idea for idea in ideas if idea.proposal == Topic.Proposal.OPEN)
        require_may_propose(mine.enrolment, mine.assignment, waiting)
    except RuleViolation as violation:
        return str(violation.message)
    return ""


@login_required
@require_POST
def take_back(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Take an undecided idea back."""
    mine = open_mine(request, slug)
    ideas = Topic.objects.filter(proposed_by=mine.enrolment).of_visible_at(mine.access.now)
    idea = get_object_or_404(ideas.select_related("assignment__course"), pk=pk)
    take_idea_back(topic=idea, now=mine.access.now)
    messages.success(request, _("Your idea is taken back."))
    return redirect(address_of(idea.assignment, "propose"))
