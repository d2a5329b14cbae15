"""Forms that were not taken, as whoever sent them was signed out or came with an old token: what is said, and where it leads."""

import re
from urllib.parse import parse_qs, urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.urls import resolve
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from amls.core.middleware import GetResponse
from amls.core.origin import is_same_origin, place_here, split_address
from amls.core.request import htmx_of

_READS = ("GET", "HEAD")
_TOKEN = "csrfmiddlewaretoken"  # noqa: S105 - the name of a field
# What is typed anew, as is all that was sent with it.
_SECRET = re.compile(r"passw|code|secret|credential|otp", re.IGNORECASE)


def came_from(request: HttpRequest) -> str:
    """Return the page of this site that a request was sent from, as a path with its query; an empty text otherwise."""
    address = split_address(request.headers.get("Referer", ""))
    if (address.scheme, address.netloc) != (request.scheme, request.get_host()):
        return ""
    return place_here(request, address._replace(scheme="", netloc="", fragment="").geturl())


class UnsentFormsMiddleware:
    """Lead whoever sent a form when their session had ended to the page on which it stands, by the sign-in.

    Views that need somebody signed in lead back to their own address, and many of those take POST only: whoever comes
    to one of these reads so, and finds the page above it; whoever was there already, with what a form had sent, is led to it.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on; an answer that would sign in and come back here comes back to the form instead."""
        response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and request.method in _READS:
            back = _place_above(request.path_info)
            # The answer to a form stands at the form's address: from there it is asked for anew, as in another language.
            if came_from(request) == request.get_full_path():
                return HttpResponseRedirect(back)
            page = render(request, "405.html", {"back": back}, status=405)
            page.headers["Allow"] = response.headers["Allow"]
            return page
        if response.status_code != 302 or request.user.is_authenticated:
            return response
        way = split_address(response.headers["Location"])
        is_form, is_part = request.method not in _READS, bool(htmx_of(request))
        if not (is_form or is_part) or parse_qs(way.query).get("next") != [request.get_full_path()]:
            return response
        if is_form:
            said = _(
                "You are signed out: what you sent was not taken, and nothing was changed. Sign in and send it again."
            )
            messages.warning(request, said)
        place = came_from(request) or request.get_full_path()
        sign_in = way._replace(query=urlencode({"next": place}, safe="/")).geturl()
        # A part of a page is asked for by a script, which would put the page to sign in there.
        return HttpResponseClientRedirect(sign_in) if is_part else HttpResponseRedirect(sign_in)


def _place_above(path: str) -> str:
    """Return the nearest address above one at which something answers, '/' at last."""
    while path != "/":
        path = path.rstrip("/").rpartition("/")[0] + "/"
        try:
            resolve(path)
        except Http404:
            continue
        break
    return path


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say that a form came with another token than that of the session, and hold what was sent in it.

    It can be sent again from there, in a form that the site's own token makes valid and that says what is in it and as
    whom: only what a page of this site sent, by somebody who is signed in. Passwords, codes and files are typed and
    chosen anew; so is what was sent along with them.
    """
    sent: list[tuple[str, str]] = []
    if is_same_origin(request):
        sent = [(name, text) for name, texts in request.POST.lists() if name != _TOKEN for text in texts]
    if any(_SECRET.search(name) for name, _text in sent):
        sent = []
    context = {
        "sent": sent,
        "can_send": bool(sent) and request.user.is_authenticated and not request.FILES,
        "back": came_from(request),
        "own": request.get_full_path(),
    }
    return render(request, "403_csrf.html", context, status=403)
