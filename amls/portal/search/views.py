"""Find it on slide 23: search in one course, and in all of one's courses."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from amls.core.request import htmx_of
from amls.courses.access import open_course
from amls.portal.search.find import Found, search
from amls.portal.search.query import read_typed
from amls.portal.search.readers import Reader


@require_safe
def in_course(request: HttpRequest, slug: str) -> HttpResponse:
    """Search one course; with HX-Request only the results."""
    access = open_course(request, slug)
    hits = _search(request, Reader.of(access))
    return _answer(request, {"access": access, "course": access.course, "tab": "search", "found": hits})


@require_safe
def everywhere(request: HttpRequest) -> HttpResponse:
    """Search all courses that the person takes part in; with `?all`, or without any, all they may see."""
    now = request.now  # type: ignore[attr-defined]
    own = Reader.across(request.user, now=now, only_own=True) if request.user.is_authenticated else None
    is_own = own is not None and bool(own.courses) and "all" not in request.GET
    reader = own if own is not None and is_own else Reader.across(request.user, now=now, only_own=False)
    context = {"found": _search(request, reader), "is_own": is_own, "has_own": own is not None and bool(own.courses)}
    return _answer(request, {**context, "is_everywhere": True})


def _search(request: HttpRequest, reader: Reader) -> Found:
    return search(reader, read_typed(request.GET.get("q", "")))


def _answer(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    is_part = bool(htmx_of(request)) and not htmx_of(request).history_restore_request
    response = render(request, "portal/search/_results.html" if is_part else "portal/search/page.html", context)
    patch_vary_headers(response, ("HX-Request",))
    # What a person may see is theirs; and what they look for is nobody else's.
    response.headers["Cache-Control"] = "private, no-store"
    return response
