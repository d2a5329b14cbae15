"""The addresses of one project at the desk.

The page is one form: whatever is pressed, what was typed anywhere on it is sent along and kept. So all its buttons
lead to one address, and each has its own view in `acts`.
"""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponseBase

from amls.core.request import now_of
from projects.admin.assess.acts import acts
from projects.admin.assess.drafts import typed_in
from projects.admin.assess.page import AssessPage, open_team
from projects.admin.pages import KeptAdmin
from projects.exports.archive import archive_response, folder_name
from projects.services.drafts import keep_draft


def assess_project(desk: KeptAdmin, request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show a project with all that was handed in and decided, and do what the pressed button says.

    Raises:
        Http404: there is no such project in the person's courses, or no such button.
    """
    page = AssessPage(desk, request, open_team(desk, request, pk))
    if request.method != "POST":
        return page.respond()
    # Whatever comes of it: nothing that was typed is lost.
    typed = typed_in(request.POST, page.view, page.kept.stored)
    keep_draft(project=page.project, by=page.user, typed=typed, now=now_of(request))
    act = next((act for name, act in acts.items() if name in request.POST), None)
    if act is None:
        raise Http404
    answer = act(page)
    if answer is not None:
        return answer
    return AssessPage(desk, request, open_team(desk, request, pk), page.shown).respond()


def send_attempts(desk: KeptAdmin, request: HttpRequest, pk: int) -> HttpResponseBase:
    """Send every attempt of one project."""
    view = open_team(desk, request, pk)
    return archive_response([view], filename=folder_name(view))
