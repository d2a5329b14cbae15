"""What was imported from tables, with one undo for each."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from amls.core.keys import primary_key
from amls.courses.access import open_course_as_manager
from amls.files.tables.imports import imports_of, label_of_kind, undo_import


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def imports(request: HttpRequest, slug: str) -> HttpResponse:
    """List the imports of a course that can be taken back; take one back, and say row by row what stays."""
    access = open_course_as_manager(request, slug)
    rows = imports_of(access.course.pk, now=access.now)
    context = {"access": access, "course": access.course}
    if request.method == "POST":
        chosen = get_object_or_404(rows, pk=primary_key(request.POST.get("undo")))
        undoing = undo_import(table_import=chosen, by=request.user, now=access.now)
        said = ngettext("%(count)d row is as before.", "%(count)d rows are as before.", undoing.done)
        if not undoing.problems:
            messages.success(request, said % {"count": undoing.done})
            return redirect("portal:imports", slug=slug)
        context |= {"undoing": undoing, "said": said % {"count": undoing.done}}
    context["imports"] = [{"made": row, "label": label_of_kind(row.kind)} for row in rows]
    return render(request, "portal/imports.html", context, status=409 if "undoing" in context else 200)
