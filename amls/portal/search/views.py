"""Find it on slide 23: search in one course, and in all of one's courses."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from amls.core.request import htmx_of, now_of
from amls.courses.access import open_course
from amls.portal.search.find import search
from amls.portal.search.query import read_typed
from amls.portal.search.readers import Reader
from amls.portal.search.ways import ways_for


@require_safe
def in_course(request: HttpRequest, slug: str) -> HttpResponse:
    """Search one course; with HX-Request only the results, with `?palette` those that the palette shows."""
    access = open_course(request, slug)
    reader = Reader.of(access, is_signed_in=request.user.is_authenticated)
    context = {"access": access, "course": access.course, "tab": "search"}
    return _answer(request, reader, context)


@require_safe
def everywhere(request: HttpRequest) -> HttpResponse:
    """Search all courses that the person takes part in; with `?all`, or without any, all they may see."""
    now = now_of(request)
    own = Reader.across(request.user, now=now, only_own=True) if request.user.is_authenticated else None
    is_own = own is not None and bool(own.courses) and "all" not in request.GET
    reader = own if own is not None and is_own else Reader.across(request.user, now=now, only_own=False)
    context = {
        "is_own": is_own,
        "has_own": own is not None and bool(own.courses),
        "is_everywhere": True,
        "has_several_zones": reader.has_several_zones,
    }
    for course in list(reader.courses.values())[:1]:
        timezone.activate(course.zone)
    return _answer(request, reader, context)


def _answer(request: HttpRequest, reader: Reader, context: dict[str, Any]) -> HttpResponse:
    if request.GET.get("palette") == "dialog":
        return _private(render(request, "portal/search/_palette_dialog.html", {}))
    typed = read_typed(request.GET.get("q", ""))
    context["found"] = search(reader, typed)
    if "palette" in request.GET:
        template = "portal/search/_palette.html"
        context["ways"] = [] if typed.text else list(ways_for(reader))
    elif htmx_of(request) and not htmx_of(request).history_restore_request:
        template = "portal/search/_results.html"
    else:
        template = "portal/search/page.html"
    return _private(render(request, template, context))


def _private(response: HttpResponse) -> HttpResponse:
    patch_vary_headers(response, ("HX-Request",))
    # What a person may see is theirs; and what they look for is nobody else's.
    response.headers["Cache-Control"] = "private, no-store"
    return response
