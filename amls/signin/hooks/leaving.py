"""Signing out here signs out at the provider too, where it offers that (`logout`)."""

import logging

from django.conf import settings
from django.http import HttpRequest
from requests import RequestException

from amls.accounts.adapters import sign_out_address
from amls.signin.leaving import leaving_address
from amls.signin.openid.ending import end_address
from amls.signin.problems import SignInProblem
from amls.signin.receiving import SESSION_KEY
from amls.signin.saml.ending import logout_address

logger = logging.getLogger("amls.accounts")


@sign_out_address
def leave_provider(request: HttpRequest) -> str | None:
    """Return where the provider ends its session too; None where this one was not opened by one, or it offers nothing."""
    facts = request.session.get(SESSION_KEY) or {}
    provider = next(
        (configured for configured in settings.SIGN_IN_PROVIDERS if configured.id == facts.get("provider")), None
    )
    if provider is None or not provider.logout:
        return None
    find = end_address if provider.kind == "openid_connect" else logout_address
    try:
        address = find(request, provider, facts)
    except (SignInProblem, RequestException) as error:
        # Whoever signs out is signed out here in any case.
        logger.warning("provider-logout-failed provider=%s why=%s", provider.id, error)
        return None
    return leaving_address(address, provider.name) if address else None
