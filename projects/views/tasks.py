"""The tasks of an assignment, one to a line, with what a change does to points that are given."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from amls.core.preview import preview_of, without_trace
from amls.core.violations import RuleViolation
from amls.courses.services import holding
from amls.grading.tasks import read_task_lines
from projects.forms.points import AssignmentTasksForm
from projects.models import Assignment
from projects.services.points import set_tasks
from projects.views.access import StaffPage, open_staff_page


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def tasks(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show the tasks as lines such as 'Induction | 7.5'; show what other ones do to points, then let them be."""
    page = open_staff_page(request, slug, pk, grading=Assignment.Grading.POINTS)
    if request.method == "POST":
        with holding(page.course):
            form = AssignmentTasksForm(request.POST, assignment=Assignment.objects.get(pk=pk))
            context = _tried(request, page, form) if form.is_valid() else {}
        if context is None:
            messages.success(request, _("The tasks are saved."))
            return redirect("projects:tasks", slug, pk)
    else:
        form, context = AssignmentTasksForm(assignment=page.assignment), {}
    context |= page.context | {"form": form, "reason": request.POST.get("reason", "")}
    return render(request, "projects/tasks.html", context, status=422 if form.errors else 200)


def _tried(request: HttpRequest, page: StaffPage, form: AssignmentTasksForm) -> dict[str, Any] | None:
    """Let there be the tasks of a form and its pass mark, or return what they would do; None: they are saved."""
    reason, percent = request.POST.get("reason", ""), form.cleaned_data.get("pass_percent")
    try:
        wishes = read_task_lines(form.cleaned_data["lines"], form.standing)
        change = partial(
            set_tasks, assignment=page.assignment, tasks=wishes, pass_percent=percent, by=page.user, now=page.access.now
        )
        # The preview asks for no reason: whether one is needed is what it shows.
        changes = without_trace(lambda: change(reason=reason or "–"))
        shown = [(row.project.pk, row.before, row.after) for row in changes]
        preview = preview_of(request.POST, (wishes, percent, shown))
        if preview.is_agreed:
            change(reason=reason)
            return None
    except RuleViolation as violation:
        form.add_error("lines", str(violation.message))
        return {}
    return {"changes": changes, "preview": preview}
