"""Signing in by a provider of SAML 2.0: whom its answers sign in, and which sign nobody in."""

import base64
import re
import zlib
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.core.cache import cache
from django.test import Client
from lxml import etree
from pytest_django import Settings
from saml2 import BINDING_HTTP_REDIRECT

from amls.courses.models import Enrolment, RosterEntry, User
from tests.cast import Cast
from tests.signin.openid import MFA
from tests.signin.saml import PASSWORD, Shibboleth, make_pair, shibboleth
from tests.signin.test_openid import PERSON, SITE, is_in, logged, said

pytestmark = pytest.mark.django_db
PLACE = "/accounts/saml/idp"
SAML, SAMLP = "urn:oasis:names:tc:SAML:2.0:assertion", "urn:oasis:names:tc:SAML:2.0:protocol"
DS = "http://www.w3.org/2000/09/xmldsig#"
SPACES = {"saml": SAML, "samlp": SAMLP, "ds": DS}


@pytest.fixture
def idp(settings: Settings, tmp_path: Path) -> Iterator[Shibboleth]:
    """A university by whose provider people sign in."""
    cache.clear()
    people = {
        "lukasz": {
            "displayName": ["Łukasz Żółć"], "mail": ["lukasz@uni.example"],
            "schacPersonalUniqueCode": ["urn:schac:personalUniqueCode:de:uni.example:Matrikelnummer:0471100"],
            "eduPersonScopedAffiliation": ["student@uni.example"],
        },
        "mallory": {"displayName": ["Mallory"], "mail": ["mallory@uni.example"]},
    }  # fmt: skip
    settings.SITE_URL = "http://testserver"
    with shibboleth(tmp_path, people) as provider:
        settings.SIGN_IN_PROVIDERS = provider.settings()
        provider.know(Client().get(f"{PLACE}/metadata/").content.decode())
        yield provider


def ask(client: Client) -> str:
    """Begin a sign-in; return the request that goes to the university."""
    page = client.post(f"{PLACE}/login/").content.decode()
    refresh = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', page)
    assert refresh is not None, page
    return parse_qs(urlsplit(unescape(refresh.group(1))).query)["SAMLRequest"][0]


def bring(client: Client, xml: str) -> Any:
    """Bring an answer, as the university's page does."""
    # Without the cookie of the session, which does not come with a form of another site.
    other = Client()
    answer = other.post(f"{PLACE}/acs/", {"SAMLResponse": base64.b64encode(xml.encode()).decode()})
    assert answer.headers["Location"] == f"{PLACE}/acs/finish/"
    client.cookies["saml-acs-session"] = other.cookies["saml-acs-session"].value
    return client.get(f"{PLACE}/acs/finish/")


def sign_in(idp: Shibboleth, who: str = "lukasz", bend: Callable[[str], str] | None = None) -> tuple[Client, Any]:
    client = Client()
    return client, bring(client, idp.answer(ask(client), who, bend))


# ── whose account it is ──


@pytest.mark.parametrize(
    ("signs", "is_encrypting"),
    # pysaml2 signs no assertion that it encrypts.
    [("response", False), ("assertion", False), ("both", False), ("response", True), ("both", True)],
)
def test_signed_answers_sign_in_and_claim_the_roster(
    cast: Cast, idp: Shibboleth, signs: str, is_encrypting: bool
) -> None:
    entry = RosterEntry.objects.create(course=cast.course, email="old@example.net", matriculation_number="471100")
    idp.signs, idp.is_encrypting = signs, is_encrypting
    for _turn in range(2):
        client, answer = sign_in(idp)
        assert (answer.status_code, is_in(client)) == (302, True), said(answer)
    user = User.objects.get(email="lukasz@uni.example")
    assert (user.display_name, user.matriculation_number) == ("Łukasz Żółć", "0471100")
    assert EmailAddress.objects.get(user=user).verified
    entry.refresh_from_db()
    assert entry.enrolment == Enrolment.objects.get(user=user)
    account = SocialAccount.objects.get()
    assert (account.provider, account.uid) == ("idp", "opaque-lukasz")
    assert account.extra_data["affiliations"] == ["student@uni.example"]


