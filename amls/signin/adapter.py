"""How accounts and providers come together: allauth's adapter."""

from typing import Any

import requests
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.base import AuthError, AuthProcess
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from amls.core.clock import database_clock
from amls.core.providers import SignInProvider
from amls.courses.models import User
from amls.signin.joining import account_with, unlock
from amls.signin.problems import show_problem
from amls.signin.web import provider_session

# The sign-in that waits for somebody to show that an account is theirs.
PENDING = "amls_signin_pending"


def wait_for_account(request: HttpRequest, sociallogin: SocialLogin, *, addresses: list[str]) -> None:
    """Remember a sign-in until somebody in this browser shows that the account with one of these addresses is theirs."""
    request.session[PENDING] = {
        "login": sociallogin.serialize(),
        "addresses": addresses,
        "at": database_clock.now().timestamp(),
    }


class ProvidersAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Providers come from SIGN_IN_PROVIDERS, and open an account only where they prove that it is the person's."""

    error_messages = {
        **DefaultSocialAccountAdapter.error_messages,
        "no_verified_email": _("Prove an address of this account first: without one you could not sign in any more."),
    }

    def list_apps(
        self, request: HttpRequest | None, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        """Return the providers, or the one of an id."""
        return [
            app_of(configured)
            for configured in settings.SIGN_IN_PROVIDERS
            if provider is None or provider == configured.id
        ]

    def get_requests_session(self) -> requests.Session:
        """Return a session that waits no longer than somebody before a screen does."""
        return provider_session()

    def authenticate_by_email(self, sociallogin: SocialLogin) -> tuple[User, str] | None:
        """Return the account with an address that the provider proves, and the address.

        Whoever joins a sign-in with the account that they are in has said whose it is.
        """
        if sociallogin.state.get("process") == AuthProcess.CONNECT:
            return None
        for address in sociallogin.email_addresses:
            if address.verified and (user := account_with(address.email)) is not None:
                return user, address.email
        return None

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Unlock whom the provider knows again; remember a sign-in whose address is still to be proven here."""
        sociallogin.state["facts"] = getattr(sociallogin, "facts", {})
        request.session.pop(PENDING, None)
        if sociallogin.is_existing:
            sociallogin.user = unlock(user=sociallogin.user, request=request)
            return
        addresses = [address.email for address in sociallogin.email_addresses]
        if EmailAddress.objects.filter(email__in=addresses).exists():
            wait_for_account(request, sociallogin, addresses=addresses)

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> User:
        """Give a new account its address; the rest follows when it is opened."""
        user: User = super().populate_user(request, sociallogin, data)
        user.display_name = sociallogin.account.extra_data.get("name", "")
        return user

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: str = AuthError.UNKNOWN,
        exception: Exception | None = None,
        extra_context: dict[str, Any] | None = None,
    ) -> None:
        """Answer with a sentence that says what to do."""
        state = (extra_context or {}).get("state")
        page = show_problem(request, name=provider.name, provider=provider.sub_id, exception=exception, state=state)
        raise ImmediateHttpResponse(page)


def app_of(provider: SignInProvider) -> SocialApp:
    """Return allauth's row of a provider, which stands in no table."""
    app = SocialApp(
        provider=provider.kind,
        provider_id=provider.id,
        name=provider.name,
        client_id=provider.client_id or provider.id,
        secret=provider.client_secret,
        settings={"server_url": provider.issuer},
    )
    app.provider_settings = provider
    return app
