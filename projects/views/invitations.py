"""Answering an invitation: for whoever has its address, confirmed, in their account."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from amls.core.text import mask_address
from amls.core.violations import RuleViolation
from amls.courses.access import Access, open_course
from amls.courses.accounts import user_of
from projects.addresses import address_of
from projects.deadlines import Deadlines
from projects.models import Invitation
from projects.queries import team_of
from projects.services.teams import accept_invitation, decline_invitation, standing_of_invitations
from projects.teamrows import members_of

# What the button sends where the page says that the reader's own team is given up.
_GIVES_UP = "gives-up"


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show who invites to what, and take the answer."""
    access = open_course(request, slug)
    rows = Invitation.objects.filter(project__assignment__course=access.course)
    rows = rows.of_visible_at(access.now, is_manager=access.is_manager)
    invitation = (
        rows.to_user(user_of(request))
        .select_related("project__topic__mentor", "project__assignment", "invited_by__user")
        .filter(pk=pk)
        .first()
    )
    if invitation is None:
        return _for_another_address(request, access, get_object_or_404(rows.open_at(access.now), pk=pk))
    assignment = invitation.project.assignment
    assignment.course = access.course
    problem = ""
    if request.method == "POST":
        try:
            answered = _answer(request, access, invitation)
        except RuleViolation as violation:
            problem = str(violation.message)
        else:
            if answered is not None:
                return answered
    if invitation.project.topic is not None:
        invitation.project.topic.course = access.course
    deadlines = Deadlines.of(assignment)
    team = team_of(access.enrolment, assignment, deadlines, with_files=False) if access.enrolment else None
    is_open = invitation.state == Invitation.State.OPEN and invitation.expires_at > access.now
    context = {
        "access": access,
        "course": access.course,
        "tab": "projects",
        "invitation": invitation,
        "is_open": is_open,
        "standing": standing_of_invitations([invitation], now=access.now)[invitation.pk],
        "topic": invitation.project.topic,
        "assignment": assignment,
        # An invitation that is over gives no right to know who is in the team.
        "members": members_of(invitation.project) if is_open else [],
        "team": team,
        "is_member": team is not None and team.project.pk == invitation.project_id,
        "problem": problem,
    }
    return render(request, "projects/invitation.html", context, status=422 if problem else 200)


def _answer(request: HttpRequest, access: Access, invitation: Invitation) -> HttpResponse | None:
    """Take the answer, and lead on; None where the reader isn't in the course yet, and can only decline."""
    if "decline" in request.POST:
        decline_invitation(invitation=invitation, now=access.now)
        messages.success(request, _("You declined. The team is told."))
        return redirect(access.course)
    if access.enrolment is None:
        return None
    accept_invitation(
        invitation=invitation,
        enrolment=access.enrolment,
        now=access.now,
        leaves_team="switch" in request.POST,
        gives_up=request.POST.get("switch") == _GIVES_UP,
    )
    messages.success(request, _("You are in the team."))
    return redirect(address_of(invitation.project.assignment))


def _for_another_address(request: HttpRequest, access: Access, invitation: Invitation) -> HttpResponse:
    """Say to which address an open invitation went, as only its owner knows it, and how they get to it."""
    context = {
        "access": access,
        "course": access.course,
        "tab": "projects",
        "address": mask_address(invitation.email),
        "sign_in": f"{reverse('account_login')}?{urlencode({'next': request.path})}",
    }
    return render(request, "projects/not_my_invitation.html", context, status=404)
