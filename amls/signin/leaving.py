"""The page between this site and a provider's.

A form of ours may be sent to this site only, and browsers hold what it redirects to against that policy too (CSP Level 3,
`form-action`): so the answer to a form is a page, which goes on by itself.
"""

from django.core import signing
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

_SALT = "amls.signin.leaving"
_SECONDS = 60


def leave_for(request: HttpRequest, address: str, name: str) -> HttpResponse:
    """Return the page that goes on to an address of a provider.

    Args:
        request: that asked for it.
        address: outside, of the provider.
        name: of the provider, as its button says it.
    """
    return render(request, "signin/leaving.html", {"address": address, "name": name})


def leaving_address(address: str, name: str) -> str:
    """Return the address of that page, for an answer that must be a redirect; it holds for a minute."""
    query = urlencode({"to": signing.dumps([address, name], salt=_SALT)})
    return f"{reverse('signin:leaving')}?{query}"


@require_safe
@never_cache
def leaving(request: HttpRequest) -> HttpResponse:
    """Go on to the address that this site sealed."""
    try:
        address, name = signing.loads(request.GET.get("to", ""), salt=_SALT, max_age=_SECONDS)
    except signing.BadSignature as error:
        raise BadRequest("This address leads nowhere any more.") from error
    return leave_for(request, address, name)
