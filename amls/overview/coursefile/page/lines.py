"""The lines of a page, as text or HTML, with their links."""

import re
from dataclasses import dataclass, field

from bs4 import BeautifulSoup

from amls.web.text import clean_line

_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_BLOCKS = [*_HEADINGS, "p", "li", "td", "dt", "dd", "div"]


@dataclass(frozen=True)
class Line:
    """A line of the page, with the links that stand in it by their text."""

    number: int
    text: str
    links: dict[str, str] = field(default_factory=dict)


def read_lines(text: str) -> list[Line]:
    """Return the lines that say something, whether the page is plain text or HTML."""
    is_html = re.search(r"<(?:html|body|ul|li|p|h\d)\b", text, re.IGNORECASE) is not None
    return _html_lines(text) if is_html else _text_lines(text)


def _text_lines(text: str) -> list[Line]:
    lines = [Line(number, clean_line(raw)) for number, raw in enumerate(text.splitlines(), start=1)]
    return [line for line in lines if line.text]


def _html_lines(text: str) -> list[Line]:
    soup = BeautifulSoup(text, "html.parser")
    for unwanted in soup(["script", "style", "nav", "footer", "title", "head"]):
        unwanted.decompose()
    for br in soup("br"):
        br.replace_with("\n")
    found: list[Line] = []
    for block in soup(_BLOCKS):
        inner = block.find_all(_BLOCKS)
        for nested in inner if block.name == "li" else []:
            nested.extract()
        if inner and block.name != "li":
            continue
        links = {clean_line(a.get_text()).lower(): str(a["href"]) for a in block("a", href=True)}
        rows = [f"• {block.get_text(' ')}"] if block.name == "li" else block.get_text().split("\n")
        words = [clean_line(row) for row in ([" ".join(rows)] if block.name in _HEADINGS else rows)]
        found += [Line(block.sourceline or 0, word, links) for word in words if word not in ("", "•")]
        for nested in inner if block.name == "li" else []:
            block.append(nested)
    return found
