"""Holding a course again: first what would be made, then that."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from amls.core.preview import preview_of
from amls.courses.access import Access, open_course_as_manager
from amls.courses.accounts import user_of
from amls.courses.models import Course, Enrolment, Role, User
from amls.courses.participation import enrol
from amls.portal.takeover.forms import RollOverForm
from amls.portal.takeover.rollover import roll_over
from amls.portal.takeover.spec import CourseFileError


@login_required
def roll_over_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Make the course of a new term out of this one."""
    access = open_course_as_manager(request, slug)
    maker = user_of(request)
    form = RollOverForm(request.POST or None, course=access.course)
    context: dict[str, Any] = {"access": access, "course": access.course, "form": form}
    if request.method == "POST" and form.is_valid():
        wanted = {name: value for name, value in form.cleaned_data.items() if name != "assistants"}
        assistants = list(form.cleaned_data.get("assistants", ()))
        make = partial(roll_over, course=access.course, now=access.now, **wanted)
        try:
            diff = make(dry_run=True)
            preview = preview_of(request.POST, (wanted, [assistant.pk for assistant in assistants], diff))
            if preview.is_agreed:
                with transaction.atomic():
                    make()
                    course = Course.objects.get(slug=form.cleaned_data["new_slug"])
                    _staff_new_term(access, course, maker, assistants)
        except CourseFileError as error:
            context["problems"] = error.problems
        else:
            if preview.is_agreed:
                messages.success(request, _("The new course was made as a draft. Look at its dates, then publish it."))
                return redirect(course)
            context |= {"diff": diff, "preview": preview}
    status = 422 if "problems" in context or form.errors else 200
    return render(request, "portal/takeover/roll_over.html", context, status=status)


def _staff_new_term(old: Access, new: Course, maker: User, assistants: Iterable[Enrolment]) -> None:
    """Give the new term the old one's lecturers, those who assist again, and whoever made it their part in its staff."""
    for lecturer in old.course.enrolments.reachable().filter(role=Role.LECTURER).select_related("user"):
        enrol(user=lecturer.user, course=new, role=Role.LECTURER)
    for assistant in assistants:
        enrol(user=assistant.user, course=new, role=Role.ASSISTANT)
    own = old.enrolment
    enrol(user=maker, course=new, role=Role(own.role) if own is not None and own.is_staff else Role.LECTURER)
