"""Judges of text: captions, notebooks, and plain text. A mark of UTF-8 may stand before each."""

import codecs
import json
from collections.abc import Iterator
from typing import IO, Any

from amls.files.limited.refused import Refused

_CHUNK = 256 * 1024
# A notebook is parsed as a whole: what that may cost is known before it begins.
MAX_NOTEBOOK_BYTES = 20 * 1024**2
MAX_NOTEBOOK_VALUES = 1_000_000


def judge_text(file: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Yield nothing of interest about a text.

    Raises:
        Refused: it is not in UTF-8.
    """
    _read(file)
    yield {}


def judge_vtt(file: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Yield nothing of interest about captions.

    Raises:
        Refused: they are not in UTF-8, or don't begin as WebVTT does (W3C WebVTT, 4.1).
    """
    first = _read(file).split("\n", 1)[0].strip()
    if first != "WEBVTT" and not first.startswith(("WEBVTT ", "WEBVTT\t")):
        raise Refused("not-vtt")
    yield {}


def _read(file: IO[bytes]) -> str:
    """Return the beginning of a text, after looking through all of it."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    beginning = ""
    try:
        while chunk := file.read(_CHUNK):
            text = decoder.decode(chunk)
            beginning = beginning or text
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise Refused("not-text") from error
    return beginning


def judge_notebook(file: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Yield nothing of interest about a Jupyter notebook.

    Raises:
        Refused: it is none (nbformat 4), or too much to be parsed.
    """
    content = file.read(MAX_NOTEBOOK_BYTES + 1)
    if len(content) > MAX_NOTEBOOK_BYTES:
        raise Refused("notebook-too-large", limit=MAX_NOTEBOOK_BYTES)
    # Each value but the first of its list or object comes after one of these; those inside texts count as well.
    if sum(content.count(sign) for sign in (b",", b"[", b"{")) > MAX_NOTEBOOK_VALUES:
        raise Refused("notebook-too-long")
    try:
        notebook = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Refused("not-notebook") from error
    if not isinstance(notebook, dict) or not isinstance(notebook.get("nbformat"), int):
        raise Refused("not-notebook")
    yield {}
