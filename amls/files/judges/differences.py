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
    """Yield each file that a file holds, or itself: {"path", "size", "mark", "text"}.

    The mark is the same for the same content; the text is None for what is none, or too long.

    Raises:
        Refused: it can't be read.
    """
    if suffix not in (".zip", ".tar.gz"):
        content = _pdf_text(file) if suffix == ".pdf" else file.read(_readable(name))
        if isinstance(content, str):
            yield {"path": name, "size": len(content), "mark": content, "text": content[:LONGEST_COMPARED]}
            return
        yield {"path": name, "size": len(content), "mark": str(zlib.crc32(content)), "text": _comparable(name, content)}
        return
    left, unread = _MOST_TEXT, _MOST_READ
    for member in members_of(file, suffix):
        unread -= member.size
        if unread < 0:
            raise Refused("too_big")
        with open_member(file, suffix, member) as stream:
            content = stream.read(_readable(member.path))
            mark = zlib.crc32(content)
            while piece := stream.read(_CHUNK):
                mark = zlib.crc32(piece, mark)
        text = _comparable(member.path, content) if member.size <= len(content) and left > 0 else None
        left -= len(text or "")
        yield {"path": member.path, "size": member.size, "mark": f"{member.size}:{mark}", "text": text}


def _readable(path: str) -> int:
    """Return how many bytes of a file are read: notebooks hold pictures beside what is compared."""
    return LARGEST_NOTEBOOK if path.lower().endswith(".ipynb") else LONGEST_COMPARED * 4 + 1


def _comparable(path: str, content: bytes) -> str | None:
    if path.lower().endswith(".ipynb"):
        try:
            cells = cells_of(read_notebook(content))
            text: str | None = "\n\n".join(source for _kind, source, _cell in cells)
        except Refused:
            text = text_of(content)
    else:
        text = text_of(content)
    return text if text is not None and len(text) <= LONGEST_COMPARED else None


def _pdf_text(file: IO[bytes]) -> str:
    import pypdfium2 as pdfium  # noqa: PLC0415 - it is loaded where a PDF is compared, under the child's limits

    try:
        document = pdfium.PdfDocument(file)
    except pdfium.PdfiumError as error:
        raise Refused("encrypted" if "password" in str(error).lower() else "broken") from error
    pages = (document[number].get_textpage().get_text_bounded() for number in range(min(len(document), _MOST_PAGES)))
    return "\n\n".join(page.replace("\r\n", "\n") for page in pages)


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
