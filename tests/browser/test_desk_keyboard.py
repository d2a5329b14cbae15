"""The desk by the keyboard alone: all of it is reached, and what opens takes the focus and gives it back."""

from django.urls import reverse
from playwright.sync_api import Locator, Page, expect

from exams.models import Exam
from lectures.models import Lecture
from projects.models import Assignment
from tests.browser.conftest import Open
from tests.browser.looks import WIDTHS, turn

# What is visible and takes a click or typing: each gets a number, by which it is known when it has the focus.
NUMBER_CONTROLS = """() => {
  const controls = "a, button, input:not([type=hidden], :disabled), select, textarea, summary, [x-on\\\\:click], [x-on\\\\:click\\\\.prevent]";
  return [...document.querySelectorAll(controls)].filter(part => part.checkVisibility({visibilityProperty: true}))
    .map((part, number) => { part.dataset.number = number; return [String(number), part.outerHTML.slice(0, 160)]; });
}"""
FOCUSED = "document.activeElement.dataset.number ?? ''"


def out_of_reach(page: Page) -> list[str]:
    """Press Tab through the whole page, and return what is visible and was never reached."""
    page.wait_for_load_state()
    page.evaluate("document.activeElement.blur(); getSelection().removeAllRanges(); scrollTo(0, 0)")
    controls = dict(page.evaluate(NUMBER_CONTROLS))
    missing = dict(controls)
    for _press in range(len(controls) + 20):
        page.keyboard.press("Tab")
        missing.pop(page.evaluate(FOCUSED), None)
    return list(missing.values())


def forms() -> list[str]:
    lecture = Lecture.objects.get(course__slug="amls", number="07")
    assignment = Assignment.objects.filter(course__slug="amls").earliest("pk")
    exam = Exam.objects.filter(course__slug="amls").earliest("pk")
    return [
        reverse("admin:lectures_lecture_change", args=[lecture.pk]),
        reverse("admin:projects_assignment_change", args=[assignment.pk]),
        reverse("admin:exams_exam_change", args=[exam.pk]),
    ]


def test_every_part_of_a_form_is_reached_by_the_keyboard(open_page: Open, site: str) -> None:
    page = open_page("/admin/", user="lecturer")
    missing, opened = {}, []
    for path in forms():
        page.goto(f"{site}{path}")
        if parts := out_of_reach(page):
            missing[path] = parts
        tabs = page.get_by_role("navigation", name="Parts of this form").get_by_role("link")
        for number in range(tabs.count()):
            tabs.nth(number).press("Enter")
            expect(tabs.nth(number)).to_have_attribute("aria-current", "true")
            name = tabs.nth(number).inner_text().strip()
            expect(page.get_by_role("group", name=name, exact=True).first).to_be_visible()
            opened.append(name)
            if parts := out_of_reach(page):
                missing[f"{path} {name}"] = parts
    assert missing == {}
    assert {"Online", "Abstract", "Hand-in", "Points and review"} <= set(opened)
    # The rows of a form: one is marked to go and unmarked, a new one is made and taken away.
    page.goto(f"{site}{forms()[0]}")
    page.locator("#tabs-items").get_by_role("link", name="Materials").press("Enter")
    assert out_of_reach(page) == []
    remove = page.get_by_role("checkbox", name="Remove").first
    remove.press("Space")
    expect(page.get_by_text("This item will be deleted.").first).to_be_visible()
    remove.press("Space")
    expect(page.get_by_text("This item will be deleted.").first).to_be_hidden()
    rows = page.locator("#materials-data .form-group")
    count = rows.count()
    page.locator(".add-row").press("Enter")
    expect(rows).to_have_count(count + 1)
    page.get_by_role("button", name="Remove").first.press("Enter")
    expect(rows).to_have_count(count)


def opens_and_closes(page: Page, button: Locator, key: str, first: Locator) -> None:
    """Open by a key: the focus is within, and comes back with Escape."""
    button.press(key)
    expect(first).to_be_focused()
    page.keyboard.press("Escape")
    expect(first).to_be_hidden()
    expect(button).to_be_focused()


def test_each_menu_takes_the_focus_and_gives_it_back(open_page: Open, site: str) -> None:
    page = open_page(forms()[0], user="lecturer")
    account = page.get_by_role("button", name="Account")
    course = page.locator(".field-course").get_by_role("button", name="More about course")
    menu = page.get_by_role("navigation", name="More about course")
    for key in ("Enter", "Space"):
        opens_and_closes(page, account, key, page.get_by_role("button", name="Light"))
        opens_and_closes(page, course, key, menu.get_by_role("link").first)
    # What leads nowhere is not offered: no part is chosen yet.
    assert menu.get_by_role("link").evaluate_all("links => links.every(link => link.href)")
    page.keyboard.press("Tab")
    account.press("Enter")
    # The menu moves the focus to its first entry once it shows: whoever presses a key before that presses it there.
    expect(page.get_by_role("button", name="Light")).to_be_focused()
    page.get_by_role("button", name="Dark").press("Enter")
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("html")).to_have_class("dark")
    page.get_by_role("link", name="View site").press("Enter")
    page.wait_for_url(f"{site}/")


def test_filters_keep_the_focus_until_they_are_closed(open_page: Open) -> None:
    page = open_page("/admin/lectures/lecture/", user="lecturer")
    page.wait_for_load_state()
    button = page.locator("[data-opens]")
    panel = page.get_by_role("dialog", name="Filters")
    for key in ("Enter", "Space"):
        opens_and_closes(page, button, key, panel.get_by_role("button", name="Close"))
    button.press("Enter")
    expect(button).to_have_attribute("aria-expanded", "true")
    for _press in range(40):
        page.keyboard.press("Tab")
        # Between its last and its first part the browser's own controls have the focus.
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    panel.get_by_role("button", name="Close").press("Enter")
    expect(button).to_have_attribute("aria-expanded", "false")
    expect(button).to_be_focused()
    button.press("Enter")
    panel.get_by_role("link", name="Cancelled", exact=True).press("Enter")
    page.wait_for_url(lambda url: "state__exact=cancelled" in url)
    expect(page.get_by_role("dialog")).to_have_count(0)


