"""The page elsewhere from which a course comes: what changed there, beside what is here, taken over or left out."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from amls.core.violations import RuleViolation
from amls.courses.access import Access, open_course_as_manager
from amls.portal.models import Upstream
from amls.portal.takeover import upstream as service
from amls.portal.takeover.spec import CourseFileError


@login_required
def upstream_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what changed on the page since somebody last decided."""
    return _show(request, open_course_as_manager(request, slug))


def _show(request: HttpRequest, access: Access, *, status: int = 200, **more: Any) -> HttpResponse:
    row = Upstream.objects.filter(course=access.course).select_related("course").first()
    context: dict[str, Any] = {"access": access, "course": access.course, "upstream": row, "changes": [], **more}
    if row is not None:
        try:
            context["changes"] = service.changes_of(row, now=access.now)
        except CourseFileError as error:
            context["unread"] = error.problems
    return render(request, "portal/takeover/upstream.html", context, status=status)


@login_required
@require_POST
def decide(request: HttpRequest, slug: str) -> HttpResponse:
    """Take changes of the page over, or leave them out."""
    access = open_course_as_manager(request, slug)
    shown = request.POST.getlist("shown") if "all" in request.POST else []
    accepted, refused = {*request.POST.getlist("accept"), *shown}, set(request.POST.getlist("refuse"))
    try:
        taken = service.decide(course=access.course, accepted=accepted, refused=refused, now=access.now)
    except Upstream.DoesNotExist:
        return redirect("portal:upstream", access.course.slug)
    except RuleViolation as violation:
        return _show(request, access, status=422, problems=[str(violation.message)])
    except CourseFileError as error:
        return _show(request, access, status=422, problems=error.problems)
    if taken:
        words = ngettext(
            "%(count)d change was taken over. Everyone's calendar follows.",
            "%(count)d changes were taken over. Everyone's calendar follows.",
            taken,
        )
        messages.success(request, words % {"count": taken})
    else:
        messages.success(request, _("Left out: the course stays as it is."))
    return redirect("portal:upstream", access.course.slug)


@login_required
@require_POST
def read_now(request: HttpRequest, slug: str) -> HttpResponse:
    """Have the page read at once."""
    access = open_course_as_manager(request, slug)
    service.read_soon(course=access.course, now=access.now)
    messages.success(request, _("The page is being read. Load this page again in a few seconds."))
    return redirect("portal:upstream", access.course.slug)


@login_required
@require_POST
def stop(request: HttpRequest, slug: str) -> HttpResponse:
    """Read the page no more."""
    access = open_course_as_manager(request, slug)
    service.stop_following(course=access.course)
    messages.success(request, _("The page is not read any more. The course stays as it is."))
    return redirect("portal:upstream", access.course.slug)
