"""The reader of HTML, of pages and of what browsers put on the clipboard."""

import re
from collections.abc import Iterator
from itertools import islice, pairwise
from typing import IO

from lxml import etree, html

from amls.files.judges.sources.rows import MAX_COLUMNS, ReadCell, ReadRow, bounded, fact, joined, tidy

_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_BLOCKS = _HEADINGS | {
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "div", "dl", "dt",
    "figure", "hr", "html", "li", "main", "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "th",
    "thead", "tr", "ul",
}  # fmt: skip
_UNWANTED = frozenset({
    "script", "style", "nav", "footer", "title", "head", "template", "noscript", "svg", "button", "select", "iframe",
    "object", "math",
})  # fmt: skip
# A line break in one of these is no new line of the page: a lecture may be wrapped.
_JOINED = _HEADINGS | {"li"}
_EVENTS = ("start", "end", "comment", "pi")
_LINE_END = re.compile(r"\r\n|\r|\n")
_ICON = re.compile(r"\b(?:fa|icon|bi|glyphicon|mdi)-((?:file-)?[a-z]+(?:-[a-z]+)?)")
_MOST_IN_A_GRID_ROW = 60
_PIECES = frozenset({"div", "span", "p", "a", "time", "strong", "b", "em", "ul"})


def rows(file: IO[bytes], *, base: str = "") -> Iterator[list[object]]:
    """Yield the rows of a file as JSON knows them; the limited child begins here."""
    return bounded(read_html(file.read(), base=base))


def read_html(content: bytes, *, base: str = "", made_of: str = "") -> Iterator[ReadRow]:
    """Yield the rows of a page: its title, headings, lines, items of lists, and the rows of tables and grids.

    Args:
        content: in UTF-8.
        base: the page's own address, where it is known.
        made_of: another container that was turned into this page, whose lines stand in 'data-line'.
    """
    parser = html.HTMLParser(encoding="utf-8", huge_tree=True, remove_blank_text=False)
    try:
        root = html.document_fromstring(content, parser=parser)
    except etree.ParserError:  # nothing but comments
        return
    base = _address_of(root) or base
    title = root.find(".//head/title")
    if title is not None and title.text and not made_of:
        yield fact("title", tidy(title.text).replace("\n", " "), title.sourceline or 0)
    language = root.get("lang")
    if language:
        yield fact("language", language)
    if base:
        yield fact("base", base)
    yield from _Walk(base, has_lines=not made_of).through(root)


def _address_of(root: html.HtmlElement) -> str:
    """Return the page's own address, where it names it."""
    for element in (root.find(".//base[@href]"), root.find(".//link[@rel='canonical'][@href]")):
        if element is not None and element.get("href", "").startswith(("http://", "https://")):
            return str(element.get("href"))
    return ""


def _is_unwanted(element: html.HtmlElement) -> bool:
    return (
        element.tag in _UNWANTED
        or "hidden" in element.attrib
        or "display:none" in element.get("style", "").replace(" ", "").lower()
    )


