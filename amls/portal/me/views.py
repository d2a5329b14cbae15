"""Joining a course, leaving it, and what one has in it."""

from allauth.core import ratelimit
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from amls.agenda.feeds import coming_items
from amls.agenda.models import SESSIONS, ItemKind, Status
from amls.core.origin import place_here
from amls.core.violations import RuleViolation, add_violation
from amls.courses.access import Access, open_course
from amls.courses.accounts import user_of
from amls.courses.eligibility import evaluate
from amls.courses.models import Course
from amls.courses.participation import enrol_self, leave_course
from amls.grading.points import WorkState
from amls.membership.claims import claim_by_number, claim_in_own_courses
from amls.pagecache.parts import Shared
from amls.pagecache.signed_in import kept_for_reader
from amls.portal.me.forms import ClaimForm, EnrolForm, bound_numbers
from exams.queries import exams_for, key_of_exam
from projects.addresses import key_of
from projects.deadlines import Deadlines
from projects.queries import assignments_of, read_part
from projects.works import read_own_works

# How many of the coming dates 'my course' shows.
_COMING = 8
_SESSIONS_SHOWN = 4
_SESSIONS = SESSIONS | {ItemKind.OFFICE_HOUR, ItemKind.FREE_DAY}


@login_required
def enrol(request: HttpRequest, slug: str) -> HttpResponse:
    """Join the course by its policy."""
    access = open_course(request, slug)
    course = access.course
    asked = request.POST.get("next") or request.GET.get("next")
    after = place_here(request, asked) or reverse("portal:me", args=[slug])
    if access.enrolment is not None:
        return HttpResponseRedirect(after)
    if request.method == "POST" and "claim" in request.POST:
        return _claim(request, access)
    needs_code = course.enrolment_policy == Course.EnrolmentPolicy.CODE
    form = EnrolForm(request.POST or None) if needs_code else None
    problem = ""
    if request.method == "POST" and (form is None or form.is_valid()):
        user = user_of(request)
        try:
            if form is not None and not ratelimit.consume(request, action="enrol_code", user=user):
                raise RuleViolation(
                    _("Too many attempts. Wait ten minutes, or ask your lecturer for the code."),
                    "too-many",
                    field="code",
                )
            enrol_self(user=user, course=course, code=form.cleaned_data["code"] if form else "", now=access.now)
            claim_in_own_courses(user=user, now=access.now)
        except RuleViolation as violation:
            if form is not None and violation.field:
                add_violation(form, violation)
            else:
                problem = str(violation.message)
        else:
            messages.success(request, _("You are enrolled. Subscribe to your own calendar next."))
            return HttpResponseRedirect(after)
    return _enrol_page(request, access, form=form, problem=problem)


def _claim(request: HttpRequest, access: Access) -> HttpResponse:
    """Ask the staff to confirm who stands on the roster with another address."""
    user = user_of(request)
    form = ClaimForm(request.POST, user=user)
    bound_numbers(request, form)
    if form.is_valid():
        try:
            number = form.cleaned_data["matriculation_number"]
            claim_by_number(user=user, course=access.course, number=number, now=access.now)
        except RuleViolation as violation:
            add_violation(form, violation)
        else:
            said = _(
                "If this number stands on the roster, the staff are asked to confirm that it is you. You get a mail."
            )
            messages.success(request, said)
            return redirect("portal:enrol", slug=access.course.slug)
    return _enrol_page(request, access, claim_form=form)


def _enrol_page(
    request: HttpRequest,
    access: Access,
    *,
    form: EnrolForm | None = None,
    problem: str = "",
    claim_form: ClaimForm | None = None,
) -> HttpResponse:
    course, has_errors = access.course, problem or any(form and form.errors for form in (form, claim_form))
    if claim_form is None and course.enrolment_policy == Course.EnrolmentPolicy.ROSTER:
        claim_form = ClaimForm(user=user_of(request))
    context = {"access": access, "course": course, "form": form, "problem": problem, "claim_form": claim_form}
    return render(request, "portal/enrol.html", context, status=422 if has_errors else 200)


@login_required
@require_safe
@kept_for_reader
def me(request: HttpRequest, slug: str) -> HttpResponse:
    """My course: what I still need, my project, my next dates, my calendar and its health, my settings."""
    access = open_course(request, slug, along=["exam_rules"], own=["feed_token", "earlier_pass", "accommodation"])
    if access.enrolment is None:
        if access.is_manager:
            return redirect(access.course)
        raise Http404
    is_student = not access.enrolment.is_staff
    # Also those that are not visible yet: rules speak of them.
    assignments = assignments_of(access.course)
    deadlines = Deadlines.of_each(assignments)
    main = next((row for row in assignments if row.is_main and row.is_visible_at(access.now)), None)
    # First: what else is asked of this person finds it.
    of_main = deadlines[main.pk] if main is not None else Deadlines.of(None)
    part = read_part(access.enrolment, main, of_main) if is_student else None
    exam = exams_for(access).foremost_at(access.now) if is_student else None
    works = read_own_works(access.enrolment, assignments, now=access.now, deadlines=deadlines)
    rows = coming_items(access.enrolment, now=access.now)
    coming = [row for row in rows if row.status == Status.CONFIRMED]
    # Said once: an assignment is said with its date, and the project and the exam have tiles.
    said = {"projects.submission", *(key_of(row, "due") for row in assignments)} if is_student else set()
    said |= {key_of_exam(exam.exam)} if exam is not None else set()
    context = {
        "access": access,
        "course": access.course,
        "tab": "me",
        # In a course that is over nobody can do any of it.
        "findings": evaluate(access.course, [access.enrolment], now=access.now)[access.enrolment.pk]
        if is_student and access.course.state != Course.State.ARCHIVED
        else [],
        "has_projects": main is not None,
        "assignment": main,
        "registration_closes_at": of_main.registration_closes_at,
        "works": [work for work in works if work.assignment.is_visible_at(access.now)],
        "is_student": is_student,
        "team": part.team if part is not None else None,
        "is_excused": any(row.assignment.is_main and row.work.state == WorkState.EXCUSED for row in works),
        "sessions": [row for row in coming if row.kind in _SESSIONS][:_SESSIONS_SHOWN],
        "shared": Shared(access),
        "deadlines": [row for row in coming if row.kind not in _SESSIONS and row.key not in said][:_COMING],
        "feed_token": getattr(access.enrolment, "feed_token", None),
    }
    return render(request, "portal/me.html", context)


@login_required
@require_POST
def leave(request: HttpRequest, slug: str) -> HttpResponse:
    """End one's own part in the course."""
    access = open_course(request, slug)
    if access.enrolment is None:
        raise Http404
    try:
        leave_course(enrolment=access.enrolment)
    except RuleViolation as violation:
        messages.error(request, str(violation.message))
        return redirect("portal:me", slug=slug)
    messages.success(request, _("You left the course. Your calendar address no longer works."))
    return redirect(access.course)
