"""The reader of DOCX: headings, paragraphs, items of lists and tables, in their order."""

import io
import zipfile
from collections.abc import Iterator
from typing import IO

import docx
from docx.document import Document
from docx.table import Table, _Cell
from docx.text.paragraph import Paragraph

from amls.files.judges.archives import need_small
from amls.files.judges.sources.rows import MAX_COLUMNS, ReadCell, ReadRow, bounded, fact, tidy

_MAX_UNPACKED = 60 * 1024**2


def rows(file: IO[bytes], *, base: str = "") -> Iterator[list[object]]:
    """Yield the rows of a file as JSON knows them; the limited child begins here."""
    return bounded(read_word(file.read()))


def read_word(content: bytes) -> Iterator[ReadRow]:
    """Yield the rows of a DOCX file; lines are counted by paragraphs and rows of tables.

    Raises:
        Refused: it unpacks to too much.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        need_small(archive, _MAX_UNPACKED)
    document: Document = docx.Document(io.BytesIO(content))
    title = document.core_properties.title
    if title:
        yield fact("title", title)
    number = tables = 0
    for block in document.iter_inner_content():
        if isinstance(block, Paragraph):
            for line in _lines(block):
                number += 1
                kind, level = _kind(block)
                if line.text or line.links:
                    yield ReadRow(number, kind, [line], level)
        else:
            tables += 1
            for row in _table(block, tables, number):
                number = row.number
                yield row


def _kind(paragraph: Paragraph) -> tuple[str, int]:
    style = paragraph.style.name or "" if paragraph.style is not None else ""
    if style == "Title":
        return "heading", 1
    if style.startswith(("Heading", "Überschrift")):
        digits = "".join(filter(str.isdigit, style))
        return "heading", int(digits or 1)
    properties = paragraph._p.pPr  # noqa: SLF001 - python-docx has no public way to ask for numbering
    is_numbered = properties is not None and properties.numPr is not None
    return ("item", 1) if is_numbered or style.startswith(("List", "Liste")) else ("text", 0)


def _lines(paragraph: Paragraph) -> list[ReadCell]:
    links = [(tidy(link.text), link.address) for link in paragraph.hyperlinks if link.address]
    lines = (
        tidy(paragraph.text.replace("\t", "\u2003\t")).split("\n")
        if "\t" not in paragraph.text
        else [paragraph.text.strip()]
    )
    return [ReadCell(line, [link for link in links if link[0] in line]) for line in lines]


def _table(table: Table, number: int, line: int) -> Iterator[ReadRow]:
    above: set[int] = set()
    for row in table.rows:
        line += 1
        cells: list[ReadCell] = []
        seen: dict[int, int] = {}
        here: set[int] = set()
        for cell in row.cells[:MAX_COLUMNS]:
            # Merged cells are the same element: beside each other within a row, or below each other.
            key = id(cell._tc)  # noqa: SLF001 - only the element says which cells are merged
            here.add(key)
            if key in seen:
                cells.append(ReadCell("", [], spans=True))
                continue
            seen[key] = len(cells)
            cells.append(_cell(cell, spans=key in above))
        above = here
        if any(cell.text or cell.links for cell in cells):
            yield ReadRow(line, "cells", cells, table=number)


def _cell(cell: _Cell, *, spans: bool) -> ReadCell:
    texts, links = [], []
    for paragraph in cell.paragraphs:
        texts.append(paragraph.text)
        links += [(tidy(link.text), link.address) for link in paragraph.hyperlinks if link.address]
    for inner in cell.tables:
        texts += [tidy(part.text) for part in inner._cells]  # noqa: SLF001 - all cells at once; row by row is quadratic
    return ReadCell(tidy("\n".join(texts)), links, spans)