def test_metadata_of_the_site_are_there_before_those_of_the_provider(idp: Shibboleth) -> None:
    (idp.folder / "metadata.xml").write_text("")
    answer = Client().get(f"{PLACE}/metadata/")
    assert answer.status_code == 200
    text = answer.content.decode()
    assert 'entityID="http://testserver/accounts/saml/idp/metadata/"' in text
    assert 'Location="http://testserver/accounts/saml/idp/acs/"' in text


def test_second_factor_of_the_university_is_known(idp: Shibboleth, settings: Settings) -> None:
    settings.SIGN_IN_PROVIDERS = idp.settings(second_factor=[MFA])
    for idp.context, expected in ((MFA, True), (PASSWORD, False)):
        sign_in(idp)
        assert SocialAccount.objects.get().extra_data["factor"] is expected


def test_unsigned_word_of_the_university_signs_nobody_out(idp: Shibboleth) -> None:
    client, _answer = sign_in(idp)
    request = (
        f'<samlp:LogoutRequest xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}" ID="_1" Version="2.0" '
        f'IssueInstant="{when()}"><saml:Issuer>{idp.address}/idp</saml:Issuer>'
        "<saml:NameID>opaque-lukasz</saml:NameID></samlp:LogoutRequest>"
    )
    packed = base64.b64encode(zlib.compress(request.encode())[2:-4]).decode()
    for value in (packed, "rubbish"):
        answer = client.get(f"{PLACE}/sls/", {"SAMLRequest": value})
        assert (answer.status_code, is_in(client)) == (400, True)


def test_university_signs_out_whom_it_names_and_hears_of_it(idp: Shibboleth) -> None:
    (client, _answer), (other, _other_answer) = sign_in(idp), sign_in(idp, "mallory")
    address = urlsplit(idp.end("lukasz"))
    for browser, is_left in ((other, True), (client, False)):
        answer = browser.get(f"{address.path}?{address.query}")
        assert answer.headers["Location"].startswith(f"{idp.address}/slo?SAMLResponse=")
        assert is_in(browser) is is_left
    told = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert {"SAMLResponse", "Signature", "SigAlg"} <= told.keys()
    heard = idp.server.parse_logout_request_response(told["SAMLResponse"][0], BINDING_HTTP_REDIRECT)
    assert heard.response.status.status_code.value == "urn:oasis:names:tc:SAML:2.0:status:Success"


def test_signing_out_signs_out_at_the_university_too(idp: Shibboleth) -> None:
    client, _answer = sign_in(idp)
    place = client.post("/accounts/logout/").headers["Location"]
    assert not is_in(client)
    led = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', client.get(place).content.decode())
    assert led is not None
    asked = parse_qs(urlsplit(unescape(led.group(1))).query)
    back = urlsplit(idp.answer_end(asked["SAMLRequest"][0]))
    answer = client.get(f"{back.path}?{back.query}", follow=True)
    assert answer.redirect_chain[-1] == ("/", 302)
    assert "You are signed out, here and with Universität Größe." in answer.content.decode()


# ── answers that sign nobody in ──


def edited(xml: str, path: str, change: Callable[[Any], None]) -> str:
    root = etree.fromstring(xml.encode())
    elements = root.xpath(path, namespaces=SPACES)
    assert elements, path
    for element in elements:
        change(element)
    return etree.tostring(root).decode()


def when(**since: float) -> str:
    return (datetime.now(UTC) + timedelta(**since)).strftime("%Y-%m-%dT%H:%M:%SZ")


def put(path: str, name: str, value: str) -> Callable[[str], str]:
    return lambda xml: edited(xml, path, lambda element: element.set(name, value))


def drop(path: str) -> Callable[[str], str]:
    return lambda xml: edited(xml, path, lambda element: element.getparent().remove(element))


def drop_attribute(path: str, name: str) -> Callable[[str], str]:
    return lambda xml: edited(xml, path, lambda element: element.attrib.pop(name))


