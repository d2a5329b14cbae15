"""SIGN_IN_PROVIDERS: what a file says, and what it is told where it is wrong."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from amls.core.providers import read_providers

OIDC = """
[[provider]]
id = "uni"
kind = "openid_connect"
name = "Universität Größe"
issuer = "https://id.example.org/realms/uni/"
client_id = "amls"
"""


def write(folder: Path, text: str) -> str:
    path = folder / "providers.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_no_file_means_no_provider() -> None:
    assert read_providers("") == ()


def test_file_is_read_with_the_secret_of_the_environment(tmp_path: Path) -> None:
    more = 'authoritative_for = ["@Uni.Example"]\nmay_create_courses = ["Faculty@uni.example"]\n'
    attributes = '[provider.attributes]\nmatriculation_number = "studentID"\n'
    path = write(tmp_path, f"{OIDC}{more}{attributes}")
    (provider,) = read_providers(path, {"SIGN_IN_SECRET_UNI": "secret"})
    assert (provider.issuer, provider.client_secret) == ("https://id.example.org/realms/uni", "secret")
    assert provider.vouches_for("Anna@UNI.example")
    assert not provider.vouches_for("anna@sub.uni.example")
    assert not provider.vouches_for("uni.example")
    assert provider.may_create_courses == {"faculty@uni.example"}
    assert (provider.attributes["matriculation_number"], provider.attributes["email"]) == (("studentID",), ("email",))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id = ", "is no TOML"),
        ('title = "x"', "tables and nothing else"),
        ('[[provider]]\nid = "UNI"', "small letters"),
        ('[[provider]]\nid = "uni"\nkind = "ldap"', 'kind is "openid_connect" or "saml"'),
        ('[[provider]]\nid = "uni"\nkind = "saml"\nissuer = "x"', "'issuer' is nothing that can be set"),
        (OIDC, "SIGN_IN_SECRET_UNI"),
        (f'{OIDC}client_secret = "x"\n{OIDC}client_secret = "x"', "two providers are called 'uni'"),
        (OIDC.replace("https:", "http:"), "https address"),
        (f'{OIDC}client_secret = "x"\nlock_after_days = 0', "a number of days"),
        (f'{OIDC}client_secret = "x"\nlogout = 1', "true or false"),
        (f'{OIDC}client_secret = "x"\nscopes = "openid"', "a list of texts"),
        (f'{OIDC}client_secret = "x"\n[provider.attributes]\nshoe = "x"', "'shoe' is none of"),
        ('[[provider]]\nid = "idp"\nkind = "saml"\nname = "X"', "entity_id, and metadata"),
        ('[[provider]]\nid = "idp"\nkind = "saml"\nname = "X"\nentity_id = "x"\nmetadata = "http://x/y"', "anybody"),
        ('[[provider]]\nid = "idp"\nkind = "saml"\nname = "X"\nentity_id = "x"\nmetadata = "/no"', "there is no file"),
        (
            '[[provider]]\nid = "idp"\nkind = "saml"\nname = "X"\nentity_id = "x"\nmetadata = "https://x/y"\nkey = "k"',
            "belong together",
        ),
    ],
)
def test_mistakes_are_said_at_the_start(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="SIGN_IN_PROVIDERS") as caught:
        read_providers(write(tmp_path, text), {})
    assert said in str(caught.value)


def test_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="can't be read"):
        read_providers(str(tmp_path / "none.toml"))
