"""Choosing files: what is too large is not sent, and what was sent is not lost."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Request, expect
from pytest_django import Settings

from amls.core.violations import RuleViolation
from amls.files.checks import too_large
from projects.models import Assignment, Project, Submission
from tests.browser.conftest import Open
from tests.browser.test_projects import FILE, SUBMIT, project, topic  # noqa: F401 - fixtures

MEGABYTE = 1024**2


def of_size(name: str, size: int) -> dict[str, object]:
    return {"name": name, "mimeType": "application/pdf", "buffer": b"x" * size}


def refused(name: str, size: int, most: int) -> str:
    violation: RuleViolation = too_large(name, size, most)
    return str(violation.message)


@pytest.mark.parametrize(
    ("address", "most", "press"),
    [
        ("/admin/lectures/lecture/upload/", 2 * MEGABYTE, "Upload"),
        ("/amls/lectures/06/", 2 * MEGABYTE, "Upload"),
        ("/admin/courses/rosterentry/import", 5 * MEGABYTE, "Show what it changes"),
        ("/admin/projects/topic/import", 5 * MEGABYTE, "Show what it changes"),
    ],
)
def test_what_is_too_large_is_said_at_once_and_not_sent(
    open_page: Open, site: str, settings: Settings, address: str, most: int, press: str
) -> None:
    settings.MAX_MATERIAL_BYTES = settings.MAX_UPLOAD_BYTES = 2 * MEGABYTE
    page, sent = open_page(address, user="lecturer"), list[Request]()
    page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    field = page.locator("input[type=file]")
    field.set_input_files(of_size("Größe 06.pdf", most + 1))
    assert field.evaluate("field => field.validationMessage") == refused("Größe 06.pdf", most + 1, most)
    page.get_by_role("button", name=press, exact=True).click()
    assert sent == []
    field.set_input_files(of_size("06_small.pdf", most))
    assert field.evaluate("field => field.validationMessage") == ""


@pytest.mark.parametrize("size", [0, 1, 51, 1023, 1024, 1_040_000, MEGABYTE, 3_355_444, 52_428_801, 10**9, 2**31 + 5])
def test_sizes_are_said_as_the_server_says_them(said_in_browser: Callable[[int], str], size: int) -> None:
    from_server = refused("a", size, 1).partition("' has ")[2].partition(",")[0]
    assert said_in_browser(size) == from_server


@pytest.fixture
def said_in_browser(open_page: Open, site: str) -> Callable[[int], str]:
    """How the page says a size that is rounded up."""
    page: Page = open_page("/amls/")
    return lambda size: str(page.evaluate("size => sayFileSize(size, { up: true })", size))


def test_files_wait_for_the_next_try(open_page: Open, project: Project) -> None:  # noqa: F811 - the fixture
    Assignment.objects.update(max_files=3)
    page = open_page(SUBMIT, user="student9")
    page.locator("#files").set_input_files([FILE, {**FILE, "name": "fake.pdf", "buffer": b"no"}])
    page.get_by_role("button", name="Hand in").click()
    expect(page.get_by_text("Your files are kept")).to_be_visible()
    expect(page.get_by_role("checkbox", name=str(FILE["name"]))).to_be_checked()
    page.get_by_role("button", name="Hand in").click()
    expect(page.get_by_role("heading", name="Receipt of attempt 1")).to_be_visible()
    assert [submission.filename for submission in Submission.objects.get(project=project).files.all()] == [FILE["name"]]
