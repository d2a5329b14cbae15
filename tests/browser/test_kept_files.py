"""A file that a browser has kept is as harmless when it is opened again as it was at first."""

import pytest
from playwright.sync_api import Browser, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from tests.browser import active_urls
from tests.browser.conftest import new_page


@pytest.mark.parametrize("name", list(active_urls.FILES))
@pytest.mark.parametrize("kind", ["handed-in", "own"])
@pytest.mark.parametrize("prefix", ["files", "admin"])
def test_no_script_of_a_file_runs_however_often_it_is_opened_and_its_frame_stays(
    browser: Browser, transactional_db: None, live_server: LiveServer, settings: Settings, prefix: str, kind: str,
    name: str,
) -> None:  # fmt: skip
    settings.ROOT_URLCONF = "tests.browser.active_urls"
    active_urls.answered.clear()
    page = new_page(browser)
    try:
        for _time in range(3):
            page.goto(f"{live_server.url}/frame/{prefix}/{kind}/{name}")
            page.wait_for_load_state()
            expect(page.frame_locator("iframe[name=reading]").locator("#said")).to_have_text("kept")
        for _time in range(2):
            page.goto(f"{live_server.url}/{prefix}/{kind}/{name}")
            page.wait_for_load_state()
            expect(page.locator("#said")).to_have_text("kept")
    finally:
        page.context.close()
    assert active_urls.answered == [200, 304, 304, 304, 304]