def text(path: str, value: str) -> Callable[[str], str]:
    return lambda xml: edited(xml, path, lambda element: setattr(element, "text", value))


CONFIRMATION = "//saml:SubjectConfirmationData"
BENT: dict[str, Callable[[str], str]] = {
    "audience": text("//saml:Audience", "https://other.example"),
    "no audience": drop("//saml:AudienceRestriction"),
    "expired": put("//saml:Conditions", "NotOnOrAfter", when(minutes=-10)),
    "expired confirmation": put(CONFIRMATION, "NotOnOrAfter", when(seconds=-1)),
    "without an end": drop_attribute(CONFIRMATION, "NotOnOrAfter"),
    "not yet": put("//saml:Conditions", "NotBefore", when(days=1)),
    "recipient": put(CONFIRMATION, "Recipient", "https://other.example/acs"),
    "no recipient": drop_attribute(CONFIRMATION, "Recipient"),
    "destination": put("/samlp:Response", "Destination", "https://other.example/acs"),
    "issuer": text("//saml:Issuer", "https://other.example/idp"),
    "answer to nobody": drop_attribute("/samlp:Response", "InResponseTo"),
    "answer to another": put(CONFIRMATION, "InResponseTo", "_another"),
    "assertion for nobody": drop_attribute(CONFIRMATION, "InResponseTo"),
    "no assertion": drop("//saml:Assertion"),
    "transient subject": put("//saml:NameID", "Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"),
    "no subject": drop("//saml:NameID"),
    "subject of another site": put("//saml:NameID", "SPNameQualifier", "https://other.example"),
}


@pytest.mark.parametrize("how", BENT)
def test_answers_that_are_not_for_this_sign_in_sign_nobody_in(idp: Shibboleth, how: str) -> None:
    client, answer = sign_in(idp, "lukasz", BENT[how])
    assert (answer.status_code, is_in(client)) == (400, False)
    assert "can't be trusted" in said(answer)
    assert not User.objects.exists()


def declined(word: str) -> Callable[[str], str]:
    """Let the answer say why nobody signs in (SAML 2.0 Core, 3.2.2)."""
    status = "urn:oasis:names:tc:SAML:2.0:status"

    def change(code: Any) -> None:
        code.set("Value", f"{status}:Responder")
        if word != "Responder":
            etree.SubElement(code, f"{{{SAMLP}}}StatusCode", Value=f"{status}:{word}")
        message = etree.SubElement(code.getparent(), f"{{{SAMLP}}}StatusMessage")
        message.text = "Some\n reason"

    return lambda xml: edited(xml, "/samlp:Response/samlp:Status/samlp:StatusCode", change)


