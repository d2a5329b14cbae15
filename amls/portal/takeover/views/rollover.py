"""Holding a course again: first what would be made, then that."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from amls.core.preview import is_wanted, preview_of
from amls.courses.access import Access, open_course_as_manager
from amls.courses.accounts import user_of
from amls.courses.models import Course, Enrolment, Role, User
from amls.courses.participation import enrol
from amls.portal.takeover.carried import Choices
from amls.portal.takeover.diff import Diff
from amls.portal.takeover.forms import RollOverForm
from amls.portal.takeover.rollover import roll_over
from amls.portal.takeover.spec import CourseFileError


@login_required
def roll_over_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Make the course of a new term out of this one."""
    access = open_course_as_manager(request, slug)
    maker = user_of(request)
    today = timezone.localdate(access.now, access.course.zone)
    form = RollOverForm(request.POST or None, course=access.course, today=today, is_agreed=is_wanted(request.POST))
    context: dict[str, Any] = {"access": access, "course": access.course, "form": form}
    if request.method == "POST" and "propose" in request.POST:
        context["form"] = _with_proposed_days(form)
    elif request.method == "POST" and form.is_valid():
        wanted = {name: form.cleaned_data[name] for name in ("new_slug", "start", "skip", "term", "last_day")}
        wanted |= {"first_day": wanted["start"], "names": form.names}
        assistants = list(form.cleaned_data.get("assistants", ()))
        make = partial(roll_over, course=access.course, now=access.now, choices=Choices(**form.choices), **wanted)
        try:
            diff = make(dry_run=True)
            preview = preview_of(request.POST, (wanted, form.choices, [row.pk for row in assistants], diff))
            if preview.is_agreed:
                with transaction.atomic():
                    make()
                    course = Course.objects.get(slug=form.cleaned_data["new_slug"])
                    _staff_new_term(access, course, maker, assistants)
        except CourseFileError as error:
            if (made := _made_already(maker, wanted["new_slug"], make)) is not None:
                return _show_made(request, made)
            context["problems"] = error.problems
        else:
            if preview.is_agreed:
                return _show_made(request, course)
            context |= {"diff": diff, "preview": preview}
    status = 422 if "problems" in context or context["form"].errors else 200
    return render(request, "portal/takeover/roll_over.html", context, status=status)


def _with_proposed_days(form: RollOverForm) -> RollOverForm:
    """Return the form with the days that are proposed; where it has no days to go by, with what is to be mended of these."""
    if not {"start", "last_day", "skip"} & form.errors.keys():
        return form.with_proposed_days()
    for name in form.errors.keys() - {"start", "last_day", "skip"}:
        del form.errors[name]
    return form


def _show_made(request: HttpRequest, course: Course) -> HttpResponse:
    messages.success(request, _("The new course was made as a draft. Look at its dates, then publish it."))
    return redirect(course)


def _made_already(maker: User, slug: str, make: Callable[..., Diff]) -> Course | None:
    """Return the course that is what would be made and in whose staff its maker is: the button was pressed twice."""
    course = Course.objects.filter(slug=slug, state=Course.State.DRAFT).first()
    if course is None or not course.enrolments.filter(user=maker).exclude(role=Role.STUDENT).exists():
        return None
    try:
        return None if make(dry_run=True, must_be_new=False) else course
    except CourseFileError:
        return None


def _staff_new_term(old: Access, new: Course, maker: User, assistants: Iterable[Enrolment]) -> None:
    """Give the new term the old one's lecturers, those who assist again, and whoever made it their part in its staff."""
    for lecturer in old.course.enrolments.reachable().filter(role=Role.LECTURER).select_related("user"):
        enrol(user=lecturer.user, course=new, role=Role.LECTURER)
    for assistant in assistants:
        enrol(user=assistant.user, course=new, role=Role.ASSISTANT)
    own = old.enrolment
    enrol(user=maker, course=new, role=Role(own.role) if own is not None and own.is_staff else Role.LECTURER)
