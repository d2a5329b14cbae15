"""Tables that come back to the desk: shown first, then imported."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import ngettext

from amls.core.request import now_of
from amls.courses.accounts import user_of
from amls.desk.chosen_course import courses_of
from amls.files.shelf import Shelf
from amls.files.tables.forms import preview_or_apply
from amls.files.tables.imports import with_undo
from amls.files.tables.plan import Plan
from amls.files.tables.table import Upload
from projects.admin.filters import usual_course
from projects.admin.pages import KeptAdmin
from projects.exports.resource import ServiceResource
from projects.forms.staff import SheetForm


def import_sheet(desk: KeptAdmin, request: HttpRequest, resource: type[ServiceResource], *, title: str) -> HttpResponse:
    """Show what a table would change, line by line; then change it, and go back to the list.

    Args:
        desk: the admin of what the table is about.
        request: with the form once it is sent.
        resource: reads the table.
        title: of the page.
    """
    shelf = Shelf(user_of(request).pk, resource.kind, now_of(request))
    form = SheetForm(request.POST or None, request.FILES or None, courses=courses_of(request), shelf=shelf)
    form.initial.setdefault("course", usual_course(request))
    context: dict[str, Any] = {"title": title, "form": form, "meanings": resource.meanings}
    if request.method != "POST":
        return desk.page(request, "admin/table_import.html", context, 200)

    def run(upload: Upload, *, dry_run: bool, expected: str) -> Plan:
        reader = resource(course=form.cleaned_data["course"], by=user_of(request), now=now_of(request))
        return reader.run(upload, dry_run=dry_run, expected=expected)

    outcome = preview_or_apply(form, run)
    if outcome.is_done and outcome.plan is not None:
        count = len(outcome.plan.lines)
        said = ngettext("%(count)d row is imported.", "%(count)d rows are imported.", count)
        messages.success(request, with_undo(said % {"count": count}, form.cleaned_data["course"].slug))
        return redirect(f"admin:{desk.opts.app_label}_{desk.opts.model_name}_changelist")
    return desk.page(request, "admin/table_import.html", context | {"preview": outcome.preview}, outcome.status)
