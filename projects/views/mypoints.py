"""A student's points for an assignment, task by task, with what they asked about them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from amls.core.violations import RuleViolation, add_violation
from amls.grading.tasks import TaskScore
from projects.addresses import address_of
from projects.forms.decisions import QuestionForm
from projects.models import Assignment, PointsQuestion
from projects.points import Score, score_of
from projects.services.questions import ask_about_points, asks_until
from projects.views.access import Mine, open_mine

_SUM = "sum"


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def my_points(request: HttpRequest, slug: str, assignment: int | None = None) -> HttpResponse:
    """Show the published points of the team or of the member, and take questions about tasks.

    All that were written are sent together, each by itself: one that is refused stands there as it was typed.
    """
    mine = open_mine(request, slug, assignment)
    team, piece = mine.require_team(), mine.require_assignment()
    published = team.published
    if piece.grading != Assignment.Grading.POINTS or published is None:
        raise Http404
    score = score_of(published, piece, mine.enrolment.pk)
    refused = _ask_each(request, mine, score) if request.method == "POST" else {}
    if request.method == "POST" and not refused:
        return redirect(address_of(piece, "my_points"))
    return render(request, "projects/my_points.html", _context(mine, score, refused), status=422 if refused else 200)


def _key_of(task: TaskScore) -> str:
    return str(task.task.pk) if task.task is not None else _SUM


def _ask_each(request: HttpRequest, mine: Mine, score: Score) -> dict[str, QuestionForm]:
    """Ask about each task for which something was typed; return the forms of those that are refused, by task."""
    forms = [(task, QuestionForm(request.POST, prefix=_key_of(task))) for task in score.tasks]
    typed = [(task, form) for task, form in forms if form.has_changed()]
    if not typed:
        messages.info(request, _("Nothing was sent: you wrote no question."))
    refused = {}
    for task, form in typed:
        if form.is_valid():
            try:
                ask_about_points(
                    project=mine.project,
                    task=task.task.pk if task.task is not None else None,
                    by=mine.enrolment,
                    text=form.cleaned_data["text"],
                    now=mine.access.now,
                )
            except RuleViolation as violation:
                add_violation(form, violation)
        if form.errors:
            refused[_key_of(task)] = form
    if sent := len(typed) - len(refused):
        said = ngettext(
            "Your question is with the staff. You get a mail with the answer.",
            "Your %(count)d questions are with the staff. You get a mail with each answer.",
            sent,
        )
        messages.success(request, said % {"count": sent})
    return refused


def _context(mine: Mine, score: Score, refused: Mapping[str, QuestionForm]) -> dict[str, Any]:
    """Return what the page shows: each task with its question, and where one may still be asked a form for it."""
    team, piece, now = mine.require_team(), mine.require_assignment(), mine.access.now
    published = team.published
    assert published is not None  # noqa: S101 - looked at by the view
    rows = PointsQuestion.objects.filter(assessment=published, enrolment=mine.enrolment).select_related("answered_by")
    questions = {row.task_id: row for row in rows}
    until = asks_until(piece, published.published_at)
    excuse, last = mine.excuse(), until - timedelta(minutes=1) if until is not None else None
    asks = mine.course.state == mine.course.State.RUNNING and excuse is None
    is_open = asks and until is not None and now < until
    entries = []
    for task in score.tasks:
        key = _key_of(task)
        entry: dict[str, Any] = {
            "score": task,
            "key": key,
            "question": questions.get(task.task.pk if task.task else None),
        }
        if key in refused:
            entry["form"] = refused[key]
        elif is_open and entry["question"] is None:
            entry["form"] = QuestionForm(prefix=key)
        entries.append(entry)
    return {
        "access": mine.access,
        "course": mine.course,
        "tab": "projects",
        "assignment": piece,
        "entries": entries,
        "forms": sum("form" in entry for entry in entries),
        "score": score,
        "assessment": published,
        "correction": published.correction_for(mine.enrolment.pk),
        "excuse": excuse,
        "until": last if is_open else None,
        "was_until": last if asks and not is_open else None,
    }
