"""A student's points for an assignment, task by task, with what they asked about them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from amls.core.violations import RuleViolation, add_violation
from projects.addresses import address_of
from projects.forms.decisions import QuestionForm
from projects.models import Assignment, PointsQuestion
from projects.points import score_of
from projects.services.questions import ask_about_points, asks_until
from projects.views.access import Mine, number, open_mine

_SUM = "sum"


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def my_points(request: HttpRequest, slug: str, assignment: int | None = None) -> HttpResponse:
    """Show the published points of the team or of the member, and take a question about a task."""
    mine = open_mine(request, slug, assignment)
    team, piece = mine.require_team(), mine.require_assignment()
    published = team.published
    if piece.grading != Assignment.Grading.POINTS or published is None:
        raise Http404
    asked = request.POST.get("task", "")
    form = QuestionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        task = None if asked == _SUM else number(asked)
        try:
            ask_about_points(
                project=team.project, task=task, by=mine.enrolment, text=form.cleaned_data["text"], now=mine.access.now
            )
        except RuleViolation as violation:
            add_violation(form, violation)
        else:
            messages.success(request, _("Your question is with the staff. You get a mail with the answer."))
            return redirect(address_of(piece, "my_points"))
    context = _context(mine, form, asked)
    return render(request, "projects/my_points.html", context, status=422 if form.errors else 200)


def _context(mine: Mine, form: QuestionForm, asked: str) -> dict[str, Any]:
    """Return what the page shows: each task with its question, and where one may still be asked a form for it."""
    team, piece, now = mine.require_team(), mine.require_assignment(), mine.access.now
    published = team.published
    assert published is not None  # noqa: S101 - looked at by the view
    rows = PointsQuestion.objects.filter(assessment=published, enrolment=mine.enrolment).select_related("answered_by")
    questions = {row.task_id: row for row in rows}
    score = score_of(published, piece, mine.enrolment.pk)
    until = asks_until(piece, published.published_at)
    excuse, last = mine.excuse(), until - timedelta(minutes=1) if until is not None else None
    asks = mine.course.state == mine.course.State.RUNNING and excuse is None
    is_open = asks and until is not None and now < until
    entries = []
    for task in score.tasks:
        key = str(task.task.pk) if task.task is not None else _SUM
        entry: dict[str, Any] = {
            "score": task,
            "key": key,
            "question": questions.get(task.task.pk if task.task else None),
        }
        if is_open and entry["question"] is None:
            entry["form"] = form if key == asked else QuestionForm(auto_id=f"id_{key}_%s")
        entries.append(entry)
    return {
        "access": mine.access,
        "course": mine.course,
        "tab": "projects",
        "assignment": piece,
        "entries": entries,
        "score": score,
        "assessment": published,
        "excuse": excuse,
        "until": last if is_open else None,
        "was_until": last if asks and not is_open else None,
        "problems": [] if asked in {entry["key"] for entry in entries if "form" in entry} else form.non_field_errors(),
    }
