"""The whole journey with a university's provider: there, back, out again; in both languages, on a phone."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import cache
from django.test import Client
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings

from amls.courses.models import User
from tests.browser.conftest import is_foreign, new_page
from tests.browser.looks import axe
from tests.signin.openid import University, university
from tests.signin.saml import Shibboleth, shibboleth

PEOPLE = {
    "lukasz": {
        "sub": "u-4711", "name": "Łukasz Żółć", "email": "lukasz@uni.example", "matriculation_number": "0471100",
    },
    "other": {"sub": "u-2", "name": "Şahin", "email": "student@example.org"},
}  # fmt: skip


@pytest.fixture
def uni(site: str, settings: Settings, tmp_path: Path) -> Iterator[University]:
    cache.clear()
    with university({who: dict(said) for who, said in PEOPLE.items()}) as provider:
        provider.allow(site)
        settings.SIGN_IN_PROVIDERS = provider.settings(tmp_path)
        yield provider


@pytest.fixture
def idp(site: str, settings: Settings, tmp_path: Path) -> Iterator[Shibboleth]:
    cache.clear()
    people = {"lukasz": {"displayName": ["Łukasz Żółć"], "mail": ["lukasz@uni.example"]}}
    with shibboleth(tmp_path, people) as provider:
        settings.SIGN_IN_PROVIDERS = provider.settings()
        provider.know(Client().get("/accounts/saml/idp/metadata/").content.decode())
        yield provider


def phone(browser: Browser, locale: str, *, script: bool = True) -> Page:
    viewport = {"width": 390, "height": 844}
    return new_page(browser, viewport=viewport, locale=locale, java_script_enabled=script)


WORDS = {
    "en-GB": ("Sign in with Universität Größe", "From your university's sign-in. Have it changed there.", "Sign out"),
    "de-DE": ("Mit Universität Größe anmelden", "Aus der Anmeldung Ihrer Universität. Lassen Sie es dort ändern.", "Abmelden"),
}  # fmt: skip


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.parametrize("locale", WORDS)
def test_journey_by_openid_connect(browser: Browser, site: str, uni: University, locale: str) -> None:
    button, verified, out = WORDS[locale]
    page = phone(browser, locale)
    page.goto(f"{site}/accounts/login/?next=/accounts/profile/")
    assert (axe(page), fits(page)) == ([], True)
    page.get_by_role("button", name=button).click()
    page.wait_for_url(f"{uni.address}/authorize?**")
    page.get_by_role("button", name="lukasz").click()
    page.wait_for_url(f"{site}/accounts/profile/")
    expect(page.get_by_text(verified)).to_have_count(2)
    expect(page.locator("#id_display_name")).to_have_value("Łukasz Żółć")
    expect(page.locator("#id_display_name")).to_be_disabled()
    assert (axe(page), fits(page)) == ([], True)
    page.goto(f"{site}/accounts/3rdparty/")
    assert (axe(page), fits(page)) == ([], True)
    page.locator("details.account summary").click()
    page.get_by_role("button", name=out, exact=True).click()
    page.wait_for_url(f"{uni.address}/logout?**")
    page.get_by_role("link", name="Back").click()
    page.wait_for_url(f"{site}/" if is_foreign(uni.address, site) else "**")
    page.goto(f"{site}/accounts/profile/")
    assert "/accounts/login/" in page.url
    page.context.close()


@pytest.mark.parametrize("locale", WORDS)
def test_journey_by_saml(browser: Browser, site: str, idp: Shibboleth, locale: str) -> None:
    button, _verified, out = WORDS[locale]
    page = phone(browser, locale)
    page.goto(f"{site}/accounts/login/?next=/accounts/profile/")
    page.get_by_role("button", name=button).click()
    page.wait_for_url(f"{idp.address}/sso?**")
    page.get_by_role("button", name="lukasz").click()
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url(f"{site}/accounts/profile/")
    expect(page.locator("#id_display_name")).to_have_value("Łukasz Żółć")
    assert User.objects.filter(email="lukasz@uni.example").count() == 1
    page.locator("details.account summary").click()
    page.get_by_role("button", name=out, exact=True).click()
    page.wait_for_url(f"{idp.address}/slo?**")
    page.context.close()


def test_journey_without_scripts(browser: Browser, site: str, uni: University) -> None:
    page = phone(browser, "en-GB", script=False)
    page.goto(f"{site}/accounts/login/")
    page.get_by_role("button", name=WORDS["en-GB"][0]).click()
    page.wait_for_url(f"{uni.address}/authorize?**")
    page.get_by_role("button", name="lukasz").click()
    page.wait_for_url(re.compile(f"^{re.escape(site)}/$"))
    page.context.close()


@pytest.mark.parametrize("locale", WORDS)
def test_pages_of_what_goes_wrong_are_accessible(
    browser: Browser, site: str, uni: University, settings: Settings, tmp_path: Path, locale: str
) -> None:
    page = phone(browser, locale)
    for path in (
        "/accounts/oidc/uni/login/", "/accounts/oidc/uni/login/callback/?state=x&code=y", "/accounts/inactive/",
        "/accounts/saml/uni/acs/finish/",
    ):  # fmt: skip
        page.goto(f"{site}{path}")
        assert (path, axe(page), fits(page)) == (path, [], True)
    # The address belongs to an account, and the university doesn't give it out: a code is asked for.
    page.goto(f"{site}/accounts/login/")
    page.get_by_role("button", name=WORDS[locale][0]).click()
    page.get_by_role("button", name="other").click()
    page.wait_for_url(f"{site}/accounts/confirm-email/")
    assert (axe(page), fits(page)) == ([], True)
    page.context.close()
