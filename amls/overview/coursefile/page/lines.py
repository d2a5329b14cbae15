"""The lines of a page, as text or HTML, with their links."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from bs4 import BeautifulSoup
from bs4.element import NavigableString, PageElement, PreformattedString, Tag

from amls.overview.coursefile.words import find_term
from amls.web.text import clean_line

_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_BLOCKS = _HEADINGS | {
    "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "div", "dl", "dt", "figure", "hr",
    "html", "li", "main", "ol", "p", "pre", "section", "summary", "table", "tbody", "thead", "tr", "ul",
}  # fmt: skip
_CELLS = frozenset({"td", "th"})
# A line break in one of these is no new line of the page: a lecture may be wrapped.
_JOINED = _HEADINGS | {"li"}
_IS_HTML = re.compile(r"</?(?:html|body|div|section|main|ul|ol|li|p|br|table|h[1-6])(?:\s[^<>]*)?/?>", re.IGNORECASE)
_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Line:
    """A line of the page, with the links that stand in it by their text.

    Addresses are as written; those within the site are whole where the page names its own.
    """

    number: int
    text: str
    links: dict[str, str] = field(default_factory=dict)


def is_whole(address: str) -> bool:
    """Return whether an address leads somewhere wherever it stands: '01.pdf' does only on its own page."""
    parts = urlsplit(address)
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def read_lines(text: str) -> list[Line]:
    """Return the lines that say something, whether the page is plain text or HTML."""
    text = text.removeprefix("\ufeff")
    return _html_lines(text) if _IS_HTML.search(text) else _text_lines(text)


def _text_lines(text: str) -> list[Line]:
    lines = [Line(number, clean_line(raw)) for number, raw in enumerate(_LINE_END.split(text), start=1)]
    return [line for line in lines if line.text]


def _html_lines(text: str) -> list[Line]:
    soup = BeautifulSoup(text, "html.parser")
    walk = _Walk(_address_of(soup))
    for unwanted in soup(["script", "style", "nav", "footer", "title", "head", "template"]):
        unwanted.decompose()
    walk.through(soup)
    walk.end()
    # What stands before the heading with the term is the site's, not the course's.
    return walk.found[walk.top :]


def _address_of(soup: BeautifulSoup) -> str:
    """Return the page's own address, where it names it."""
    for tag in (soup.find("base", href=True), soup.find("link", rel="canonical", href=True)):
        if isinstance(tag, Tag) and is_whole(str(tag["href"])):
            return str(tag["href"])
    return ""


class _Walk:
    """A walk through a document that ends a line where a browser would."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.found: list[Line] = []
        self.top = 0
        self._source = 1
        self._joins = 0
        self._bullet = ""
        self._start()

    def _start(self) -> None:
        self._words: list[str] = []
        self._number = 0
        self._links: dict[str, str] = {}

    def end(self) -> None:
        """End the line that is being read."""
        text = clean_line("".join(self._words))
        if text:
            self.found.append(Line(self._number, f"{self._bullet}{text}", self._links))
            self._bullet = ""
        self._start()

    def through(self, tag: Tag) -> None:
        """Read all that stands in `tag`."""
        for child in tag.children:
            self._child(child)

    def _child(self, child: PageElement) -> None:
        if isinstance(child, Tag):
            self._source = child.sourceline or self._source
            self._reader(child)(child)
        elif isinstance(child, NavigableString):
            if not isinstance(child, PreformattedString):
                self._say(child)
            self._source += len(_LINE_END.findall(child))

    def _reader(self, tag: Tag) -> Callable[[Tag], None]:
        if tag.name == "br":
            return self._break
        if tag.name in _BLOCKS:
            return self._block
        return self._link if tag.name == "a" and tag.get("href") else self._inline

    def _say(self, text: str) -> None:
        said = text.lstrip()
        if said and not self._number:
            self._number = self._source + len(_LINE_END.findall(text[: len(text) - len(said)]))
        self._words.append(text)

    def _break(self, _tag: Tag) -> None:
        if self._joins:
            self._words.append(" ")
        else:
            self.end()

    def _block(self, tag: Tag) -> None:
        self.end()
        before = len(self.found)
        self._joins += tag.name in _JOINED
        self._bullet = "• " if tag.name == "li" else self._bullet
        self.through(tag)
        self.end()
        self._joins -= tag.name in _JOINED
        self._bullet = "" if tag.name == "li" else self._bullet
        if tag.name in _HEADINGS and not self.top and any(find_term(line.text) for line in self.found[before:]):
            self.top = before

    def _inline(self, tag: Tag) -> None:
        self.through(tag)
        if tag.name in _CELLS:
            self._words.append(" ")

    def _link(self, tag: Tag) -> None:
        self._links[clean_line(tag.get_text()).lower()] = urljoin(self.base, str(tag["href"]).strip())
        self.through(tag)
