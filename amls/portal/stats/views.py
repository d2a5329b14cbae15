"""How a course is used, for its staff."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from amls.courses.access import open_course_as_manager
from amls.portal.stats.figures import plots


@login_required
@require_safe
def stats(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the plots."""
    access = open_course_as_manager(request, slug)
    context = {"access": access, "course": access.course, "plots": plots(access.course, now=access.now)}
    return render(request, "portal/stats.html", context)
