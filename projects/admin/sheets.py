"""Tables that come back to the desk: shown first, then imported."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amls.core.violations import RuleViolation
from amls.files.sheets import read_sheet
from projects.admin.common import KeptAdmin, add_violation, now_of, user_of
from projects.admin.filters import courses_of, usual_course
from projects.admin.forms import SheetForm
from projects.exports.resource import Report, ServiceResource

_SALT = "projects.admin.sheets"


class SheetAdmin(KeptAdmin):
    """An admin with a table to import.

    Attributes:
        sheet_resource: reads the table.
        sheet_title: of the page.
    """

    sheet_resource: type[ServiceResource]
    sheet_title: Any = ""

    def sheet_view(self, request: HttpRequest) -> HttpResponse:
        """Show what a table would change, row by row; then change it, all or nothing."""
        form = SheetForm(request.POST or None, request.FILES or None, courses=courses_of(request))
        form.initial.setdefault("course", usual_course(request))
        context: dict[str, Any] = {
            "title": self.sheet_title,
            "form": form,
            "columns": list(self.sheet_resource.fields),
            "needed": self.sheet_resource.columns,
        }
        status = 200
        if request.method == "POST":
            report = self._read(request, form) if form.is_valid() else None
            if report is not None and "_agreed" in request.POST and not report.problems:
                count = len(report.lines)
                said = ngettext("%(count)d row is imported.", "%(count)d rows are imported.", count)
                messages.success(request, said % {"count": count})
                return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
            status = 422 if form.errors or (report is not None and report.problems) else 200
            context |= {"report": report, "kept": form.cleaned_data.get("kept", "") if report is not None else ""}
        return self.page(request, "admin/projects/sheet.html", context, status)

    def _read(self, request: HttpRequest, form: SheetForm) -> Report | None:
        data = form.cleaned_data
        try:
            if data.get("file") is not None:
                content = data["file"].read()
                data["kept"] = signing.dumps(base64.b64encode(content).decode(), salt=_SALT, compress=True)
            else:
                content = base64.b64decode(signing.loads(data["kept"], salt=_SALT))
            resource = self.sheet_resource(course=data["course"], by=user_of(request), now=now_of(request))
            return resource.run(read_sheet(content), is_preview="_agreed" not in request.POST)
        except (signing.BadSignature, binascii.Error):
            form.add_error("file", _("Choose the file again."))
        except RuleViolation as violation:
            add_violation(form, violation)
        return None