class _Walk:
    """A walk through a document that ends a line where a browser would."""

    def __init__(self, base: str, *, has_lines: bool) -> None:
        self.base, self.has_lines = base, has_lines
        self.tables = 0
        self._source = 1
        self._joins = 0
        self._typed = 0
        self._heading = ""
        self._bullet = False
        self._numbers: list[int | None] = []
        self._depth = 0
        self._term: list[ReadCell] = []
        self._start()

    def _start(self) -> None:
        self._words: list[str] = []
        self._number = 0
        self._links: list[tuple[str, str]] = []

    def through(self, root: html.HtmlElement) -> Iterator[ReadRow]:
        """Yield all that stands in `root`."""
        self.weights = _Weights(root)
        walk = etree.iterwalk(root, events=_EVENTS)
        for event, element in walk:
            if event in ("comment", "pi"):
                yield from self._say(element.tail)
            elif event == "end":
                yield from self._close(element)
                yield from self._say(element.tail)
            else:
                own = element.sourceline if self.has_lines else None
                self._source = int(element.get("data-line") or own or self._source)
                if _is_unwanted(element):
                    walk.skip_subtree()
                    continue
                rows = self._table(element)
                if rows is not None:
                    yield from self._end()
                    yield from rows
                    walk.skip_subtree()
                    continue
                yield from self._open(element)
                yield from self._say(element.text)
        yield from self._end()

    def _table(self, element: html.HtmlElement) -> list[ReadRow] | None:
        if element.tag == "table" and not _is_layout(element, self.weights):
            self.tables += 1
            rows = _rows_of_table(element, self.base, self.tables)
        elif element.tag == "dl":
            self.tables += 1
            rows = _pairs(element, self.base, self.tables)
        elif _is_grid(element):
            self.tables += 1
            rows = [
                ReadRow(_line(row), "cells", [_cell(cell, self.base) for cell in row], table=self.tables)
                for row in element
                if isinstance(row.tag, str)
            ]
        else:
            return None
        return rows

    def _end(self) -> Iterator[ReadRow]:
        text = tidy("".join(self._words)).replace("\n", " ")
        if text or self._links:
            kind = "heading" if self._heading else "item" if self._bullet else "text"
            level = int(self._heading[1]) if self._heading else self._depth
            yield ReadRow(self._number or self._source, kind, [ReadCell(text, self._links)], level)
            self._bullet = False
        self._start()

    def _say(self, text: str | None) -> Iterator[ReadRow]:
        if not text:
            return
        is_typed = self._typed and not self._joins
        for number, piece in enumerate(_LINE_END.split(text) if is_typed else [text]):
            if number:
                yield from self._end()
            said = piece.lstrip()
            if said and not self._number:
                before = len(_LINE_END.findall(piece[: len(piece) - len(said)]))
                self._number = self._source + number + before
            self._words.append(piece)
        self._source += len(_LINE_END.findall(text))

    def _open(self, element: html.HtmlElement) -> Iterator[ReadRow]:
        tag = element.tag
        if tag == "br":
            if self._joins:
                self._words.append(" ")
            else:
                yield from self._end()
        elif tag == "a" and element.get("href"):
            self._links.append(_link(element, self.base))
        elif tag in _BLOCKS:
            yield from self._end()
            self._joins += tag in _JOINED
            self._typed += tag == "pre"
            if tag in ("ol", "ul"):
                self._numbers.append(_first_number(element) if tag == "ol" else None)
                self._depth += 1
            elif tag == "li":
                self._bullet = True
            elif tag in _HEADINGS:
                self._heading = tag

    def _close(self, element: html.HtmlElement) -> Iterator[ReadRow]:
        tag = element.tag
        if tag in ("td", "th"):
            self._words.append(" ")
        elif tag in _BLOCKS and not _is_unwanted(element):
            yield from self._end()
            if tag in {"table", "dl"}:
                return
            self._joins -= tag in _JOINED and self._joins > 0
            self._typed -= tag == "pre" and self._typed > 0
            if tag in ("ol", "ul") and self._numbers:
                self._numbers.pop()
                self._depth -= 1
            elif tag == "li":
                self._bullet = False
            elif tag in _HEADINGS:
                self._heading = ""


def _first_number(element: html.HtmlElement) -> int:
    start = element.get("start", "1")
    return int(start) if start.isdigit() else 1


def _line(element: html.HtmlElement) -> int:
    return int(element.get("data-line") or element.sourceline or 0)


def _link(element: html.HtmlElement, base: str) -> tuple[str, str]:
    text = tidy("".join(element.itertext())).replace("\n", " ")
    if not text:
        text = next(filter(None, map(_name_of_picture, element.iter())), "")
    return text, joined(base, element.get("href", ""))


def _name_of_picture(element: html.HtmlElement) -> str:
    """Return what an icon is called, else what it shows."""
    if not isinstance(element.tag, str):
        return ""
    icon = _ICON.search(element.get("class") or "")
    named = element.get("title") or element.get("aria-label") or element.get("alt")
    return named or (icon.group(1) if icon else "")


def _cell(element: html.HtmlElement, base: str) -> ReadCell:
    words: list[str] = []
    links: list[tuple[str, str]] = []
    walk = etree.iterwalk(element, events=_EVENTS)
    for event, inner in walk:
        if event == "start":
            if _is_unwanted(inner):
                walk.skip_subtree()
                continue
            if inner.tag == "br" or (inner.tag in _BLOCKS and inner is not element):
                words.append("\n")
            elif inner.tag == "a" and inner.get("href"):
                links.append(_link(inner, base))
            words.append(_unbroken(inner.text))
            continue
        if event == "end" and inner.tag in _BLOCKS and inner is not element:
            words.append("\n")
        if inner is not element:
            words.append(_unbroken(inner.tail))
    return ReadCell(tidy("".join(words)), links)


def _unbroken(text: str | None) -> str:
    return _LINE_END.sub(" ", text) if text else ""


class _Weights:
    """How much text stands in each element, and in the tables within it; weighed once, from the inside out."""

    def __init__(self, root: html.HtmlElement) -> None:
        self.texts: dict[html.HtmlElement, int] = {}
        self.tables: dict[html.HtmlElement, int] = {}
        for _event, element in etree.iterwalk(root, events=("end",)):
            children = [child for child in element if isinstance(child.tag, str)]
            self.texts[element] = len(element.text or "") + sum(
                self.texts.get(child, 0) + len(child.tail or "") for child in children
            )
            self.tables[element] = sum(
                self.texts.get(child, 0) if child.tag == "table" else self.tables.get(child, 0) for child in children
            )


