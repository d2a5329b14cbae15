"""The two addresses of a provider of OpenID Connect: where a sign-in begins, and where it comes back."""

from typing import Any

from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView, OAuth2View
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from requests import RequestException

from amls.signin.openid.adapter import OidcAdapter
from amls.signin.openid.provider import OidcProvider
from amls.signin.problems import SignInRefused, show_problem


class CallbackView(OAuth2CallbackView):  # type: ignore[misc]
    """Takes what the provider says to what this session asked, also where it says why it signs nobody in."""

    def _get_state(self, request: HttpRequest, provider: OidcProvider) -> tuple[Any, HttpResponse | None]:
        state, response = super()._get_state(request, provider)
        if response is None and "code" not in request.GET:
            refused = SignInRefused(request.GET.get("error", ""), request.GET.get("error_description", ""))
            response = show_problem(
                request, name=provider.name, provider=provider.sub_id, exception=refused, state=state
            )
        return state, response


def adapter_at(request: HttpRequest, provider_id: str) -> OidcAdapter:
    """Return how an address's provider is asked; raises Http404 where there is none, or none of OpenID Connect."""
    adapter = OidcAdapter(request, provider_id)
    try:
        provider = adapter.get_provider()
    except SocialApp.DoesNotExist as error:
        raise Http404 from error
    if not isinstance(provider, OidcProvider):
        raise Http404
    return adapter


def _answer(view: type[OAuth2View], request: HttpRequest, provider_id: str) -> HttpResponse:
    adapter = adapter_at(request, provider_id)
    try:
        return view.adapter_view(adapter)(request)  # type: ignore[no-any-return]
    except (OAuth2Error, RequestException) as error:
        # Also on the way back the provider may not say what it is.
        return show_problem(request, name=adapter.settings.name, provider=provider_id, exception=error)


@never_cache
@login_not_required
def login(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Ask whether to sign in by the provider; by POST lead there."""
    return _answer(OAuth2LoginView, request, provider_id)


@require_safe
@never_cache
@login_not_required
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Sign in whom the provider names."""
    return _answer(CallbackView, request, provider_id)
