"""The addresses of a provider of SAML: where a sign-in begins, where its answer comes, what this site says of itself."""

from http import HTTPStatus
from typing import Any

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import complete_social_login
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base.views import BaseLoginView
from allauth.socialaccount.sessions import LoginSession
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe
from requests import RequestException

from amls.core.request import now_of
from amls.signin.problems import SignInProblem, show_problem
from amls.signin.saml import toolkit
from amls.signin.saml.answers import believe, parse_answer, refuse_unless_success
from amls.signin.saml.configuration import own_side, request_data, saml_settings
from amls.signin.saml.provider import SamlProvider

_COOKIE = "saml-acs-session"
# An answer of a few kB; those with every group that a person is in have some hundred.
_MOST_CHARACTERS = 500_000
_WAITS_SECONDS = 300


def provider_at(request: HttpRequest, provider_id: str) -> SamlProvider:
    """Return an address's provider; raises Http404 where there is none."""
    try:
        configured = get_adapter(request).get_provider(request, provider=provider_id)
    except SocialApp.DoesNotExist as error:
        raise Http404 from error
    if not isinstance(configured, SamlProvider):
        raise Http404
    return configured


class SamlLoginView(BaseLoginView):  # type: ignore[misc]
    """Asks whether to sign in by the provider; by POST leads there."""

    def get_provider(self) -> SamlProvider:
        """Return the address's provider."""
        return provider_at(self.request, self.kwargs["provider_id"])


login = never_cache(login_not_required(SamlLoginView.as_view()))


@csrf_exempt
@require_POST
@never_cache
@login_not_required
def acs(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Take a provider's answer, and go on as this site's own page: the session's cookie does not come with it."""
    provider_at(request, provider_id)
    response = HttpResponseRedirect(reverse("saml_finish_acs", args=[provider_id]))
    waiting = LoginSession(request, "saml_acs_session", _COOKIE)
    waiting.store.set_expiry(_WAITS_SECONDS)
    waiting.store["answer"] = request.POST.get("SAMLResponse", "")[:_MOST_CHARACTERS]
    waiting.save(response)
    response.cookies[_COOKIE]["httponly"] = True
    return response


@require_safe
@never_cache
@login_not_required
def finish(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Sign in whom the answer names."""
    provider = provider_at(request, provider_id)
    waiting = LoginSession(request, "saml_acs_session", _COOKIE)
    encoded = waiting.store.get("answer", "")
    waiting.delete()
    state: dict[str, Any] | None = None
    try:
        response = _parse(request, provider, encoded)
        state = _begun(request, provider, response)
        login_of = _read(request, provider, response)
    except PermissionDenied:
        return show_problem(request, name=provider.name, provider=provider_id)
    except (SignInProblem, RequestException) as error:
        return show_problem(request, name=provider.name, provider=provider_id, exception=error, state=state)
    login_of.state = state
    return complete_social_login(request, login_of)  # type: ignore[no-any-return]


def _parse(request: HttpRequest, provider: SamlProvider, encoded: str) -> Any:
    """Return the answer, not believed yet; raises PermissionDenied where none came."""
    if not encoded:
        raise PermissionDenied
    return parse_answer(encoded, saml_settings(provider.settings, now=now_of(request)))


def _begun(request: HttpRequest, provider: SamlProvider, response: Any) -> dict[str, Any]:
    """Return what this session had begun; raises SignInProblem, or PermissionDenied where it has asked for nothing."""
    asked = response.get_in_response_to()
    if not asked:
        raise SignInProblem("an answer that nobody asked for")
    return provider.unstash_redirect_state(request, asked)  # type: ignore[no-any-return]


def _read(request: HttpRequest, provider: SamlProvider, response: Any) -> Any:
    """Return who signs in; raises SignInProblem."""
    refuse_unless_success(response)
    asked = response.get_in_response_to()
    data = request_data(request) | {"script_name": reverse("saml_acs", args=[provider.settings.id])}
    answer = believe(response, provider=provider.settings, asked=asked, data=data)
    login = provider.sociallogin_from_response(request, answer)
    login.facts = {
        "provider": provider.settings.id,
        "factor": login.account.extra_data["factor"],
        "name_id": dict(answer.name_id),
        "session": answer.session,
    }
    return login


@require_safe
@login_not_required
def metadata(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Say what this site is to the provider, for its administrators."""
    provider = provider_at(request, provider_id)
    # The provider's own metadata may not be there yet when this is fetched for its registration.
    own = toolkit.Settings(
        {
            "strict": True,
            "sp": own_side(provider.settings),
            "security": {
                "authnRequestsSigned": bool(provider.settings.key),
                "wantAssertionsSigned": True,
                "allowSingleLabelDomains": True,
            },
        },
        sp_validation_only=True,
    )
    content = own.get_sp_metadata()
    if errors := own.validate_metadata(content):
        return HttpResponse(", ".join(errors), status=HTTPStatus.INTERNAL_SERVER_ERROR, content_type="text/plain")
    return HttpResponse(content, content_type="application/samlmetadata+xml")
