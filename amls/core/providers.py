"""SIGN_IN_PROVIDERS: who vouches for people beside this site, as a TOML file says it."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

Kind = Literal["openid_connect", "saml"]

# What is read of a person, and under which names providers send it: claims of OpenID Connect Core 1.0, 5.1; of SAML the
# attributes of eduPerson and SCHAC, by their OID and by the name that Keycloak and Shibboleth's older maps give them.
_ATTRIBUTES: dict[Kind, dict[str, tuple[str, ...]]] = {
    "openid_connect": {
        "subject": ("sub",),
        "email": ("email",),
        "name": ("name",),
        "given_name": ("given_name",),
        "family_name": ("family_name",),
        "matriculation_number": ("matriculation_number", "schac_personal_unique_code"),
        "affiliation": ("eduperson_scoped_affiliation", "eduperson_affiliation", "voperson_external_affiliation"),
    },
    "saml": {
        "subject": ("urn:oasis:names:tc:SAML:attribute:subject-id", "urn:oasis:names:tc:SAML:attribute:pairwise-id"),
        "email": ("urn:oid:0.9.2342.19200300.100.1.3", "mail", "email"),
        "name": ("urn:oid:2.16.840.1.113730.3.1.241", "displayName"),
        "given_name": ("urn:oid:2.5.4.42", "givenName", "firstName"),
        "family_name": ("urn:oid:2.5.4.4", "sn", "lastName"),
        "matriculation_number": ("urn:oid:1.3.6.1.4.1.25178.1.2.14", "schacPersonalUniqueCode", "matriculationNumber"),
        "affiliation": (
            "urn:oid:1.3.6.1.4.1.5923.1.1.1.9",
            "urn:oid:1.3.6.1.4.1.5923.1.1.1.1",
            "eduPersonScopedAffiliation",
            "eduPersonAffiliation",
        ),
    },
}
_COMMON = {
    "id", "kind", "name", "authoritative_for", "attributes", "may_create_courses", "second_factor", "logout",
    "lock_after_days",
}  # fmt: skip
_OF_KIND: dict[Kind, set[str]] = {
    "openid_connect": {"issuer", "client_id", "client_secret", "scopes"},
    "saml": {"entity_id", "metadata", "key", "certificate"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInProvider:
    """One provider of sign-ins.

    Attributes:
        id: in addresses and rows; it never changes.
        kind: which protocol it speaks.
        name: what its button says.
        authoritative_for: mail domains, lower case, whose addresses it gives to people: those that it sends are proven.
        attributes: under which names it sends what, the first that is there counts.
        may_create_courses: affiliations, lower case, whose people make courses.
        second_factor: values of `acr` (OpenID Connect) or of the authentication context (SAML) that say that a second
            factor was used.
        logout: whether signing out here signs out there too.
        lock_after_days: after how many days without a sign-in by it an account is locked; None: never.
        issuer: of OpenID Connect, an address without what follows '/.well-known'.
        client_id: there.
        client_secret: there.
        scopes: what is asked for.
        entity_id: of SAML.
        metadata: its address or file.
        key: the file of this site's private key, as PEM.
        certificate: that of its certificate.
    """

    id: str
    kind: Kind
    name: str
    authoritative_for: frozenset[str] = frozenset()
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    may_create_courses: frozenset[str] = frozenset()
    second_factor: tuple[str, ...] = ()
    logout: bool = True
    lock_after_days: int | None = None
    issuer: str = ""
    client_id: str = ""
    client_secret: str = ""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    entity_id: str = ""
    metadata: str = ""
    key: str = ""
    certificate: str = ""

    def vouches_for(self, email: str) -> bool:
        """Return whether the provider gives this address to people, so that it proves it."""
        _name, mark, domain = email.rpartition("@")
        return bool(mark) and domain.lower() in self.authoritative_for


def read_providers(path: str, environment: Mapping[str, str] = os.environ) -> tuple[SignInProvider, ...]:
    """Return the providers of a TOML file, in its order; none for ''.

    Args:
        path: of the file.
        environment: where a secret stands that the file leaves out, as SIGN_IN_SECRET_ and the id in capitals.

    Raises:
        ImproperlyConfigured: the file can't be read, or says something that can't be; with what to do.
    """
    if not path:
        return ()
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ImproperlyConfigured(f"SIGN_IN_PROVIDERS: {path} can't be read ({error.strerror}).") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"SIGN_IN_PROVIDERS: {path} is no TOML ({error}).") from error
    tables = content.pop("provider", [])
    if content or not isinstance(tables, list):
        raise ImproperlyConfigured(f"SIGN_IN_PROVIDERS: {path} holds [[provider]] tables and nothing else.")
    providers = tuple(_provider(table, environment) for table in tables)
    ids = [provider.id for provider in providers]
    if twice := {key for key in ids if ids.count(key) > 1}:
        raise ImproperlyConfigured(f"SIGN_IN_PROVIDERS: two providers are called '{min(twice)}'. Give each its own id.")
    return providers


def _provider(table: dict[str, Any], environment: Mapping[str, str]) -> SignInProvider:
    name = str(table.get("id", "?"))

    def refuse(why: str) -> ImproperlyConfigured:
        return ImproperlyConfigured(f"SIGN_IN_PROVIDERS, provider '{name}': {why}")

    if not re.fullmatch(r"[a-z][a-z0-9-]{0,29}", name):
        raise refuse('its id is 1 to 30 small letters, digits and hyphens, such as id = "tu-berlin".')
    kind: Kind = table.get("kind", "")
    if kind not in _OF_KIND:
        raise refuse('kind is "openid_connect" or "saml".')
    if unknown := table.keys() - _COMMON - _OF_KIND[kind]:
        raise refuse(f"'{min(unknown)}' is nothing that can be set.")
    if not isinstance(table.get("name"), str) or not 0 < len(table["name"]) <= 40:
        raise refuse('name is what its button says, up to 40 characters, such as name = "TU Berlin".')
    values: dict[str, Any] = {"id": name, "kind": kind, "name": table["name"]}
    values |= {key: tuple(_texts(table, key, refuse)) for key in ("scopes", "second_factor") if key in table}
    values |= {
        key: frozenset(text.lower().lstrip("@") for text in _texts(table, key, refuse))
        for key in ("authoritative_for", "may_create_courses")
    }
    values["attributes"] = _attributes(table, kind, refuse)
    for key, wanted in (("logout", bool), ("lock_after_days", int)):
        if key in table:
            if type(table[key]) is not wanted or (wanted is int and table[key] < 1):
                raise refuse(f"{key} is {'true or false' if wanted is bool else 'a number of days, at least 1'}.")
            values[key] = table[key]
    read = _read_oidc if kind == "openid_connect" else _read_saml
    return SignInProvider(**values, **read(table, environment, refuse))


def _texts(table: Mapping[str, Any], key: str, refuse: Any) -> list[str]:
    texts = table.get(key, [])
    if not isinstance(texts, list) or not all(isinstance(text, str) and text for text in texts):
        raise refuse(f'{key} is a list of texts, such as {key} = ["…"].')
    return texts


def _attributes(table: dict[str, Any], kind: Kind, refuse: Any) -> dict[str, tuple[str, ...]]:
    own = table.get("attributes", {})
    if not isinstance(own, dict) or (unknown := own.keys() - _ATTRIBUTES[kind].keys()):
        wrong = f"'{min(unknown)}' is none of" if isinstance(own, dict) else "it holds"
        raise refuse(f"[provider.attributes]: {wrong} {', '.join(sorted(_ATTRIBUTES[kind]))}.")
    named = {key: (value,) if isinstance(value, str) else tuple(_texts(own, key, refuse)) for key, value in own.items()}
    return _ATTRIBUTES[kind] | named


def _read_oidc(table: dict[str, Any], environment: Mapping[str, str], refuse: Any) -> dict[str, Any]:
    secret_name = f"SIGN_IN_SECRET_{table['id'].upper().replace('-', '_')}"
    secret = table.get("client_secret") or environment.get(secret_name, "")
    issuer = str(table.get("issuer", ""))
    if not is_safe_address(issuer) or "/.well-known/" in issuer:
        raise refuse(
            'issuer is its https address without what follows "/.well-known", such as '
            'issuer = "https://id.example.org/realms/university".'
        )
    if not table.get("client_id") or not secret:
        raise refuse(f"it needs client_id, and client_secret here or as {secret_name} in the environment.")
    return {"issuer": issuer.rstrip("/"), "client_id": str(table["client_id"]), "client_secret": str(secret)}


def _read_saml(table: dict[str, Any], environment: Mapping[str, str], refuse: Any) -> dict[str, Any]:
    metadata = str(table.get("metadata", ""))
    if not table.get("entity_id") or not metadata:
        raise refuse("it needs entity_id, and metadata: an https address or the path of a file.")
    if "://" in metadata and not is_safe_address(metadata):
        raise refuse("metadata is an https address or the path of a file: what comes by http anybody may have changed.")
    if bool(table.get("key")) != bool(table.get("certificate")):
        raise refuse("key and certificate belong together: the paths of two PEM files, or neither.")
    values = {name: str(table.get(name, "")) for name in ("entity_id", "metadata", "key", "certificate")}
    for name in ("key", "certificate", "metadata"):
        if values[name] and "://" not in values[name] and not Path(values[name]).is_file():
            raise refuse(f"{name}: there is no file {values[name]}.")
    return values


def is_safe_address(address: str) -> bool:
    """Return whether an address is https, or on this very machine."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme == "https":
        return bool(host)
    try:
        is_here = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        is_here = False
    return parts.scheme == "http" and is_here
