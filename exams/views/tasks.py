"""The tasks of an exam, and points for them: task by task or person by person, in the order of the stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from amls.core.decimals import say_decimal
from amls.core.keys import primary_key
from amls.core.preview import preview_of, without_trace
from amls.core.text import clean_line
from amls.core.violations import RuleViolation
from amls.courses.access import Access
from amls.courses.accounts import user_or_none
from amls.courses.numbers import plain_number
from amls.courses.services import holding
from amls.desk.tasklines import TasksForm
from amls.grading.tasks import TaskSum, read_task_lines, task_lines
from exams.forms import ShownField, TaskEntryForm, shown_field
from exams.models import Exam, ExamTask, Registration
from exams.services.corrections import keep_corrected_tasks
from exams.services.tasks import enter_task_points, scores_of_exam, set_exam_tasks
from exams.taskpoints import stack_order
from exams.views.not_held import show_not_held
from exams.views.results import refuse_overtaken, say_saved
from exams.views.staff import open_exam_by_points


def _base(access: Access, exam: Exam, tasks: Sequence[ExamTask]) -> dict[str, Any]:
    return {"access": access, "course": access.course, "tab": "exams", "exam": exam, "page": "results", "tasks": tasks}


@require_http_methods(["GET", "HEAD", "POST"])
def tasks(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show the tasks as lines such as 'Joins | 7.5'; show what other ones do to results, then let them be."""
    access, exam = open_exam_by_points(request, slug, pk)
    if exam.is_cancelled and request.method != "POST":
        return show_not_held(request, access, exam)
    if request.method == "POST":
        with holding(access.course):
            standing = list(exam.tasks.all())
            form = TasksForm(request.POST, standing=standing, text=task_lines(standing))
            context = _tried(request, access, exam, form) if form.is_valid() else {}
        if context is None:
            messages.success(request, _("The tasks are saved."))
            return redirect("exams:tasks", slug, pk)
    else:
        standing = list(exam.tasks.all())
        form, context = TasksForm(standing=standing, text=task_lines(standing)), {}
    context |= _base(access, exam, standing) | {"form": form, "reason": request.POST.get("reason", "")}
    return render(request, "exams/tasks.html", context, status=422 if form.errors else 200)


def _tried(request: HttpRequest, access: Access, exam: Exam, form: TasksForm) -> dict[str, Any] | None:
    """Let there be the tasks of a form, or return what they would do; None: they are saved."""
    reason = request.POST.get("reason", "")
    try:
        wishes = read_task_lines(form.cleaned_data["lines"], form.standing)
        change = partial(set_exam_tasks, exam_pk=exam.pk, tasks=wishes, by=user_or_none(request), now=access.now)
        # The preview asks for no reason: whether one is needed is what it shows.
        changes = without_trace(lambda: change(reason=reason or "–"))
        shown = [(row.registration.pk, row.before, row.after) for row in changes]
        preview = preview_of(request.POST, (wishes, shown))
        if preview.is_agreed:
            change(reason=reason)
            return None
    except RuleViolation as violation:
        form.add_error("lines", str(violation.message))
        return {}
    return {"changes": changes, "preview": preview}


def _attended(exam: Exam) -> list[Registration]:
    rows = Registration.objects.filter(exam=exam, state=Registration.State.ATTENDED)
    return stack_order(rows.select_related("enrolment__user", "enrolment__course", "result"))


def _save(request: HttpRequest, access: Access, exam: Exam, form: TaskEntryForm, *, back: str) -> str:
    """Enter what a form holds; return why not, or ''."""
    if not form.is_valid():
        return _("Nothing is saved: mend the marked points.")
    try:
        changes, overtaken = enter_task_points(
            exam_pk=exam.pk, points=form.points(), by=user_or_none(request), now=access.now,
            reason=form.cleaned_data["reason"], seen=form.seen(),
        )  # fmt: skip
    except RuleViolation as violation:
        return str(violation.message)
    made = keep_corrected_tasks(changes, exam=exam, by=user_or_none(request), now=access.now)
    if overtaken:
        return refuse_overtaken(request, access, form, overtaken, count=len(changes), made=made, back=back)
    say_saved(request, access, len(changes), made, back=back)
    return ""


def _field(person: Registration, task: ExamTask, score: TaskSum, form: TaskEntryForm | None) -> ShownField:
    """Return the field for a person's task: what was typed, else what stands."""
    name = f"points-{person.pk}-{task.pk}"
    standing = next(
        (given.points for given in score.tasks if given.task is not None and given.task.pk == task.pk), None
    )
    return shown_field(form, name, standing)


