"""One clock per request, and the headers that every answer carries."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

GetResponse = Callable[[HttpRequest], HttpResponse]

# No upload takes longer; an older stamp is a mistake.
LONGEST_REQUEST = timedelta(hours=6)


class RequestNowMiddleware:
    """Stamp `request.now` before anything reads the body.

    CSRF protection reads the body before the view: a stamp taken later would come
    after a slow upload. Everything that a request decides uses this one `now`.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Stamp the request and forget the zone that it activated."""
        request.now = timezone.now()  # type: ignore[attr-defined]
        request.began = _began(request, request.now)  # type: ignore[attr-defined]
        try:
            return self.get_response(request)
        finally:
            timezone.deactivate()


def _began(request: HttpRequest, now: datetime) -> datetime:
    """Return when the request began: by the front server's stamp where it sets one, else now.

    A front server that buffers uploads passes them on when they are complete; only it knows
    when they began (nginx: `set $began $msec;` at server level). It must set the header on
    every request, so that nobody can set it from outside.
    """
    stamp = request.META.get(settings.REQUEST_BEGAN_META) if settings.REQUEST_BEGAN_META else None
    try:
        began = datetime.fromtimestamp(float(stamp), tz=UTC) if stamp else now
    except (ValueError, OverflowError, OSError):
        return now
    return began if now - LONGEST_REQUEST <= began <= now else now


class HeadersMiddleware:
    """Headers that Django's own middleware does not set."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Add the Permissions-Policy, and the admin's own content security policy.

        What signed-in people see is kept nowhere unless the view says so (ASVS 5.0, 14.3.2).
        """
        response = self.get_response(request)
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            response.headers.setdefault("Cache-Control", "private, no-store")
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
        )
        if request.path.startswith("/admin/"):
            response._csp_update = settings.ADMIN_CONTENT_SECURITY_POLICY  # type: ignore[attr-defined]  # noqa: SLF001
        return response


class CleanQueryMiddleware:
    """Leave null characters out of the query: PostgreSQL takes none, and no text that people type holds one."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Mend the query before anything reads it, then pass the request on."""
        query = request.META.get("QUERY_STRING", "")
        while "%00" in query:  # again: what is left can form a new one, as in %0%000
            query = query.replace("%00", "")
        request.META["QUERY_STRING"] = query
        return self.get_response(request)
