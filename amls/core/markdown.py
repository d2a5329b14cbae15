"""Markdown as staff and students write it, rendered to safe HTML."""

import re

import nh3
from django.utils.safestring import SafeString, mark_safe
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


_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~&])")
_LINK = re.compile(r"(?<!\\)\[([^\]]+)\]\(([^)\s]+)\)")
_STRONG = re.compile(r"(?<!\\)(\*\*|__)(?=\S)(.+?)(?<=\S)(?<!\\)\1")
_CODE = re.compile(r"(?<![\\`])`([^`\n]+)`(?!`)")
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+\-.!|<>~&])")


def escape_markdown(text: str) -> str:
    """Return one line of text so that Markdown shows it as it is."""
    return _SPECIAL.sub(r"\\\1", text)


def plain_text(text: str) -> str:
    """Return Markdown as people read it in a mail without HTML: links with their address, no marks of emphasis or code."""
    return _ESCAPED.sub(r"\1", _CODE.sub(r"\1", _STRONG.sub(r"\2", _LINK.sub(r"\1 (\2)", text))))
