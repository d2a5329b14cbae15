"""The tasks of an assignment, one to a line, with what a change does to points that are given."""

from __future__ import annotations

from functools import partial

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from amls.core.preview import preview_of, without_trace
from amls.core.violations import RuleViolation
from amls.files.tables.values import read_number
from amls.grading.tasks import read_task_lines, task_lines
from projects.models import Assignment
from projects.services.points import set_tasks
from projects.views.access import open_staff_page

_LONGEST = 10_000


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def tasks(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show the tasks as lines such as 'Induction | 7.5'; show what other ones do to points, then let them be."""
    page = open_staff_page(request, slug, pk, grading=Assignment.Grading.POINTS)
    access, assignment = page.access, page.assignment
    standing = list(assignment.tasks.all())
    lines = task_lines(standing)
    reason, problem, context = request.POST.get("reason", ""), "", {}
    percent = request.POST.get("pass_percent", str(assignment.pass_percent))[:10]
    if request.method == "POST":
        lines = request.POST.get("lines", "")[:_LONGEST]
        try:
            wishes = read_task_lines(lines, standing)
            change = partial(
                set_tasks,
                assignment=assignment,
                tasks=wishes,
                pass_percent=_percent(percent),
                by=page.user,
                now=access.now,
            )
            # The preview asks for no reason: whether one is needed is what it shows.
            changes = without_trace(lambda: change(reason=reason or "–"))
            preview = preview_of(
                request.POST, (wishes, percent, [(row.project.pk, row.before, row.after) for row in changes])
            )
            context = {"changes": changes, "preview": preview, "wishes": wishes}
            if preview.is_agreed:
                change(reason=reason)
                messages.success(request, _("The tasks are saved."))
                return redirect("projects:tasks", slug, pk)
        except RuleViolation as violation:
            problem = str(violation.message)
    context |= page.context | {"lines": lines, "reason": reason, "problem": problem, "percent": percent}
    return render(request, "projects/tasks.html", context, status=422 if problem else 200)


def _percent(text: str) -> int:
    value = read_number(text)
    if value != int(value) or not 1 <= value <= 100:
        raise RuleViolation(_("The pass mark lies between 1 and 100 percent."), code="no-percent")
    return int(value)
