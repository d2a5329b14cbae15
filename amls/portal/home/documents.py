"""Documents of a course at addresses of their own."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_http_methods

from amls.courses.access import open_course
from amls.exports.views.offer import document
from amls.portal.hooks.exports import LONG, MY_DATES, SHORT


@require_http_methods(["GET", "HEAD", "POST"])
def schedule_pdf(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The schedule as PDF, on one page or (`?version=long`) with abstracts."""
    access = open_course(request, slug)
    kind = LONG if request.GET.get("version") == "long" else SHORT
    return document(request, kind=kind, course=access.course)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def my_dates(request: HttpRequest) -> HttpResponseBase:
    """The dates of all my courses as one calendar file."""
    return document(request, kind=MY_DATES)
