"""A phone: one row on top, the places where the thumb is, nothing under them."""

import pytest

from tests.browser.conftest import Open

PAGES = ("/amls/", "/amls/schedule/", "/amls/projects/", "/amls/exams/", "/amls/lectures/05/")
MEASURE = """() => {
  const box = (selector) => document.querySelector(selector)?.getBoundingClientRect();
  const links = [...document.querySelectorAll(".bar :is(.places, .ways) a, .bar summary")].map((link) => link.getBoundingClientRect());
  window.scrollTo({top: document.body.scrollHeight, behavior: "instant"});
  return {
    header: box(".bar").height, places: box(".places").bottom, top: box(".places").top, foot: box(".site-foot").bottom,
    smallest: Math.min(...links.map((link) => Math.min(link.width, link.height))),
    tile: box("main .tile")?.top + window.scrollY,
  };
}"""


@pytest.mark.parametrize(
    ("user", "language"), [(None, "en-GB"), (None, "de-DE"), ("student", "en-GB"), ("lecturer", "en-GB")]
)
def test_the_header_is_one_row_and_the_places_stand_at_the_bottom(
    open_page: Open, read_files: None, site: str, user: str | None, language: str
) -> None:
    page = open_page("/", user=user, width=390, locale=language)
    for path in PAGES:
        page.goto(f"{site}{path}")
        size = page.evaluate(MEASURE)
        assert size["header"] <= 52, path
        assert size["places"] == 900, path
        # Nothing of the page stays under the places, and every target is large enough for a finger.
        assert size["foot"] <= size["top"] + 1, path
        assert size["smallest"] >= 44, path


def test_on_a_desk_the_places_stand_in_the_header(open_page: Open, read_files: None) -> None:
    page = open_page("/amls/", user="student", width=1280)
    header, places = page.locator(".bar").bounding_box(), page.locator(".places").bounding_box()
    assert header is not None
    assert places is not None
    assert header["height"] <= 56
    assert places["y"] + places["height"] <= header["y"] + header["height"]


def test_the_first_tile_of_a_course_is_seen_without_scrolling(open_page: Open, read_files: None) -> None:
    page = open_page("/amls/", user="student", width=390)
    # 434 px before the places moved to the bottom.
    assert page.evaluate(MEASURE)["tile"] <= 350


# Links, buttons and fields that a finger doesn't hit 20 px above or below their middle; those within a text aside.
TOO_SMALL = """() => [...document.querySelectorAll("main :is(a, button, input, select, summary)")].filter(control => {
  if (!control.checkVisibility({visibilityProperty: true}) || control.type === "hidden" || control.closest(".sr-only")) return false;
  const label = control.matches("[type=checkbox], [type=radio]") && (control.closest("label") || control.labels[0]);
  const box = (label || control).getBoundingClientRect();
  if (getComputedStyle(control).display === "inline" && !getComputedStyle(control, "::after").content.startsWith('"')
      && control.parentElement.innerText.trim() !== control.innerText.trim()) return false;
  window.scrollTo({top: box.top + window.scrollY - 300, behavior: "instant"});
  const seen = (label || control).getBoundingClientRect(), x = seen.left + Math.min(seen.width, 40) / 2, y = seen.top + seen.height / 2;
  return [-20, 20].some(away => {
    const hit = document.elementFromPoint(x, y + away);
    return !hit || !(hit === control || control.contains(hit) || (label && label.contains(hit)) || hit.closest("a, button, label"));
  });
}).map(control => `${control.tagName} ${control.innerText || control.name}`)"""


@pytest.mark.parametrize(
    ("user", "paths"),
    [
        (None, ("/amls/", "/amls/schedule/", "/amls/exams/", "/accounts/login/", "/accounts/login/code/")),
        (
            "student",
            (
                "/amls/",
                "/amls/me/",
                "/amls/projects/mine/",
                "/amls/lectures/05/transcript/",
                "/amls/search/?q=parameter",
                "/accounts/email/",
                "/accounts/sessions/",
            ),
        ),
        ("lecturer", ("/amls/staff/import/", "/amls/staff/mail/")),
    ],
    ids=["public", "student", "staff"],
)
def test_whatever_stands_alone_is_as_large_as_a_finger(
    open_page: Open, read_files: None, site: str, user: str | None, paths: tuple[str, ...]
) -> None:
    page = open_page("/", user=user, width=390)
    too_small = {}
    for path in paths:
        page.goto(f"{site}{path}")
        if small := page.evaluate(TOO_SMALL):
            too_small[path] = small
    assert too_small == {}


def test_the_longer_words_of_german_fit_the_smallest_phone(open_page: Open, read_files: None, site: str) -> None:
    page = open_page("/", user="student", width=320)
    page.context.add_cookies([{"name": "django_language", "value": "de", "url": site}])
    for path in (*PAGES, "/amls/me/", "/amls/projects/mine/"):
        page.goto(f"{site}{path}")
        assert page.evaluate("document.documentElement.scrollWidth") == 320, path


def test_what_happened_to_an_account_is_read_without_scrolling_sideways(open_page: Open, site: str) -> None:
    page = open_page("/", user="student", width=390)
    page.context.add_cookies([{"name": "django_language", "value": "de", "url": site}])
    page.goto(f"{site}/accounts/sessions/")
    widths = page.evaluate(
        "[...document.querySelectorAll('.table')].map(table => [table.scrollWidth, table.clientWidth])"
    )
    assert len(widths) == 2
    assert [needed for needed, has in widths if needed > has] == []
