"""Markdown as staff and students write it, rendered to safe HTML."""

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

_TAGS = {
    "a", "blockquote", "br", "code", "dd", "del", "dl", "dt", "em", "h3", "h4", "h5", "h6", "hr",
    "li", "ol", "p", "pre", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href", "title"}, "td": {"align"}, "th": {"align", "scope"}, "ol": {"start"}}
_SCHEMES = {"http", "https", "mailto"}

# Raw HTML is shown as text; headings begin below the page's own (h1, h2).
_parser = MarkdownIt("commonmark", {"html": False, "breaks": False}).enable(["table", "strikethrough"])


def render_markdown(text: str) -> SafeString:
    """Return `text` (CommonMark with tables) as HTML that is safe to show to anyone.

    Raw HTML, scripts, images and unusual link schemes don't come through; links get
    rel=noopener; headings are lowered by two levels so that they nest below the page's.
    """
    tokens = _parser.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + 2, 6)}"
    html = _parser.renderer.render(tokens, _parser.options, {})
    clean = nh3.clean(html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES, link_rel="noopener nofollow")
    return mark_safe(clean)  # noqa: S308 - nh3 cleaned it
