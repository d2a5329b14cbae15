"""What comes of what is sent while a page stands: where it leads, where the focus is, and what is said where nothing comes."""

import re

from django.conf import settings
from playwright.sync_api import Locator, Page, expect

from lectures.tasks import extract
from projects.models import Project
from tests.browser.conftest import Open
from tests.browser.looks import axe_in_every_look
from tests.browser.test_projects import FILE, SUBMIT, project, topic  # noqa: F401 - fixtures
from tests.files.samples import whole

LECTURE = "/amls/lectures/05/"


def test_who_uploads_at_a_lecture_has_its_whole_page_before_them(open_page: Open, read_files: None) -> None:
    page = open_page(LECTURE, user="lecturer")
    page.locator("#files").set_input_files(
        {"name": "05_Extra.pdf", "mimeType": "application/pdf", "buffer": whole(".pdf")}
    )
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.get_by_text("1 file is online.")).to_be_visible()
    waits = page.get_by_text("'05_Extra.pdf' waits to be read.")
    expect(waits).to_be_visible()
    page.wait_for_load_state()
    assert axe_in_every_look(page) == []
    # The colours, the slides and the recording can be moved, and what is read in the background is asked after.
    expect(page.get_by_label("Colours")).to_be_visible()
    expect(page.get_by_role("button", name="Next slide")).to_be_visible()
    extract()
    expect(waits).to_be_hidden()


def test_what_came_of_files_at_the_desk_is_read_first_and_the_next_are_matched_as_the_first(
    open_page: Open, site: str
) -> None:
    page = open_page("/admin/lectures/lecture/upload/", user="lecturer")
    files = page.locator("#files")
    files.set_input_files({"name": "12_Serving.pdf", "mimeType": "application/pdf", "buffer": b"this is no PDF"})
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.get_by_role("list", name="Results")).to_be_focused()
    files.set_input_files({"name": "11_Storage.vtt", "mimeType": "text/vtt", "buffer": b"WEBVTT\n"})
    expect(page.locator("[data-matches]")).to_contain_text("11_Storage.vtt")


