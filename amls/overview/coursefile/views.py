"""Paste-import and roll-over for staff: first what would change, then the change."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from amls.courses.access import open_course_as_manager
from amls.courses.models import Course, Role, User
from amls.courses.permissions import may_create_courses
from amls.courses.services import enrol
from amls.overview.coursefile.apply import import_course
from amls.overview.coursefile.diff import Diff
from amls.overview.coursefile.forms import ImportForm, NewCourseForm, RollOverForm
from amls.overview.coursefile.reading import read_course_file
from amls.overview.coursefile.rollover import roll_over
from amls.overview.coursefile.spec import CourseFileError


@login_required
def import_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Update a course from a pasted page."""
    access = open_course_as_manager(request, slug)
    form = ImportForm(request.POST or None)
    context = {"access": access, "course": access.course, "form": form, "heading": _("Import the course page")}
    if request.method == "POST" and form.is_valid():
        is_confirmed = "confirm" in request.POST
        try:
            spec = read_course_file(form.cleaned_data["text"], slug=slug, year=form.cleaned_data["year"])
            diff = import_course(spec=spec, slug=slug, now=access.now, dry_run=not is_confirmed)
        except CourseFileError as error:
            return render(
                request, "overview/coursefile/import.html", {**context, "problems": error.problems}, status=422
            )
        if is_confirmed:
            messages.success(request, _("Imported. Everyone's calendar follows."))
            return redirect(access.course)
        context["diff"] = diff
    return render(request, "overview/coursefile/import.html", context)


@login_required
def new_course(request: HttpRequest) -> HttpResponse:
    """Make a course from a pasted page; who makes it becomes its lecturer."""
    if not may_create_courses(request.user) or not isinstance(request.user, User):
        raise Http404
    form = NewCourseForm(request.POST or None)
    context = {"form": form, "heading": _("New course")}
    if request.method == "POST" and form.is_valid():
        is_confirmed = "confirm" in request.POST
        now = request.now  # type: ignore[attr-defined]
        try:
            spec = read_course_file(
                form.cleaned_data["text"], slug=form.cleaned_data["slug"] or None, year=form.cleaned_data["year"]
            )
            slug = form.cleaned_data["slug"] or spec.slug
            if Course.objects.filter(slug=slug).exists():
                raise CourseFileError(
                    [_("There is a course '%(slug)s' already. Give another address.") % {"slug": slug}]
                )
            diff = import_course(spec=spec, slug=slug, now=now, dry_run=not is_confirmed)
        except CourseFileError as error:
            return render(
                request, "overview/coursefile/import.html", {**context, "problems": error.problems}, status=422
            )
        if is_confirmed:
            course = Course.objects.get(slug=slug)
            enrol(user=request.user, course=course, role=Role.LECTURER)
            messages.success(request, _("The course was made as a draft: only you can see it until you publish it."))
            return redirect(course)
        context["diff"] = diff
    return render(request, "overview/coursefile/import.html", context)


@login_required
def roll_over_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Make the course of a new term out of this one."""
    access = open_course_as_manager(request, slug)
    form = RollOverForm(request.POST or None)
    diff: Diff | None = None
    problems: list[str] = []
    if request.method == "POST" and form.is_valid():
        is_confirmed = "confirm" in request.POST
        data = form.cleaned_data
        try:
            diff = roll_over(
                course=access.course,
                new_slug=data["new_slug"],
                start=data["start"],
                skip=data["skip"],
                now=access.now,
                dry_run=not is_confirmed,
            )
        except CourseFileError as error:
            problems = error.problems
        else:
            if is_confirmed and isinstance(request.user, User):
                course = Course.objects.get(slug=data["new_slug"])
                enrol(user=request.user, course=course, role=Role.LECTURER)
                messages.success(request, _("The new course was made as a draft. Look at its dates, then publish it."))
                return redirect(course)
    context = {"access": access, "course": access.course, "form": form, "diff": diff, "problems": problems}
    return render(
        request, "overview/coursefile/roll_over.html", context, status=422 if problems or form.errors else 200
    )
