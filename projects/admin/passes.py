"""Passes of earlier terms."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action

from amls.desk.writes import Writes
from projects.admin.pages import KeptAdmin
from projects.admin.sheets import import_sheet
from projects.exports.passes import PassResource
from projects.models import EarlierPass
from projects.services.assessing import delete_earlier_pass, save_earlier_pass


@admin.register(EarlierPass)
class EarlierPassAdmin(KeptAdmin):
    """Who passed the project in an earlier term; what was entered by mistake is taken back, and the history keeps it."""

    writes = Writes(save=save_earlier_pass, delete=delete_earlier_pass)
    course_path = "enrolment__course"
    list_display = ("enrolment", "term", "extra_points", "note", "entered_by")
    ordering = ("enrolment__course", "enrolment__user__sort_name")
    list_filter = ("enrolment__course", "term")
    list_select_related = ("enrolment__user", "enrolment__course", "entered_by")
    search_fields = (
        "enrolment__user__display_name",
        "enrolment__user__email",
        "enrolment__user__matriculation_number",
        "enrolment__verified_number",
    )
    fields = ("enrolment", "term", "extra_points", "note")
    actions_list = ("upload_passes",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep whose it is."""
        return ("enrolment",) if obj is not None else ()

    @action(description=gettext_lazy("Import a table"), url_path="import")
    def upload_passes(self, request: HttpRequest) -> HttpResponseBase:
        """Read passes from a table."""
        return import_sheet(self, request, PassResource, title=_("Import passes of earlier terms"))
