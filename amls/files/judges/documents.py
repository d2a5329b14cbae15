"""Judges of PDFs and presentations."""

from collections.abc import Iterator
from typing import IO, Any

import pypdfium2

from amls.files.limited.refused import Refused

# Where the header may stand at the latest (ISO 32000-1, Annex H, implementation note 13): programs
# put marks and headers of their own before it.
_HEADER_WITHIN = 1024


def judge_pdf(file: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Yield how many pages a PDF has, and whether it can be read aloud.

    Raises:
        Refused: it is none, has no page that can be opened, or asks for a password.
    """
    if b"%PDF-" not in file.read(_HEADER_WITHIN + len("%PDF-")):
        raise Refused("not-pdf")
    file.seek(0)
    try:
        document = pypdfium2.PdfDocument(file)
        pages = len(document)
        if pages > 0:
            document[0].close()
    except pypdfium2.PdfiumError as error:
        is_locked = any(word in str(error).lower() for word in ("password", "security"))
        raise Refused("encrypted" if is_locked else "not-pdf") from error
    if pages == 0:
        raise Refused("not-pdf")
    yield {"pages": pages, "is_tagged": bool(document.is_tagged())}
