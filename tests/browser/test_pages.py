"""Every page, in both themes, on a phone and on a desk: accessible, narrow enough, without errors, light."""

import brotli
import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Route, expect

from amls.courses.models import Course, User
from amls.courses.services import finish_course_change
from exams.models import Exam
from tests.browser.conftest import Open
from tests.browser.looks import problems_at, too_wide, turn, wait_for_answers
from tests.patience import wait_until

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
    "/amls/", "/amls/lectures/05/", "/amls/lectures/05/edit/", "/amls/lectures/01/chapters/", "/amls/staff/stats/", "/amls/staff/import/", "/amls/staff/upstream/", "/amls/staff/roll-over/", "/amls/staff/mail/", "/amls/staff/oral-exams/", "/amls/staff/move-sessions/",
    "/amls/staff/extra-points/", "/new/",
)  # fmt: skip
VISITS = [(None, PUBLIC), ("student", STUDENT), ("lecturer", STAFF)]


@pytest.mark.parametrize(("user", "paths"), VISITS, ids=["public", "student", "staff"])
def test_pages_are_accessible_and_fit_and_log_no_error_in_every_look(
    open_page: Open, read_files: None, site: str, user: str | None, paths: tuple[str, ...]
) -> None:
    page = open_page("/", user=user)
    assert {path: problems for path in paths if (problems := problems_at(page, f"{site}{path}"))} == {}


WATCHES_WHAT_MOVES = (
    "window.shift = 0; window.moved = []; new PerformanceObserver(list => list.getEntries().forEach(entry => {"
    " window.shift += entry.value;"
    " window.moved.push(...entry.sources.map(({node}) => (node?.outerHTML ?? '?').slice(0, 80))); }))"
    ".observe({type: 'layout-shift', buffered: true});"
)
FIRST_PAGES = pytest.mark.parametrize("path", ["/amls/", "/amls/lectures/01/"])


@FIRST_PAGES
def test_a_first_visit_is_light(open_page: Open, read_files: None, site: str, path: str) -> None:
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
    page.goto(f"{site}{path}")
    wait_for_answers(page)
    # What the browser says of its network arrives while one asks it something. A recording's beginning has no end.
    wait_until(
        lambda: page.evaluate("true") and all(url in received or url.endswith(".mp4") for url in addresses.values())
    )
    for address in received:
        name = address.removeprefix(f"{site}/static/")
        if name.endswith((".css", ".js")):
            # As it is served outside of tests: compressed beforehand.
            received[address] = len(brotli.compress((settings.BASE_DIR / "static" / name).read_bytes())) + 300
    assert 0 < sum(received.values()) < 100_000, received


@pytest.mark.parametrize("width", [390, 1280])
@FIRST_PAGES
def test_nothing_moves_on_a_first_visit_however_slowly_it_comes(
    open_page: Open, read_files: None, site: str, path: str, width: int
) -> None:
    page = open_page("/legal/imprint/", width=width)
    client = page.context.new_cdp_session(page)
    client.send("Network.enable")
    client.send("Network.setCacheDisabled", {"cacheDisabled": True})
    # One bar: 60 kB a second, and the font comes long after all else.
    slow = {"offline": False, "latency": 100, "downloadThroughput": 60_000, "uploadThroughput": 60_000}
    client.send("Network.emulateNetworkConditions", slow)
    page.add_init_script(WATCHES_WHAT_MOVES)
    fonts: list[Route] = []
    page.route("**/*.woff2", lambda route: fonts.append(route))  # noqa: PLW0108 - Playwright marks what it is given
    page.goto(f"{site}{path}", wait_until="commit")
    page.wait_for_load_state("domcontentloaded")
    wait_until(lambda: page.evaluate("performance.getEntriesByType('paint').length > 0"))
    page.wait_for_timeout(300)
    assert fonts
    for font in fonts:
        font.continue_()
    page.unroute("**/*.woff2")
    wait_for_answers(page)
    page.evaluate("document.fonts.ready")
    assert page.evaluate("window.shift") < 0.01, page.evaluate("window.moved")


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


def test_long_words_take_lines_and_neither_the_phone_nor_the_columns_beside(open_page: Open, site: str) -> None:
    course, now = Course.objects.get(slug="amls"), timezone.now()
    exam = course.exams.order_by("starts_at")[0]
    Exam.objects.filter(pk=exam.pk).update(place="https://zoom.example.org/j/" + "8" * 100)
    finish_course_change(course, now=now)
    page = open_page("/amls/", user="student")
    expect(page.get_by_text("https://zoom.example.org/j/").first).to_be_attached()
    turn(page, 390)
    assert too_wide(page, 390) == []
    exam.registrations.holding().update(state="attended", arrived_at=now)
    person = exam.registrations.filter(state="attended")[0].enrolment.user
    User.objects.filter(pk=person.pk).update(display_name="Ł" * 75)
    page = open_page(f"/amls/exams/{exam.pk}/results/", user="lecturer")
    expect(page.get_by_role("rowheader", name="Ł" * 75)).to_be_visible()
    turn(page, 1280)
    box = page.locator(".table:has(.entry)")
    assert box.evaluate("box => box.scrollWidth - box.clientWidth") <= 0
    turn(page, 390)
    assert too_wide(page, 390) == []
