"""What the staff decide about single people of an assignment: who is excused, what is answered; and their snippets."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from amls.core.violations import RuleViolation, add_violation
from amls.courses.access import Access, open_course_as_manager
from amls.courses.services import holding
from amls.held.corrections import say_corrected
from projects.forms.decisions import ExcuseForm, QuestionAnswerForm, SnippetsForm
from projects.models import Assignment, CommentSnippet, Excuse, PointsQuestion, TaskPoints
from projects.services.corrections import correct
from projects.services.excuses import end_excuse, excuse
from projects.services.questions import answer_question, version_of_question
from projects.services.snippets import keep_snippets
from projects.services.teamsheets import most_by_task
from projects.views.access import StaffPage, number, open_staff_page


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def excuses(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show who is excused, excuse somebody, and take an excuse back."""
    page = open_staff_page(request, slug, pk)
    rows = Excuse.objects.filter(assignment=page.assignment).select_related("enrolment__user", "by")
    if "end" in request.POST:
        row = get_object_or_404(rows, pk=number(request.POST["end"]))
        end_excuse(enrolment=row.enrolment, assignment=page.assignment, now=page.access.now)
        said = _("%(name)s is no longer excused, and hears of it in ten minutes unless excused again.")
        messages.success(request, said % {"name": row.enrolment.user})
        return redirect("projects:excuses", slug, pk)
    form = ExcuseForm(request.POST or None, assignment=page.assignment)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            excuse(
                enrolment=data["enrolment"], assignment=page.assignment, reason=data["reason"], by=page.user,
                now=page.access.now,
            )  # fmt: skip
        except RuleViolation as violation:
            add_violation(form, violation)
        else:
            said = _("%(name)s is excused, and gets a mail in ten minutes unless you take it back.")
            messages.success(request, said % {"name": data["enrolment"].user})
            return redirect("projects:excuses", slug, pk)
    shown = sorted(rows, key=lambda row: row.enrolment.user.sort_name)
    context = page.context | {"rows": shown, "form": form}
    return render(request, "projects/excuses.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def questions(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show what was asked about points, the open ones first; answer, and correct points where that is due.

    All answers that were written are sent together, each by itself: one that is refused stands there as it was typed.
    """
    page = open_staff_page(request, slug, pk, grading=Assignment.Grading.POINTS)
    most = most_by_task(page.assignment)
    refused = _answer_each(request, page, most) if request.method == "POST" else {}
    if request.method == "POST" and not refused:
        return redirect("projects:questions", slug, pk)
    rows = _asked(page)
    standing = _standing(rows)
    entries: list[dict[str, Any]] = []
    for row in rows:
        form = refused.get(row.pk) or QuestionAnswerForm(question=row, most=most.get(row.task_id, Decimal(0)))
        of_team = standing.get((row.assessment_id, row.task_id, None))
        points = standing.get((row.assessment_id, row.task_id, row.enrolment_id), of_team)
        seen = version_of_question(row, points)
        entries.append({"question": row, "form": form, "points": points, "most": most.get(row.task_id), "seen": seen})
    context = page.context | {
        "open_ones": [entry for entry in entries if entry["question"].answered_at is None],
        "answered": [entry for entry in entries if entry["question"].answered_at is not None],
    }
    return render(request, "projects/questions.html", context, status=422 if refused else 200)


def _asked(page: StaffPage) -> list[PointsQuestion]:
    """Return what was asked about an assignment, the oldest first: 1 query."""
    return list(
        PointsQuestion.objects.filter(assessment__project__assignment=page.assignment)
        .select_related("enrolment__user", "task", "answered_by", "assessment__project__assignment__course")
        .order_by("asked_at", "pk")
    )


def _answer_each(
    request: HttpRequest, page: StaffPage, most: Mapping[int | None, Decimal]
) -> dict[int, QuestionAnswerForm]:
    """Answer each question for which something was typed; return the forms of those that are refused, by question."""
    forms = [
        (row, QuestionAnswerForm(request.POST, question=row, most=most.get(row.task_id, Decimal(0))))
        for row in _asked(page)
    ]
    typed = [(row, form) for row, form in forms if form.has_changed()]
    if not typed:
        messages.info(request, _("Nothing was changed."))
    refused: dict[int, QuestionAnswerForm] = {}
    # Two may ask about one task: an answer that leaves its points is about those that stood there.
    for row, form in sorted(typed, key=lambda pair: "points" in pair[1].changed_data):
        if not form.is_valid():
            refused[row.pk] = form
            continue
        try:
            _answer(request, page, row, form)
        except RuleViolation as violation:
            add_violation(form, violation)
            refused[row.pk] = form
    return refused


def _answer(request: HttpRequest, page: StaffPage, question: PointsQuestion, form: QuestionAnswerForm) -> None:
    """Answer a question, with other points where there are any: both are taken back together.

    Raises:
        RuleViolation: as `answer_question`.
    """
    written = partial(
        answer_question, question=question, **form.cleaned_data, by=page.user, now=page.access.now, seen=form.seen
    )
    made = correct(project=question.assessment.project, do=written, by=page.user, now=page.access.now)
    if made is None:
        messages.info(request, _("Nothing was changed."))
        return
    say_corrected(
        request, made, course=page.course, title=_("Answer to %(name)s") % {"name": question.enrolment.user},
        back=reverse("projects:questions", args=[page.course.slug, page.assignment.pk]), by=page.user,
        now=page.access.now,
    )  # fmt: skip


def _standing(rows: list[PointsQuestion]) -> dict[tuple[int, int | None, int | None], Decimal]:
    """Return the points for tasks by assessment, task and member, None for the team: 1 query."""
    given = TaskPoints.objects.filter(assessment__in=[row.assessment_id for row in rows])
    return {(row.assessment_id, row.task_id, row.enrolment_id): row.points for row in given}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def snippets(request: HttpRequest, slug: str) -> HttpResponse:
    """Show and change the comments that the staff of a course use again."""
    access = open_course_as_manager(request, slug)
    if request.method == "POST":
        with holding(access.course):
            form = _snippets_form(access, request.POST)
            is_kept = form.is_valid() and _keep_snippets(access, form)
        if is_kept:
            messages.success(request, _("The snippets are saved."))
            return redirect("projects:snippets", slug)
    else:
        form = _snippets_form(access)
    context: dict[str, Any] = {"access": access, "course": access.course, "form": form}
    return render(request, "projects/snippets.html", context, status=422 if form.errors else 200)


def _snippets_form(access: Access, sent: QueryDict | None = None) -> SnippetsForm:
    standing = CommentSnippet.objects.filter(course=access.course).values_list("text", flat=True)
    return SnippetsForm(sent, initial={"lines": "\n".join(standing)})


def _keep_snippets(access: Access, form: SnippetsForm) -> bool:
    """Keep the snippets that a form holds; return whether they are kept."""
    try:
        keep_snippets(course=access.course, texts=form.texts(), now=access.now)
    except RuleViolation as violation:
        form.add_error("lines", str(violation.message))
        return False
    return True
