"""What the students' pages ask of their readers: pixels, clicks and kB, none of which may grow.

Beside each bound stands what was measured before issue 17, on a phone of 390 x 900 or a desk of 1280 x 900.
"""

from playwright.sync_api import Page

from tests.browser.conftest import Open

# What is measured, what it was, and what it may be at most.
TOP = "[...document.querySelectorAll({!r})].map(one => one.getBoundingClientRect().top + scrollY)[0]"
BUTTONS = "document.querySelectorAll('main :is(a.btn, button, summary.btn), main .tabs a').length"
HEIGHT = "document.querySelector('main').getBoundingClientRect().height"
CASES = {
    # name: (who, path, width, script, before, at most)
    "schedule: ways on top": (None, "/amls/schedule/", 390, f"{BUTTONS} - document.querySelectorAll('.menu a').length", 11, 3),
    "schedule: pixels to the next date": (None, "/amls/schedule/", 390, TOP.format(".agenda > li:not(.past *)"), 1560, 460),
    "schedule: height": (None, "/amls/schedule/", 390, HEIGHT, 4700, 3300),
    "course: pixels to the next lecture's row": ("student", "/amls/", 390, TOP.format(".lectures .is-next"), 2080, 1560),
    "course: height": ("student", "/amls/", 390, HEIGHT, 4560, 3950),
    "course: lines of key dates": ("student", "/amls/", 1280, "document.querySelectorAll('aside .dates > li').length", 10, 4),
    "lecture: pixels from slide to recording": (None, "/amls/lectures/05/", 1280, f"{TOP.format('video')} - {TOP.format('.deck-pages')}", 676, 4),
    "lecture: pixels to what it is about": (None, "/amls/lectures/05/", 390, TOP.format(".abstract"), 1720, 320),
    "topics: pixels to the first": ("student", "/amls/projects/", 390, TOP.format(".topics > li"), 650, 650),
    "exams: height of a date's card": ("student", "/amls/exams/", 390, "document.querySelector('.exams > li').getBoundingClientRect().height", 304, 330),
    "courses: pixels to the reader's next lecture": ("student", "/?all", 390, TOP.format(".heroes dd"), 9999, 340),
}  # fmt: skip
# How far header, page and foot begin from one edge: 48 px before.
EDGES = """['.bar .mark', 'main > *', '.site-foot > *'].map(one => document.querySelector(one).getBoundingClientRect().left)"""


def test_no_page_asks_more_of_its_readers_than_it_did(open_page: Open, read_files: None, site: str) -> None:
    pages: dict[str | None, Page] = {who: open_page("/", user=who) for who in (None, "student")}
    found = {}
    for name, (who, path, width, script, _before, most) in CASES.items():
        page = pages[who]
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{site}{path}")
        if (measured := page.evaluate(script)) is None or measured > most:
            found[name] = (measured, most)
    page = pages["student"]
    for path in ("/amls/", "/amls/schedule/", "/amls/projects/mine/", "/?all"):
        page.goto(f"{site}{path}")
        lefts = page.evaluate(EDGES)
        if max(lefts) - min(lefts) > 1:
            found[f"edges of {path}"] = (lefts, 1)
    assert found == {}
