"""The desk in both themes, on a phone and on a desk: accessible, and without errors in the console."""

from collections.abc import Iterator

from django.contrib import admin
from django.urls import reverse
from playwright.sync_api import Page, expect

from amls.courses.models import Course
from lectures.models import Lecture, OfficeHour
from tests.browser.conftest import Open
from tests.browser.looks import SCHEMES, WIDTHS, axe_in_every_look, problems_in_each_scheme_at, turn, wait_for_answers


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


# How what Django's script says of another zone would be shown, whatever this machine's is.
WARNING = """() => {
  const said = document.body.appendChild(document.createElement("div"));
  said.className = "help timezonewarning";
  const display = getComputedStyle(said).display;
  said.remove();
  return display;
}"""


def opened_states(page: Page, address: str, lecture: Lecture) -> Iterator[str]:
    """Open what is closed when a page comes, and say what is open: axe looks at nothing that is not shown."""
    page.goto(address)
    page.wait_for_load_state()
    page.locator("[data-opens]").click()
    yield "the filters of a list"
    page.goto(f"{address}{lecture.pk}/change/")
    page.wait_for_load_state()
    page.locator("#tabs-items").get_by_role("link", name="Materials").click()
    page.locator(".add-row").click()
    yield "the rows of a form"
    page.locator("#tabs-items").get_by_role("link", name="General").click()
    page.get_by_role("navigation", name="Parts of this form").get_by_role("link", name="Abstract").click()
    page.locator(".field-course").get_by_role("button", name="More about course").click()
    yield "another part of a form, with the menu beside a field"


def test_the_desk_is_accessible_and_fits_and_logs_no_error(open_page: Open, site: str) -> None:
    page = open_page("/admin/", user="lecturer")
    complaints = {path: said for path in desk_paths() if (said := problems_in_each_scheme_at(page, f"{site}{path}"))}
    lecture = Lecture.objects.get(course__slug="amls", number="07")
    seen = set[str]()
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        page.goto(f"{site}/admin/lectures/lecture/{lecture.pk}/change/")
        # Whose clock the dates follow is said once, above them.
        assert page.evaluate(WARNING) == "none"
        page.locator("input[name=room]").fill("H 9999")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.locator("main")).to_contain_text("H 9999")
        expect(page.get_by_text("Nothing is saved yet")).to_be_visible()
        expect(page.get_by_text("was changed successfully")).to_have_count(0)
        if problems := axe_in_every_look(page, schemes=[scheme], seen=seen):
            complaints[f"the page that asks, {scheme}"] = problems
        for state in opened_states(page, f"{site}/admin/lectures/lecture/", lecture):
            if problems := axe_in_every_look(page, schemes=[scheme], seen=seen):
                complaints[f"{state}, {scheme}"] = problems
    assert complaints == {}


# The texts of labels that lie over or under the field that they name.
COVERED = """() => [...document.querySelectorAll("main form label")].filter(label => {
  const field = label.control;
  if (!field || label.contains(field) || !label.checkVisibility() || !field.checkVisibility()) return false;
  const a = label.getBoundingClientRect(), b = field.getBoundingClientRect();
  const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return wide > 1 && high > 1;
}).map(label => label.innerText.trim())"""


def test_no_label_of_the_desk_lies_over_its_field(open_page: Open, site: str) -> None:
    page = open_page("/admin/", user="admin")
    nameless, looked_at = {}, 0
    for model, desk in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        first = model._default_manager.first()
        paths = [reverse(f"{name}_add")] if hasattr(desk, "course_path") or model is Course else []
        paths += [reverse(f"{name}_change", args=[first.pk])] if first is not None else []
        for path in paths:
            answer = page.goto(f"{site}{path}")
            if answer is None or answer.status != 200:
                continue
            looked_at += 1
            for width in WIDTHS:
                turn(page, width)
                if labels := page.evaluate(COVERED):
                    nameless[path, width] = labels
    assert nameless == {}
    assert looked_at > 20
    page.goto(f"{site}{reverse('admin:courses_course_add')}")
    page.add_style_tag(content="main form label { position: fixed; inset: 0 }")
    assert page.evaluate(COVERED), "It sees a label that lies over its field."


def test_the_keyboard_skips_and_opens_the_menu_of_the_desk(open_page: Open) -> None:
    page = open_page("/admin/", user="lecturer", width=390)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    menu = page.get_by_role("navigation", name="Desk")
    expect(menu).not_to_be_in_viewport()
    page.get_by_role("button", name="Show or hide the menu").press("Enter")
    expect(menu).to_be_in_viewport()


def test_the_desk_works_without_scripts(open_page: Open, site: str) -> None:
    page = open_page("/admin/", user="lecturer", width=390, script=False)
    expect(page.locator(".desk-plain")).to_be_visible()
    page.get_by_role("navigation", name="Desk").get_by_role("link", name="Office hours").click()
    expect(page.locator("#changelist-filter").get_by_role("link").first).to_be_visible()
    hour = OfficeHour.objects.filter(course__slug="amls").earliest("pk")
    page.goto(f"{site}/admin/lectures/officehour/{hour.pk}/change/")
    page.locator("input[name=room]").fill("Größe 1")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Save, and let calendars follow").click()
    expect(page.locator("main")).to_contain_text("Größe 1")
    expect(page.locator("#desk-finder")).to_be_hidden()


def test_a_page_of_the_desk_with_our_scripts_logs_no_error(open_page: Open, site: str) -> None:
    page = open_page("/admin/", user="lecturer", worker=True)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{site}/admin/lectures/lecture/upload/")
    wait_for_answers(page)
    assert said == []


def test_an_error_in_a_closed_tab_is_named_and_its_tab_opened(open_page: Open, site: str) -> None:
    course = Course.objects.get(slug="amls")
    page = open_page("/admin/", user="lecturer")
    page.goto(f"{site}/admin/courses/course/{course.pk}/change/")
    field = page.locator("[name=enrolment_code]")
    expect(field).to_be_hidden()
    # Longer than the field takes from who types.
    page.evaluate("document.querySelector('[name=enrolment_code]').value = 'Ł'.repeat(51)")
    page.get_by_role("button", name="Save", exact=True).click()
    problems = page.locator("[data-problems]")
    expect(problems).to_be_focused()
    expect(field).to_be_visible()
    # From another tab its link leads back.
    page.locator("main a", has_text="Texts").first.click()
    expect(field).to_be_hidden()
    problems.get_by_role("link").first.click()
    expect(field).to_be_visible()
    expect(field).to_be_focused()
    # A rule of the whole row leads to the field that is missing.
    field.fill("")
    page.evaluate("document.querySelector('[name=enrolment_policy]').value = 'code'")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(problems).to_contain_text("Enrolment code")
    expect(field).to_be_visible()
