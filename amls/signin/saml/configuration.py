"""Who asks whom by SAML 2.0: this site's own data, and the provider's from its metadata."""

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from allauth.socialaccount.adapter import get_adapter
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.urls import reverse
from django.utils.dateparse import parse_datetime

from amls.core.providers import SignInProvider
from amls.signin.problems import SignInProblem
from amls.signin.saml import toolkit

# Providers announce a new certificate beside the old one weeks before they use it.
_KEPT_SECONDS = 3600


def saml_settings(provider: SignInProvider, *, now: datetime, is_logout: bool = False) -> dict[str, Any]:
    """Return the settings of the SAML library for one provider.

    Args:
        provider: of SIGN_IN_PROVIDERS.
        now: the request's clock.
        is_logout: whether they are for messages about the end of a session, which must be signed whatever they are in.

    Raises:
        SignInProblem: its metadata can't be used.
        RequestException: its metadata can't be fetched.
    """
    is_signing = bool(provider.key)
    return {
        "strict": True,
        "sp": own_side(provider),
        "idp": _other_side(provider, now=now),
        "security": {
            "authnRequestsSigned": is_signing,
            "logoutRequestSigned": is_signing,
            "logoutResponseSigned": is_signing,
            "wantMessagesSigned": is_logout,
            # One of the two is signed, or nothing is believed; which of them is the provider's choice.
            "wantAssertionsSigned": False,
            "allowSingleLabelDomains": True,
            "wantNameId": False,
            "wantAttributeStatement": False,
            "allowRepeatAttributeName": True,
            "rejectDeprecatedAlgorithm": True,
            "requestedAuthnContext": False,
        },
    }


def own_side(provider: SignInProvider) -> dict[str, Any]:
    """Return what this site is to a provider, by the address under which people reach it."""

    def place(name: str) -> str:
        return f"{settings.SITE_URL}{reverse(name, args=[provider.id])}"

    side: dict[str, Any] = {
        "entityId": place("saml_metadata"),
        "assertionConsumerService": {"url": place("saml_acs"), "binding": toolkit.Constants.BINDING_HTTP_POST},
        "singleLogoutService": {"url": place("saml_sls"), "binding": toolkit.Constants.BINDING_HTTP_REDIRECT},
        "NameIDFormat": toolkit.Constants.NAMEID_PERSISTENT,
    }
    if provider.key:
        side["privateKey"] = Path(provider.key).read_text(encoding="ascii")
        side["x509cert"] = Path(provider.certificate).read_text(encoding="ascii")
    return side


def request_data(request: HttpRequest, form: dict[str, str] | None = None) -> dict[str, Any]:
    """Return a request as the SAML library asks for it: at this site's own address, whatever its Host says."""
    parts = urlsplit(settings.SITE_URL)
    return {
        "https": "on" if parts.scheme == "https" else "off",
        "http_host": parts.netloc,
        "script_name": request.path,
        "get_data": request.GET.dict(),
        "post_data": form or {},
        "query_string": request.META.get("QUERY_STRING", ""),
    }


def _other_side(provider: SignInProvider, *, now: datetime) -> dict[str, Any]:
    text = _metadata(provider.metadata)
    try:
        root = toolkit.XML.to_etree(text)
        side = toolkit.IdPMetadataParser.parse(text, entity_id=provider.entity_id).get("idp", {})
    except Exception as error:  # whatever a document that is none makes of the parsers
        raise SignInProblem(f"the metadata can't be read ({type(error).__name__})") from error
    if side.get("entityId") != provider.entity_id:
        raise SignInProblem(f"the metadata don't name {provider.entity_id}")
    until = parse_datetime(root.get("validUntil") or "")
    if until is not None and until <= now:
        raise SignInProblem(f"the metadata were valid until {until:%Y-%m-%d %H:%M}")
    if "singleSignOnService" not in side or not ({"x509cert", "x509certMulti"} & side.keys()):
        raise SignInProblem("the metadata name no address to sign in, or no certificate")
    return side  # type: ignore[no-any-return]


def _metadata(place: str) -> bytes:
    if "://" not in place:
        return Path(place).read_bytes()
    key = f"signin:{hashlib.sha256(place.encode()).hexdigest()}"
    metadata: bytes | None = cache.get(key)
    if metadata is None:
        with get_adapter().get_requests_session() as session:
            response: requests.Response = session.get(place)
            response.raise_for_status()
        metadata = response.content
        cache.set(key, metadata, _KEPT_SECONDS)
    return metadata
