"""A passkey opens the account also where bad passwords shut it."""

from django.core.cache import cache
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open


def try_password(page: Page, site: str, password: str) -> None:
    page.goto(f"{site}/accounts/login/")
    page.get_by_text("Sign in with a password", exact=True).click()
    page.get_by_label("Email").fill("student@example.org")
    page.get_by_label("Password", exact=True).fill(password)
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.get_by_role("button", name="Sign In", exact=True).click()


def test_bad_passwords_never_close_the_way_by_passkey(open_page: Open, site: str) -> None:
    cache.clear()
    page = open_page("/amls/", user="student")
    client = page.context.new_cdp_session(page)
    client.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    client.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    page.goto(f"{site}/accounts/2fa/webauthn/add/")
    page.get_by_label("Password").fill("amls-demo-2024")
    page.get_by_role("button", name="Confirm", exact=True).click()
    page.get_by_label("Name").fill("My phone")
    page.get_by_label("Passwordless").check()
    page.get_by_role("button", name="Add", exact=True).click()
    page.wait_for_url("**/accounts/2fa/recovery-codes/")
    page.context.clear_cookies()
    for _turn in range(5):
        try_password(page, site, "wrong")
    try_password(page, site, "amls-demo-2024")
    expect(page.get_by_text("Too many attempts.")).to_be_visible()
    page.goto(f"{site}/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(lambda url: "/accounts/login" not in url)
    page.goto(f"{site}/amls/me/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.url == f"{site}/amls/me/"
