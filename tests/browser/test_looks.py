"""What is looked at again in another scheme: colours always, and all the rest where the page stands otherwise."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import new_page
from tests.browser.looks import axe_in_every_look, problems_at

PAGE = """<!doctype html><html lang="en"><head><title>Looks</title>
<meta name="viewport" content="width=device-width"><style>
  body { color: #111; background: #fff } input { display: none }
  @media (prefers-color-scheme: dark) { %s }
</style></head><body><main><h1>Looks</h1><p>Words.</p><input type="text"></main></body></html>"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = new_page(browser)
    yield page
    page.context.close()


@pytest.mark.parametrize(
    ("dark", "problems"),
    [
        ("", []),
        ("p { color: #eee }", ["390 dark: color-contrast", "1280 dark: color-contrast"]),
        ("input { display: block }", ["390 dark: label", "1280 dark: label"]),
    ],
)
def test_what_is_wrong_in_the_dark_only_is_found(page: Page, dark: str, problems: list[str]) -> None:
    page.set_content(PAGE % dark)
    assert [problem.rpartition(": ")[0] for problem in axe_in_every_look(page)] == problems


def test_what_is_wider_than_the_window_is_found(page: Page) -> None:
    page.route("**/*", lambda route: route.fulfill(body=PAGE % "p { width: 500px }", content_type="text/html"))
    address = "http://localhost/"
    assert problems_at(page, address, schemes=["light"]) == []
    wide = [problem.split(" for ")[0] for problem in problems_at(page, address, schemes=["dark"])]
    assert wide == [f"{width}: it needs {500 + 8}" for width in (390, 320)]


def test_what_a_page_asks_for_one_after_the_other_is_waited_for(page: Page) -> None:
    chain = "for (let at = 0; at < 60; at++) await fetch(`/next/${at}`); await fetch('/missing')"
    address = "http://localhost:9/page/"
    body = PAGE % "" + f"<script type=module>{chain}</script>"
    page.route("**/page/", lambda route: route.fulfill(body=body, content_type="text/html"))
    page.route("**/next/*", lambda route: route.fulfill(body=""))
    page.route("**/missing", lambda route: route.fulfill(status=404))
    assert "404 http://localhost:9/missing" in problems_at(page, address, schemes=["light"])
