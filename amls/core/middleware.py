"""One clock per request, and the headers that every answer carries."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, cast

from csp.constants import HEADER
from csp.decorators import csp_update
from csp.middleware import CSPMiddleware
from django.conf import settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.utils import timezone

from amls.core.clock import database_clock
from amls.core.origin import split_address

GetResponse = Callable[[HttpRequest], HttpResponse]

_NULL = "\0"
# Asked of each server by its own address, as load balancers do; their answers name no host.
PROBES = ("/healthz", "/readyz", "/metrics")
# No upload takes longer; an older stamp is a mistake.
LONGEST_REQUEST = timedelta(hours=6)


class RequestNowMiddleware:
    """Stamp `request.now` before anything reads the body.

    CSRF protection reads the body before the view: a stamp taken later would come
    after a slow upload. Everything that a request decides uses this one `now`, which is
    the database's: all web servers judge alike, whatever their own clocks say.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Stamp the request and forget the zone that it activated."""
        if request.path_info in PROBES:
            request.META["HTTP_HOST"] = settings.SITE_HOST
        # Probes of life and static files ask nothing of the database.
        asks_nobody = request.path_info == "/healthz" or request.path_info.startswith(settings.STATIC_URL)
        request.now = timezone.now() if asks_nobody else database_clock.now()  # type: ignore[attr-defined]
        request.began = _began(request, request.now)  # type: ignore[attr-defined]
        try:
            return self.get_response(request)
        finally:
            timezone.deactivate()


def front_stamp(request: HttpRequest) -> datetime | None:
    """Return when the request began by the clock of the front server, where it says so.

    A front server that buffers uploads passes them on when they are complete; only it knows
    when they began (nginx: `set $began $msec;` at server level). It must set the header on
    every request, so that nobody can set it from outside.
    """
    stamp = request.META.get(settings.REQUEST_BEGAN_META) if settings.REQUEST_BEGAN_META else None
    try:
        return datetime.fromtimestamp(float(stamp), tz=UTC) if stamp else None
    except (ValueError, OverflowError, OSError):
        return None


def _began(request: HttpRequest, now: datetime) -> datetime:
    """Return when the request began: by the front server's stamp, else now. Nothing begins after it came here."""
    began = front_stamp(request)
    return began if began is not None and now - LONGEST_REQUEST <= began <= now else now


# What django-csp's decorators note on an answer.
_OWN_POLICY = {"_csp_config", "_csp_update", "_csp_replace", "_csp_exempt"}


class PolicyMiddleware(CSPMiddleware):
    """django-csp's, which puts each answer's policy together anew; that of nearly all of them is the same."""

    def __init__(self, get_response: GetResponse) -> None:
        super().__init__(get_response)
        self._usual: str | None = None

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Set the header, unless the view has set one, or a browser is only told that what it has is right.

        What a 304 says, browsers take for what they have kept (RFC 9110, 15.4.5): it was sent with a policy, maybe one
        of its own, which stays.
        """
        if response.status_code == HTTPStatus.NOT_MODIFIED:
            return response
        is_usual = _OWN_POLICY.isdisjoint(vars(response)) and "_csp_nonce" not in vars(request)
        if not is_usual or settings.DEBUG or HEADER in response:
            return super().process_response(request, response)
        if self._usual is None:
            super().process_response(request, response)
            self._usual = response[HEADER]
        response[HEADER] = self._usual
        return response


class HeadersMiddleware:
    """Headers that Django's own middleware does not set."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.get_desk_response = cast("GetResponse", csp_update(settings.ADMIN_CONTENT_SECURITY_POLICY)(get_response))

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Give the desk its own content security policy.

        What signed-in people see is kept nowhere unless the view says so (ASVS 5.0, 14.3.2).
        """
        is_desk = request.path.startswith("/admin/")
        response = self.get_desk_response(request) if is_desk else self.get_response(request)
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response


class CleanRequestMiddleware:
    """Let nobody see what no text that people send holds: null characters, and what is no UTF-8.

    PostgreSQL takes no null character, so that each of them would be a fault of the server wherever it is looked
    for. In the query and in forms they are left out; a cookie with one is dropped, as no browser keeps one of ours
    like that; an address with one leads nowhere. What code reads from JSON is its own to check.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Mend query and cookies before anything reads them, then pass the request on."""
        query = request.META.get("QUERY_STRING", "")
        while "%00" in query:  # again: what is left can form a new one, as in %0%000
            query = query.replace("%00", "")
        request.META["QUERY_STRING"] = query
        if any(_NULL in value for value in request.COOKIES.values()):
            request.COOKIES = {name: value for name, value in request.COOKIES.items() if _NULL not in value}
        if request.encoding is not None:
            # Every page is UTF-8, and so is every form that was filled in there, whatever its header says.
            request.encoding = "utf-8"
        if "next=" in query and not all(
            split_address(target).geturl() for target in request.GET.getlist("next") if target
        ):
            # An address that is none, such as 'http://[': libraries take it apart as it is.
            wanted = request.GET.copy()
            del wanted["next"]
            request.GET = wanted  # type: ignore[assignment]
            request.META["QUERY_STRING"] = wanted.urlencode()
        return self.get_response(request)


class CleanFormMiddleware:
    """Do so for forms. It stands behind whatever bounds bodies (`amls/core/bodies.py`): it reads them."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Mend a form without files before anything reads it, also where there is no page.

        Raises:
            BadRequest, SuspiciousOperation: the form is too large, or can't be read.
        """
        if request.method == "POST" and request.content_type == "application/x-www-form-urlencoded":
            _read_form(request)
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """Mend a form with files, of which the view's address says how large they may be.

        Raises:
            Http404: the address holds what none does.
        """
        if _NULL in request.path_info:
            raise Http404
        if request.content_type == "multipart/form-data":
            _read_form(request)


def _read_form(request: HttpRequest) -> None:
    try:
        form = request.POST
    except (BadRequest, SuspiciousOperation):
        # The page that says so looks for a token in the form, and would fail at it once more.
        request.POST = QueryDict()
        raise
    if any(_NULL in text for name, values in form.lists() for text in (name, *values)):
        clean = QueryDict(mutable=True)
        for name, values in form.lists():
            clean.setlist(name.replace(_NULL, ""), [value.replace(_NULL, "") for value in values])
        request.POST = clean  # type: ignore[assignment]