def test_each_try_to_hand_in_says_only_what_came_of_it(open_page: Open, project: Project) -> None:  # noqa: F811 - the fixture
    page = open_page(SUBMIT, user="student9")
    page.get_by_label("Files").set_input_files({**FILE, "buffer": b"no notebook"})
    page.get_by_role("button", name="Hand in").click()
    summary = page.get_by_role("alert").filter(has_text="Nothing was handed in.")
    expect(summary).to_be_focused()
    page.route(
        f"**{SUBMIT}",
        lambda route: route.abort("connectionreset") if route.request.method == "POST" else route.continue_(),
    )
    page.get_by_label("Files").set_input_files(FILE)
    page.get_by_role("button", name="Hand in").click()
    expect(page.get_by_role("alert").filter(has_text="The upload broke off.")).to_be_visible()
    expect(summary).to_have_count(0)
    page.unroute(f"**{SUBMIT}")
    page.get_by_role("button", name="Hand in").click()
    expect(page.get_by_role("heading", name="Receipt of attempt 1")).to_be_visible()
    expect(page.get_by_label("Colours")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Hand in")).to_be_visible()


OFFLINE = "There is no connection: nothing came, and nothing was saved."
GONE = "Nothing was saved: you are signed out, or what was asked for is no longer there."


def trouble(page: Page, words: str) -> Locator:
    return page.get_by_role("alert").filter(has_text=words)


def test_a_search_without_a_connection_shows_nothing_that_was_found_for_other_words(
    open_page: Open, read_files: None
) -> None:
    page = open_page("/amls/search/", width=390)
    page.wait_for_load_state()
    field = page.get_by_role("searchbox", name="What are you looking for?")
    field.fill("operator")
    expect(page.locator("#search-status")).to_contain_text("places found")
    page.context.set_offline(True)
    field.fill("compression")
    expect(trouble(page, OFFLINE)).to_be_in_viewport()
    expect(page.locator("#search-status")).to_have_text("")
    expect(page.locator("#results")).to_have_text("")
    assert axe_in_every_look(page) == []
    page.context.set_offline(False)
    field.fill("compressio")
    expect(page.locator("#search-status")).to_contain_text("found")
    expect(page.locator("#trouble")).to_have_text("Load this page again")
    expect(page.get_by_role("alert").get_by_role("link")).to_be_hidden()


def test_the_palette_without_a_connection_shows_nothing_that_was_found_for_other_words(
    open_page: Open, read_files: None
) -> None:
    page = open_page("/amls/")
    page.wait_for_load_state()
    page.keyboard.press("/")
    options = page.get_by_role("dialog").get_by_role("option")
    expect(options.first).to_be_visible()
    page.context.set_offline(True)
    page.keyboard.insert_text("compression")
    expect(page.get_by_role("dialog").get_by_text(OFFLINE)).to_be_visible()
    expect(options).to_have_count(0)
    page.context.set_offline(False)
    page.keyboard.insert_text(" ")
    page.keyboard.insert_text("t")
    expect(page.get_by_role("dialog").get_by_text(OFFLINE)).to_have_count(0)


def test_what_is_pressed_in_vain_is_said_with_what_helps(open_page: Open, site: str) -> None:
    page = open_page("/amls/", user="lecturer")
    page.wait_for_load_state()
    page.get_by_role("link", name=re.compile("^Change 07")).click()
    preview = page.get_by_role("button", name="What will subscribers see?")
    page.context.set_offline(True)
    preview.click()
    expect(trouble(page, OFFLINE)).to_be_in_viewport()
    page.context.set_offline(False)
    # Signed out in another tab.
    cookies = page.context.cookies()
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    preview.click()
    expect(trouble(page, GONE)).to_be_in_viewport()
    page.context.add_cookies(cookies)
    preview.click()
    expect(page.get_by_role("status").filter(has_text="Nothing changes in anyone's calendar.")).to_be_focused()
    expect(trouble(page, GONE)).to_have_count(0)
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    preview.click()
    trouble(page, GONE).get_by_role("link", name="Load this page again").click()
    expect(page.get_by_role("link", name="Sign in", exact=True)).to_be_visible()


def test_a_form_that_opens_in_its_row_is_gone_on_with_by_keyboard(open_page: Open, site: str) -> None:
    page = open_page("/amls/", user="lecturer")
    page.wait_for_load_state()
    page.get_by_role("link", name=re.compile("^Change 07")).focus()
    page.keyboard.press("Enter")
    form = page.get_by_role("form", name=re.compile("^Change 07"))
    expect(form.locator("input:not([type=hidden]), select, textarea").first).to_be_focused()


def test_a_page_that_comes_back_begins_at_what_is_wrong(open_page: Open, site: str, project: Project) -> None:  # noqa: F811 - the fixture
    page = open_page("/amls/projects/mine/", user="student9", width=390)
    form = page.locator("form[action$='/invite/']")
    form.get_by_role("textbox").fill("student@example")
    form.get_by_role("button", name="Invite", exact=True).click()
    expect_focus(page, "is not an e-mail address.")
    # That address has no page of its own to come back to in another language.
    # What was typed would be lost there, so it asks first.
    page.locator(".site-foot summary", has_text="Deutsch").click()
    expect(form.get_by_role("textbox")).to_have_value("student@example")
    page.get_by_role("button", name="Sprache trotzdem wechseln").click()
    expect(page.get_by_role("heading", name="Jemanden einladen")).to_be_visible()
    assert page.url == f"{site}/amls/projects/mine/"
    # It comes before the field that has the focus where nothing is wrong.
    page = open_page("/accounts/login/")
    page.get_by_text("Sign in with a password", exact=True).click()
    page.get_by_label("Email").fill("student9@example.org")
    page.get_by_label("Password", exact=True).fill("another")
    page.get_by_role("button", name="Sign In", exact=True).click()
    expect_focus(page, "not correct")
    page = open_page("/amls/staff/invite/", user="lecturer")
    page.get_by_role("textbox").last.fill("nobody")
    page.get_by_role("button", name="Show who gets what").click()
    expect_focus(page, "nobody")


def expect_focus(page: Page, words: str) -> None:
    """Wait until what says these words has the focus, and is seen whole."""
    said = page.get_by_role("alert").filter(has_text=words)
    expect(said).to_be_focused()
    expect(said).to_be_in_viewport(ratio=1)


TABLE = """Distributed Systems, WiSe 2026/27

Date\tTopic\tRoom
13.10.2026 10:15-11:45\tIntroduction\tH 0104
20.10.2026 10:15-11:45\tClocks\tH 0104
27.10.2026 10:15-11:45\tConsensus\tH 0104
"""


def test_the_workbench_is_worked_through_by_keyboard(open_page: Open, site: str) -> None:
    page = open_page("/new/", user="lecturer")
    page.locator("#id_text").fill(TABLE)
    page.get_by_role("button", name="Show what is understood").click()
    page.wait_for_url("**/new/*/")
    page.wait_for_load_state()
    summary = page.locator(".bench-edit summary", has_text="Clocks")
    summary.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text("Clocks and order")
    page.keyboard.press("Enter")
    expect(page.locator(".bench-edit summary", has_text="Clocks and order")).to_be_focused()
    undo = page.get_by_role("button", name="Undo the last change")
    undo.focus()
    page.keyboard.press("Enter")
    expect(undo).to_have_count(0)
    expect(page.get_by_role("button", name="Throw it away")).to_be_focused()
    # A step through a closed list is no choice yet; going on is one.
    page.get_by_text("What the columns mean").click()
    room = page.get_by_label("Room", exact=True).and_(page.locator("[name=role]"))
    room.focus()
    before = room.input_value()
    page.keyboard.press("ArrowDown")
    expect(room).not_to_have_value(before)
    expect(undo).to_have_count(0)
    page.keyboard.press("ArrowDown")
    chosen = room.input_value()
    page.keyboard.press("Enter")
    expect(undo).to_be_visible()
    expect(room).to_be_focused()
    expect(room).to_have_value(chosen)


def test_who_copies_an_address_stays_at_the_button_and_hears_that_it_is_done(open_page: Open, site: str) -> None:
    page = open_page("/amls/subscribe/", locale="de-DE")
    page.wait_for_load_state()
    copy = page.get_by_role("button", name="Kopieren").first
    copy.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Kopiert")).to_be_attached()
    expect(page.get_by_role("button", name="Kopiert").first).to_be_focused()
    # Pressed again meanwhile, it is called as before in the end.
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Kopiert")).to_have_count(0)
    expect(copy).to_be_focused()
