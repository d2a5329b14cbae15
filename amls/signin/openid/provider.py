"""A provider of OpenID Connect, as allauth asks for it."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from django.http import HttpRequest, HttpResponse
from requests import RequestException

from amls.core.providers import SignInProvider
from amls.signin.claims import addresses_of, read_claims, values_of
from amls.signin.leaving import leave_for
from amls.signin.openid.adapter import OidcAdapter
from amls.signin.problems import SignInProblem, show_problem


class OidcProvider(OpenIDConnectProvider):  # type: ignore[misc]
    """Reads what SIGN_IN_PROVIDERS names, and keeps no more than the site needs."""

    package = "amls.signin.openid"
    oauth2_adapter_class = OidcAdapter
    supports_token_authentication = False
    pkce_enabled_default = True

    @property
    def settings(self) -> SignInProvider:
        """What SIGN_IN_PROVIDERS says of it."""
        return self.app.provider_settings  # type: ignore[no-any-return]

    def redirect(
        self, request: HttpRequest, process: str, next_url: str | None = None, data: Any = None, **kwargs: Any
    ) -> HttpResponse:
        """Return the page that leads to the provider, or says why it can't."""
        try:
            there = super().redirect(request, process, next_url, data, **kwargs)
            return leave_for(request, there["Location"], self.name)
        except (OAuth2Error, RequestException) as error:
            begun = {"process": process, "next": next_url}
            return show_problem(request, name=self.name, provider=self.settings.id, exception=error, state=begun)

    def get_scope_from_request(self, request: HttpRequest) -> list[str]:
        """Return what is asked for: by the settings, whatever an address says."""
        return list(self.settings.scopes)

    def get_auth_params_from_request(self, request: HttpRequest, action: str) -> dict[str, str]:
        """Ask for the second factor where a page of staff leads here; nothing else comes from an address."""
        if request.GET.get("factor") and self.settings.second_factor:
            return {"acr_values": " ".join(self.settings.second_factor)}
        return {}

    def extract_uid(self, data: dict[str, Any]) -> str:
        """Return by what the provider knows a person.

        Raises:
            SignInProblem: it does not say.
        """
        (subject, *_more) = values_of(self.settings, data, "subject") or [""]
        if not 0 < len(subject) <= 191:
            raise SignInProblem("no subject, or too long a one")
        return subject

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return what is kept of a person."""
        acr = data.get("acr")
        return read_claims(self.settings, data, contexts=[acr] if isinstance(acr, str) else []).vouched.kept()

    def extract_common_fields(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return their main address."""
        return {"email": next(iter(read_claims(self.settings, data).emails), None)}

    def extract_email_addresses(self, data: dict[str, Any]) -> list[EmailAddress]:
        """Return their addresses: proven are those of the provider's own domains, whatever it says of others."""
        return addresses_of(self.settings, read_claims(self.settings, data).emails)

    def serialize(self) -> dict[str, Any]:
        """Return what finds it again: its own id, as two providers may know this site by one client id."""
        return {"id": self.settings.id}
