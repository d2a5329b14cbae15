"""What two attempts hold as text, and how these texts differ. Called in the limited child."""

from __future__ import annotations

import difflib
import json
import zlib
from collections.abc import Iterator
from typing import IO, Any

from amls.files.judges.insides import LARGEST_NOTEBOOK, cells_of, read_notebook, text_of
from amls.files.judges.members import members_of, open_member
from amls.files.limited.refused import Refused

# Texts that are compared line by line; longer ones are compared as a whole.
LONGEST_COMPARED = 200_000
# Of all texts of one file, and of all lines that are shown.
_MOST_TEXT = 4_000_000
_MOST_READ = 256 * 1024**2
_MOST_LINES = 4_000
_LONGEST_LINE = 2_000
_CONTEXT = 3
_MOST_PAGES = 200
_CHUNK = 256 * 1024


def texts(file: IO[bytes], *, suffix: str, name: str) -> Iterator[dict[str, Any]]:
    """Yield each file that a file holds, or itself: {"path", "size", "mark", "text", "why"}.

    The mark is the same for the same content; the text is None for what can't be compared line by line, and `why` says
    what hinders: 'binary', 'long', 'encoding', 'broken', 'encrypted', 'no-text' (a PDF of pictures), 'much' (of all).

    Raises:
        Refused: it can't be read.
    """
    if suffix not in (".zip", ".tar.gz"):
        content = file.read(_readable(name))
        size, mark = _measured(file, content)
        file.seek(0)
        text, why = _pdf_text(file) if suffix == ".pdf" else _comparable(name, content, size)
        yield {"path": name, "size": size, "mark": mark, "text": text, "why": why}
        return
    left, unread = _MOST_TEXT, _MOST_READ
    for member in members_of(file, suffix):
        unread -= member.size
        if unread < 0:
            raise Refused("too_big")
        with open_member(file, suffix, member) as stream:
            content = stream.read(_readable(member.path))
            _size, mark = _measured(stream, content)
        text, why = _comparable(member.path, content, member.size) if left > 0 else (None, "much")
        left -= len(text or "")
        yield {"path": member.path, "size": member.size, "mark": mark, "text": text, "why": why}


def _readable(path: str) -> int:
    """Return how many bytes of a file are read: notebooks hold pictures beside what is compared."""
    return LARGEST_NOTEBOOK if path.lower().endswith(".ipynb") else LONGEST_COMPARED * 4 + 1


def _measured(stream: IO[bytes], content: bytes) -> tuple[int, str]:
    """Return how large a file is of which the beginning is read, and the mark of all of it."""
    size, mark = len(content), zlib.crc32(content)
    while piece := stream.read(_CHUNK):
        size, mark = size + len(piece), zlib.crc32(piece, mark)
    return size, f"{size}:{mark}"


def _comparable(path: str, content: bytes, size: int) -> tuple[str | None, str]:
    """Return the text of a file that is compared, or None and why there is none."""
    if size > len(content):
        return None, "binary" if b"\0" in content[:_CHUNK] else "long"
    text = _notebook_text(content) if path.lower().endswith(".ipynb") else text_of(content)
    if text is None:
        return None, "binary"
    if not _is_encoded(content):
        return None, "encoding"
    return (text, "") if len(text) <= LONGEST_COMPARED else (None, "long")


def _notebook_text(content: bytes) -> str | None:
    try:
        return "\n\n".join(source for _kind, source, _cell in cells_of(read_notebook(content)))
    except Refused:
        return text_of(content)


def _is_encoded(content: bytes) -> bool:
    """Return whether every byte is a letter in one of the encodings that `text_of` knows."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _decodes(content, "utf-16")
    return _decodes(content, "utf-8-sig") or _decodes(content, "cp1252")


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _pdf_text(file: IO[bytes]) -> tuple[str | None, str]:
    """Return the text of a PDF, or None and why there is none."""
    import pypdfium2 as pdfium  # noqa: PLC0415 - it is loaded where a PDF is compared, under the child's limits

    try:
        document = pdfium.PdfDocument(file)
        pages = [
            document[number].get_textpage().get_text_bounded() for number in range(min(len(document), _MOST_PAGES))
        ]
    except pdfium.PdfiumError as error:
        return None, "encrypted" if "password" in str(error).lower() else "broken"
    text = "\n\n".join(page.replace("\r\n", "\n") for page in pages)
    return (text[:LONGEST_COMPARED], "") if text.strip() else (None, "no-text")


def differences(file: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Yield how texts differ: {"path", "lines": [[sign, text]], "more", "less"}, and {"cut": True} where it was too much.

    Args:
        file: JSON: a list of path, old text, new text.
    """
    left = _MOST_LINES
    for path, old, new in json.load(file):
        lines: list[list[str]] = []
        more = less = 0
        for line in difflib.unified_diff(old.splitlines(), new.splitlines(), n=_CONTEXT, lineterm=""):
            if line.startswith(("+++", "---")) and not lines:
                continue
            more, less = more + (line[0] == "+"), less + (line[0] == "-")
            if len(lines) < left:
                lines.append([line[0], line[1 : _LONGEST_LINE + 1]])
        left -= len(lines)
        yield {"path": path, "lines": lines, "more": more, "less": less}
        if left <= 0:
            yield {"cut": True}
            return
