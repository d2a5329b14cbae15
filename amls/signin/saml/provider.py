"""A provider of SAML 2.0, as allauth asks for it."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.socialaccount.providers.saml.provider import SAMLProvider
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode
from requests import RequestException

from amls.core.providers import SignInProvider
from amls.core.request import now_of
from amls.signin.claims import addresses_of, read_claims, values_of
from amls.signin.leaving import leave_for
from amls.signin.problems import SignInProblem, show_problem
from amls.signin.saml import toolkit
from amls.signin.saml.answers import SamlAnswer
from amls.signin.saml.configuration import request_data, saml_settings


class SamlProvider(SAMLProvider):  # type: ignore[misc]
    """Reads what SIGN_IN_PROVIDERS names, and keeps no more than the site needs."""

    package = "amls.signin.saml"

    @property
    def settings(self) -> SignInProvider:
        """What SIGN_IN_PROVIDERS says of it."""
        return self.app.provider_settings  # type: ignore[no-any-return]

    def get_login_url(self, request: HttpRequest, **kwargs: Any) -> str:
        """Return where a sign-in by it begins."""
        return reverse("saml_login", args=[self.settings.id]) + (f"?{urlencode(kwargs)}" if kwargs else "")

    def redirect(
        self, request: HttpRequest, process: str, next_url: str | None = None, data: Any = None, **kwargs: Any
    ) -> HttpResponse:
        """Return the page that leads to the provider, or says why it can't."""
        try:
            config = saml_settings(self.settings, now=now_of(request))
            if request.GET.get("factor") and self.settings.second_factor:
                config["security"]["requestedAuthnContext"] = list(self.settings.second_factor)
            auth = toolkit.Auth(request_data(request), config)
            address = auth.login(return_to="")
        except (SignInProblem, RequestException) as error:
            begun = {"process": process, "next": next_url}
            return show_problem(request, name=self.name, provider=self.settings.id, exception=error, state=begun)
        self.stash_redirect_state(request, process, next_url, data, state_id=auth.get_last_request_id(), **kwargs)
        return leave_for(request, address, self.name)

    def extract_uid(self, data: SamlAnswer) -> str:
        """Return by what the provider knows a person: subject-id, or a persistent NameID.

        Raises:
            SignInProblem: it does not say, or with something that is another one the next time.
        """
        (subject, *_more) = values_of(self.settings, data.attributes, "subject") or [""]
        if not subject and data.name_id.get("Format") == toolkit.Constants.NAMEID_PERSISTENT:
            subject = data.name_id.get("Value") or ""
        if not 0 < len(subject) <= 191:
            raise SignInProblem("neither a subject nor a persistent NameID")
        return subject

    def extract_extra_data(self, data: SamlAnswer) -> dict[str, Any]:
        """Return what is kept of a person."""
        return read_claims(self.settings, data.attributes, contexts=data.contexts).vouched.kept()

    def extract_common_fields(self, data: SamlAnswer) -> dict[str, Any]:
        """Return their main address."""
        return {"email": next(iter(read_claims(self.settings, data.attributes).emails), None)}

    def extract_email_addresses(self, data: SamlAnswer) -> list[EmailAddress]:
        """Return their addresses: proven are those of the provider's own domains."""
        return addresses_of(self.settings, read_claims(self.settings, data.attributes).emails)

    def serialize(self) -> dict[str, Any]:
        """Return what finds it again."""
        return {"id": self.settings.id}
