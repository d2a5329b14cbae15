"""The end of a session at a provider of OpenID Connect, begun here or there (RP-Initiated and Back-Channel Logout 1.0)."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from importlib import import_module
from typing import Any

from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from requests import RequestException

from amls.accounts.log import record
from amls.core.providers import SignInProvider, is_safe_address
from amls.core.request import now_of
from amls.courses.accountevents import AccountEvent
from amls.signin.openid.adapter import OidcAdapter, keys_of
from amls.signin.openid.tokens import read_logout_token
from amls.signin.openid.views import adapter_at
from amls.signin.problems import SignInProblem
from amls.signin.receiving import SESSION_KEY

logger = logging.getLogger("amls.accounts")


def end_address(request: HttpRequest, provider: SignInProvider, facts: dict[str, Any]) -> str | None:
    """Return where the provider ends its session and sends people back to this site; None where it offers none.

    Raises:
        SignInProblem, RequestException: see `OidcAdapter.openid_config`.
    """
    address = OidcAdapter(request, provider.id).openid_config.get("end_session_endpoint")
    if not address or not is_safe_address(address):
        return None
    values = {
        "id_token_hint": facts.get("id_token", ""),
        "client_id": provider.client_id,
        "post_logout_redirect_uri": f"{settings.SITE_URL}/",
    }
    return f"{address}{'&' if '?' in address else '?'}{urlencode(values)}"


@csrf_exempt
@require_POST
@never_cache
@login_not_required
def back_channel(request: HttpRequest, provider_id: str) -> HttpResponse:
    """End the sessions of which a provider says that they are over there: 200, or 400 for what it did not say."""
    adapter, token = adapter_at(request, provider_id), request.POST.get("logout_token", "")
    try:
        keys = keys_of(adapter.openid_config, token)
        now = now_of(request)
        claims = read_logout_token(token, keys=keys, provider=adapter.settings, now=now)
    except (SignInProblem, RequestException) as error:
        logger.warning("provider-logout-failed provider=%s why=%s", provider_id, error)
        return HttpResponse(status=HTTPStatus.BAD_REQUEST)
    _end_sessions(request, provider_id, claims)
    return HttpResponse()


def _end_sessions(request: HttpRequest, provider_id: str, claims: Mapping[str, Any]) -> None:
    """End the sessions of a person that their provider opened; where it names one (`sid`), that one alone."""
    store = import_module(settings.SESSION_ENGINE).SessionStore
    account = SocialAccount.objects.filter(provider=provider_id, uid=claims["sub"]).first()
    for session in UserSession.objects.filter(user=account.user_id) if account is not None else ():
        facts = store(session.session_key).get(SESSION_KEY) or {}
        if facts.get("provider") == provider_id and claims.get("sid", facts.get("sid")) == facts.get("sid"):
            record(AccountEvent.What.SESSION_ENDED, user=session.user, request=request, how=provider_id)
            session.end()
