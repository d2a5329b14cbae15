"""What a request brings, read in one way."""

import json
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.request import RawPostDataException
from django_htmx.http import HttpResponseClientRedirect, HttpResponseClientRefresh
from django_htmx.middleware import HtmxDetails

from amls.core.origin import split_address


def now_of(request: HttpRequest) -> datetime:
    """Return when a request came, aware, by the database's clock; the first middleware has noted it."""
    now: datetime = request.now  # type: ignore[attr-defined]
    return now


def json_of(request: HttpRequest) -> Any:
    """Return the JSON that a request brings.

    Raises:
        ValueError: it brings none, such as a form, or something nested too deeply.
    """
    try:
        return json.loads(request.body)
    except (RawPostDataException, RecursionError) as error:
        raise ValueError("The request brings no JSON.") from error


def htmx_of(request: HttpRequest) -> HtmxDetails:
    """Return what htmx says of a request; it is true where htmx asks for a part of a page."""
    details: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    return details


def lead_to(request: HttpRequest, address: str) -> HttpResponse:
    """Return the answer that leads to another page, as a page of its own: with its scripts, and what is said there once.

    A script that sent the form would follow a redirect by itself, and the page that it gets so is read nowhere else. It is told
    the address instead; one that differs only behind the # would not be loaded again.

    Args:
        request: which was sent by the browser, by htmx, or by a script that says so as htmx does.
        address: a path of this site, with its query and fragment where it has them.
    """
    if not htmx_of(request):
        return HttpResponseRedirect(address)
    is_here = split_address(htmx_of(request).current_url or "").path == address.partition("#")[0]
    return HttpResponseClientRefresh() if is_here else HttpResponseClientRedirect(address)
