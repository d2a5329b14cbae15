"""What is wrong with a page as people see it: on phones and at desks, in the light and in the dark."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Literal
from weakref import WeakKeyDictionary

from django.conf import settings
from playwright.sync_api import ConsoleMessage, Page, Request, Response

Scheme = Literal["light", "dark"]
# Those in which axe looks, and those in which nothing may be wider than the window.
WIDTHS = (390, 1280)
EVERY_WIDTH = (*WIDTHS, 320, 2560)
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Of these rules, those that look at colours: they are asked again where a scheme changes nothing else.
_OF_COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
_RUN = "only => axe.run(document, {iframes: false, selectors: false, resultTypes: ['violations'], runOnly: only})"
# All that the other rules look at: what there is, where it stands, what is said of it, and what is read.
_STANDS = """() => [...document.querySelectorAll("*")].map(element => {
  const box = element.getBoundingClientRect(), names = element.getAttributeNames();
  return [
    element.tagName, box.x, box.y, box.width, box.height, element.checkVisibility({visibilityProperty: true}),
    ...names.filter(name => !["class", "style", "nonce", "value"].includes(name)).map(name => element.getAttribute(name)),
  ].join(" ");
}).join("\\n") + document.body.innerText"""
# Colours on their way to those of the other scheme would be measured halfway.
# What sticks to the lower edge covers something in part, wherever one has scrolled to: axe would call that too small.
_LAID_DOWN = """
() => document.querySelectorAll("#submit-row, .desk-foot").forEach(bar => { bar.style.position = "static"; })
"""
_DRAWN = "() => new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))"
_STILL = """() => Promise.all(document.getAnimations()
  .filter(one => one.playState === "running" && Number.isFinite(one.effect.getComputedTiming().endTime))
  .map(one => one.finished.catch(() => null)))"""

_ASKED: WeakKeyDictionary[Page, set[Request]] = WeakKeyDictionary()


def problems_at(
    page: Page, address: str, *, schemes: Sequence[Scheme] = SCHEMES, seen: set[str] | None = None
) -> list[str]:
    """Open an address and return what is wrong: its status, what axe finds, what is too wide, what the console says.

    It is loaded once for all looks: these follow from its styles alone, so it turns as a phone turns in the hand, and as
    every device does in the evening.

    Args:
        page: of whoever is signed in.
        address: whole.
        schemes: one, for a page whose scripts ask for it when it is loaded.
        seen: as for `axe_in_every_look()`.
    """
    with _console(page) as problems:
        page.emulate_media(color_scheme=schemes[0])
        answer = page.goto(address)
        if answer is None or (answer.status, page.url) != (200, address):
            problems.append(f"{answer and answer.status} at {page.url}")
        seen = set() if seen is None else seen
        problems.extend(f"twice: #{ident}" for ident in page.evaluate(_TWICE))
        # It turns to each width once.
        for width in EVERY_WIDTH:
            turn(page, width)
            if width in WIDTHS:
                problems.extend(_axe_at(page, width, schemes, seen))
            problems.extend(too_wide(page, width))
        wait_for_answers(page)
    return problems


def problems_in_each_scheme_at(page: Page, address: str) -> list[str]:
    """Return what `problems_at()` does of a page that has to be loaded once for each scheme."""
    seen = set[str]()
    return [problem for scheme in SCHEMES for problem in problems_at(page, address, schemes=[scheme], seen=seen)]


def axe_in_every_look(page: Page, *, schemes: Sequence[Scheme] = SCHEMES, seen: set[str] | None = None) -> list[str]:
    """Return what axe finds on the page as it stands, with the look in which it does.

    Args:
        page: as it stands.
        schemes: in which it looks.
        seen: how the page stood when all rules were asked, to which this is added; where it stands so in another scheme, only
            its colours are looked at.
    """
    problems = []
    seen = set() if seen is None else seen
    for width in WIDTHS:
        turn(page, width)
        problems += _axe_at(page, width, schemes, seen)
    return problems


def _axe_at(page: Page, width: int, schemes: Sequence[Scheme], seen: set[str]) -> list[str]:
    problems = []
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        page.evaluate(_STILL)
        page.evaluate(_LAID_DOWN)
        stands = f"{width}\n{page.evaluate(_STANDS)}"
        problems += [f"{width} {scheme}: {problem}" for problem in axe(page, only_colours=stands in seen)]
        seen.add(stands)
    return problems


def axe(page: Page, *, only_colours: bool = False) -> list[str]:
    """Return what axe finds on the page as it stands and looks, each with its first place."""
    # All of its scripts have run, and what moves has come to rest.
    page.wait_for_load_state()
    page.evaluate(_STILL)
    if not page.evaluate("'axe' in window"):
        page.evaluate(_source())
    violations = page.evaluate(_RUN, _OF_COLOURS if only_colours else _RULES)["violations"]
    return [f"{violation['id']}: {violation['nodes'][0]['html'][:160]}" for violation in violations]


def watch_requests(page: Page) -> None:
    """Remember from now on what the page has asked for and has no answer to yet, for `wait_for_answers()`."""
    asked = _ASKED[page] = set[Request]()

    # Playwright marks what it is given, and takes no set's own methods.
    def is_asked(request: Request) -> None:
        asked.add(request)

    def is_answered(request: Request) -> None:
        asked.discard(request)

    page.on("request", is_asked)
    page.on("requestfinished", is_answered)
    page.on("requestfailed", is_answered)


def wait_for_answers(page: Page) -> None:
    """Wait until the page is loaded, all that it asked for is answered, and it asks for nothing more.

    Playwright's "networkidle" may never come on a busy machine: if nothing was asked for half a second while the page was
    still being read, it is lost (microsoft/playwright#42598). It would also take that half second of each page.

    Args:
        page: one that `watch_requests()` knows, as each of `new_page()` is.

    Raises:
        AssertionError: an answer does not come, however patiently one waits; it names for what.
    """
    page.wait_for_load_state()
    until, quiet = time.monotonic() + 90, 0
    while quiet < 3:
        page.evaluate(_DRAWN)
        quiet = 0 if _ASKED[page] else quiet + 1
        assert time.monotonic() < until, [request.url for request in _ASKED[page]]


def turn(page: Page, width: int) -> None:
    """Make the window as wide as that, and wait until the page knows: it is told of its size when it is drawn anew."""
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate(_DRAWN)


# Where two fields of a page have one id, mostly of one name in two forms, labels and browsers speak of the wrong one.
_TWICE = """() => [...document.querySelectorAll("[id]")].map(element => element.id)
    .filter((id, place, all) => all.indexOf(id) < place)"""


# The elements that reach out of the window and hold no other that does.
_WIDEST = """width => [...document.querySelectorAll("body *")]
    .filter(element => element.getBoundingClientRect().right > width && element.offsetWidth)
    .filter((element, place, all) => !all.slice(place + 1).some(other => element.contains(other)))
    .slice(0, 5).map(element => element.outerHTML.slice(0, 120)).join(" · ")"""


def too_wide(page: Page, width: int) -> list[str]:
    """Return how much the page needs, and for what, where one has to scroll sideways in a window of that width."""
    needed = page.evaluate("document.documentElement.scrollWidth")
    return [f"{width}: it needs {needed} for {page.evaluate(_WIDEST, width)}"] if needed > width else []


@cache
def _source() -> str:
    return (Path(settings.VAR_DIR) / "node_modules" / "axe-core" / "axe.min.js").read_text()


@contextmanager
def _console(page: Page) -> Iterator[list[str]]:
    """Collect the errors that a page logs, and the answers that say no."""
    said: list[str] = []

    def on_line(line: ConsoleMessage) -> None:
        if line.type == "error":
            said.append(f"console: {line.text} {line.location['url']}")

    def on_answer(answer: Response) -> None:
        if answer.status >= 400:
            said.append(f"{answer.status} {answer.url}")

    page.on("console", on_line)
    page.on("response", on_answer)
    yield said
    page.remove_listener("console", on_line)
    page.remove_listener("response", on_answer)
