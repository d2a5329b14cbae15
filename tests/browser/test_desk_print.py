"""What the desk's lists are like on paper."""

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from playwright.sync_api import Page

from amls.courses.models import Course
from tests.browser.conftest import Open
from tests.factories import LectureFactory

LISTS = [
    "/admin/lectures/lecture/",
    "/admin/projects/project/",
    "/admin/exams/registration/",
    "/admin/mail/notice/",
    "/admin/courses/enrolment/",
]
# What each row is called, and what its columns are called.
NAMES = (
    """() => [...document.querySelectorAll("#result_list tbody tr")].map(row => row.querySelector("th").innerText)"""
)
HEADS = """() => [...document.querySelectorAll("#result_list thead th")].map(cell => cell.innerText).filter(text => /\\\\w/.test(text))"""


def squeezed(text: str) -> str:
    """Return the text without the spaces and hyphens at which lines are broken."""
    return re.sub(r"[\s\u00ad-]", "", text)


def printed(page: Page, path: Path, *, landscape: bool) -> list[str]:
    """Print the page and return the text of each sheet."""
    page.pdf(path=path, format="A4", landscape=landscape, print_background=True)
    text = subprocess.run(["pdftotext", "-raw", path, "-"], check=True, capture_output=True, text=True).stdout
    return text.split("\f")[:-1]


# What is not black, or has a ground of its own.
COLOURS = """() => [...document.querySelectorAll("#result_list, #result_list *, h1")].filter(part => {
  const {color, backgroundColor} = getComputedStyle(part);
  return color !== "rgb(0, 0, 0)" || backgroundColor !== "rgba(0, 0, 0, 0)";
}).map(part => part.outerHTML.slice(0, 100))"""


@pytest.mark.parametrize("landscape", [False, True])
def test_a_printed_list_has_all_of_its_rows(open_page: Open, site: str, tmp_path: Path, landscape: bool) -> None:
    course = Course.objects.get(slug="amls")
    LectureFactory.create_batch(60, course=course)
    page = open_page("/admin/", user="lecturer", dark=True)
    wrong: dict[str, object] = {}
    longest = 0
    for path in LISTS:
        page.goto(f"{site}{path}")
        page.wait_for_load_state()
        names, heads = page.evaluate(NAMES), page.evaluate(HEADS)
        assert names, path
        page.emulate_media(media="print")
        if coloured := page.evaluate(COLOURS):
            wrong[f"{path} colours"] = coloured[:3]
        page.emulate_media(media="null")
        sheets = [squeezed(sheet) for sheet in printed(page, tmp_path / "list.pdf", landscape=landscape)]
        text = "".join(sheets)
        rows = Counter(squeezed(name) for name in names)
        if missing := {name: count - text.count(name) for name, count in rows.items() if text.count(name) < count}:
            wrong[path] = missing
        # What the columns are is said again on each sheet that has rows.
        with_rows = [sheet for sheet in sheets if any(name in sheet for name in rows)]
        if headless := [sheet[:80] for sheet in with_rows if not all(squeezed(head) in sheet for head in heads)]:
            wrong[f"{path} heads"] = headless
        assert squeezed(page.locator("h1").inner_text()) in sheets[0]
        if any(
            squeezed(words) in text for words in ("The staff's desk", "The staff’s desk", "All my courses", "Filters")
        ):
            wrong[f"{path} chrome"] = "What is pressed is printed."
        longest = max(longest, len(with_rows))
    assert wrong == {}
    assert longest > 2, "One of the lists takes several sheets."
