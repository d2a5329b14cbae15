"""A provider of SAML 2.0 on loopback: pysaml2, with a page to sign in; what it says can be bent before it is signed."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from wsgiref.simple_server import make_server

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Saml
from onelogin.saml2.utils import OneLogin_Saml2_Utils as Utils
from saml2 import BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAMEID_FORMAT_PERSISTENT, NameID
from saml2.server import Server
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

from amls.core.providers import SignInProvider, read_providers
from tests.signin.openid import Quiet, answering, key_of

PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
_PAGE = """<!doctype html><html lang="en"><title>University</title><main><h1>University</h1>
<form method="{method}" action="{action}">{fields}{buttons}</form></main></html>"""


def make_pair(folder: Path, name: str) -> tuple[str, str]:
    """Make a key and its certificate; return their files."""
    written = key_of(name)
    key = serialization.load_pem_private_key(written.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    files = folder / f"{name}.key", folder / f"{name}.crt"
    files[0].write_text(written)
    files[1].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return str(files[0]), str(files[1])


@dataclass
class Shibboleth:
    """A university's provider, and its people by their account there."""

    folder: Path
    people: dict[str, dict[str, list[str]]]
    address: str = ""
    context: str = PASSWORD
    # What it is asked to sign: 'response', 'assertion', 'both', 'nothing'; and whether it encrypts.
    signs: str = "both"
    is_encrypting: bool = False
    asked: list[str] = field(default_factory=list)

    def start(self, address: str) -> None:
        """Make the provider for the address of a server."""
        self.address = address
        self.key, self.certificate = make_pair(self.folder, "provider")
        self.own_key, self.own_certificate = make_pair(self.folder, "site")
        self._config = {
            "entityid": f"{address}/idp",
            "xmlsec_binary": "/usr/bin/xmlsec1",
            "key_file": self.key,
            "cert_file": self.certificate,
            "service": {
                "idp": {
                    "endpoints": {
                        "single_sign_on_service": [(f"{address}/sso", BINDING_HTTP_REDIRECT)],
                        "single_logout_service": [(f"{address}/slo", BINDING_HTTP_REDIRECT)],
                    },
                    "policy": {"default": {"lifetime": {"minutes": 5}}},
                    "name_id_format": [NAMEID_FORMAT_PERSISTENT],
                }
            },
        }
        (self.folder / "metadata.xml").write_text(str(entity_descriptor(IdPConfig().load(self._config))), "utf-8")

    def settings(self, **more: Any) -> tuple[SignInProvider, ...]:
        """Return the site's settings for it, as an installation writes them."""
        values = {
            "id": "idp", "kind": "saml", "name": "Universität Größe", "entity_id": f"{self.address}/idp",
            "metadata": str(self.folder / "metadata.xml"), "key": self.own_key, "certificate": self.own_certificate,
            "authoritative_for": ["uni.example"], **more,
        }  # fmt: skip
        lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]
        path = self.folder / "providers.toml"
        path.write_text("\n".join(["[[provider]]", *lines]), encoding="utf-8")
        return read_providers(str(path))

    def know(self, metadata: str) -> None:
        """Register the site by its metadata."""
        path = self.folder / "site.xml"
        path.write_text(metadata, encoding="utf-8")
        self.server = Server(config=IdPConfig().load({**self._config, "metadata": {"local": [str(path)]}}))

    def answer(self, request: str, who: str, bend: Callable[[str], str] | None = None) -> str:
        """Return the answer to a request, as XML: signed by pysaml2, or bent, then signed by the very key.

        Args:
            request: as it came in the address.
            who: signs in.
            bend: gets the unsigned answer, returns what is signed instead.
        """
        asked = self.server.parse_authn_request(request, BINDING_HTTP_REDIRECT).message
        name = NameID(format=NAMEID_FORMAT_PERSISTENT, text=f"opaque-{who}", sp_name_qualifier=asked.issuer.text)
        is_plain = bend is None
        made = self.server.create_authn_response(
            self.people[who],
            userid=who,
            name_id=name,
            authn={"class_ref": self.context, "authn_auth": f"{self.address}/idp"},
            sign_response=is_plain and self.signs in ("response", "both"),
            sign_assertion=is_plain and self.signs in ("assertion", "both"),
            encrypt_assertion=is_plain and self.is_encrypting,
            encrypted_advice_attributes=False,
            sign_alg=SIG_RSA_SHA256,
            digest_alg=DIGEST_SHA256,
            **self.server.response_args(asked),
        )
        return str(made) if bend is None else self.sign(bend(str(made)))

    def end(self, who: str) -> str:
        """Return the address by which the provider, asked elsewhere, ends somebody's session at the site."""
        (site,) = self.server.metadata.with_descriptor("spsso")
        (there,) = self.server.metadata.single_logout_service(site, BINDING_HTTP_REDIRECT, "spsso")
        name = NameID(format=NAMEID_FORMAT_PERSISTENT, text=f"opaque-{who}")
        _number, asked = self.server.create_logout_request(there["location"], site, name_id=name)
        return self._redirect(asked, there["location"], response=False)

    def answer_end(self, request: str) -> str:
        """Return the address by which the provider answers a site that ends a session at it; what is not signed is refused."""
        asked = self.server.parse_logout_request(request, BINDING_HTTP_REDIRECT).message
        made = self.server.create_logout_response(asked, [BINDING_HTTP_REDIRECT], sign=False)
        (there,) = self.server.metadata.single_logout_service(asked.issuer.text, BINDING_HTTP_REDIRECT, "spsso")
        return self._redirect(made, there["location"], response=True)

    def _redirect(self, message: Any, there: str, *, response: bool) -> str:
        sent = self.server.apply_binding(
            BINDING_HTTP_REDIRECT, str(message), there, response=response, sign=True, sigalg=SIG_RSA_SHA256
        )
        return dict(sent["headers"])["Location"]

    def sign(self, xml: str) -> str:
        """Sign a whole answer."""
        key, certificate = Path(self.key).read_text(), Path(self.certificate).read_text()
        signed = Utils.add_sign(xml, key, certificate, sign_algorithm=Saml.RSA_SHA256, digest_algorithm=Saml.SHA256)
        return signed.decode() if isinstance(signed, bytes) else str(signed)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        """Answer one request."""
        path = environ["PATH_INFO"]
        self.asked.append(path)
        query = {name: given[0] for name, given in parse_qs(environ["QUERY_STRING"]).items()}
        if path == "/sso":
            fields = "".join(
                f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in query.items()
            )
            buttons = "".join(f'<button name="who" value="{who}">{who}</button>' for who in self.people)
            page = _PAGE.format(method="get", action="/login", fields=fields, buttons=buttons)
        elif path == "/login":
            answer = self.answer(query["SAMLRequest"], query["who"])
            encoded = base64.b64encode(answer.encode()).decode()
            fields = f'<input type="hidden" name="SAMLResponse" value="{encoded}">'
            there = self.server.response_args(
                self.server.parse_authn_request(query["SAMLRequest"], BINDING_HTTP_REDIRECT).message
            )["destination"]
            page = _PAGE.format(method="post", action=there, fields=fields, buttons="<button>Go on</button>")
        else:
            page = _PAGE.format(method="get", action="/", fields="", buttons="Signed out")
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        return [page.encode()]


@contextmanager
def shibboleth(folder: Path, people: dict[str, dict[str, list[str]]]) -> Iterator[Shibboleth]:
    """Run a university's provider."""
    provider = Shibboleth(folder, people)
    server = make_server("127.0.0.1", 0, provider, handler_class=Quiet)
    provider.start(f"http://127.0.0.1:{server.server_port}")
    with answering(server):
        yield provider
