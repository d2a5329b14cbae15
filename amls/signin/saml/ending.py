"""The end of a session at a provider of SAML, begun here or there (SAML 2.0 Profiles, 4.4)."""

from typing import Any

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from requests import RequestException

from amls.core.providers import SignInProvider
from amls.core.request import now_of
from amls.signin.problems import SignInProblem, show_problem
from amls.signin.receiving import SESSION_KEY
from amls.signin.saml import toolkit
from amls.signin.saml.configuration import request_data, saml_settings
from amls.signin.saml.views import provider_at


def logout_address(request: HttpRequest, provider: SignInProvider, facts: dict[str, Any]) -> str | None:
    """Return where the provider ends its session; None where it offers none, or its metadata don't say.

    Raises:
        SignInProblem, RequestException: see `saml_settings`.
    """
    now = now_of(request)
    auth = toolkit.Auth(request_data(request), saml_settings(provider, now=now, is_logout=True))
    name = facts.get("name_id", {})
    if auth.get_slo_url() is None or not name.get("Value"):
        return None
    address: str = auth.logout(
        return_to="",
        name_id=name["Value"],
        name_id_format=name.get("Format"),
        nq=name.get("NameQualifier"),
        spnq=name.get("SPNameQualifier"),
        session_index=facts.get("session") or None,
    )
    return address


@require_safe
@never_cache
@login_not_required
def sls(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Sign out whom the provider signs out, or come back from there. Only what it signed counts, and only for whom it names."""
    provider = provider_at(request, provider_id)
    try:
        config = saml_settings(provider.settings, now=now_of(request), is_logout=True)
        auth = toolkit.Auth(request_data(request), config)
        address = _process(auth, request, provider.settings)
    except (SignInProblem, RequestException) as error:
        return show_problem(request, name=provider.name, provider=provider_id, exception=error)
    if address is None:
        messages.success(request, _("You are signed out, here and with %(provider)s.") % {"provider": provider.name})
    return HttpResponseRedirect(address or "/")


def _process(auth: Any, request: HttpRequest, provider: SignInProvider) -> str | None:
    """Return where the provider wants its answer; raises SignInProblem where its message is not to be believed."""
    try:
        address: str | None = auth.process_slo(delete_session_cb=lambda: _end_session(auth, request, provider))
    except toolkit.Error as error:
        raise SignInProblem(str(error)[:300]) from error
    except Exception as error:  # whatever bent base64 or XML makes of the parsers
        raise SignInProblem(f"the message can't be read ({type(error).__name__})") from error
    if auth.get_errors():
        raise SignInProblem(str(auth.get_last_error_reason() or auth.get_errors())[:300])
    return address


def _end_session(auth: Any, request: HttpRequest, provider: SignInProvider) -> None:
    """Sign out whom a request of the provider names: its address may be opened by somebody else too.

    An answer of the provider comes for somebody who is signed out already.
    """
    facts = request.session.get(SESSION_KEY) or {}
    if "SAMLRequest" not in request.GET or facts.get("provider") != provider.id:
        return
    key = auth.get_settings().get_sp_key()
    if toolkit.Logout_Request.get_nameid(auth.get_last_request_xml(), key) == facts["name_id"].get("Value"):
        get_adapter(request).logout(request)
