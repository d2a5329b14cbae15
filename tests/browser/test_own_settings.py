"""Readers who set colours and sizes of text themselves: nothing is lost by it."""

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from exams.models import Exam
from tests.browser.conftest import Open
from tests.browser.looks import too_wide

# Whether something drawn in its background can be told from what lies behind it.
DRAWN = """selector => [...document.querySelectorAll(selector)].map(
  link => getComputedStyle(link, "::before").backgroundColor !== getComputedStyle(document.body).backgroundColor)"""
OUTLINE = "link => getComputedStyle(link).outlineStyle"


def test_in_colours_of_ones_own_icons_and_what_is_chosen_are_seen(open_page: Open, read_files: None, site: str) -> None:
    page = open_page("/amls/", user="student", width=390)
    page.emulate_media(forced_colors="active")
    page.wait_for_load_state()
    assert page.evaluate(DRAWN, ".bar .places a, .bar .to-find") == [True] * 6
    places = page.locator(".bar .places a")
    assert [place.evaluate(OUTLINE) for place in places.all()] == ["solid", *["none"] * 4]
    page.keyboard.press("/")
    options = page.get_by_role("dialog").get_by_role("option")
    expect(options.first).to_be_visible()
    page.keyboard.press("ArrowDown")
    assert [option.evaluate(OUTLINE) for option in options.all()[:3]] == ["none", "solid", "none"]
    page.goto(f"{site}/amls/lectures/05/")
    strip = page.locator(".deck-strip a")
    expect(strip.first).to_have_attribute("aria-current", "true")
    assert [link.evaluate(OUTLINE) for link in strip.all()[:2]] == ["solid", "none"]


# Names in the bottom bar that reach out of their place, or into the next.
APART = """() => [...document.querySelectorAll(".bar .places a")].filter(link => {
  const range = document.createRange(), box = link.getBoundingClientRect();
  range.selectNodeContents(link);
  return [...range.getClientRects()].some(line =>
    line.left < box.left - 1 || line.right > box.right + 1 || line.bottom > box.bottom + 1 || line.top < box.top - 1);
}).map(link => link.textContent.trim())"""


@pytest.mark.parametrize("language", ["en-GB", "de-DE"])
def test_text_of_twice_its_size_fits_a_phone(open_page: Open, site: str, language: str) -> None:
    exam = Exam.objects.filter(course__slug="amls").order_by("starts_at")[0]
    over = Exam.objects.filter(course__slug="amls-ss2024", starts_at__lt=timezone.now()).order_by("starts_at")[0]
    page = open_page("/amls/", user="lecturer", width=390, locale=language)
    problems = []
    for path in (
        "/amls/", "/amls/schedule/", "/amls/projects/", "/amls/exams/", "/amls/lectures/05/", "/amls/search/?q=operator",
        f"/amls/exams/{exam.pk}/check-in/", f"/amls/exams/{exam.pk}/staff/", f"/amls-ss2024/exams/{over.pk}/results/",
    ):  # fmt: skip
        page.goto(f"{site}{path}")
        for size in (24, 32):
            enlarge(page, size)
            problems += [f"{path} {size}: {problem}" for problem in [*too_wide(page, 390), *page.evaluate(APART)]]
    assert problems == []


def enlarge(page: Page, pixels: int) -> None:
    """Set the size of the text as the browser's own setting does; 16 is what it comes with."""
    page.evaluate("pixels => { document.documentElement.style.fontSize = `${pixels}px`; }", pixels)
    page.evaluate("() => new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
