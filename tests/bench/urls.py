"""The site with one more address: a bare view behind all of our middleware."""

import uuid

from django.core.files.storage import default_storage
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from tests.bench.answers import ANSWERS, bare

BODY = ANSWERS.get("home-12", b"")


@csrf_exempt
def insert(request: HttpRequest) -> HttpResponse:
    """Write one row."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bench_row (text) VALUES (%s)", [request.POST["text"]])
    return HttpResponse(BODY)


@csrf_exempt
def upload(request: HttpRequest) -> HttpResponse:
    """Store what was sent."""
    for file in request.FILES.getlist("files"):
        default_storage.save(f"bare/{uuid.uuid4().hex}", file)
    return HttpResponse(BODY)


urlpatterns = [
    path("bare/<slug:case>/", bare),
    path("insert/", insert),
    path("upload/", upload),
    path("", include("amls.urls")),
]
