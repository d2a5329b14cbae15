"""A whole file of each kind, made by the first who asks for it: every worker collects all tests, and runs a few of them."""

from collections.abc import Callable
from functools import cache

from amls.files.checks import SOURCE_CODE
from amls.portal.demo.slides import load_texts, make_captions, make_pdf, make_pptx, recording
from tests.files import hostile_files

TEXT = load_texts()["05"]
MAKERS: dict[str, Callable[[], bytes]] = {
    ".pdf": lambda: make_pdf("Parallel", "AMLS", TEXT),
    ".pptx": lambda: make_pptx("Parallel", "AMLS", TEXT),
    ".mp4": lambda: recording("05") or b"",
    ".vtt": lambda: make_captions("Parallel", TEXT),
    ".txt": lambda: "Łukasz Żółć\n".encode() * 50,
    ".md": lambda: "# Größe\n".encode() * 50,
    ".csv": lambda: "Name;Größe\nŞahin;1\n".encode() * 50,
    ".zip": hostile_files.archive,
    ".tar.gz": hostile_files.tarball,
    ".ipynb": hostile_files.notebook,
    **dict.fromkeys(SOURCE_CODE, lambda: "# Größe\nx = 1\n".encode() * 50),
}


@cache
def whole(suffix: str) -> bytes:
    """Return one that is as it should be."""
    return MAKERS[suffix]()