@pytest.mark.parametrize(
    ("word", "status", "sentence"),
    [
        ("AuthnFailed", *PERSON),
        ("RequestDenied", *PERSON),
        ("NoPassive", *PERSON),
        ("RequestUnsupported", *SITE),
        ("Responder", *SITE),
    ],
)
def test_what_the_university_says_went_wrong_is_said_and_logged(
    idp: Shibboleth, word: str, status: int, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    client, answer = sign_in(idp, "lukasz", declined(word))
    assert (answer.status_code, is_in(client)) == (status, False)
    assert sentence in said(answer)
    assert logged(caplog) == [f"provider-failed provider=idp error={word} why=Some reason"]


def test_same_answer_unbent_signs_in(idp: Shibboleth) -> None:
    """What the bent ones are refused for is what was bent."""
    assert is_in(sign_in(idp, "lukasz", str)[0])


def test_clock_of_the_provider_may_be_a_little_off(idp: Shibboleth) -> None:
    bend = put("//saml:Conditions", "NotBefore", when(minutes=2))
    assert is_in(sign_in(idp, "lukasz", bend)[0])


def test_unsigned_answer_signs_nobody_in(idp: Shibboleth) -> None:
    idp.signs = "nothing"
    client, answer = sign_in(idp)
    assert (answer.status_code, is_in(client)) == (400, False)


def test_answer_signed_by_a_stranger_signs_nobody_in(idp: Shibboleth) -> None:
    idp.key, idp.certificate = make_pair(idp.folder, "stranger")
    client, answer = sign_in(idp, "lukasz", str)
    assert (answer.status_code, is_in(client)) == (400, False)


@pytest.mark.parametrize("signs", ["response", "assertion"])
def test_answer_changed_after_its_signature_signs_nobody_in(idp: Shibboleth, signs: str) -> None:
    idp.signs = signs
    client = Client()
    xml = idp.answer(ask(client), "mallory").replace("mallory@uni.example", "lukasz@uni.example")
    assert (bring(client, xml).status_code, is_in(client)) == (400, False)


def test_answer_counts_once_and_in_its_own_browser(idp: Shibboleth) -> None:
    client = Client()
    xml = idp.answer(ask(client), "lukasz")
    thief = Client()
    answer = bring(thief, xml)
    assert (answer.status_code, is_in(thief)) == (400, False)
    assert "was begun in another browser" in said(answer)
    assert bring(client, xml).status_code == 302
    client.post("/accounts/logout/")
    assert (bring(client, xml).status_code, is_in(client)) == (400, False)


def test_signed_assertion_in_another_envelope_signs_nobody_in(idp: Shibboleth) -> None:
    """Only the assertion is signed; a thief puts it into an answer to a request of their own."""
    idp.signs = "assertion"
    stolen = idp.answer(ask(Client()), "lukasz")
    thief = Client()
    own = re.search(r'InResponseTo="([^"]+)"', idp.answer(ask(thief), "mallory"))
    assert own is not None
    spliced = edited(stolen, "/samlp:Response", lambda element: element.set("InResponseTo", own.group(1)))
    assert (bring(thief, spliced).status_code, is_in(thief)) == (400, False)


def wrap(xml: str, place: Callable[[Any, Any, Any], None]) -> str:
    """Let an evil copy of the signed assertion stand where it is read, and the signed one where it is checked."""
    root = etree.fromstring(xml.encode())
    signed = root.find(f"{{{SAML}}}Assertion")
    evil = deepcopy(signed)
    evil.remove(evil.find(f"{{{DS}}}Signature"))
    for value in evil.iter(f"{{{SAML}}}AttributeValue"):
        value.text = (value.text or "").replace("mallory@", "lukasz@")
    place(root, signed, evil)
    return etree.tostring(root).decode()


def before(root: Any, signed: Any, evil: Any) -> None:
    evil.set("ID", "_evil")
    root.insert(root.index(signed), evil)


def with_the_same_id(root: Any, signed: Any, evil: Any) -> None:
    root.insert(root.index(signed), evil)


def around(root: Any, signed: Any, evil: Any) -> None:
    """The signed one within the evil one (XSW 3)."""
    root.replace(signed, evil)
    evil.set("ID", "_evil")
    evil.append(signed)


def in_the_signature(root: Any, signed: Any, evil: Any) -> None:
    """The signed one in an object of its own signature, which the evil one carries (XSW 6)."""
    signature = signed.find(f"{{{DS}}}Signature")
    root.replace(signed, evil)
    signed.remove(signature)
    evil.set("ID", "_evil")
    evil.insert(1, signature)
    etree.SubElement(signature, f"{{{DS}}}Object").append(signed)


def in_the_extensions(root: Any, signed: Any, evil: Any) -> None:
    """The signed one among the extensions (XSW 7)."""
    root.replace(signed, evil)
    extensions = etree.Element(f"{{{SAMLP}}}Extensions")
    extensions.append(signed)
    root.insert(1, extensions)


@pytest.mark.parametrize("place", [before, with_the_same_id, around, in_the_signature, in_the_extensions])
def test_wrapped_assertions_sign_nobody_in(idp: Shibboleth, place: Callable[[Any, Any, Any], None]) -> None:
    idp.signs = "assertion"
    client = Client()
    xml = wrap(idp.answer(ask(client), "mallory"), place)
    assert "lukasz@uni.example" in xml
    assert (bring(client, xml).status_code, is_in(client)) == (400, False)
    assert not User.objects.exists()


def test_wrapped_response_signs_nobody_in(idp: Shibboleth) -> None:
    """The whole signed answer within an evil one (XSW 1)."""
    idp.signs = "response"
    client = Client()
    root = etree.fromstring(idp.answer(ask(client), "mallory").encode())
    evil = deepcopy(root)
    signature = evil.find(f"{{{DS}}}Signature")
    for value in evil.iter(f"{{{SAML}}}AttributeValue"):
        value.text = (value.text or "").replace("mallory@", "lukasz@")
    evil.set("ID", "_evil")
    etree.SubElement(signature, f"{{{DS}}}Object").append(root)
    assert (bring(client, etree.tostring(evil).decode()).status_code, is_in(client)) == (400, False)


@pytest.mark.parametrize("comment", ["<!---->", "<!-- x -->", "<?x y?>"])
def test_comments_cut_nothing_off(idp: Shibboleth, comment: str) -> None:
    """Canonical XML leaves comments out: they don't break the signature, and some readers stop at them."""
    idp.people["mallory"]["mail"] = ["lukasz@uni.example.evil.example"]
    idp.signs = "both" if "!" in comment else "nothing"
    client = Client()
    xml = idp.answer(ask(client), "mallory").replace("lukasz@uni.example.evil", f"lukasz@uni.example{comment}.evil")
    xml = xml.replace("opaque-mallory", f"opaque{comment}-mallory")
    if idp.signs == "nothing":
        xml = idp.sign(xml)
    bring(client, xml)
    assert not EmailAddress.objects.filter(email="lukasz@uni.example").exists()
    assert not User.objects.filter(email="lukasz@uni.example").exists()
    assert not SocialAccount.objects.filter(uid="opaque").exists()


@pytest.mark.parametrize(
    "content",
    ["", "no base64 ÄÖÜ", base64.b64encode(b"<no xml").decode(), base64.b64encode(b"<a/>").decode(), "AAAA" * 200_000,
     base64.b64encode(b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>').decode()],
    ids=["nothing", "no base64", "no XML", "other XML", "large", "entity"],
)  # fmt: skip
def test_rubbish_signs_nobody_in(idp: Shibboleth, content: str) -> None:
    client = Client()
    client.post(f"{PLACE}/acs/", {"SAMLResponse": content})
    answer = client.get(f"{PLACE}/acs/finish/")
    assert (answer.status_code, is_in(client)) == (400, False)
    assert "root:" not in said(answer)


def test_metadata_of_another_entity_are_refused(idp: Shibboleth, settings: Settings) -> None:
    settings.SIGN_IN_PROVIDERS = idp.settings(entity_id="https://other.example/idp")
    answer = Client().post(f"{PLACE}/login/")
    assert (answer.status_code, "can't be trusted" in said(answer)) == (400, True)


@pytest.mark.parametrize("content", ["", "<html/>", "no XML"])
def test_metadata_that_are_none_are_refused(idp: Shibboleth, content: str) -> None:
    (idp.folder / "metadata.xml").write_text(content)
    answer = Client().post(f"{PLACE}/login/")
    assert (answer.status_code, "can't be trusted" in said(answer)) == (400, True)


def test_metadata_that_are_over_are_refused(idp: Shibboleth) -> None:
    path = idp.folder / "metadata.xml"
    path.write_text(edited(path.read_text(), "/*", lambda element: element.set("validUntil", when(minutes=-1))))
    assert Client().post(f"{PLACE}/login/").status_code == 400


def test_metadata_that_are_away_leave_the_other_ways(idp: Shibboleth, settings: Settings) -> None:
    settings.SIGN_IN_PROVIDERS = idp.settings(metadata="http://127.0.0.1:9/metadata")
    answer = Client().post(f"{PLACE}/login/")
    assert (answer.status_code, "/accounts/login/code/" in answer.content.decode()) == (503, True)


def test_unknown_provider_is_a_404(idp: Shibboleth) -> None:
    for path in ("login/", "acs/finish/", "metadata/"):
        assert Client().get(f"/accounts/saml/other/{path}").status_code == 404
    assert Client().post("/accounts/saml/other/acs/").status_code == 404