# What is pressed and has no name but the word of its picture, or none at all.
NAMELESS = """() => [...document.querySelectorAll("a, button")].filter(part => {
  const copy = part.cloneNode(true);
  for (const picture of copy.querySelectorAll(".material-symbols-outlined, [aria-hidden=true]")) picture.remove();
  return part.checkVisibility({visibilityProperty: true}) && !(part.ariaLabel || part.title || copy.textContent.trim());
}).map(part => part.outerHTML.slice(0, 120))"""


def test_pictures_have_names_and_a_date_is_chosen_from_the_calendar(open_page: Open) -> None:
    # Errors of scripts fail it, too.
    page = open_page(forms()[0], user="lecturer")
    page.wait_for_load_state()
    expect(page.get_by_role("link", name="AMLS The staff's desk")).to_have_count(1)
    expect(page.locator(".datetimeshortcuts a[aria-label='Choose a Date']")).not_to_have_count(0)
    assert page.evaluate(NAMELESS) == []
    picker = page.locator(".field-starts_at .datetimeshortcuts").get_by_role("link", name="Choose a Date")
    picker.click()
    page.locator(".calendarbox:visible").get_by_role("link", name="15", exact=True).click()
    expect(page.get_by_label("Starts: Date")).to_have_value("2026-12-15")
    # On a phone what is done with a row waits behind a button.
    more = page.get_by_role("button", name="More actions")
    expect(more).to_be_hidden()
    turn(page, 390)
    assert page.evaluate(NAMELESS) == []
    for key in ("Enter", "Space"):
        more.press(key)
        expect(more).to_have_attribute("aria-expanded", "true")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="History")).to_be_focused()
        page.keyboard.press("Escape")
        expect(more).to_be_focused()
        expect(page.get_by_role("link", name="History")).to_be_hidden()


# What has the focus, where neither the middle nor a corner of what is in the window of it is to be seen.
HIDDEN = """() => {
  const focused = document.activeElement, box = focused.getBoundingClientRect();
  if (focused === document.body) return "";
  const [left, top] = [Math.max(box.left, 0), Math.max(box.top, 0)];
  const [right, bottom] = [Math.min(box.right, innerWidth), Math.min(box.bottom, innerHeight)];
  const isSeen = [[.5, .5], [.1, .1], [.9, .1], [.1, .9], [.9, .9]].some(([x, y]) => {
    const hit = document.elementFromPoint(left + (right - left) * x, top + (bottom - top) * y);
    return hit && (focused.contains(hit) || hit.contains(focused) && hit.matches("label, td, th"));
  });
  return isSeen ? "" : focused.outerHTML.slice(0, 120);
}"""


def hidden_when_focused(page: Page, presses: int) -> list[str]:
    """Press Tab from where the focus is, and return what had the focus and was not to be seen (WCAG 2.4.11)."""
    hidden = []
    for _press in range(presses):
        page.keyboard.press("Tab")
        if part := page.evaluate(HIDDEN):
            hidden.append(part)
    return hidden


def test_nothing_that_has_the_focus_is_covered_in_a_list(open_page: Open, site: str) -> None:
    page = open_page("/admin/", user="lecturer")
    covered = {}
    for width in WIDTHS:
        turn(page, width)
        for path in ("/admin/lectures/lecture/", "/admin/lectures/lecture/?edit=all"):
            for is_one_chosen in (False, True):
                page.goto(f"{site}{path}")
                page.wait_for_load_state()
                page.get_by_role("searchbox").or_(page.locator("#searchbar")).first.focus()
                if is_one_chosen:
                    page.locator(".action-select").first.press("Space")
                    expect(page.get_by_role("combobox", name="Select action to run")).to_be_visible()
                presses = page.locator("#changelist :is(a, input, select, button):visible").count()
                if parts := hidden_when_focused(page, presses):
                    covered[width, path, is_one_chosen] = parts
    assert covered == {}


def test_what_is_chosen_is_told_without_colours(open_page: Open, site: str) -> None:
    page = open_page(forms()[0], user="lecturer")
    page.wait_for_load_state()
    page.emulate_media(forced_colors="active")
    for tabs in ("Parts of this page", "Parts of this form"):
        nav = page.get_by_role("navigation", name=tabs)
        expect(nav.locator("[aria-current]")).to_have_css("outline-style", "solid")
        expect(nav.locator("a:not([aria-current])").first).to_have_css("outline-style", "none")
    places = page.get_by_role("navigation", name="Desk").get_by_role("listitem")
    expect(places.get_by_role("link", name="Lectures")).to_have_css("outline-style", "solid")
    expect(places.get_by_role("link", name="Office hours")).to_have_css("outline-style", "none")


def test_tab_leads_from_the_palette_past_its_list(open_page: Open) -> None:
    page = open_page("/", user="lecturer")
    # What scrolls and holds nothing that Tab reaches would be reached itself.
    page.set_viewport_size({"width": 1280, "height": 240})
    page.wait_for_load_state()
    page.keyboard.press("/")
    expect(page.locator("#palette-q")).to_be_focused()
    page.keyboard.insert_text("lecture")
    expect(page.get_by_role("option").nth(6)).to_be_attached()
    assert page.evaluate("(list => list.scrollHeight > list.clientHeight)(document.getElementById('palette-list'))")
    seen = []
    for _press in range(3):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert "palette-list" not in seen
