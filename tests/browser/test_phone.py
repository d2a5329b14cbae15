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
