"""Real PDFs, PPTXs and captions for tests, and the worker that reads them."""

import io
import zipfile
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from pptx import Presentation
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from lectures.models import Lecture, MaterialFile
from lectures.services.materials import upload_for_lecture
from lectures.tasks import extract


def pdf(*pages: list[str], size: tuple[float, float] = (720, 405)) -> bytes:
    """Return an untagged PDF; each page is a list of lines, the first in large letters."""
    writer = PdfWriter()
    for lines in pages:
        page = writer.add_blank_page(*size)
        if not lines:
            continue
        shown = [
            f"BT /F1 {32 if index == 0 else 16} Tf 40 {size[1] - 60 - index * 40} Td ({_escaped(line)}) Tj ET"
            for index, line in enumerate(lines)
        ]
        stream = DecodedStreamObject()
        stream.set_data("\n".join(shown).encode("latin-1"))
        page[NameObject("/Contents")] = writer._add_object(stream)
        font = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Font"),
                NameObject("/Subtype"): NameObject("/Type1"),
                NameObject("/BaseFont"): NameObject("/Helvetica"),
                NameObject("/Encoding"): NameObject("/WinAnsiEncoding"),
            }
        )
        page[NameObject("/Resources")] = DictionaryObject(
            {NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})}
        )
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


def _escaped(line: str) -> str:
    return line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def bomb_pdf(megabytes: int = 3000) -> bytes:
    """Return a PDF of some megabytes whose only page unpacks to gigabytes."""
    import zlib

    block = b"q 1 0 0 1 0 0 cm " * 65536
    deflate, times = zlib.compressobj(9), megabytes * 1024**2 // len(block)
    head = deflate.compress(b"") + deflate.flush(zlib.Z_FULL_FLUSH)
    # Which refers to nothing before it, so that it can follow itself.
    packed = deflate.compress(block) + deflate.flush(zlib.Z_FULL_FLUSH)
    checksum = 1
    for _each in range(times):
        checksum = zlib.adler32(block, checksum)
    # The last block of the stream is an empty one (RFC 1951, 3.2.6).
    data = head + packed * times + b"\x03\x00" + checksum.to_bytes(4, "big")
    return raw_pdf(data, filters="/FlateDecode")


def raw_pdf(content: bytes, *, filters: str = "", box: str = "0 0 720 405") -> bytes:
    """Return a PDF of one page with this content stream, written by hand."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [{box}] /Contents 4 0 R /Resources << >> >>".encode(),
        f"<< /Length {len(content)} {'/Filter ' + filters if filters else ''} >>\nstream\n".encode()
        + content
        + b"\nendstream",
    ]
    body, offsets = b"%PDF-1.7\n", []
    for number, pdf_object in enumerate(objects, start=1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n".encode() + pdf_object + b"\nendobj\n"
    table = b"".join(f"{offset:010} 00000 n \n".encode() for offset in offsets)
    return (
        body
        + f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
        + table
        + f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF\n".encode()
    )


def pptx(*slides: tuple[str, str, str]) -> bytes:
    """Return a presentation; each slide is title, text and speaker notes."""
    deck: Any = Presentation()
    for title, text, notes in slides:
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text, slide.placeholders[1].text = title, text
        slide.notes_slide.notes_text_frame.text = notes
    stream = io.BytesIO()
    deck.save(stream)
    return stream.getvalue()


def zipped(entries: dict[str, bytes]) -> bytes:
    """Return an archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return stream.getvalue()


def vtt(*cues: tuple[str, str, str]) -> bytes:
    """Return captions; each is start, end and text."""
    return ("WEBVTT\n\n" + "\n\n".join(f"{start} --> {end}\n{text}" for start, end, text in cues) + "\n").encode()


def put(lecture: Lecture, kind: str, name: str, content: bytes) -> MaterialFile:
    """Upload a file to a lecture, without the worker."""
    return upload_for_lecture(
        lecture=lecture, kind=kind, upload=SimpleUploadedFile(name, content), by=None, now=timezone.now()
    )


def read(lecture: Lecture, kind: str, name: str, content: bytes) -> MaterialFile:
    """Upload a file to a lecture and let the worker read it."""
    file = put(lecture, kind, name, content)
    extract()
    file.refresh_from_db()
    return file
