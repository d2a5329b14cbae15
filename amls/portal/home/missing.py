"""Where there is nothing for somebody, and what may be the reason."""

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from amls.agenda.models import AgendaItem
from amls.core.times import say_day
from amls.courses.accounts import user_or_none
from amls.courses.models import Course, Enrolment


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say that there is nothing here; who could take part in the course of this address reads how."""
    removed = _removed(request)
    on_day = say_day(removed.starts_at, removed.course.zone) if removed is not None else ""
    context = {"to_enrol": _to_enrol(request), "removed": removed, "on_day": on_day}
    return render(request, "404.html", context, status=404)


def _removed(request: HttpRequest) -> AgendaItem | None:
    """Return the date that stood at the request's address until it was removed, if its person could see it: 3 queries at most.

    Calendars lead here for months: what is cancelled in them keeps its address.
    """
    match, user = request.resolver_match, user_or_none(request)
    slug = match.kwargs.get("slug") if match is not None else None
    course = (
        Course.objects.visible_to(user or AnonymousUser()).filter(slug=slug).first() if isinstance(slug, str) else None
    )
    if course is None:
        return None
    enrolment = Enrolment.objects.filter(course=course, user=user).first() if user is not None else None
    gone = AgendaItem.objects.visible_to(enrolment).filter(course=course, path=request.path, is_removed=True)
    return gone.select_related("course").order_by("-changed_at", "-pk").first()


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
