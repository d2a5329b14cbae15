"""The page on which a corrected gradebook comes back."""

from __future__ import annotations

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from amls.courses.access import open_course_as_manager
from amls.courses.accounts import user_of
from amls.files.shelf import Shelf
from amls.files.tables.forms import TableForm
from amls.files.tables.pages import ImportPage, show_or_import
from amls.files.tables.plan import Plan
from amls.files.tables.table import Upload
from amls.portal.gradebook.corrections import KIND, import_corrections


class CorrectionsForm(TableForm):
    """The gradebook's table, with one reason for all published points that change."""

    reason = forms.CharField(
        label=gettext_lazy("Reason, if published points change"),
        required=False,
        max_length=300,
        help_text=gettext_lazy("It is mailed to those whom it concerns."),
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def corrections(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what a corrected table would change, then change it."""
    access = open_course_as_manager(request, slug)
    by = user_of(request)
    shelf = Shelf(by.pk, f"{KIND}:{access.course.pk}", access.now)
    form = CorrectionsForm(request.POST or None, request.FILES or None, shelf=shelf)

    def run(upload: Upload, *, dry_run: bool, expected: str) -> Plan:
        return import_corrections(
            course=access.course, upload=upload, by=by,
            reason=form.cleaned_data.get("reason", ""), now=access.now, dry_run=dry_run, expected=expected,
        )  # fmt: skip

    page = ImportPage(
        template="portal/gradebook_import.html", slug=slug, back=reverse("portal:gradebook", args=[slug]),
        said=lambda count: ngettext("Corrected for %(count)d person.", "Corrected for %(count)d people.", count) % {"count": count},
        context={"access": access, "course": access.course},
    )  # fmt: skip
    return show_or_import(request, form, run, page)
