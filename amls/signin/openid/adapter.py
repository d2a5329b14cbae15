"""How this site asks a provider of OpenID Connect: discovery, keys, tokens, and what it says of a person."""

import hashlib
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import requests
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.oauth2.client import OAuth2Client
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.functional import cached_property

from amls.core.providers import SignInProvider, is_safe_address
from amls.core.request import now_of
from amls.signin.openid.tokens import names_key, nonce_of, read_id_token
from amls.signin.problems import SignInProblem, SignInRefused

# Providers change their keys once in months, with the new ones beside the old.
_KEPT_SECONDS = 600
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class OidcClient(OAuth2Client):  # type: ignore[misc]
    """Asks with a nonce, which the ID token must repeat."""

    def get_redirect_url(self, authorization_url: str, scope: list[str], extra_params: dict[str, str]) -> str:
        """Return where a person goes to sign in."""
        params = {**extra_params, "nonce": nonce_of(self.state)}
        return super().get_redirect_url(authorization_url, scope, params)  # type: ignore[no-any-return]

    def get_access_token(self, code: str, pkce_code_verifier: str | None = None) -> dict[str, Any]:
        """Return the tokens for a code (OpenID Connect Core 1.0, 3.1.3).

        Raises:
            SignInRefused: the provider gives none; with what it says of it (RFC 6749, 5.2).
            RequestException: it does not answer.
        """
        values = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.callback_url}
        if pkce_code_verifier:
            values["code_verifier"] = pkce_code_verifier
        if not self.basic_auth:
            values |= {"client_id": self.consumer_key, "client_secret": self.consumer_secret}
        auth = (self.consumer_key, self.consumer_secret) if self.basic_auth else None
        with get_adapter().get_requests_session() as session:
            response = session.post(self.access_token_url, data=values, auth=auth)
        answer = _object_in(response)
        if response.status_code != HTTPStatus.OK or "access_token" not in answer:
            said = f"the token endpoint answers {response.status_code}: {answer.get('error_description', '')}"
            raise SignInRefused(str(answer.get("error", "")), said)
        return answer


class OidcAdapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    """Believes a provider only what it signed for this site and this sign-in."""

    client_class = OidcClient

    @property
    def settings(self) -> SignInProvider:
        """What SIGN_IN_PROVIDERS says of the provider."""
        return self.get_provider().settings  # type: ignore[no-any-return]

    @cached_property
    def openid_config(self) -> dict[str, Any]:
        """What the provider says of itself (OpenID Connect Discovery 1.0).

        Raises:
            SignInProblem: these are another provider's.
            RequestException: it does not answer.
        """
        address = f"{self.settings.issuer}/.well-known/openid-configuration"
        config = _kept(address)
        if str(config.get("issuer", "")).rstrip("/") != self.settings.issuer:
            raise SignInProblem(f"the metadata are those of {str(config.get('issuer'))[:200]}")
        for name in _ENDPOINTS:
            if not is_safe_address(str(config.get(name, ""))):
                raise SignInProblem(f"{name} is no https address")
        return config

    @property
    def basic_auth(self) -> bool:
        """Whether the client's secret goes into the header: the default where a provider doesn't say (3, there)."""
        methods = self.openid_config.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        return "client_secret_basic" in methods

    def get_access_token_data(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return the tokens for a code, which must come from whom it was asked for (RFC 9207)."""
        said = request.GET.get("iss")
        is_missing = said is None and self.openid_config.get("authorization_response_iss_parameter_supported")
        if is_missing or (said is not None and said.rstrip("/") != self.settings.issuer):
            raise SignInProblem("the answer comes from another issuer")
        return super().get_access_token_data(request, *args, **kwargs)  # type: ignore[no-any-return]

    def complete_login(
        self, request: HttpRequest, app: SocialApp, token: SocialToken, *, response: Mapping[str, Any], **kwargs: Any
    ) -> SocialLogin:
        """Return who signs in.

        Raises:
            SignInProblem: the provider's answer is not for this sign-in.
            RequestException: it does not answer.
        """
        id_token = str(response.get("id_token", ""))
        now = now_of(request)
        claims = read_id_token(
            id_token,
            keys=keys_of(self.openid_config, id_token),
            provider=self.settings,
            nonce=nonce_of(request.GET["state"]),
            now=now,
        )
        more = self._userinfo(token.token)
        if more and more.get("sub") != claims["sub"]:
            raise SignInProblem("the userinfo is that of somebody else (sub)")
        login = self.get_provider().sociallogin_from_response(request, {**more, **claims})
        login.facts = {
            "provider": self.settings.id,
            "factor": login.account.extra_data["factor"],
            "id_token": id_token,
            "sid": str(claims.get("sid", "")),
        }
        return login

    def _userinfo(self, access_token: str) -> dict[str, Any]:
        address = self.openid_config.get("userinfo_endpoint")
        if not address or not is_safe_address(address):
            return {}
        return fetch_json(address, headers={"Authorization": f"Bearer {access_token}"})


def keys_of(config: Mapping[str, Any], token: str) -> list[dict[str, Any]]:
    """Return a provider's public keys (JWK); read anew where the one that a token names is not among them.

    Raises:
        SignInProblem: it publishes none.
        RequestException: it does not answer.
    """
    address = config["jwks_uri"]
    keys = _kept(address).get("keys", [])
    if not names_key(keys, token):
        cache.delete(_cache_key(address))
        keys = _kept(address).get("keys", [])
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise SignInProblem(f"no keys at {address}")
    return keys


def fetch_json(address: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the object at an address of a provider.

    Raises:
        SignInProblem: it is none.
        RequestException: it does not answer, or not with 200.
    """
    with get_adapter().get_requests_session() as session:
        response = session.get(address, headers=headers)
        response.raise_for_status()
        document = response.json()
    if not isinstance(document, dict):
        raise SignInProblem(f"no object at {address}")
    return document


def _object_in(response: requests.Response) -> dict[str, Any]:
    """Return the object of an answer; an empty one where it is none."""
    try:
        document = response.json()
    except requests.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def _kept(address: str) -> dict[str, Any]:
    document: dict[str, Any] | None = cache.get(_cache_key(address))
    if document is None:
        document = fetch_json(address)
        cache.set(_cache_key(address), document, _KEPT_SECONDS)
    return document


def _cache_key(address: str) -> str:
    return f"signin:{hashlib.sha256(address.encode()).hexdigest()}"
