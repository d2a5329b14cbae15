"""A real browser against a real server."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from pytest_django import DjangoDbBlocker, Settings
from pytest_django.live_server_helper import LiveServer

from amls.courses.models import User
from amls.held.models import HeldAct
from amls.held.tasks import apply_held
from lectures.tasks import extract
from tests.browser.looks import watch_requests
from tests.demo import restore_demo
from tests.snapshots import Snapshots

# Without windows, which cost a second of a processor for each visitor; where there is none, the browser itself.
CHROMIUM = shutil.which("chromium-headless-shell") or "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
# As much work as all others, which need what students read.
OF_STAFF = (
    "test_bring", "test_desk_keyboard", "test_desk_measures", "test_desk_pages", "test_desk_print", "test_exams", "test_gradebook", "test_paper_sheet",
    "test_project_desk", "test_term", "test_wishes",
)  # fmt: skip
Open = Callable[..., Page]
# Two browsers and two servers share two processors with all the rest: how long anything may take, in milliseconds.
PATIENCE = 90_000
# To find tests that depend on it: how many times as long each script and each layout takes.
SLOWER_BY = float(os.environ.get("BROWSER_SLOWER_BY", "1"))
expect.set_options(timeout=PATIENCE)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have two workers do all of it, half each: they start a browser and make the demo once."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            half = "staff" if item.path.stem in OF_STAFF else "students"
            item.add_marker(pytest.mark.xdist_group(f"browser of {half}"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, timeout=PATIENCE)
        yield browser
        browser.close()


def new_page(browser: Browser, **options: Any) -> Page:
    """Return the page of a new visitor, who waits as long as a busy machine takes; `options` are Playwright's of a context."""
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    watch_requests(page)
    if SLOWER_BY > 1:
        context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER_BY})
    return page


@pytest.fixture(scope="session")
def cache_table(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Where a site keeps what it caches while Redis is away."""
    with django_db_blocker.unblock():
        call_command("createcachetable", verbosity=0)


@pytest.fixture
def site(
    request: pytest.FixtureRequest,
    transactional_db: None,
    live_server: LiveServer,
    settings: Settings,
    snapshots: Snapshots,
    cache_table: None,
) -> str:
    """The demo on a real server; returns its address."""

    def make_and_read() -> None:
        restore_demo(snapshots, with_coursework=False)
        extract()

    settings.SITE_URL = live_server.url
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    if "read_files" in request.fixturenames:
        snapshots.restore("demo_read", make_and_read)
    else:
        restore_demo(snapshots, with_coursework=False)
    return str(live_server.url)


@pytest.fixture
def read_files(site: str) -> None:
    """Slides and captions of the demo are read, as they are soon after their upload."""


@pytest.fixture
def open_page(browser: Browser, site: str) -> Iterator[Open]:
    """Open a page; `user` signs in first. Requests to other hosts and script errors fail the test."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def open_one(
        path: str,
        *,
        user: str | None = None,
        width: int = 1280,
        dark: bool = False,
        script: bool = True,
        worker: bool = False,
        locale: str = "en-GB",
    ) -> Page:
        page = new_page(
            browser,
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            # What answers without a connection is for the journey that asks for it.
            service_workers="allow" if worker else "block",
            locale=locale,
        )
        contexts.append(page.context)
        page.on("request", lambda request: problems.append(request.url) if is_foreign(request.url, site) else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        if user is not None:
            let_in(page, site, user)
        answer = page.goto(f"{site}{path}")
        assert answer is not None
        assert answer.status == 200, f"{path}: {answer.status}"
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert problems == []


def let_held_acts_happen() -> None:
    """Let what is held back happen, as it does after five minutes."""
    HeldAct.objects.waiting().update(apply_at=timezone.now())
    apply_held()


def is_foreign(url: str, site: str) -> bool:
    return not url.startswith((site, "data:", "blob:", "about:", "chrome"))


def let_in(page: Page, site: str, user: str) -> None:
    """Give a visitor the cookie of somebody who has signed in: two pages less for each of those who do it by the form."""
    client = Client()
    client.force_login(User.objects.get(email=f"{user}@example.org"), backend="amls.courses.accounts.AccountBackend")
    name = settings.SESSION_COOKIE_NAME
    page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": site, "httpOnly": True}])
    # The form leads on whoever has no need of it.
    assert page.request.get(f"{site}/accounts/login/", max_redirects=0).status == 302, f"{user} is not signed in."


def sign_in(page: Page, site: str, user: str) -> None:
    """Sign in by the form, where that belongs to what is tested."""
    page.goto(f"{site}/accounts/login/")
    page.get_by_text("Sign in with a password", exact=True).click()
    page.get_by_label("Email").fill(f"{user}@example.org")
    page.get_by_label("Password", exact=True).fill("amls-demo-2024")
    page.get_by_role("button", name="Sign In", exact=True).click()
    page.wait_for_url(lambda url: "/accounts/login" not in url)
