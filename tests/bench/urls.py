"""The site with more addresses: bare views behind all of our middleware."""

import uuid

from django.contrib.auth.decorators import login_required
from django.core.files.storage import default_storage
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from amls.courses.models import Course
from tests.bench.answers import ANSWERS, bare
from tests.bench.throughput import BARE, bare_parameters

BODY = ANSWERS.get("home-12", b"")


_TEMPLATE = Template("{{ body|safe }}")


@login_required
def signed_in(request: HttpRequest, case: str) -> HttpResponse:
    """Answer a person who is signed in with the same bytes as the site does: session, user, one query, a template."""
    Course.objects.first()
    return HttpResponse(_TEMPLATE.render(Context({"body": ANSWERS.get(case, b"").decode()})))


def bare_search(request: HttpRequest, course: int) -> HttpResponse:
    """Ask the index for what was typed; answer with what it finds, or with the bytes that the site has for a `case`."""
    with connection.cursor() as cursor:
        cursor.execute(BARE, bare_parameters(request.GET["q"], [course]))
        rows = cursor.fetchall()
    if "case" not in request.GET:
        return HttpResponse(str(rows))
    return HttpResponse(_TEMPLATE.render(Context({"body": ANSWERS[request.GET["case"]].decode()})))


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
    path("signed-in/<slug:case>/", signed_in),
    path("bare-search/<int:course>/", bare_search),
    path("insert/", insert),
    path("upload/", upload),
    path("", include("amls.urls")),
]