def _is_layout(table: html.HtmlElement, weights: _Weights) -> bool:
    """Return whether a table only lays out the page: what it says stands in tables or lists within it, or in one cell."""
    if 2 * weights.tables.get(table, 0) > weights.texts.get(table, 0):
        return True
    filled = (cell for cell in table.iter("td", "th") if any(map(str.strip, islice(cell.itertext(), 50))))
    cells = list(islice(filled, 8))
    is_list = len(cells) < 8 and any(len(cell.findall(".//li")) > 4 or cell.find(".//h2") is not None for cell in cells)
    return len(cells) == 1 or is_list


def _rows_of_table(table: html.HtmlElement, base: str, number: int) -> list[ReadRow]:
    rows: list[ReadRow] = []
    # What reaches down from above: column -> (rows left, cell).
    below: dict[int, tuple[int, ReadCell]] = {}
    for tr in table.iter("tr"):
        if _is_unwanted(tr):
            continue
        own = next((ancestor for ancestor in tr.iterancestors("table")), None)
        if own is not table:
            continue
        cells: list[ReadCell] = []
        tags: list[str] = []
        for td in tr:
            if td.tag not in ("td", "th"):
                continue
            _fill(cells, below)
            cell = _cell(td, base)
            width, height = _span(td, "colspan"), _span(td, "rowspan")
            for offset in range(min(width, MAX_COLUMNS - len(cells)) or 1):
                piece = cell if not offset else ReadCell("", [], spans=True)
                if height > 1:
                    below[len(cells)] = (height - 1, ReadCell(piece.text, piece.links, spans=True))
                cells.append(piece)
            tags.append(td.tag)
        _fill(cells, below)
        if any(cell.text or cell.links for cell in cells):
            is_head = bool(tags) and all(tag == "th" for tag in tags) and len(tags) > 1
            rows.append(ReadRow(_line(tr), "header" if is_head else "cells", cells, table=number))
    return rows


def _fill(cells: list[ReadCell], below: dict[int, tuple[int, ReadCell]]) -> None:
    while len(cells) in below:
        at = len(cells)
        left, cell = below.pop(at)
        if left > 1:
            below[at] = (left - 1, cell)
        cells.append(cell)


def _span(td: html.HtmlElement, name: str) -> int:
    said = td.get(name, "1").strip()
    return max(1, min(int(said), 1000)) if said.isdigit() and len(said) < 5 else 1


def _pairs(dl: html.HtmlElement, base: str, number: int) -> list[ReadRow]:
    rows: list[ReadRow] = []
    terms: list[ReadCell] = []
    is_new = True
    for part in dl.iter("dt", "dd"):
        if part.tag == "dt":
            if not is_new and terms:
                terms = []
            terms.append(_cell(part, base))
            is_new = True
        else:
            cell = _cell(part, base)
            if part.find(".//dd") is not None:
                # Definitions of definitions, as course sites of one make nest them: what is inner follows by itself.
                cell = _own(part, base)
            if terms and (cell.text or cell.links):
                term = ReadCell(
                    " / ".join(term.text for term in terms),
                    [link for term in terms for link in term.links],
                    spans=not is_new,
                )
                rows.append(ReadRow(_line(part), "pair", [term, cell], table=number))
            is_new = False
    return rows


def _own(part: html.HtmlElement, base: str) -> ReadCell:
    """Return what a definition says before the definitions within it."""
    words, links = [_unbroken(part.text)], []
    for child in part:
        if child.tag in ("dl", "dd", "dt"):
            break
        inner = _cell(child, base) if isinstance(child.tag, str) else ReadCell()
        if child.tag == "a" and child.get("href"):
            inner.links.insert(0, _link(child, base))
        words += [inner.text, _unbroken(child.tail)]
        links += inner.links
    return ReadCell(tidy(" ".join(words)), links)


def _is_grid(element: html.HtmlElement) -> bool:
    """Return whether an element's children are rows of a grid: alike, several, each of a few small pieces."""
    if element.tag not in ("div", "section", "main", "article") or len(element) < 3:
        return False
    rows = [row for row in element if isinstance(row.tag, str)]
    if len(rows) < 3 or any(row.tag not in ("div", "section", "article", "a") for row in rows):
        return False
    kinds = [(row.get("class") or "").split()[:1] for row in rows]
    widths = [len(row) for row in rows]
    usual = max(set(widths), key=widths.count)
    is_alike = sum(kind == following for kind, following in pairwise(kinds)) >= 0.7 * (len(kinds) - 1)
    is_even = 2 <= usual <= 12 and widths.count(usual) >= 0.6 * len(widths)
    return is_alike and is_even and all(_is_row_of_pieces(row) for row in rows)


def _is_row_of_pieces(row: html.HtmlElement) -> bool:
    is_small = sum(1 for _one in islice(row.iterdescendants(), _MOST_IN_A_GRID_ROW)) < _MOST_IN_A_GRID_ROW
    return (
        is_small
        and not (row.text or "").strip()
        and all(child.tag in _PIECES for child in row if isinstance(child.tag, str))
    )
