"""Slow senders: whoever is not signed in can't keep the threads that everybody needs."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.http.request import UnreadablePostError
from django.utils.translation import gettext as _

# How many bodies of people who are not signed in a process reads at once, of all and of one address. They are small
# and come with their headers: more at a time than these are slow on purpose, or by a very bad line.
MOST_AT_ONCE = 32
MOST_OF_ONE_ADDRESS = 16
# How long one waits for a place before it is sent away.
_WAIT_SECONDS = 0.25


class BodyPlacesMiddleware:
    """Read bodies of people who are not signed in, a few at a time, before anything else does.

    The web server gives each request a thread and lets it wait for its body as long as the connection lives: without
    this a few hundred senders that never finish would stop the site (CWE-400). It stands behind authentication, which
    reads no body, and before CSRF protection's look at the form.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._change = threading.Condition()
        self._held: Counter[str] = Counter()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on once its body is here, or answer 503 where too many are awaited."""
        if not _has_body(request):
            return self.get_response(request)
        is_known = request.user.is_authenticated
        if not connection.in_atomic_block:
            # Who it is was asked of the database: a slow body must not keep one of the few connections for itself.
            connection.close()
        if is_known:
            return self.get_response(request)
        with self._place(request.META.get("REMOTE_ADDR", "")) as has_place:
            if not has_place:
                text = _("Too many forms are on their way at the moment. Wait a few seconds and send yours again.")
                return HttpResponse(
                    text, status=503, headers={"Retry-After": "5"}, content_type="text/plain; charset=utf-8"
                )
            if _announced(request) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
                # Nothing that fits into memory: what looks at uploads refuses it, and this place is held meanwhile.
                return self.get_response(request)
            try:
                request.body  # noqa: B018 - kept by the request
            except UnreadablePostError:
                return HttpResponseBadRequest()
        return self.get_response(request)

    @contextmanager
    def _place(self, address: str) -> Iterator[bool]:
        with self._change:
            has_place = self._change.wait_for(lambda: self._is_free(address), timeout=_WAIT_SECONDS)
            if has_place:
                self._held[address] += 1
        try:
            yield has_place
        finally:
            if has_place:
                with self._change:
                    self._held[address] -= 1
                    self._held += Counter()  # forgets addresses that hold none
                    self._change.notify_all()

    def _is_free(self, address: str) -> bool:
        # Behind a front server all come from its address, with their bodies complete.
        is_bounded = settings.ALLAUTH_TRUSTED_PROXY_COUNT == 0
        return self._held.total() < MOST_AT_ONCE and not (is_bounded and self._held[address] >= MOST_OF_ONE_ADDRESS)


def _has_body(request: HttpRequest) -> bool:
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return False
    return _announced(request) > 0 or "HTTP_TRANSFER_ENCODING" in request.META


def _announced(request: HttpRequest) -> int:
    """Return how many bytes the body has by what its sender says; what is no number is none, as Django reads it."""
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0
