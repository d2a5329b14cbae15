"""A provider of OpenID Connect on loopback: pyop, with a page to sign in, that can be bent for one sign-in."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import jwt
from Cryptodome.PublicKey import RSA
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwkest.jwk import RSAKey
from pyop.authz_state import AuthorizationState
from pyop.exceptions import OAuthError
from pyop.provider import Provider
from pyop.subject_identifier import HashBasedSubjectIdentifierFactory
from pyop.userinfo import Userinfo

from amls.core.providers import SignInProvider, read_providers

CLIENT, SECRET = "amls", "a-secret-of-the-client"
MFA = "https://refeds.org/profile/mfa"
_PAGE = """<!doctype html><html lang="en"><title>University</title><main><h1>University</h1>
<form method="post"><input type="hidden" name="request" value="{request}">{buttons}</form></main></html>"""


@cache
def key_of(name: str) -> str:
    """Return a key that is drawn once for each name, by whoever first asks: its primes take longer than a sign-in."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, plain).decode()


class Quiet(WSGIRequestHandler):
    """A server that writes no log."""

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@dataclass
class University:
    """A university's provider, and its people by their account there."""

    people: dict[str, dict[str, Any]]
    address: str = ""
    # What the next ID tokens are made of: gets their claims, returns them or a whole token.
    bend: Callable[[dict[str, Any]], dict[str, Any] | str] | None = None
    userinfo: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    # What the answer with tokens has besides, or instead.
    tokens: dict[str, Any] = field(default_factory=dict)
    # How the answer to a path is sent: pieces with pauses.
    slow: dict[str, float] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    acr: str = ""

    def settings(self, folder: Any, **more: Any) -> tuple[SignInProvider, ...]:
        """Return the site's settings for it, as an installation writes them."""
        values = {
            "id": "uni", "kind": "openid_connect", "name": "Universität Größe", "issuer": self.address,
            "client_id": CLIENT, "client_secret": SECRET, "authoritative_for": ["uni.example"],
            "scopes": ["openid", "profile", "email", "university"], **more,
        }  # fmt: skip
        path = folder / "providers.toml"
        lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]
        path.write_text("\n".join(["[[provider]]", *lines]), encoding="utf-8")
        return read_providers(str(path))

    def start(self, server: WSGIServer, redirects: list[str]) -> None:
        """Make the provider for the address of a server."""
        self.address = f"http://127.0.0.1:{server.server_port}"
        self._provider = Provider(
            RSAKey(key=RSA.import_key(key_of("university")), alg="RS256", use="sig", kid="first"),
            {
                "issuer": "https://uni.example",
                "authorization_endpoint": f"{self.address}/authorize",
                "token_endpoint": f"{self.address}/token",
                "userinfo_endpoint": f"{self.address}/userinfo",
                "jwks_uri": f"{self.address}/jwks",
                "end_session_endpoint": f"{self.address}/logout",
                "scopes_supported": ["openid", "profile", "email"],
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            },
            AuthorizationState(HashBasedSubjectIdentifierFactory("salt")),
            {CLIENT: {"client_secret": SECRET, "redirect_uris": redirects, "response_types": ["code"],
                      "token_endpoint_auth_method": "client_secret_basic"}},
            Userinfo(self.people),
            extra_scopes={"university": ["matriculation_number", "eduperson_scoped_affiliation"]},
        )  # fmt: skip
        # pyop takes no issuer without TLS, which there is none of on loopback.
        self._provider.configuration_information["issuer"] = self.address
        self._redirects = redirects

    def allow(self, site: str) -> None:
        """Let a site of the tests come back here."""
        self._redirects += [f"{site}/accounts/oidc/uni/login/callback/"]

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
        """Answer one request."""
        path = environ["PATH_INFO"]
        self.asked.append(path)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
        status, headers, content = self._answer(path, environ, body)
        start_response(status, [("Content-Length", str(len(content))), *headers])
        pause = self.slow.get(path, 0)
        for piece in [content[at : at + 1].encode() for at in range(len(content))] if pause else [content.encode()]:
            time.sleep(pause)
            yield piece

    def _answer(self, path: str, environ: dict[str, Any], body: str) -> tuple[str, list[tuple[str, str]], str]:
        json_type = [("Content-Type", "application/json")]
        headers = {"Authorization": environ["HTTP_AUTHORIZATION"]} if "HTTP_AUTHORIZATION" in environ else {}
        if path == "/.well-known/openid-configuration":
            known = {**self._provider.provider_configuration.to_dict(), **self.metadata}
            return "200 OK", json_type, json.dumps(known)
        if path == "/jwks":
            return "200 OK", json_type, json.dumps(self._provider.jwks)
        if path == "/authorize":
            if environ["REQUEST_METHOD"] == "GET":
                buttons = "".join(f'<button name="who" value="{who}">{who}</button>' for who in self.people)
                page = _PAGE.format(request=environ["QUERY_STRING"].replace("&", "&amp;"), buttons=buttons)
                return "200 OK", [("Content-Type", "text/html; charset=utf-8")], page
            form = parse_qs(body)
            return "303 See Other", [("Location", self.sign_in(form["request"][0], form["who"][0]))], ""
        if path == "/token":
            claims = {"acr": self.acr} if self.acr else {}
            try:
                answer = self._provider.handle_token_request(body, headers, claims).to_dict()
            except OAuthError as error:
                return (
                    "400 Bad Request",
                    json_type,
                    json.dumps({"error": error.oauth_error, "error_description": str(error)}),
                )
            if self.bend is not None:
                claims = jwt.decode(answer["id_token"], options={"verify_signature": False})
                bent = self.bend(claims)
                answer["id_token"] = bent if isinstance(bent, str) else sign(bent)
            kept = {name: value for name, value in {**answer, **self.tokens}.items() if value is not None}
            return "200 OK", json_type, json.dumps(kept)
        if path == "/userinfo":
            person = self._provider.handle_userinfo_request(body, headers).to_dict()
            return "200 OK", json_type, json.dumps({**person, **self.userinfo})
        if path == "/logout":
            back = parse_qs(environ["QUERY_STRING"]).get("post_logout_redirect_uri", [""])[0]
            return (
                "200 OK",
                [("Content-Type", "text/html")],
                f"<html lang=en><title>Out</title><a href='{back}'>Back</a>",
            )
        return "404 Not Found", [], ""

    def sign_in(self, query: str, who: str) -> str:
        """Return where somebody goes who signed in for a request: back to the site, with a code."""
        request = self._provider.parse_authentication_request(query)
        claims = {"acr": self.acr} if self.acr else {}
        return str(
            self._provider.authorize(request, who, extra_id_token_claims=claims).request(request["redirect_uri"])
        )


def sign(claims: dict[str, Any], *, key: str = "", alg: str = "RS256", kid: str = "first") -> str:
    """Return a token of these claims, by default with the university's key."""
    return jwt.encode(claims, key or key_of("university"), algorithm=alg, headers={"kid": kid})


@contextmanager
def answering(server: WSGIServer) -> Iterator[None]:
    """Let a provider's server answer, in a thread of its own."""
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def university(people: dict[str, dict[str, Any]]) -> Iterator[University]:
    """Run a university's provider."""
    provider = University(people)
    server = make_server("127.0.0.1", 0, provider, handler_class=Quiet)
    provider.start(server, ["http://testserver/accounts/oidc/uni/login/callback/"])
    with answering(server):
        yield provider


def with_query(address: str, **changes: str) -> str:
    """Return an address with other values in its query."""
    base, _mark, query = address.partition("?")
    values = {name: given[0] for name, given in parse_qs(query).items()} | changes
    return f"{base}?{urlencode(values)}"
