"""From an empty box to a published course: whatever a lecturer has, on a desk and on a phone."""

from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import Workbook
from playwright.sync_api import Page, expect

from amls.courses.models import Course
from lectures.models import Lecture
from tests.browser.conftest import Open
from tests.browser.looks import axe

TABLE = """<h1>Data Systems, Fall 2026</h1><p>Lectures: Tuesday, 10:15am-11:45am in Gates B01</p>
<table><tr><th>Date</th><th>Topic</th><th>Slides</th></tr>
<tr><td>Sep 1</td><td>Why systems?</td><td><a href="https://example.org/01.pdf">pdf</a></td></tr>
<tr><td>Sep 7</td><td>Labor Day (no class)</td><td></td></tr>
<tr><td>Sep 8</td><td>Łukasz Żółć: Storage</td><td><a href="https://example.org/02.pdf">pdf</a></td></tr></table>"""
CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Campus//DE
BEGIN:VEVENT
UID:1@campus
DTSTART;TZID=Europe/Berlin:20261013T101500
DTEND;TZID=Europe/Berlin:20261013T114500
RRULE:FREQ=WEEKLY;COUNT=4
EXDATE;TZID=Europe/Berlin:20261027T101500
SUMMARY:Verteilte Systeme
LOCATION:H 0107
END:VEVENT
END:VCALENDAR
"""
WITHOUT_TIMES = "Verteilte Systeme WiSe 2026/27\nTU Berlin\n\nDatum\tThema\n13.10.2026\tEinführung\n20.10.2026\tUhren\n"


def workbook() -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Systems WiSe 2026"
    for row in (["Datum", "Uhrzeit", "Thema", "Raum"], ["13.10.2026", "10:15-11:45", "Größe", "H 0107"],
                ["20.10.2026", "10:15-11:45", "Şahin", "H 0107"]):  # fmt: skip
        sheet.append(row)
    stream = BytesIO()
    book.save(stream)
    return stream.getvalue()


def paste(page: Page, text: str, html: str) -> None:
    """Paste as people do: the clipboard holds both."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate(
        """([text, html]) => navigator.clipboard.write([new ClipboardItem({
            "text/plain": new Blob([text], {type: "text/plain"}), "text/html": new Blob([html], {type: "text/html"})})])""",
        [text, html],
    )
    page.locator("#id_text").focus()
    page.keyboard.press("Control+V")


def show(page: Page) -> None:
    page.get_by_role("button", name="Show what is understood").click()
    expect(page.locator("#workbench")).to_be_visible()


def answer(page: Page, words: str, value: str) -> None:
    ask = page.locator(".ask", has_text=words)
    ask.locator("[name=answer]").fill(value)
    ask.get_by_role("button").click()
    expect(page.locator(".ask", has_text=words)).to_have_count(0)


def make_and_publish(page: Page) -> Course:
    page.get_by_role("button", name="Make the draft").click()
    page.get_by_role("button", name="Publish it").click()
    expect(page.get_by_text("Published: everyone sees the course now")).to_be_visible()
    slug = page.url.rstrip("/").rpartition("/")[2]
    course = Course.objects.get(slug=slug)
    assert course.state == Course.State.RUNNING
    return course


def titles(course: Course) -> list[str]:
    return list(Lecture.objects.filter(course=course).order_by("starts_at").values_list("title", flat=True))


@pytest.mark.parametrize("width", [390, 1280])
def test_a_pasted_table_becomes_a_published_course(open_page: Open, width: int) -> None:
    page = open_page("/new/", user="lecturer", width=width)
    paste(page, "Data Systems, Fall 2026 …", TABLE)
    expect(page.get_by_text("The links of what you pasted are kept.")).to_be_visible()
    show(page)
    expect(page.locator(".counts")).to_contain_text("2 sessions")
    expect(page.locator(".counts")).to_contain_text("1 day without class")
    assert axe(page) == []
    answer(page, "time zone", "America/Chicago")
    # One title is mended on the way, and the last change taken back.
    page.locator(".bench-edit summary", has_text="Why systems?").click()
    page.locator(".bench-edit[open] [name=title]").fill("Why?")
    page.locator(".bench-edit[open]").get_by_role("button", name="Take this").click()
    expect(page.locator(".bench-title", has_text="Why?")).to_be_visible()
    page.get_by_role("button", name="Undo the last change").click()
    expect(page.locator(".bench-title", has_text="Why systems?")).to_be_visible()
    course = make_and_publish(page)
    assert titles(course) == ["Why systems?", "Łukasz Żółć: Storage"]
    assert course.timezone == "America/Chicago"
    assert course.free_days.get().title == "Labor Day"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_workbook_becomes_a_course(open_page: Open, tmp_path: Path) -> None:
    path = tmp_path / "Terminplan WiSe.xlsx"
    path.write_bytes(workbook())
    page = open_page("/new/", user="lecturer")
    page.locator("#id_file").set_input_files(path)
    show(page)
    for words, value in (("called", "Systeme"), ("term", "WiSe 2026/27")):
        if page.locator(".ask", has_text=words).count():
            answer(page, words, value)
    assert titles(make_and_publish(page)) == ["Größe", "Şahin"]


def test_a_calendar_becomes_a_course(open_page: Open, tmp_path: Path) -> None:
    path = tmp_path / "campus.ics"
    path.write_text(CALENDAR.replace("\n", "\r\n"))
    page = open_page("/new/", user="lecturer", width=390)
    page.locator("#id_file").set_input_files(path)
    show(page)
    answer(page, "called", "Verteilte Systeme")
    if page.locator(".ask", has_text="term").count():
        answer(page, "term", "WiSe 2026/27")
    course = make_and_publish(page)
    days = [f"{at.astimezone(course.zone):%m-%d %H:%M}" for at in
            Lecture.objects.filter(course=course).order_by("starts_at").values_list("starts_at", flat=True)]  # fmt: skip
    assert days == ["10-13 10:15", "10-20 10:15", "11-03 10:15"]


def test_a_page_without_any_time_is_asked_for_it_once(open_page: Open) -> None:
    page = open_page("/new/", user="lecturer")
    page.locator("#id_text").fill(WITHOUT_TIMES)
    show(page)
    ask = page.locator(".ask", has_text="2 lectures have dates but no time")
    expect(ask.locator("[name=weekday-0]")).to_have_value("tuesday")
    ask.locator("[name=begins-0]").fill("10:15")
    ask.locator("[name=ends-0]").fill("11:45")
    ask.get_by_role("button", name="Apply to 2").click()
    expect(page.locator(".bench-when", has_text="10:15–11:45")).to_have_count(2)
    assert titles(make_and_publish(page)) == ["Einführung", "Uhren"]


def test_without_scripts_it_is_complete(open_page: Open) -> None:
    page = open_page("/accounts/login/", width=390, script=False)
    page.get_by_text("Sign in with a password", exact=True).click()
    page.get_by_label("Email").fill("lecturer@example.org")
    page.get_by_label("Password", exact=True).fill("amls-demo-2024")
    page.get_by_role("button", name="Sign In", exact=True).click()
    page.goto(page.url.split("/", 3)[0] + "//" + page.url.split("/")[2] + "/new/")
    page.locator("#id_text").fill(WITHOUT_TIMES)
    page.get_by_role("button", name="Show what is understood").click()
    row = page.locator(".bench-row", has_text="Uhren")
    row.locator("[name=kind]").first.select_option("exercise")
    row.get_by_role("button", name="Apply").click()
    expect(page.locator(".bench-row.is-exercise")).to_have_count(1)
