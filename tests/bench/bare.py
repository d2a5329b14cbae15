"""A bare Django view without any middleware, for comparison; as a WSGI application of its own."""

import os
from pathlib import Path

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

from tests.bench.counting import counting

BODY = Path(os.environ["BENCH_BODY"]).read_bytes()

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, MIDDLEWARE=[], SECRET_KEY="bench", DEBUG=False)


def bare(request: HttpRequest) -> HttpResponse:
    """Return the same bytes as the course's home."""
    return HttpResponse(BODY)


urlpatterns = [path("bare/", bare)]
application = counting(get_wsgi_application())
