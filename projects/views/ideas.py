"""Own ideas."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from amls.core.violations import RuleViolation, add_violation
from projects.forms.pages import IdeaForm
from projects.models import Topic
from projects.services.ideas import propose_idea, take_idea_back
from projects.views.access import open_mine


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def propose(request: HttpRequest, slug: str) -> HttpResponse:
    """Hand an own idea to the staff, and see what became of the earlier ones."""
    mine = open_mine(request, slug)
    form = IdeaForm(request.POST if request.method == "POST" else None)
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
            return redirect("projects:propose", slug=slug)
    context = {
        "access": mine.access,
        "course": mine.course,
        "tab": "projects",
        "form": form,
        "ideas": list(Topic.objects.filter(proposed_by=mine.enrolment).order_by("-proposed_at")),
        "problem": mine.problem,
        "team": mine.team,
    }
    return render(request, "projects/propose.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def take_back(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Take an undecided idea back."""
    mine = open_mine(request, slug)
    idea = get_object_or_404(Topic, proposed_by=mine.enrolment, pk=pk)
    take_idea_back(topic=idea, now=mine.access.now)
    messages.success(request, _("Your idea is taken back."))
    return redirect("projects:propose", slug=slug)
