"""The reader of Markdown, as GitHub, Jekyll and Hugo write it: made to HTML, whose lines remember where they stood."""

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import IO

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from mdit_py_plugins.deflist import deflist_plugin

from amls.files.judges.sources.data import read_yaml
from amls.files.judges.sources.html import read_html
from amls.files.judges.sources.rows import ReadRow, bounded, fact

_FRONT_MATTER = re.compile(r"\A\s*---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
# What Kramdown, Jekyll and Quarto add, and what no reader sees.
_ATTRIBUTES = re.compile(r"\{:[^{}\n]*\}|\{%[^%\n]*%\}|^:::.*$", re.MULTILINE)
_PLACEHOLDER = re.compile(r"\{\{[^{}\n]*\}\}")
# Kramdown reads a table of HTML to its end; CommonMark ends it at the first blank line.
_TABLE = re.compile(r"<table\b.*?</table>", re.IGNORECASE | re.DOTALL)
# What begins a line of its own in a paragraph: 'Instructor: Grace Hopper'.
_LABEL = re.compile(r"[A-ZÄÖÜ][^\W_][\w /&()-]{1,38}:(?:\s|$)")
_NESTED_DEFINITION = re.compile(r"^[ \t]+:(?=[ \t]+\S)", re.MULTILINE)


def rows(file: IO[bytes], *, base: str = "") -> Iterator[list[object]]:
    """Yield the rows of a file as JSON knows them; the limited child begins here."""
    return bounded(read_markdown(file.read(), base=base))


def read_markdown(content: bytes, *, base: str = "") -> Iterator[ReadRow]:
    """Yield the rows of a Markdown page; its front matter gives facts, and rows where it holds lists."""
    text = content.decode()
    front = _FRONT_MATTER.match(text)
    if front is not None:
        before = text.count("\n", 0, front.start(1))
        yield from read_yaml(front.group(1).encode(), first_line=before, is_front=True)
        text = "\n" * text.count("\n", 0, front.end()) + text[front.end() :]
    if _PLACEHOLDER.search(text) or "{%" in text:
        yield fact("template", "yes")
    text = _ATTRIBUTES.sub(_only_breaks, text)
    text = _TABLE.sub(_without_blank_lines, text)
    text = _PLACEHOLDER.sub(" ", text)
    # Definitions within definitions are definitions of the same term.
    text = _NESTED_DEFINITION.sub(":", text)
    markdown = (
        MarkdownIt("commonmark", {"html": True, "linkify": False})
        .enable(["table", "strikethrough"])
        .use(deflist_plugin)
    )
    markdown.core.ruler.push("lines", _number_lines)
    markdown.core.ruler.push("labels", _break_before_labels)
    renderer = markdown.renderer
    rendered = markdown.render(text) if isinstance(renderer, RendererHTML) else ""
    yield from read_html(rendered.encode(), base=base, made_of="markdown")


def _without_blank_lines(match: re.Match[str]) -> str:
    return re.sub(r"\n[ \t]*(?=\n)", "\n<!-- -->", match.group())


def _only_breaks(match: re.Match[str]) -> str:
    return "\n" * match.group().count("\n") or " "


def _number_lines(state: StateCore) -> None:
    for token in state.tokens:
        if token.map is not None and token.nesting == 1:
            token.attrSet("data-line", str(token.map[0] + 1))


def _break_before_labels(state: StateCore) -> None:
    """Keep the line breaks of a paragraph whose next line begins with a label, which Markdown takes for spaces."""
    for children in (token.children for token in state.tokens if token.children):
        for at, child in enumerate(children):
            if child.type == "softbreak" and _LABEL.match("".join(part.content for part in _line(children[at + 1 :]))):
                child.type = "hardbreak"


def _line(children: Sequence[Token]) -> Iterator[Token]:
    return takewhile(lambda child: child.type not in ("softbreak", "hardbreak"), children)
