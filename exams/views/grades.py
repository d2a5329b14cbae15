"""The results of a date that is graded without points: everybody's grade, what they come to, publication, the office's list."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from amls.core.meanwhile import exactly
from amls.core.violations import RuleViolation
from amls.courses.access import Access
from amls.courses.accounts import user_or_none
from amls.held.corrections import say_corrected
from amls.held.models import HeldAct
from exams.admission import without_admission
from exams.forms import GradesForm
from exams.grading import grade_bars, statistics_of
from exams.models import Exam, Registration, Result, ResultChange
from exams.naming import known_by
from exams.queries import exam_rules
from exams.services.grades import enter_grades, keep_corrected_grades
from exams.services.publication import RESULTS
from exams.views.staff import open_exam


def _people(exam: Exam, access: Access) -> list[Registration]:
    """Return who may have a grade: once it has begun also who was not marked present, as a grade says that they were there."""
    states = [Registration.State.ATTENDED]
    if exam.starts_at <= access.now:
        states.append(Registration.State.REGISTERED)
    rows = Registration.objects.filter(exam=exam, state__in=states)
    return list(
        rows.select_related("enrolment__user", "enrolment__course", "enrolment__accommodation", "result").by_name()
    )


def show_grades(
    request: HttpRequest, access: Access, exam: Exam, *, form: GradesForm | None = None, problem: str = ""
) -> HttpResponse:
    """Return the page of grades.

    Args:
        request: of one of the staff.
        access: to the course.
        exam: that is graded without points.
        form: what was typed and is not kept.
        problem: why.
    """
    people = _people(exam, access)
    without = without_admission(access.course, people, now=access.now)
    known = known_by([person.enrolment for person in people])
    shown = form or GradesForm(None, people=people)
    rows: list[dict[str, Any]] = [
        {
            "registration": person,
            "result": getattr(person, "result", None),
            "field": shown[f"grade-{person.pk}"],
            "seen": _seen(form, person),
            "known_by": known[person.enrolment_id],
            "ends_at": person.own_end(exam),
            "without_admission": without.get(person.pk),
        }
        for person in people
    ]
    results = [row["result"] for row in rows if row["result"] is not None]
    statistics = statistics_of((None, result.grade) for result in results)
    drafts = [result for result in results if result.state == Result.State.DRAFT]
    rules = exam_rules(access.course)
    context: dict[str, Any] = {
        "access": access,
        "course": access.course,
        "tab": "exams",
        "exam": exam,
        "rows": rows,
        "statistics": statistics,
        "grade_bars": grade_bars(statistics.counts),
        "drafts": len(drafts),
        "graded_without_admission": sum(
            row["registration"].pk in without and row["result"] in drafts for row in rows if row["result"] is not None
        ),
        "has_extra_points": rules.max_extra_points > 0,
        "waiting": HeldAct.objects.waiting_in(access.course, RESULTS).filter(about=str(exam.pk)),
        "changes": ResultChange.objects.filter(registration__exam=exam).select_related("registration__enrolment__user", "by")[:30],
        "problem": problem,
        "reason": form.data.get("reason", "") if form is not None else "",
    }  # fmt: skip
    return render(request, "exams/grades.html", context, status=422 if problem else 200)


def _seen(form: GradesForm | None, person: Registration) -> str:
    """Return what names the grade that a field shows: whoever sends it again has read what is said there."""
    name, result = f"grade-{person.pk}", getattr(person, "result", None)
    stands = exactly(result.grade) if result is not None else ""
    sent = form.seen_in(name) if form is not None else None
    return stands if sent is None or (form is not None and form.errors.get(name)) else sent


@require_POST
def enter(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Keep the grades that were chosen; one that is wrong keeps all of them on the page, one that is overtaken itself alone."""
    access, exam = open_exam(request, slug, pk)
    if not exam.is_graded_directly:
        raise Http404
    form, problem, by = GradesForm(request.POST, people=_people(exam, access)), "", user_or_none(request)
    if not form.is_valid():
        return show_grades(request, access, exam, form=form, problem=_("Nothing is saved: mend the marked fields."))
    try:
        changes, overtaken = enter_grades(
            exam_pk=pk,
            grades=form.grades(),
            by=by,
            reason=form.cleaned_data["reason"],
            now=access.now,
            seen=form.seen(),
        )
    except RuleViolation as violation:
        return show_grades(request, access, exam, form=form, problem=str(violation.message))
    made = keep_corrected_grades(changes, exam=exam, by=by, now=access.now)
    back, count = reverse("exams:results", args=[slug, pk]), len(changes)
    text = ngettext("The grade of %(count)d person is saved.", "The grades of %(count)d people are saved.", count)
    said = text % {"count": count}
    if made is not None:
        say_corrected(request, made, course=access.course, title=said.rstrip("."), back=back, by=by, now=access.now)
    elif count or not overtaken:
        messages.success(request, said)
    if not overtaken:
        return redirect(back)
    form.refuse(overtaken)
    problem = ngettext(
        "%(count)d grade is not saved, as somebody else changed it meanwhile. See what stands beside it.",
        "%(count)d grades are not saved, as somebody else changed them meanwhile. See what stands beside each.",
        len(overtaken),
    ) % {"count": len(overtaken)}
    return show_grades(request, access, exam, form=form, problem=problem)
