"""Every page, in both themes, on a phone and on a desk: accessible, narrow enough, without errors, light."""

import brotli
import pytest
from django.conf import settings
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.looks import problems_at

PUBLIC = (
    "/", "/amls/", "/amls-ss2024/", "/amls/lectures/05/", "/amls/lectures/08/", "/amls/schedule/", "/amls/schedule/?view=month",
    "/amls/search/", "/amls/search/?q=operator", "/amls/search/?q=fusoin", "/search/?q=nothing-at-all", "/amls/lectures/01/transcript/",
    "/amls/subscribe/", "/amls/schedule.pdf", "/legal/imprint/", "/legal/privacy/", "/legal/accessibility/", "/accounts/login/", "/accounts/signup/",
    "/accounts/login/code/", "/accounts/password/reset/",
)  # fmt: skip
STUDENT = (
    "/amls/", "/amls/me/", "/amls/me/mail/", "/accounts/data/", "/exports/", "/amls/subscribe/", "/amls/lectures/06/", "/accounts/profile/", "/accounts/email/",
    "/accounts/2fa/", "/accounts/sessions/", "/accounts/password/change/",
)  # fmt: skip
STAFF = (
    "/amls/", "/amls/lectures/05/", "/amls/lectures/05/edit/", "/amls/lectures/01/chapters/", "/amls/staff/stats/", "/amls/staff/import/", "/amls/staff/upstream/", "/amls/staff/roll-over/", "/amls/staff/mail/", "/new/",
)  # fmt: skip
VISITS = [(None, PUBLIC), ("student", STUDENT), ("lecturer", STAFF)]


@pytest.mark.parametrize(("user", "paths"), VISITS, ids=["public", "student", "staff"])
def test_pages_are_accessible_and_fit_and_log_no_error_in_every_look(
    open_page: Open, read_files: None, site: str, user: str | None, paths: tuple[str, ...]
) -> None:
    page = open_page("/", user=user)
    assert {path: problems for path in paths if (problems := problems_at(page, f"{site}{path}"))} == {}


@pytest.mark.parametrize("path", ["/amls/", "/amls/lectures/01/"])
def test_a_first_visit_is_light_and_nothing_moves(open_page: Open, read_files: None, site: str, path: str) -> None:
    page = open_page("/legal/imprint/")
    client = page.context.new_cdp_session(page)
    client.send("Network.enable")
    client.send("Network.setCacheDisabled", {"cacheDisabled": True})
    addresses: dict[str, str] = {}
    received: dict[str, float] = {}
    client.on(
        "Network.requestWillBeSent", lambda event: addresses.update({event["requestId"]: event["request"]["url"]})
    )
    client.on(
        "Network.loadingFinished",
        lambda event: received.update({addresses.get(event["requestId"], "?"): event["encodedDataLength"]}),
    )
    page.add_init_script(
        "window.shift = 0; new PerformanceObserver(list => list.getEntries().forEach(e => { window.shift += e.value; }))"
        ".observe({type: 'layout-shift', buffered: true});"
    )
    page.goto(f"{site}{path}", wait_until="networkidle")
    for address in received:
        name = address.removeprefix(f"{site}/static/")
        if name.endswith((".css", ".js")):
            # As it is served outside of tests: compressed beforehand.
            received[address] = len(brotli.compress((settings.BASE_DIR / "static" / name).read_bytes())) + 300
    assert 0 < sum(received.values()) < 100_000, received
    assert page.evaluate("window.shift") < 0.01


def test_escape_closes_a_dialog_and_not_the_menu_from_which_it_was_opened(open_page: Open) -> None:
    page = open_page("/amls/schedule/", user="student", width=390)
    page.wait_for_load_state()
    menu = page.locator("details.pick:has([data-dialog])")
    menu.locator("> summary").click()
    link = menu.locator("[data-dialog]")
    for close in ("Escape", "Close"):
        link.press("Enter")
        dialog = page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        if close == "Escape":
            page.keyboard.press(close)
        else:
            dialog.get_by_role("heading").first.click()
            expect(menu).to_have_attribute("open", "")
            dialog.get_by_role("button", name=close).click()
        expect(dialog).to_be_hidden()
        expect(link).to_be_focused()
        expect(menu).to_have_attribute("open", "")
    page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")
    expect(menu.locator("> summary")).to_be_focused()
