"""Where there is nothing for somebody, and what may be the reason."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from amls.courses.accounts import user_or_none
from amls.courses.models import Course


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say that there is nothing here; who could take part in the course of this address reads how."""
    return render(request, "404.html", {"to_enrol": _to_enrol(request)}, status=404)


def _to_enrol(request: HttpRequest) -> Course | None:
    """Return the running course of the request's address, if its person may enrol there and has not: at most 1 query.

    Its page, which everybody sees, offers the same: nobody learns of a course, nor of what is in it.
    """
    match, user = request.resolver_match, user_or_none(request)
    slug = match.kwargs.get("slug") if match is not None else None
    if user is None or not isinstance(slug, str):
        return None
    running = Course.objects.public().filter(slug=slug, state=Course.State.RUNNING)
    open_ones = running.exclude(enrolment_policy=Course.EnrolmentPolicy.CLOSED)
    return open_ones.exclude(enrolments__user=user).first()
