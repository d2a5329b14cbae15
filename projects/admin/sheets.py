"""Tables that come back to the desk: shown first, then imported."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import ngettext

from amls.files.kept import Shelf
from amls.files.tables.forms import Upload, preview_or_apply
from amls.files.tables.imports import with_undo
from amls.files.tables.plan import Plan
from projects.admin.common import KeptAdmin, now_of, user_of
from projects.admin.filters import courses_of, usual_course
from projects.admin.forms import SheetForm
from projects.exports.resource import ServiceResource


class SheetAdmin(KeptAdmin):
    """An admin with a table to import.

    Attributes:
        sheet_resource: reads the table.
        sheet_title: of the page.
    """

    sheet_resource: type[ServiceResource]
    sheet_title: Any = ""

    def sheet_view(self, request: HttpRequest) -> HttpResponse:
        """Show what a table would change, line by line; then change it."""
        shelf = Shelf(user_of(request).pk, self.sheet_resource.kind, now_of(request))
        form = SheetForm(request.POST or None, request.FILES or None, courses=courses_of(request), shelf=shelf)
        form.initial.setdefault("course", usual_course(request))
        context: dict[str, Any] = {"title": self.sheet_title, "form": form, "meanings": self.sheet_resource.meanings}
        if request.method != "POST":
            return self.page(request, "admin/table_import.html", context, 200)

        def run(upload: Upload, *, dry_run: bool, expected: str) -> Plan:
            resource = self.sheet_resource(course=form.cleaned_data["course"], by=user_of(request), now=now_of(request))
            return resource.run(
                upload.content, how=upload.how, filename=upload.filename, is_preview=dry_run, expected=expected
            )

        outcome = preview_or_apply(form, run)
        if outcome.is_done and outcome.plan is not None:
            count = len(outcome.plan.lines)
            said = ngettext("%(count)d row is imported.", "%(count)d rows are imported.", count)
            messages.success(request, with_undo(said % {"count": count}, form.cleaned_data["course"].slug))
            return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        return self.page(request, "admin/table_import.html", context | {"preview": outcome.preview}, outcome.status)
