"""When and how projects of a course are registered and handed in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.times import say_length, say_time
from amls.desk.kept_files import WaitingFiles
from amls.desk.site import Changes, CourseScopedAdmin
from amls.desk.writes import Writes
from projects.models import Assignment, Extension, Project
from projects.services.assignments import delete_assignment, keep_assignment


def extensions_after_move(assignment: Assignment, deadline: datetime | None) -> list[str]:
    """Return, for each extension that holds, what it gives when the deadline becomes `deadline`."""
    zone = assignment.course.zone
    rows = Extension.objects.filter(assignment=assignment, revoked_at__isnull=True)
    said = []
    for row in rows.select_related("project__topic", "project__assignment", "enrolment__user", "course"):
        whom = str(row.project or (row.enrolment.user if row.enrolment else _("everyone")))
        if row.due_at is not None:
            values = {"whom": whom, "until": say_time(row.due_at, zone)}
            if deadline is not None and row.due_at <= deadline:
                said.append(_("%(whom)s: until %(until)s, which no longer gives more time.") % values)
            else:
                said.append(_("%(whom)s: stays at %(until)s.") % values)
        elif row.delta is not None and deadline is not None:
            values = {"whom": whom, "by": say_length(row.delta), "until": say_time(row.extends(deadline), zone)}
            said.append(_("%(whom)s: moves along by %(by)s to %(until)s.") % values)
    return said


@admin.register(Assignment)
class AssignmentAdmin(CourseScopedAdmin):
    """What a course asks for, when and how it is handed in."""

    writes = Writes(save=keep_assignment, delete=delete_assignment)
    list_display = ("course", "due_at", "assessed_by", "hours", "ects", "is_mandatory")
    list_select_related = ("course",)
    fieldsets = (
        (None, {"fields": ("course", "due_at", ("opens_at", "registration_closes_at"), "assessed_by", ("hours", "ects", "is_mandatory"), "takes_own_ideas")}),
        (gettext_lazy("Hand-in"), {"fields": ("late_cutoff_hours", "kinds_of_files", ("max_files", "max_file_megabytes"), "max_total_megabytes"), "classes": ("tab",)}),
        (gettext_lazy("Description"), {"fields": ("description",), "classes": ("tab",)}),
    )  # fmt: skip

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Keep the rules under which a team registered."""
        if obj is not None and Project.objects.filter(assignment=obj).exists():
            return False
        return self._may(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep whose it is."""
        return ("course",) if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: Assignment, form: ModelForm[Any], change: bool) -> None:
        """Save, and note a moved deadline for the question that follows."""
        if change and "due_at" in form.changed_data:
            request.moved_deadline = obj  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    def _ask(self, request: HttpRequest, changes: Changes, waiting: WaitingFiles) -> HttpResponse:
        response = super()._ask(request, changes, waiting)
        moved: Assignment | None = getattr(request, "moved_deadline", None)
        if moved is not None:
            notes = extensions_after_move(moved, moved.due_at)
            response.context_data["notes"] = notes  # type: ignore[attr-defined]
        return response
