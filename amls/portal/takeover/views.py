"""Paste-import and roll-over for staff: first what would change, then the change."""

from functools import partial
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from amls.core.preview import preview_of
from amls.courses.access import Access, need_course_maker, open_course_as_manager
from amls.courses.models import Course, Role, User
from amls.courses.services import enrol
from amls.portal.rollover import roll_over
from amls.portal.takeover.apply import import_course
from amls.portal.takeover.forms import ImportForm, NewCourseForm, RollOverForm
from amls.portal.takeover.reading import read_course_file
from amls.portal.takeover.spec import CourseFileError


@login_required
def import_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Update a course from a pasted page."""
    access = open_course_as_manager(request, slug)
    form = ImportForm(request.POST or None)
    context = {"access": access, "course": access.course, "form": form, "heading": _("Import the course page")}
    if request.method == "POST" and form.is_valid():
        try:
            spec = read_course_file(
                form.cleaned_data["text"], slug=slug, year=form.cleaned_data["year"], today=access.now.date()
            )
            diff = import_course(spec=spec, slug=slug, now=access.now, dry_run=True)
            preview = preview_of(request.POST, (form.cleaned_data, diff))
            if preview.is_agreed:
                import_course(spec=spec, slug=slug, now=access.now)
        except CourseFileError as error:
            return render(request, "portal/takeover/import.html", {**context, "problems": error.problems}, status=422)
        if preview.is_agreed:
            messages.success(request, _("Imported. Everyone's calendar follows."))
            return redirect(access.course)
        context |= {"diff": diff, "preview": preview}
    return render(request, "portal/takeover/import.html", context)


@login_required
def new_course(request: HttpRequest) -> HttpResponse:
    """Make a course from a pasted page; who makes it becomes its lecturer."""
    maker = need_course_maker(request)
    form = NewCourseForm(request.POST or None)
    context = {"form": form, "heading": _("New course")}
    if request.method == "POST" and form.is_valid():
        now = request.now  # type: ignore[attr-defined]
        try:
            spec = read_course_file(
                form.cleaned_data["text"],
                slug=form.cleaned_data["slug"] or None,
                year=form.cleaned_data["year"],
                today=now.date(),
            )
            slug = form.cleaned_data["slug"] or spec.slug
            diff = import_course(spec=spec, slug=slug, now=now, dry_run=True, must_be_new=True)
            preview = preview_of(request.POST, (form.cleaned_data, diff))
            if preview.is_agreed:
                with transaction.atomic():
                    import_course(spec=spec, slug=slug, now=now, must_be_new=True)
                    course = Course.objects.get(slug=slug)
                    enrol(user=maker, course=course, role=Role.LECTURER)
        except CourseFileError as error:
            return render(request, "portal/takeover/import.html", {**context, "problems": error.problems}, status=422)
        if preview.is_agreed:
            messages.success(request, _("The course was made as a draft: only you can see it until you publish it."))
            return redirect(course)
        context |= {"diff": diff, "preview": preview}
    return render(request, "portal/takeover/import.html", context)


@login_required
def roll_over_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Make the course of a new term out of this one."""
    access = open_course_as_manager(request, slug)
    maker = cast("User", request.user)  # whoever manages a course has signed in
    form = RollOverForm(request.POST or None)
    context: dict[str, Any] = {"access": access, "course": access.course, "form": form}
    if request.method == "POST" and form.is_valid():
        make = partial(roll_over, course=access.course, now=access.now, **form.cleaned_data)
        try:
            diff = make(dry_run=True)
            preview = preview_of(request.POST, (form.cleaned_data, diff))
            if preview.is_agreed:
                with transaction.atomic():
                    make()
                    course = Course.objects.get(slug=form.cleaned_data["new_slug"])
                    _staff_new_term(access, course, maker)
        except CourseFileError as error:
            context["problems"] = error.problems
        else:
            if preview.is_agreed:
                messages.success(request, _("The new course was made as a draft. Look at its dates, then publish it."))
                return redirect(course)
            context |= {"diff": diff, "preview": preview}
    status = 422 if "problems" in context or form.errors else 200
    return render(request, "portal/takeover/roll_over.html", context, status=status)


def _staff_new_term(old: Access, new: Course, maker: User) -> None:
    """Give the new term the old one's lecturers, and whoever made it their part in its staff."""
    for lecturer in old.course.enrolments.filter(role=Role.LECTURER, user__is_active=True).select_related("user"):
        enrol(user=lecturer.user, course=new, role=Role.LECTURER)
    own = old.enrolment
    enrol(user=maker, course=new, role=Role(own.role) if own is not None and own.is_staff else Role.LECTURER)
