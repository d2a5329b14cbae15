"""Cancelling a date, and holding it after all: who is in it and who is told, the reason, and the button."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from amls.core.preview import without_trace
from amls.core.violations import RuleViolation, add_violation
from amls.courses.access import Access
from exams.agenda_items import ExamKeys
from exams.forms import CancelForm
from exams.models import Exam
from exams.overlaps import overlaps_of
from exams.services.cancelling import (
    HeldAgain,
    cancel_exam,
    hold_after_all,
    name_of_people,
    people_in,
    why_not_cancelled,
)
from exams.views.staff import open_exam


@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show who is in the date, and ask why it is cancelled; cancel it."""
    access, exam = open_exam(request, slug, pk)
    form = CancelForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            told = cancel_exam(exam_pk=pk, reason=data["reason"], now=access.now, seen=data["seen"])
        except RuleViolation as violation:
            if violation.code == "cancelled":
                # Pressed twice, or by a colleague at the same moment.
                messages.info(request, str(violation.message))
                return redirect("exams:staff", slug, pk)
            add_violation(form, violation)
        else:
            messages.success(request, _said_of_cancelled(len(told)))
            return redirect("exams:staff", slug, pk)
    people = people_in(exam)
    context = {
        **_context(access, exam),
        "form": form,
        "seated": [person for person in people if person.holds_seat],
        "waiting": sorted((person for person in people if person.position), key=lambda person: person.position or 0),
        "count": len(people),
        # The calendars of the others have the day of a slot, and never had the slot.
        "is_slot": ExamKeys(Exam.objects.filter(course=access.course), access.course.zone).is_slot(exam),
        # Who reads what is there by now has seen it.
        "seen": name_of_people(people),
        "why_not": why_not_cancelled(exam),
    }
    return render(request, "exams/cancel.html", context, status=422 if form.errors else 200)


def _said_of_cancelled(count: int) -> str:
    if not count:
        return _("The date is cancelled. Nobody was in it.")
    return ngettext(
        "The date is cancelled. %(count)d person is told in five minutes; nobody, if you hold it after all before.",
        "The date is cancelled. %(count)d people are told in five minutes; nobody, if you hold it after all before.",
        count,
    ) % {"count": count}


@require_http_methods(["GET", "HEAD", "POST"])
def hold(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show who comes back to a date that was cancelled, who has another one by now, and what it would overlap; hold it after all."""
    access, exam = open_exam(request, slug, pk)
    problem = ""
    if request.method == "POST":
        try:
            again = hold_after_all(exam_pk=pk, now=access.now, seen=request.POST.get("seen", "")[:100] or None)
        except RuleViolation as violation:
            if violation.code == "not-cancelled":
                messages.info(request, str(violation.message))
                return redirect("exams:staff", slug, pk)
            problem = str(violation.message)
        else:
            _say_held(request, again)
            return redirect("exams:staff", slug, pk)
    try:
        would_be = without_trace(lambda: hold_after_all(exam_pk=pk, now=access.now))
        why_not = ""
    except RuleViolation as violation:
        would_be, why_not = HeldAgain([], []), str(violation.message)
    context = {
        **_context(access, exam),
        "again": would_be,
        "seen": name_of_people(people_in(exam)),
        "problem": problem,
        "why_not": why_not,
        "overlaps": [] if why_not else overlaps_of(exam),
    }
    return render(request, "exams/hold.html", context, status=422 if problem else 200)


def _say_held(request: HttpRequest, again: HeldAgain) -> None:
    count = len(again.back)
    said = ngettext(
        "The date is held after all: %(count)d person is in it again.",
        "The date is held after all: %(count)d people are in it again.",
        count,
    )
    messages.success(request, said % {"count": count})
    if again.elsewhere:
        names = ", ".join(str(person.enrolment.user) for person in again.elsewhere)
        text = ngettext(
            "%(count)d person has another date by now, and keeps that one: %(names)s.",
            "%(count)d people have another date by now, and keep that one: %(names)s.",
            len(again.elsewhere),
        )
        messages.warning(request, text % {"count": len(again.elsewhere), "names": names})


def _context(access: Access, exam: Exam) -> dict[str, object]:
    return {"access": access, "course": access.course, "tab": "exams", "exam": exam}
