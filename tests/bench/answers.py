"""The bare view: for each case the very bytes that the site answers with, and nothing else done for them."""

import os
from pathlib import Path

from django.http import HttpRequest, HttpResponse

_FOLDER = os.environ.get("BENCH_ANSWERS", "")
ANSWERS = {path.name: path.read_bytes() for path in Path(_FOLDER).iterdir()} if _FOLDER else {}


def bare(request: HttpRequest, case: str) -> HttpResponse:
    """Return the same bytes as the site does in this case."""
    return HttpResponse(ANSWERS.get(case, b""), status=304 if case.endswith("-304") else 200)
