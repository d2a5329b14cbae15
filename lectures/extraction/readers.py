"""Reads one file page by page. Called in the limited child: nothing here may import Django.

`read` yields {"total": pages, "tagged": bool or null}, then one dict for each page; the pictures of
pages are written to a folder.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from amls.files.limited.refused import Refused

# A slide that takes the whole width of a page's column, sharp enough to read; and its strip.
_PICTURE = (1200, 1600)
_THUMB = (192, 256)
_QUALITY = 62
_MAX_CHARACTERS = 20_000
_MAX_TITLE = 200
# Captions in a row that are found as one: about this long, in milliseconds.
_STRETCH, _PAUSE, _LONGEST = 20_000, 4_000, 35_000
_HYPHEN = re.compile(r"(?<=\w)(?:[\u00ad\ufffe\x02]\s*|-\r?\n(?=[a-zà-ÿ]))")
# Neither text nor JSON can hold a null character in PostgreSQL; the others are no text either.
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_ARROW = re.compile(r"^[^\n]*-->", re.MULTILINE)
_SPOKEN = re.compile(r"[^\W_]|[=<>+]")
_TAG = re.compile(r"<[^>]{0,200}>")

Page = dict[str, Any]


def read(file: IO[bytes], *, kind: str, folder: str, most: int) -> Iterator[Page]:
    """Yield what a file holds, pages in their order.

    Args:
        file: open for reading.
        kind: 'pdf', 'pptx' or 'vtt'.
        folder: for pictures `1.webp` and `1-thumb.webp`.
        most: how many pages are read.

    Raises:
        Refused: the file can't be read, or not all of it; the code is a value of `Problem`.
    """
    readers = {"pdf": _read_pdf, "pptx": _read_pptx, "vtt": _read_vtt}
    return readers[kind](file, Path(folder), most)


def _read_pdf(file: IO[bytes], folder: Path, most: int) -> Iterator[Page]:
    import pypdfium2 as pdfium  # noqa: PLC0415 - each kind loads only what it needs, under its memory limit

    try:
        document = pdfium.PdfDocument(file)
    except pdfium.PdfiumError as error:
        raise Refused("encrypted" if "password" in str(error).lower() else "broken") from error
    total = len(document)
    yield {"total": total, "tagged": bool(document.is_tagged())}
    has_text = False
    for index in range(min(total, most)):
        page: Page = {"number": index + 1, "kind": "page", "notes": "", "cues": []}
        try:
            loaded = document[index]
        except pdfium.PdfiumError:
            # One broken page leaves the numbers of the others right.
            yield {**page, "title": "", "text": ""}
            continue
        title, text = _pdf_text(loaded)
        has_text = has_text or bool(text)
        yield {**page, "title": title, "text": text, **_pictures(loaded, folder, index + 1)}
        loaded.close()
    if not has_text:
        raise Refused("no_text")
    if total > most:
        raise Refused("too_many_pages")


def _pdf_text(page: Any) -> tuple[str, str]:
    """Return the line in the largest letters, and the text."""
    from pypdfium2 import raw  # noqa: PLC0415 - each kind loads only what it needs, under its memory limit

    textpage = page.get_textpage()
    count = min(textpage.count_chars(), _MAX_CHARACTERS)
    text: str = textpage.get_text_range(0, count) if count else ""
    sizes: list[tuple[float, int, str]] = []
    offset = 0
    # Characters and offsets agree unless a page has ligatures or pairs; then the title is a guess.
    for line in text.split("\r\n"):
        if line.strip():
            first = offset + len(line) - len(line.lstrip())
            sizes.append((round(raw.FPDFText_GetFontSize(textpage.raw, min(first, count - 1)), 1), -offset, line))
        offset += len(line) + 2
    textpage.close()
    return _clean_title(_largest(sizes)), _tidy(text)


def _largest(sizes: list[tuple[float, int, str]]) -> str:
    """Return the lines in the largest letters that follow each other."""
    if not sizes:
        return ""
    first = sizes.index(max(sizes))
    lines = []
    for size, _offset, line in sizes[first : first + 3]:
        if size != sizes[first][0]:
            break
        lines.append(line)
    # A page in letters of one size has no title but its first line.
    return " ".join(lines) if len(lines) < len(sizes) else sizes[0][2]


def _clean_title(text: str) -> str:
    return " ".join(_HYPHEN.sub("", text).split())[:_MAX_TITLE]


def _tidy(text: str) -> str:
    joined = _CONTROL.sub("", _HYPHEN.sub("", text))
    lines = (" ".join(line.split()) for line in re.split(r"[\r\n\v]+", joined))
    # What marks hits in snippets must not stand in the text.
    # Bullets stand on lines of their own in many PDFs.
    kept = (line for line in lines if _SPOKEN.search(line))
    return "\n".join(kept).replace("\ue000", "").replace("\ue001", "")[:_MAX_CHARACTERS]


def _pictures(page: Any, folder: Path, number: int) -> Page:
    width, height = page.get_size()
    if width <= 0 or height <= 0:
        return {}
    scale = min(_PICTURE[0] / width, _PICTURE[1] / height)
    if min(width, height) * scale < 1:
        return {}
    picture = page.render(scale=scale, may_draw_forms=False).to_pil().convert("RGB")
    picture.save(folder / f"{number}.webp", quality=_QUALITY, method=3)
    shown = picture.size
    picture.thumbnail(_THUMB)
    picture.save(folder / f"{number}-thumb.webp", quality=_QUALITY, method=3)
    return {"width": shown[0], "height": shown[1]}


def _read_pptx(file: IO[bytes], folder: Path, most: int) -> Iterator[Page]:
    from pptx import Presentation  # noqa: PLC0415

    deck = Presentation(file)
    slides = list(deck.slides)
    yield {"total": len(slides), "tagged": None}
    has_text = False
    for number, slide in enumerate(slides[:most], start=1):
        heading = slide.shapes.title
        title = _clean_title(heading.text_frame.text) if heading is not None else ""
        text = _tidy("\n".join(_shape_texts(slide.shapes)))
        notes = ""
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            notes = _tidy(slide.notes_slide.notes_text_frame.text)
        has_text = has_text or bool(text or notes)
        yield {"number": number, "kind": "slide", "title": title, "text": text, "notes": notes, "cues": []}
    if not has_text:
        raise Refused("no_text")
    if len(slides) > most:
        raise Refused("too_many_pages")


def _shape_texts(shapes: Any, depth: int = 0) -> Iterator[str]:
    """Yield the text of shapes, those in groups and tables too."""
    for shape in shapes:
        if shape.has_text_frame:
            yield shape.text_frame.text
        elif getattr(shape, "has_table", False) and shape.has_table:
            for row in shape.table.rows:
                yield " · ".join(cell.text_frame.text for cell in row.cells)
        elif hasattr(shape, "shapes") and depth < 20:
            yield from _shape_texts(shape.shapes, depth + 1)


def _read_vtt(file: IO[bytes], folder: Path, most: int) -> Iterator[Page]:
    import webvtt  # noqa: PLC0415

    content = file.read().decode("utf-8-sig")
    try:
        captions: Any = webvtt.from_string(content)
    except webvtt.errors.MalformedFileError as error:
        raise Refused("broken") from error
    cues = []
    for caption in captions:
        start, end = _milliseconds(caption.start_time), _milliseconds(caption.end_time)
        text = _tidy(html.unescape(_TAG.sub("", caption.raw_text))).replace("\n", " ")[:2000]
        if end > start and text:
            cues.append((start, end, text))
    cues.sort()
    # A line with an arrow that gave no caption had times that no player understands.
    dropped = max(0, len(_ARROW.findall(content)) - len(cues))
    yield {"total": 0, "tagged": None, "dropped": dropped}
    for number, stretch in enumerate(_stretches(cues), start=1):
        text = "\n".join(cue[2] for cue in stretch)[:_MAX_CHARACTERS]
        yield {"number": number, "kind": "caption", "title": "", "text": text, "notes": "", "cues": stretch}
    if dropped:
        raise Refused("broken_times")
    if not cues:
        raise Refused("no_text")


def _milliseconds(time: Any) -> int:
    return int(((time.hours * 60 + time.minutes) * 60 + time.seconds) * 1000 + time.milliseconds)


def _stretches(cues: list[tuple[int, int, str]]) -> Iterator[list[tuple[int, int, str]]]:
    """Yield captions in groups: to the end of a sentence after 20 seconds, to a pause, or 35 seconds."""
    group: list[tuple[int, int, str]] = []
    for cue in cues:
        if group:
            length = cue[1] - group[0][0]
            is_full = length > _LONGEST or (length > _STRETCH and group[-1][2].endswith((".", "?", "!")))
            if is_full or cue[0] - group[-1][1] > _PAUSE:
                yield group
                group = []
        group.append(cue)
    if group:
        yield group
