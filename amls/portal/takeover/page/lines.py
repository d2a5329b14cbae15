"""The lines of a page, as text or HTML, with their links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from bs4 import BeautifulSoup
from bs4.element import NavigableString, PageElement, PreformattedString, Tag

from amls.core.text import clean_line
from amls.portal.takeover.words import find_term

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
    try:
        parts = urlsplit(address)
    except ValueError:  # such as 'https://[zoom-link]', which nobody filled in
        return False
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
    return walk.found[walk.top or 0 :]


def _address_of(soup: BeautifulSoup) -> str:
    """Return the page's own address, where it names it."""
    for tag in (soup.find("base", href=True), soup.find("link", rel="canonical", href=True)):
        if isinstance(tag, Tag) and is_whole(str(tag["href"])):
            return str(tag["href"])
    return ""


class _Walk:
    """A walk through a document that ends a line where a browser would.

    What is open is kept in a list: a page that closes none of its tags is as deep as it is long.
    """

    def __init__(self, base: str) -> None:
        self.base = base
        self.found: list[Line] = []
        self.top: int | None = None
        self._source = 1
        self._joins = 0
        self._typed = 0
        self._headings: list[int] = []
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

    def through(self, root: Tag) -> None:
        """Read all that stands in `root`."""
        within: list[tuple[Tag, Iterator[PageElement]]] = [(root, iter(root.children))]
        while within:
            tag, children = within[-1]
            child = next(children, None)
            if child is None:
                self._close(tag)
                within.pop()
            elif isinstance(child, Tag):
                self._source = child.sourceline or self._source
                self._open(child)
                within.append((child, iter(child.children)))
            elif isinstance(child, NavigableString):
                if not isinstance(child, PreformattedString):
                    self._say(child)
                self._source += len(_LINE_END.findall(child))

    def _say(self, text: str) -> None:
        is_typed = self._typed and not self._joins
        for number, piece in enumerate(_LINE_END.split(text) if is_typed else [text]):
            if number:
                self.end()
            said = piece.lstrip()
            if said and not self._number:
                before = len(_LINE_END.findall(piece[: len(piece) - len(said)]))
                self._number = self._source + number + before
            self._words.append(piece)

    def _open(self, tag: Tag) -> None:
        if tag.name == "br":
            self._break()
        elif tag.name == "a" and tag.get("href"):
            self._links[clean_line(tag.get_text()).lower()] = _joined(self.base, str(tag["href"]).strip())
        elif tag.name in _BLOCKS:
            self.end()
            self._joins += tag.name in _JOINED
            self._typed += tag.name == "pre"
            if tag.name == "li":
                self._bullet = "• "
            if tag.name in _HEADINGS:
                self._headings.append(len(self.found))

    def _close(self, tag: Tag) -> None:
        if tag.name in _CELLS:
            self._words.append(" ")
        elif tag.name in _BLOCKS:
            self.end()
            self._joins -= tag.name in _JOINED
            self._typed -= tag.name == "pre"
            if tag.name == "li":
                self._bullet = ""
            if tag.name in _HEADINGS:
                self._end_heading(self._headings.pop())

    def _break(self) -> None:
        if self._joins:
            self._words.append(" ")
        else:
            self.end()

    def _end_heading(self, first: int) -> None:
        """Let the page begin with the first heading that names a term: later ones are of its parts."""
        if self.top is None and any(find_term(line.text) for line in self.found[first:]):
            self.top = first


def _joined(base: str, address: str) -> str:
    """Return an address as it is on the page at `base`; as written where that is no address."""
    try:
        return urljoin(base, address)
    except ValueError:
        return address
