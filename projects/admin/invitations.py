"""Invitations to look at."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy

from amls.desk.writes import NOTHING
from projects.admin.pages import KeptAdmin
from projects.models import Invitation


@admin.register(Invitation)
class InvitationAdmin(KeptAdmin):
    """Who was invited, to look at."""

    writes = NOTHING
    course_path = "project__assignment__course"
    list_display = ("email", "project", "assignment", "invited_by", "invited_at", "expires_at", "state")
    list_filter = ("project__assignment__course", "project__assignment", "state")
    list_select_related = ("project__topic", "project__assignment__course", "invited_by__user", "invited_by__course")
    search_fields = ("email", "project__topic__title", "project__assignment__title")

    @admin.display(description=gettext_lazy("assignment"), ordering="project__assignment__title")
    def assignment(self, invitation: Invitation) -> str:
        """Say for which assignment it is: a person may be invited for several."""
        return str(invitation.project.assignment)
