"""The palette, the theme, and what is there without a connection."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, sign_in
from tests.browser.looks import axe_in_every_look


def test_the_palette_goes_acts_and_searches_by_keyboard(open_page: Open, read_files: None, site: str) -> None:
    page = open_page("/amls/", user="student")
    page.keyboard.press("/")
    field = page.get_by_role("combobox", name="Search, or where to?")
    expect(field).to_be_focused()
    options = page.get_by_role("dialog").get_by_role("option")
    expect(options.filter(has_text="Hand in")).to_be_visible()
    assert axe_in_every_look(page) == []
    field.press_sequentially("withdr")
    expect(options.first).to_have_text("Withdraw from an exam Do")
    expect(page.locator("dialog [role=status]")).to_contain_text("found")
    field.fill("Wo wird fusion erklärt?")
    slide = options.filter(has=page.locator("img"))
    expect(slide.first).to_be_visible()
    expect(slide.first).to_contain_text("Slide")
    page.keyboard.press("ArrowDown")
    chosen = page.locator("[role=option][aria-selected=true]")
    expect(field).to_have_attribute("aria-activedescendant", str(chosen.get_attribute("id")))
    page.keyboard.press("Escape")
    expect(field).to_be_hidden()
    page.keyboard.press("Control+k")
    field.fill("schedule")
    expect(options.first).to_contain_text("Schedule")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site}/amls/schedule/")
    # In a field, a stroke is a stroke.
    page.goto(f"{site}/amls/search/")
    page.locator("#q").press_sequentially("a/b")
    expect(page.locator("#q")).to_have_value("a/b")


def test_a_chosen_theme_stays_without_a_flash_also_for_strangers(open_page: Open, site: str) -> None:
    page = open_page("/amls/schedule/", dark=True)
    paper = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(paper)
    page.get_by_label("Colours").select_option("light")
    light = page.evaluate(paper)
    assert light != dark
    # Before anything is painted, and on pages that are kept for everyone.
    page.add_init_script("addEventListener('DOMContentLoaded', () => { window.early = document.documentElement.dataset.theme; })")  # fmt: skip
    page.goto(f"{site}/amls/")
    assert (page.evaluate("window.early"), page.evaluate(paper)) == ("light", light)
    page.get_by_label("Colours").select_option("auto")
    assert page.evaluate(paper) == dark


def controlled(page: Page) -> None:
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.wait_for_function("navigator.serviceWorker.controller !== null")


def test_what_was_opened_is_there_without_a_connection_and_nobody_elses(open_page: Open, site: str) -> None:
    page = open_page("/amls/", user="student", worker=True)
    controlled(page)
    for path in ("/amls/me/", "/amls/schedule/"):
        page.goto(f"{site}{path}")
    for path in ("/amls/me/", "/amls/schedule/"):
        page.wait_for_function("url => caches.match(url).then(kept => Boolean(kept))", arg=f"{site}{path}")
    page.context.set_offline(True)
    page.goto(f"{site}/amls/me/")
    expect(page.get_by_text("No connection: this page is as of")).to_be_visible()
    expect(page.locator("details.account")).to_contain_text("Sam Student")
    expect(page.locator("form[method=post]:not([inert])")).to_have_count(0)
    expect(page.locator("[hx-post]")).to_have_count(0)
    page.goto(f"{site}/amls/search/?q=x")
    expect(page.get_by_role("heading", name="No connection")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("Schedule"))).to_be_visible()
    heading = page.get_by_role("heading", name="Kept on this device")
    expect(heading).to_be_visible()
    page.context.set_offline(False)
    page.goto(f"{site}/amls/")
    page.locator("details.account summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_function(
        "caches.open('amls-pages').then(c => c.keys()).then(k => !k.some(r => r.url.endsWith('/me/')))"
    )
    # Where nothing is kept no heading stands over an empty list.
    page.evaluate("caches.delete('amls-pages')")
    page.context.set_offline(True)
    page.goto(f"{site}/amls/me/")
    expect(page.get_by_role("heading", name="No connection")).to_be_visible()
    expect(heading).to_be_hidden()
    page.context.set_offline(False)
    # Whoever comes next, without having signed out, finds nothing of the one before.
    sign_in(page, site, "student")
    page.goto(f"{site}/amls/me/")
    page.wait_for_function(
        "caches.open('amls-pages').then(c => c.keys()).then(k => k.some(r => r.url.endsWith('/me/')))"
    )
    page.context.clear_cookies()
    sign_in(page, site, "assistant")
    page.wait_for_function(
        "caches.open('amls-pages').then(c => c.keys()).then(k => !k.some(r => r.url.endsWith('/me/')))"
    )
    page.context.set_offline(True)
    page.goto(f"{site}/amls/me/")
    expect(page.get_by_role("heading", name="No connection")).to_be_visible()