def _again(form: TaskEntryForm | None, problem: str) -> dict[str, str]:
    """Return why something is not saved, and the reason that was typed."""
    return {"problem": problem, "reason": form.data.get("reason", "") if form is not None else ""}


def _said(points: Decimal | None) -> str:
    return say_decimal(points) if points is not None else ""


@require_http_methods(["GET", "HEAD", "POST"])
def by_task(request: HttpRequest, slug: str, pk: int, task: int) -> HttpResponse:
    """Enter the points for one task of everybody who was there."""
    access, exam = open_exam_by_points(request, slug, pk)
    if exam.is_cancelled and request.method != "POST":
        return show_not_held(request, access, exam)
    standing = list(exam.tasks.all())
    chosen = next((row for row in standing if row.pk == task), None)
    if chosen is None:
        raise Http404
    people, form, problem = _attended(exam), None, ""
    if request.method == "POST":
        form = TaskEntryForm(request.POST, people=people, tasks=[chosen])
        here = reverse("exams:by_task", args=[slug, pk, task])
        if not (problem := _save(request, access, exam, form, back=here)):
            return redirect(here)
    scores = scores_of_exam(exam, people)
    rows = [
        {
            "registration": person,
            "field": _field(person, chosen, scores[person.pk], form),
            "sum": _said(scores[person.pk].points),
            "is_whole": scores[person.pk].is_complete,
        }
        for person in people
    ]
    context = _base(access, exam, standing) | {"task": chosen, "rows": rows} | _again(form, problem)
    return render(request, "exams/by_task.html", context, status=422 if problem else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def by_person(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Enter all tasks of one person, then go on to the next of the stack; who is on top is found by number or name."""
    access, exam = open_exam_by_points(request, slug, pk)
    if exam.is_cancelled and request.method != "POST":
        return show_not_held(request, access, exam)
    standing, people = list(exam.tasks.all()), _attended(exam)
    form, problem = None, ""
    if request.method == "POST":
        person = _of(people, request.POST)
        if person is None:
            raise Http404
        form = TaskEntryForm(request.POST, people=[person], tasks=standing)
        here = reverse("exams:by_person", args=[slug, pk])
        if not (problem := _save(request, access, exam, form, back=f"{here}?person={person.pk}")):
            following = people[people.index(person) + 1 :]
            return redirect(f"{here}?person={following[0].pk}" if following else here)
    else:
        sought = clean_line(request.GET.get("q", ""))
        person = _found(people, sought) if sought else _of(people, request.GET)
        if sought and person is None:
            problem = _("Nobody who was there has '%(text)s'.") % {"text": sought[:40]}
    scores = scores_of_exam(exam, people)
    if person is None and not problem:
        # The first of the stack who is not done.
        person = next((row for row in people if not scores[row.pk].is_complete), None)
    place = people.index(person) if person is not None else 0
    context = (
        _base(access, exam, standing)
        | {
            "people": people,
            "person": person,
            "place": place + 1,
            "before": people[place - 1] if person is not None and place else None,
            "after": people[place + 1] if person is not None and place + 1 < len(people) else None,
            "cells": [(task, _field(person, task, scores[person.pk], form)) for task in standing] if person else [],
            "score": scores[person.pk] if person is not None else None,
            "done": sum(scores[row.pk].is_complete for row in people),
            "sought": clean_line(request.GET.get("q", "")),
        }
        | _again(form, problem)
    )
    return render(request, "exams/by_person.html", context, status=422 if problem and form is not None else 200)


def _of(people: Sequence[Registration], sent: Mapping[str, Any]) -> Registration | None:
    key = primary_key(sent.get("person"))
    return next((person for person in people if person.pk == key), None)


def _found(people: Sequence[Registration], sought: str) -> Registration | None:
    """Return who has this number, else whose number ends so, else the first whose name holds it."""
    plain, word = plain_number(sought), sought.casefold()
    numbers = [(plain_number(person.enrolment.number), person) for person in people]
    same = next((person for number, person in numbers if number and number == plain), None)
    ending = [person for number, person in numbers if plain.isdigit() and number.endswith(plain)]
    named = [person for person in people if word in str(person.enrolment.user).casefold()]
    return same or next(iter(ending if len(ending) == 1 else named), None)
