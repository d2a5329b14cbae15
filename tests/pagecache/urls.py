"""A page and two feeds that say how often they were rendered."""

from collections import Counter

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from amls.courses.access import open_course
from amls.courses.models import Enrolment
from amls.pagecache.store import cacheable

rendered: Counter[str] = Counter()
answered: Counter[str] = Counter()


def page(request: HttpRequest, slug: str) -> HttpResponse:
    """A page whose content is its own count."""
    access = open_course(request, slug)
    rendered["page"] += 1
    who = "signed in" if request.user.is_authenticated else "anonymous"
    language = getattr(request, "LANGUAGE_CODE", "")
    response = HttpResponse(f"<p>{who} {language} {rendered['page']} {access.course.title}</p>" + "text " * 300)
    if request.user.is_authenticated:
        return response
    return cacheable(response, course=access.course, now=access.now)


def feed(request: HttpRequest, slug: str) -> HttpResponse:
    """A feed that is the same for everyone."""
    access = open_course(request, slug)
    rendered["feed"] += 1
    response = HttpResponse(f"BEGIN:VCALENDAR {rendered['feed']}", content_type="text/calendar; charset=utf-8")
    return cacheable(response, course=access.course, now=access.now, is_for_everyone=True)


def personal(request: HttpRequest, pk: int) -> HttpResponse:
    """A feed that is one person's."""
    enrolment = Enrolment.objects.select_related("course").get(pk=pk)
    rendered["personal"] += 1
    return cacheable(
        HttpResponse(f"BEGIN:VCALENDAR {rendered['personal']}", content_type="text/calendar; charset=utf-8"),
        course=enrolment.course,
        enrolment=enrolment,
        now=request.now,  # type: ignore[attr-defined]
        is_for_everyone=True,
        on_answer=lambda _request: answered.update(["personal"]),
    )


urlpatterns = [
    path("personal/<int:pk>.ics", personal),
    path("<slug:slug>/", page),
    path("<slug:slug>/calendar.ics", feed),
    path("", include("amls.urls")),
]
