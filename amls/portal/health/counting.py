"""How many requests there are, and how long they take: counted by every process, read from all of them."""

import logging
import os
from collections.abc import Callable
from time import perf_counter

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import Counter, Histogram

logger = logging.getLogger(__name__)

_REQUESTS = Counter("amls_requests", "Answered requests.", ["method", "view", "status"])
_SECONDS = Histogram(
    "amls_request_seconds",
    "From the first byte that Django sees to the answer.",
    ["view"],
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30),
)
_METHODS = {"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"}


class CountingMiddleware:
    """Counts each request by what answered it; addresses, which hold names and secrets, are no part of it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._counts = _make_place()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer it, and count it."""
        started = perf_counter()
        response = self.get_response(request)
        if self._counts:
            try:
                _count(request, response, perf_counter() - started)
            except OSError as error:
                self._counts = False
                logger.warning("Requests are not counted any more: %s", error)
        return response


def _make_place() -> bool:
    """Return whether there is a place to count in that is this user's alone."""
    place = settings.METRICS_DIR
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if place.stat().st_uid == os.getuid():
            return True
        logger.warning("Requests are not counted: %s is somebody else's", place)
    except OSError as error:
        logger.warning("Requests are not counted: %s", error)
    return False


def _count(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    view = _view_of(request, response)
    # What comes from outside can't make a number of its own.
    method = request.method if request.method in _METHODS else "other"
    _REQUESTS.labels(method, view, response.status_code).inc()
    _SECONDS.labels(view).observe(seconds)


def _view_of(request: HttpRequest, response: HttpResponse) -> str:
    if request.resolver_match is not None:
        return request.resolver_match.view_name or "unnamed"
    if request.path_info.startswith(settings.STATIC_URL):
        return "static"
    return "kept page" if response.status_code in (200, 304) else "none"
