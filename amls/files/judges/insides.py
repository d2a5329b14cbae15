"""What an upload holds, to be read by people: texts with their colours, notebooks, pictures, and what lies in archives.

Called in the limited child. What it yields are plain words: classes of tokens, texts, and bytes of pictures whose kind
their first bytes say. Whoever shows them escapes them; nothing here is markup.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import IO, Any

from pygments import lex
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.token import Comment, Error, Generic, Keyword, Literal, Name, Number, Operator, String, Token
from pygments.util import ClassNotFound

from amls.files.judges.members import Member, members_of, open_member
from amls.files.limited.refused import Refused

# Longer texts are cut, and from a length on they are shown without colours.
LONGEST_TEXT = 400_000
LONGEST_COLOURED = 150_000
LARGEST_NOTEBOOK = 20 * 1024**2
# Of a picture or a PDF within an archive.
LARGEST_MEMBER = 16 * 1024**2
MOST_LISTED = 1_000
_MOST_CELLS = 400
_LINES_AT_ONCE = 200
_PIECE = 512 * 1024
_PICTURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
_PDF = b"%PDF-"
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# The classes of tokens, the narrower before the wider.
_CLASSES = (
    (Comment, "c"), (String.Doc, "c"), (String, "s"), (Number, "n"), (Keyword, "k"), (Operator.Word, "k"),
    (Name.Function, "f"), (Name.Class, "f"), (Name.Tag, "k"), (Name.Decorator, "d"), (Name.Builtin, "b"),
    (Generic.Heading, "f"), (Generic.Subheading, "f"), (Literal, "n"), (Error, ""), (Token, ""),
)  # fmt: skip
# What a person looks for first in an archive.
_FIRST = re.compile(r"(?:^|/)(?:readme|liesmich)[^/]*$", re.IGNORECASE)

Answer = dict[str, Any]


def show(file: IO[bytes], *, suffix: str, path: str) -> Iterator[Answer]:
    """Yield what a file holds.

    Args:
        file: open for reading.
        suffix: what kind it is: '.zip', '.tar.gz', '.ipynb', or one of a text.
        path: of a file in an archive; empty for the one that says most of it.

    Yields:
        Of an archive first {"entries": [[path, bytes]], "count", "path"}; then {"kind": 'text', "language"} and
        {"lines": [[[class, text]]]}; or {"kind": 'notebook', "language"} and {"cell": kind, "number", "lines"} and
        {"output": 'text' or 'picture', …}; or {"kind": 'picture' | 'pdf' | 'bytes' | 'none'}; where it was cut
        {"cut": True} at the end.

    Raises:
        Refused: it can't be read: 'gone' where the archive holds no such file.
    """
    if suffix not in (".zip", ".tar.gz"):
        yield from _show_content(file, f"file{suffix}")
        return
    members = list(members_of(file, suffix))
    members.sort(key=lambda member: _order(member.path))
    wanted = path or _says_most(members)
    yield {
        "entries": [[member.path, member.size] for member in members[:MOST_LISTED]],
        "count": len(members),
        "path": wanted,
    }
    if not wanted:
        yield {"kind": "none"}
        return
    member = next((member for member in members if member.path == wanted), None)
    if member is None:
        raise Refused("gone")
    with open_member(file, suffix, member) as stream:
        yield from _show_content(stream, member.path)


def take(file: IO[bytes], *, suffix: str, path: str) -> Iterator[Answer]:
    """Yield the bytes of a picture or a PDF within an archive: {"type"}, then {"bytes": in base64}.

    Raises:
        Refused: it is neither, too large, or not there.
    """
    member = next((member for member in members_of(file, suffix) if member.path == path), None)
    if member is None:
        raise Refused("gone")
    if member.size > LARGEST_MEMBER:
        raise Refused("too_big")
    with open_member(file, suffix, member) as stream:
        head = stream.read(16)
        kind = _kind_of(head)
        if kind is None:
            raise Refused("gone")
        yield {"type": kind}
        yield {"bytes": base64.b64encode(head).decode()}
        left = LARGEST_MEMBER
        while left > 0 and (piece := stream.read(_PIECE)):
            left -= len(piece)
            yield {"bytes": base64.b64encode(piece).decode()}


def _order(path: str) -> tuple[tuple[bool, str], ...]:
    """Order as people see folders: what lies in one stands together, after the files beside it."""
    *folders, name = path.split("/")
    return (*((True, folder.casefold()) for folder in folders), (False, name.casefold()))


def _says_most(members: list[Member]) -> str:
    readme = next((member.path for member in members if _FIRST.search(member.path)), "")
    return readme or (members[0].path if members else "")


def _kind_of(head: bytes) -> str | None:
    if head.startswith(_PDF):
        return "application/pdf"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _PICTURES.items() if head.startswith(magic)), None)


def _show_content(stream: IO[bytes], name: str) -> Iterator[Answer]:
    if name.lower().endswith(".ipynb"):
        content = stream.read(LARGEST_NOTEBOOK + 1)
        yield from _show_notebook(content)
        return
    content = stream.read(LONGEST_TEXT * 4 + 1)
    kind = _kind_of(content[:16])
    if kind is not None:
        yield {"kind": "pdf" if kind == "application/pdf" else "picture"}
        return
    text = text_of(content)
    if text is None:
        yield {"kind": "bytes"}
        return
    lexer = _lexer(name, text)
    yield {"kind": "text", "language": lexer.name if lexer is not None else ""}
    yield from _lines(text[:LONGEST_TEXT], lexer)
    if len(text) > LONGEST_TEXT or len(content) > LONGEST_TEXT * 4:
        yield {"cut": True}


def text_of(content: bytes) -> str | None:
    """Return bytes as the text that they are, without control characters; None where they are none."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _clean(content.decode("utf-16", errors="replace"))
    # A byte that no other text has.
    if b"\0" in content:
        return None
    try:
        return _clean(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        is_cut_letter = 0 < len(content) - 3 <= error.start
        # Else what Windows wrote in Western Europe.
        return _clean(content.decode("utf-8-sig" if is_cut_letter else "cp1252", errors="replace"))


def _clean(text: str) -> str:
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n").replace("\r", "\n"))


def _lexer(name: str, text: str) -> Any:
    if len(text) > LONGEST_COLOURED:
        return None
    try:
        return get_lexer_for_filename(PurePosixPath(name).name, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


def _lines(text: str, lexer: Any) -> Iterator[Answer]:
    """Yield a text line by line, each as its tokens, some lines at once."""
    lines: list[list[list[str]]] = [[]]
    for kind, value in lex(text, lexer) if lexer is not None else [(Token, text)]:
        css = next(css for wider, css in _CLASSES if kind in wider)
        first, *others = value.split("\n")
        for number, part in enumerate((first, *others)):
            if number:
                if len(lines) >= _LINES_AT_ONCE:
                    yield {"lines": lines}
                    lines = []
                lines.append([])
            if part:
                lines[-1].append([css, part])
    if lines and not lines[-1]:
        lines.pop()
    if lines:
        yield {"lines": lines}


def read_notebook(content: bytes) -> dict[str, Any]:
    """Return a notebook as it is written (nbformat 4).

    Raises:
        Refused: it is none, or too large.
    """
    if len(content) > LARGEST_NOTEBOOK:
        raise Refused("too_big")
    try:
        notebook = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Refused("broken") from error
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise Refused("broken")
    return notebook


def cells_of(notebook: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield each cell's kind, source, and all of it."""
    for cell in notebook["cells"]:
        if isinstance(cell, dict):
            yield str(cell.get("cell_type", "")), _joined(cell.get("source")), cell


def _joined(source: Any) -> str:
    text = "".join(str(part) for part in source) if isinstance(source, list) else str(source or "")
    return _clean(_ESCAPES.sub("", text))


def _language(notebook: dict[str, Any]) -> str:
    metadata = notebook.get("metadata")
    said = metadata.get("language_info") if isinstance(metadata, dict) else None
    name = said.get("name") if isinstance(said, dict) else None
    return str(name or "python")


def _show_notebook(content: bytes) -> Iterator[Answer]:
    notebook = read_notebook(content)
    try:
        code = get_lexer_by_name(_language(notebook), stripnl=False, ensurenl=False)
    except ClassNotFound:
        code = None
    prose = get_lexer_by_name("markdown", stripnl=False, ensurenl=False)
    yield {"kind": "notebook", "language": code.name if code is not None else ""}
    left = LONGEST_TEXT
    for number, (kind, source, cell) in enumerate(cells_of(notebook)):
        left -= len(source)
        if number >= _MOST_CELLS or left < 0:
            yield {"cut": True}
            return
        lexer = {"code": code, "markdown": prose}.get(kind)
        lines = [line for answer in _lines(source, lexer) for line in answer["lines"]]
        yield {"cell": "code" if kind == "code" else "text", "number": number + 1, "lines": lines}
        outputs = cell.get("outputs")
        for output in outputs if isinstance(outputs, list) else []:
            shown = _output(output, left) if isinstance(output, dict) else None
            if shown is not None:
                left -= len(shown.get("text", ""))
                yield shown


def _output(output: dict[str, Any], most: int) -> Answer | None:
    if "traceback" in output:
        return _text_output(
            "\n".join(map(str, output["traceback"])) if isinstance(output["traceback"], list) else "", most
        )
    if "text" in output:
        return _text_output(_joined(output["text"]), most)
    data = output.get("data")
    if not isinstance(data, dict):
        return None
    for wanted in ("image/png", "image/jpeg"):
        if wanted in data:
            picture = _picture(_joined(data[wanted]))
            if picture is not None:
                return picture
    if "text/plain" in data:
        return _text_output(_joined(data["text/plain"]), most)
    return {"output": "other", "text": ", ".join(sorted(map(str, data)))[:200]} if data else None


def _text_output(text: str, most: int) -> Answer:
    return {"output": "text", "text": _clean(_ESCAPES.sub("", text))[: max(most, 0)]}


def _picture(encoded: str) -> Answer | None:
    if len(encoded) > LARGEST_MEMBER // 8:
        return {"output": "other", "text": "image"}
    try:
        content = base64.b64decode(encoded)
    except (binascii.Error, ValueError):
        return None
    kind = _kind_of(content[:16])
    if kind is None or not kind.startswith("image/"):
        return None
    return {"output": "picture", "type": kind, "bytes": base64.b64encode(content).decode()}
