"""What makes the site an app on a phone: its manifest, its service worker, and its page for when there is no connection."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from amls.courses.models import Language

# What every page needs, so that one that is kept looks as it did.
_SHELL = (
    "css/amls.css", "css/lecture.css", "css/coursework.css", "js/theme.js", "js/files.js", "js/amls.js", "js/palette.js",
    "js/lecture.js", "fonts/instrument-sans-latin-wght-normal.woff2", "img/icon.svg", "img/place-course.svg",
    "img/place-exams.svg", "img/place-find.svg", "img/place-me.svg", "img/place-projects.svg", "img/place-schedule.svg",
)  # fmt: skip


@require_safe
@cache_control(public=True, max_age=3600)
def manifest(request: HttpRequest) -> HttpResponse:
    """Return the web app manifest (W3C, Web Application Manifest)."""
    icons = [
        {"src": static("img/icon.svg"), "type": "image/svg+xml", "sizes": "any"},
        {"src": static("img/app-192.png"), "type": "image/png", "sizes": "192x192"},
        {"src": static("img/app-512.png"), "type": "image/png", "sizes": "512x512"},
        {"src": static("img/app-maskable-512.png"), "type": "image/png", "sizes": "512x512", "purpose": "maskable"},
    ]
    said = {
        "id": "/", "name": "AMLS", "short_name": "AMLS", "start_url": reverse("portal:courses"), "scope": "/",
        "display": "standalone", "background_color": "#f7f8fa", "theme_color": "#b3121d", "icons": icons,
    }  # fmt: skip
    return JsonResponse(said, content_type="application/manifest+json")


@require_safe
@cache_control(no_cache=True)
def worker(request: HttpRequest) -> HttpResponse:
    """Return the service worker, which differs whenever a file that it keeps, its words or its code do."""
    return HttpResponse(_worker(), content_type="text/javascript; charset=utf-8")


@require_safe
@cache_control(public=True, max_age=3600)
def offline(request: HttpRequest, language: str) -> HttpResponse:
    """Show what is seen where there is no connection and nothing is kept; the worker fills in what is."""
    if language not in Language.values:
        raise Http404
    with override(language):
        response = render(request, "portal/offline.html")
    response.headers["Content-Language"] = language
    return response


@cache
def _worker() -> str:
    source = (Path(settings.STATICFILES_DIRS[0]) / "js" / "worker.js").read_text(encoding="utf-8")
    said: dict[str, Any] = {
        "static": settings.STATIC_URL,
        "shell": [static(name) for name in _SHELL],
        "leaving": reverse("account_logout").removesuffix("logout/"),
        "logout": reverse("account_logout"),
        "icon": static("img/app-192.png"),
        "offline": {language: reverse("portal:offline", args=[language]) for language in Language.values},
        "words": {language: _words(language) for language in Language.values},
    }
    said["version"] = hashlib.sha256((source + json.dumps(said)).encode()).hexdigest()[:16]
    return f"self.AMLS = {json.dumps(said)};\n{source}"


def _words(language: str) -> dict[str, str]:
    with override(language):
        return {
            # Translators: time is when the page was fetched, such as 'Thu 13 June, 16:02'.
            "as_of": _("No connection: this page is as of {time}. Nothing can be sent from here."),
            "again": _("Try again"),
        }
