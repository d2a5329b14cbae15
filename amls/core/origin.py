"""Addresses that anybody may have written: whether a request was sent from this site, and where it may be led."""

from urllib.parse import SplitResult, urlsplit

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme


def split_address(text: str) -> SplitResult:
    """Return the parts of an address as it was sent; of one that is none, such as 'http://[', they are empty."""
    try:
        return urlsplit(text)
    except ValueError:
        return urlsplit("")


def is_same_origin(request: HttpRequest) -> bool:
    """Return whether the browser says that the request comes from this site (Fetch Metadata, else Origin)."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    sent_from = request.headers.get("Origin") or request.headers.get("Referer") or ""
    return split_address(sent_from).netloc == request.get_host()


def place_here(request: HttpRequest, target: str | None) -> str:
    """Return `target` if it is a path of this site, as forms and links say where to go on; an empty text otherwise.

    Lead there by `HttpResponseRedirect`: `redirect()` takes text for the name of an address first.
    """
    is_ours = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if target and is_ours and target.startswith("/") else ""
