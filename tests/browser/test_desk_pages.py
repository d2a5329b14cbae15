"""The desk in both themes, on a phone and on a desk: accessible, and without errors in the console."""

import pytest
from playwright.sync_api import expect

from amls.courses.models import Course
from lectures.models import Lecture, OfficeHour
from tests.browser.conftest import Open
from tests.browser.test_pages import VISITS, axe


def desk_paths() -> list[str]:
    lecture = Lecture.objects.get(course__slug="amls", number="07")
    course = Course.objects.get(slug="amls")
    hour = OfficeHour.objects.filter(course=course).earliest("pk")
    return [
        "/admin/",
        "/admin/courses/course/",
        f"/admin/courses/course/{course.pk}/change/",
        "/admin/courses/enrolment/",
        "/admin/courses/rosterentry/",
        "/admin/courses/rosterentry/import/",
        "/admin/lectures/lecture/",
        "/admin/lectures/lecture/?q=nothing-has-this-name",
        "/admin/lectures/lecture/add/",
        f"/admin/lectures/lecture/{lecture.pk}/change/",
        f"/admin/lectures/lecture/{lecture.pk}/history/",
        f"/admin/lectures/lecture/{lecture.pk}/delete/",
        "/admin/lectures/lecture/upload/",
        f"/admin/lectures/officehour/{hour.pk}/change/",
    ]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_at_the_desk(open_page: Open, site: str, width: int, dark: bool) -> None:
    page = open_page("/admin/", user="lecturer", width=width, dark=dark)
    found = {}
    for path in desk_paths():
        answer = page.goto(f"{site}{path}")
        assert answer is not None
        assert (answer.status, page.url) == (200, f"{site}{path}")
        page.wait_for_load_state("load")
        if problems := axe(page):
            found[path] = problems
    lecture = Lecture.objects.get(course__slug="amls", number="07")
    page.goto(f"{site}/admin/lectures/lecture/{lecture.pk}/change/")
    page.locator("input[name=room]").fill("H 9999")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("main")).to_contain_text("H 9999")
    expect(page.get_by_text("Nothing is saved yet")).to_be_visible()
    expect(page.get_by_text("was changed successfully")).to_have_count(0)
    if problems := axe(page):
        found["the page that asks"] = problems
    assert found == {}


def test_the_keyboard_skips_and_opens_the_menu_of_the_desk(open_page: Open) -> None:
    page = open_page("/admin/", user="lecturer", width=390)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    menu = page.get_by_role("navigation", name="Desk")
    expect(menu).not_to_be_in_viewport()
    page.get_by_role("button", name="Show or hide the menu").press("Enter")
    expect(menu).to_be_in_viewport()


@pytest.mark.parametrize(("user", "paths"), [*VISITS, ("lecturer", None)], ids=["public", "student", "staff", "desk"])
def test_no_page_logs_an_error(open_page: Open, site: str, user: str | None, paths: tuple[str, ...] | None) -> None:
    page = open_page("/legal/imprint/", user=user)
    said: list[str] = []
    page.on(
        "console",
        lambda line: said.append(f"{page.url}: {line.text} {line.location['url']}") if line.type == "error" else None,
    )
    page.on("response", lambda answer: said.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None)
    for path in paths or desk_paths():
        page.goto(f"{site}{path}", wait_until="networkidle")
    assert said == []
