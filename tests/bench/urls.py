"""The site with one more address: a bare view behind all of our middleware."""

import os
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

BODY = Path(os.environ["BENCH_BODY"]).read_bytes() if "BENCH_BODY" in os.environ else b""


def bare(request: HttpRequest) -> HttpResponse:
    """Return the same bytes as the course's home."""
    return HttpResponse(BODY)


urlpatterns = [path("bare/", bare), path("", include("amls.urls"))]
