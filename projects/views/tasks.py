"""The tasks of an assignment, one to a line, with what a change does to points that are given."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from amls.core.decimals import say_decimal
from amls.core.preview import preview_of, without_trace
from amls.core.text import clean_line
from amls.core.violations import RuleViolation
from amls.grading.points import MOST_POINTS, read_points
from projects.models import Assignment, Task
from projects.services.points import TaskWish, set_tasks
from projects.views.access import open_staff_page

_LONGEST = 10_000


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def tasks(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show the tasks as lines such as 'Induction | 7.5'; show what other ones do to points, then let them be."""
    page = open_staff_page(request, slug, pk, grading=Assignment.Grading.POINTS)
    access, assignment = page.access, page.assignment
    standing = list(assignment.tasks.all())
    lines = "\n".join(f"{task.title} | {say_decimal(task.max_points)}" for task in standing)
    reason, problem, context = request.POST.get("reason", ""), "", {}
    if request.method == "POST":
        lines = request.POST.get("lines", "")[:_LONGEST]
        try:
            wishes = _read(lines, standing)
            change = partial(set_tasks, assignment=assignment, tasks=wishes, by=page.user, now=access.now)
            # The preview asks for no reason: whether one is needed is what it shows.
            changes = without_trace(lambda: change(reason=reason or "–"))
            preview = preview_of(request.POST, (wishes, [(row.project.pk, row.before, row.after) for row in changes]))
            context = {"changes": changes, "preview": preview, "wishes": wishes}
            if preview.is_agreed:
                change(reason=reason)
                messages.success(request, _("The tasks are saved."))
                return redirect("projects:tasks", slug, pk)
        except RuleViolation as violation:
            problem = str(violation.message)
    context |= page.context | {"lines": lines, "reason": reason, "problem": problem}
    return render(request, "projects/tasks.html", context, status=422 if problem else 200)


def _read(text: str, standing: Sequence[Task]) -> list[TaskWish]:
    """Return the tasks that lines say; one whose title stays keeps what was given for it.

    Raises:
        RuleViolation: a line lacks its points, or two have one title.
    """
    known = {task.title: task.pk for task in standing}
    wishes: list[TaskWish] = []
    for line in filter(None, map(clean_line, text.splitlines())):
        title, _bar, points = (part.strip() for part in line.rpartition("|"))
        if not title:
            raise RuleViolation(_("'%(line)s': write title | points.") % {"line": line[:60]}, code="task-line")
        if title in {wish.title for wish in wishes}:
            raise RuleViolation(_("'%(title)s' stands there twice.") % {"title": title[:60]}, code="task-twice")
        wishes.append(TaskWish(title[:200], read_points(points, most=MOST_POINTS - 1), known.get(title)))
    return wishes
