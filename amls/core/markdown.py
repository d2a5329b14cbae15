"""Markdown as staff and students write it, rendered to safe HTML."""

import re
from itertools import takewhile

import nh3
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator
from markdown_it import MarkdownIt

_TAGS = {
    "a", "blockquote", "br", "code", "dd", "del", "dl", "dt", "em", "h2", "h3", "h4", "h5", "h6", "hr",
    "li", "ol", "p", "pre", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href", "title"}, "td": {"align"}, "th": {"align", "scope"}, "ol": {"start"}}
_SCHEMES = {"http", "https", "mailto"}

# Raw HTML is shown as text; headings begin below the page's own (h1, h2).
_parser = MarkdownIt("commonmark", {"html": False, "breaks": False}).enable(["table", "strikethrough"])


def render_markdown(text: str, top: int = 3) -> SafeString:
    """Return `text` (CommonMark with tables) as HTML that is safe to show to anyone.

    Raw HTML, scripts, images and unusual link schemes don't come through; links get
    rel=noopener; the highest heading becomes one of level `top`, so that all nest below the
    page's own.
    """
    tokens = _parser.parse(text)
    headings = [token for token in tokens if token.type in ("heading_open", "heading_close")]
    highest = min((int(token.tag[1]) for token in headings), default=top)
    for token in headings:
        token.tag = f"h{min(int(token.tag[1]) - highest + top, 6)}"
    html = _parser.renderer.render(tokens, _parser.options, {})
    clean = nh3.clean(html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES, link_rel="noopener nofollow")
    return mark_safe(clean)  # noqa: S308 - nh3 cleaned it


_END_OF_SENTENCE = re.compile(r"(?<=[^\W\d_]{2}[.!?])\s+(?=[A-ZÄÖÜ„“\"(])")
_LONGEST_SENTENCE = 160

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~&])")
# Neither part of a link holds a bracket that opens the next: looking for one never goes back over what it has seen.
_LINK = re.compile(r"(?<!\\)\[((?:[^\[\]\\]|\\.)+)\]\(([^)\s\[]+)\)")
_LINK_WITHIN = re.compile(r"((?<!\\)\[(?:[^\[\]\\]|\\.)+\]\()(/(?!/)[^)\s\[]*\))")
_MARK = re.compile(r"(?<!\\)(?:\*\*|__)|\n")
_CODE = re.compile(r"(?<![\\`])`([^`\n]+)`(?!`)")
# Words between single marks, as they stand in a sentence: not in code, in names such as 'a_b_c', or in addresses.
_EMPHASES = [
    re.compile(rf"(`[^`\n]+`)|(?:(?<=[\s(\[\"'„“‚‘*_–—-])|^){mark}(?=\S)([^{mark}\n]*[^\s{mark}\\]){mark}(?![\w/=&%#{mark}])", re.MULTILINE)
    for mark in (r"\*", "_")
]  # fmt: skip
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+\-.!|<>~&])")


def escape_markdown(text: str) -> str:
    """Return one line of text so that Markdown shows it as it is."""
    return _SPECIAL.sub(r"\\\1", text)


def with_whole_links(text: str, site: str) -> str:
    """Return Markdown whose links within the site lead to it from anywhere, as from a mail: '/amls/' to `site` and '/amls/'."""
    return _LINK_WITHIN.sub(lambda link: f"{link[1]}{site}{link[2]}", text)


def plain_text(text: str) -> str:
    """Return Markdown as people read it in a mail without HTML: links with their address, no marks of emphasis or code."""
    said = _without_marks(_LINK.sub(r"\1 (\2)", text))
    for emphasis in _EMPHASES:
        said = emphasis.sub(lambda match: match[1] or match[2], said)
    return _ESCAPED.sub(r"\1", _CODE.sub(r"\1", said))


def first_sentence(text: str) -> str:
    """Return the first sentence of Markdown as plain text, cut at a word where it is longer than a card takes."""
    lines = (line.strip() for line in plain_text(_LINK.sub(r"\1", text)).splitlines())
    paragraph = " ".join(takewhile(bool, (line for line in lines if line and not line.startswith("#"))))
    return Truncator(_END_OF_SENTENCE.split(paragraph, maxsplit=1)[0]).chars(_LONGEST_SENTENCE)


def _without_marks(text: str) -> str:
    """Return Markdown without the marks of strong emphasis that open and close on one line. One look at each mark."""
    opened: dict[str, int] = {}
    marks: list[int] = []
    for match in _MARK.finditer(text):
        mark, at = match.group(), match.start()
        if mark == "\n":
            opened.clear()
        elif mark in opened and not text[at - 1].isspace() and opened[mark] + 2 < at:
            marks += [opened.pop(mark), at]
        elif mark not in opened and not text[at + 2 : at + 3].isspace() and at + 2 < len(text):
            opened[mark] = at
    kept, done = [], 0
    for at in sorted(marks):
        kept.append(text[done:at])
        done = at + 2
    return "".join([*kept, text[done:]])
