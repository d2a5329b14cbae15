"""What the students' pages ask of their readers: pixels, clicks and kB, none of which may grow.

Before each bound stands what was measured at 0.9.0 with the same demo, on a phone of 390 x 900 or a desk of 1280 x 900;
None where the page did not have it.
"""

from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from amls.core.clock import database_clock
from amls.portal.demo.services import make_demo
from lectures.tasks import extract
from tests.browser.conftest import Open
from tests.browser.looks import turn
from tests.snapshots import Snapshots

WAYS = "[...document.querySelectorAll('main :is(a.btn, button, summary.btn), main .tabs a')].filter(one => one.checkVisibility()).length"
HEIGHT = "document.querySelector('main').getBoundingClientRect().height"
KILOBYTES = "document.documentElement.outerHTML.length / 1000"


def top(selector: str) -> str:
    return f"document.querySelector({selector!r})?.getBoundingClientRect().top + scrollY"


CASES = {
    # name: who, path, width, script, before, at most
    "schedule: ways on top": (None, "/amls/schedule/", 390, WAYS, 12, 3),
    "schedule: pixels to the next date": (None, "/amls/schedule/", 390, top(".agenda > li:not(.is-over)"), 1933, 360),
    "schedule: height": (None, "/amls/schedule/", 390, HEIGHT, 4384, 2900),
    "course: pixels to the next lecture": ("student", "/amls/", 390, top(".lectures .is-next"), 2074, 1560),
    "course: height": ("student", "/amls/", 390, HEIGHT, 4486, 3700),
    "course: lines of key dates": ("student", "/amls/", 1280, "document.querySelectorAll('.dates > li').length", 10, 4),
    "course: kB": ("student", "/amls/", 390, KILOBYTES, 22, 25),
    "lecture: pixels between slide and recording": (
        None, "/amls/lectures/05/", 1280, f"{top('video')} - ({top('.deck-pages')})", 676, 4,
    ),
    "lecture: pixels to what it is about": (None, "/amls/lectures/05/", 390, top("#abstract"), 1479, 330),
    # Each has the whole page painted 60 times a second; the skeletons of the slides did for six seconds.
    "lecture: moving parts": (None, "/amls/lectures/05/", 390, "document.getAnimations().length", 5, 0),
    "topics: pixels to the first": ("student", "/amls/projects/", 390, top(".topics > li"), 631, 631),
    "exams: pixels to the first date": ("student", "/amls/exams/", 390, top(".exams h2"), 317, 350),
    "courses: pixels to one's next lecture": ("student", "/?all", 390, top(".heroes dd"), None, 340),
}  # fmt: skip
EDGES = (
    "['.bar .mark', 'main > *', '.site-foot > *'].map(one => document.querySelector(one).getBoundingClientRect().left)"
)


# The demo's dates follow the clock, and with them how many are ahead, which are said with their year, and how lines break.
MOMENT = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.fixture
def site(
    transactional_db: None,
    live_server: LiveServer,
    settings: Settings,
    snapshots: Snapshots,
    cache_table: None,
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """The demo with its slides read, as it is at `MOMENT`; returns its address."""

    def make_and_read() -> None:
        make_demo(now=MOMENT, with_coursework=False)
        extract()

    settings.SITE_URL = live_server.url
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    snapshots.restore("demo_of_a_moment", make_and_read)
    # Not before: what reads slides goes on until none waits any more.
    monkeypatch.setattr(database_clock, "now", lambda: MOMENT)
    return str(live_server.url)


def test_no_page_asks_more_of_its_readers_than_it_did(open_page: Open, site: str) -> None:
    pages: dict[str | None, Page] = {who: open_page("/", user=who) for who in (None, "student")}
    worse = {}
    for name, (who, path, width, script, _before, most) in CASES.items():
        page = pages[who]
        turn(page, width)
        page.goto(f"{site}{path}")
        measured = page.evaluate(script)
        if not isinstance(measured, int | float) or measured > most:
            worse[name] = (measured, most)
    assert worse == {}
    # Header, page and foot began 48 pixels apart.
    for path in ("/amls/", "/amls/schedule/", "/amls/projects/mine/", "/?all"):
        pages["student"].goto(f"{site}{path}")
        lefts = pages["student"].evaluate(EDGES)
        assert max(lefts) - min(lefts) <= 1, (path, lefts)
