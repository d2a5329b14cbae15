"""How many requests there are, and how long they take: counted by every process, read from all of them."""

from collections.abc import Callable
from time import perf_counter

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import Counter, Histogram

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
        settings.METRICS_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer it, and count it."""
        started = perf_counter()
        response = self.get_response(request)
        view = _view_of(request, response)
        # What comes from outside can't make a number of its own.
        method = request.method if request.method in _METHODS else "other"
        _REQUESTS.labels(method, view, response.status_code).inc()
        _SECONDS.labels(view).observe(perf_counter() - started)
        return response


def _view_of(request: HttpRequest, response: HttpResponse) -> str:
    if request.resolver_match is not None:
        return request.resolver_match.view_name or "unnamed"
    if request.path_info.startswith(settings.STATIC_URL):
        return "static"
    return "kept page" if response.status_code in (200, 304) else "none"
