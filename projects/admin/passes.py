"""Passes of earlier terms."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action

from projects.admin.pages import KeptAdmin, user_of
from projects.admin.sheets import import_sheet
from projects.exports.passes import PassResource
from projects.models import EarlierPass
from projects.services.assessing import enter_earlier_pass


@admin.register(EarlierPass)
class EarlierPassAdmin(KeptAdmin):
    """Who passed the project in an earlier term."""

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

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Take back what was entered by mistake; the history keeps it."""
        return self._may(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep whose it is."""
        return ("enrolment",) if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: EarlierPass, form: ModelForm[Any], change: bool) -> None:
        """Enter it through the service."""
        saved = enter_earlier_pass(
            enrolment=obj.enrolment, term=obj.term, extra_points=obj.extra_points, note=obj.note, by=user_of(request)
        )
        obj.pk = saved.pk
        self.touch(request, obj)

    @action(description=gettext_lazy("Import a table"), url_path="import")
    def upload_passes(self, request: HttpRequest) -> HttpResponseBase:
        """Read passes from a table."""
        return import_sheet(self, request, PassResource, title=_("Import passes of earlier terms"))
