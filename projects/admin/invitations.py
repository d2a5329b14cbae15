"""Invitations to look at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from projects.admin.pages import KeptAdmin
from projects.models import Invitation


@admin.register(Invitation)
class InvitationAdmin(KeptAdmin):
    """Who was invited, to look at."""

    course_path = "project__topic__course"
    list_display = ("email", "project", "invited_by", "invited_at", "expires_at", "state")
    list_filter = ("project__topic__course", "state")
    list_select_related = ("project__topic__course", "invited_by__user")
    search_fields = ("email", "project__topic__title")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Invite nobody: the teams do."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only look."""
        return False
