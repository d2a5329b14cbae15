"""Files that cost whoever reads them far more than they weigh, or that are bent at random."""

import gzip
import io
import json
import random
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from functools import partial

import docx
from openpyxl import Workbook

from amls.portal.demo.slides import load_texts, make_pptx

MEGABYTE = 1024**2


def pdf_of(*objects: bytes, root: int = 1) -> bytes:
    """Return a PDF of objects '1', '2', … with a right table of where they are."""
    made, places = b"%PDF-1.7\n", []
    for number, inside in enumerate(objects, start=1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, inside)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    tail = b"trailer\n<< /Size %d /Root %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, root, len(made))
    return made + b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table + tail


def object_stream_pdf(blanks: int) -> bytes:
    """Return a PDF whose pages lie in an object stream of so many blanks before each value, packed."""
    inside = b"2 0 3 %d " % (blanks + 60)
    first = len(inside)
    values = (b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".ljust(blanks + 60)) + (
        b" " * blanks + b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>"
    )
    packed = zlib.compress(inside + values, 9)
    made = b"%PDF-1.7\n"
    places = {1: len(made)}
    made += b"1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
    places[4] = len(made)
    made += b"4 0 obj\n<< /Type /ObjStm /N 2 /First %d /Filter /FlateDecode /Length %d >>\nstream\n" % (
        first, len(packed),
    ) + packed + b"\nendstream\nendobj\n"  # fmt: skip
    places[5] = len(made)
    rows = [(0, 0, 255), (1, places[1], 0), (2, 4, 0), (2, 4, 1), (1, places[4], 0), (1, places[5], 0)]
    table = zlib.compress(b"".join(struct.pack(">BIB", *row) for row in rows))
    made += (
        b"5 0 obj\n<< /Type /XRef /Size 6 /W [1 4 1] /Root 1 0 R /Filter /FlateDecode /Length %d >>\nstream\n"
        % len(table)
    )
    return made + table + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % places[5]


def looping_pdf() -> bytes:
    """Return a PDF whose table of objects names itself as the one before it."""
    made = pdf_of(b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2000000000 >>")
    start = made.rindex(b"xref\n0")
    return made.replace(b"/Root", b"/Prev %d /Root" % start)


def deep_pdf() -> bytes:
    """Return a PDF with arrays in arrays in arrays."""
    nested = b"[" * 200_000 + b"]" * 200_000
    return pdf_of(b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count 1 /Kids %s >>" % nested)


def long_pdf() -> bytes:
    """Return a PDF with a stream that claims 9 GB, and a picture of 100,000 by 100,000."""
    picture = (
        b"<< /Type /XObject /Subtype /Image /Width 100000 /Height 100000 /BitsPerComponent 8 /ColorSpace /DeviceRGB"
    )
    return pdf_of(
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Resources << /XObject << /I 5 0 R >> >> >>",
        b"<< /Length 9000000000 >>\nstream\n/I Do\nendstream",
        picture + b" /Filter /FlateDecode /Length 20 >>\nstream\n" + zlib.compress(bytes(20)) + b"\nendstream",
    )


def nested_gzip() -> bytes:
    """Return gzip in gzip in gzip; the innermost of a gigabyte of zeros."""
    packer, checksum = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS), 0
    # One megabyte as a block that knows nothing of those before it.
    packed = packer.compress(bytes(MEGABYTE)) + packer.flush(zlib.Z_FULL_FLUSH)
    for _each in range(1024):
        checksum = zlib.crc32(bytes(MEGABYTE), checksum)
    head, last, tail = gzip.compress(b"")[:10], packer.flush(), struct.pack("<2I", checksum, 1024 * MEGABYTE)
    return gzip.compress(gzip.compress(head + packed * 1024 + last + tail))


def deep_notebook() -> bytes:
    return b'{"nbformat":4,"cells":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}"


def long_captions() -> bytes:
    return b"WEBVTT " + b"-->" * 10 * MEGABYTE


def bent_mp4(sizes: int) -> bytes:
    """Return a recording whose boxes claim sizes that are wrong: 0, 1, or more than there is."""
    box = (
        struct.pack(">I4s", sizes, b"moov") + struct.pack(">I4s", 8 + 2**31, b"trak") + struct.pack(">I4s", 1, b"mdia")
    )
    return struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 0) + box * 50_000


# Of each kind of office file: the part with its text, and how a paragraph stands there.
TEXTS = {
    "pptx": ("ppt/slides/slide1.xml", b"<a:p><a:r><a:t>", b"</a:t></a:r></a:p>"),
    "docx": ("word/document.xml", b"<w:p><w:r><w:t>", b"</w:t></w:r></w:p>"),
}
OFFICE_BOMBS = ("paragraphs", "long-text", "deep", "laughs", "quadratic", "many-parts", "outside")


def office_bomb(name: str, kind: tuple[str, bytes, bytes]) -> bytes:
    """Return a presentation or document that packs well and costs whoever reads it, by its name in `OFFICE_BOMBS`.

    Args:
        name: what is large in it.
        kind: of `TEXTS`.
    """
    part, start, end = kind
    whole = make_pptx("Parallel", "AMLS", load_texts()["05"]) if part.startswith("ppt/") else _document()
    many, entities, parts = 30 * MEGABYTE, b"", {}
    match name:
        case "paragraphs":
            inside = (start + b"x" + end) * (many // len(start + b"x" + end))
        case "long-text":
            inside = start + b"x" * many + end
        case "deep":
            inside = start.partition(b">")[0] + b">" + b"<x>" * (many // 3)
        case "laughs":
            more = b"".join(b'<!ENTITY l%d "%s">' % (level, (b"&l%d;" % (level - 1)) * 10) for level in range(1, 12))
            entities, inside = b'<!ENTITY l0 "lol">' + more, start + b"&l11;" + end
        case "quadratic":
            entities, inside = b'<!ENTITY a "%s">' % (b"a" * 100_000), start + b"&a;" * 100_000 + end
        case "many-parts":
            inside = start + b"x" + end
            parts = {f"{part.rpartition('/')[0]}/{number}.xml": b"<x/>" for number in range(60_000)}
        case _:
            entities, inside = b'<!ENTITY a SYSTEM "file:///etc/passwd">', start + b"&a;" + end
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as before, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for entry in before.namelist():
            content = before.read(entry)
            if entry == part:
                head, root, rest = _root_of(content)
                declared = b"<!DOCTYPE x [%s]>" % entities if entities else b""
                # Instead of its first paragraph.
                at = rest.index(start[:4])
                content = head + declared + root + rest[:at] + inside + rest[at:]
            made.writestr(entry, content)
        for entry, content in parts.items():
            made.writestr(entry, content)
    return stream.getvalue()


# Hostile files of every kind that is taken, by name.
BOMBS: dict[str, Callable[[], bytes]] = {
    "object-streams.pdf": lambda: object_stream_pdf(70 * MEGABYTE),
    "looping.pdf": looping_pdf,
    "deep.pdf": deep_pdf,
    "long.pdf": long_pdf,
    "nested.tar.gz": nested_gzip,
    **{f"{name}.pptx": partial(office_bomb, name, TEXTS["pptx"]) for name in OFFICE_BOMBS},
    "deep.ipynb": deep_notebook,
    "digits.ipynb": lambda: b'{"nbformat": ' + b"9" * 10 * MEGABYTE + b"}",
    "line.vtt": long_captions,
    **{f"boxes-{sizes}.mp4": partial(bent_mp4, sizes) for sizes in (0, 1, 7, 2**32 - 1)},
}


def _root_of(content: bytes) -> tuple[bytes, bytes, bytes]:
    """Return what stands before the root of a part, the root's beginning, and the rest."""
    declaration, _end, rest = content.partition(b"?>")
    root, _close, inside = rest.partition(b">")
    return declaration + b"?>", root + b">", inside


def _document() -> bytes:
    document, stream = docx.Document(), io.BytesIO()
    document.add_paragraph("Thursday 16:00, H 0107")
    document.save(stream)
    return stream.getvalue()


SHEET = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"


SHARED_STRINGS = (
    b'<Override PartName="/xl/sharedStrings.xml" '
    b'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>'
)


def workbook_of(**parts: bytes) -> bytes:
    """Return an XLSX file of one cell in which parts, named without folder and ending, are replaced or added."""
    book, target, result = Workbook(), io.BytesIO(), io.BytesIO()
    book.active.append(["email"])
    book.save(target)
    with zipfile.ZipFile(target) as whole, zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as made:
        for name in whole.namelist():
            content = parts.pop(name.rpartition("/")[2].partition(".")[0].strip("[]"), whole.read(name))
            if name == "[Content_Types].xml" and "sharedStrings" in parts:
                content = content.replace(b"</Types>", SHARED_STRINGS)
            made.writestr(name, content)
        for name, content in parts.items():
            made.writestr(f"xl/{name}.xml", content)
    return result.getvalue()


WORKBOOK_BOMBS = (
    "styles", "fonts", "shared-strings", "merged", "columns", "cells", "far-out", "rows", "deep", "text", "formulas", "digits",
    "laughs", "quadratic", "outside",
)  # fmt: skip


def workbook_bomb(name: str) -> bytes:
    """Return a workbook that packs well and costs whoever reads it, by its name in `WORKBOOK_BOMBS`."""
    many = 30 * MEGABYTE

    def filled(piece: bytes) -> bytes:
        return piece * (many // len(piece))

    cell, entities = b"<c><v>1</v></c>", b""
    match name:
        case "styles":
            fonts = b"<fonts><font/></fonts><fills><fill/></fills><borders><border/></borders>"
            formats = filled(b'<xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>')
            return workbook_of(styles=_part(b"styleSheet", fonts + b"<cellXfs>%s</cellXfs>" % formats))
        case "fonts":
            return workbook_of(styles=_part(b"styleSheet", b"<fonts>%s</fonts>" % filled(b"<font><b/></font>")))
        case "shared-strings":
            return workbook_of(sharedStrings=_part(b"sst", filled(b"<si><t>x</t></si>")))
        case "merged":
            merged = filled(b'<mergeCell ref="A1:XFD1048576"/>')
            inside = b"<sheetData><row>%s</row></sheetData><mergeCells>%s</mergeCells>" % (cell, merged)
            return workbook_of(sheet1=_part(b"worksheet", inside))
        case "columns":
            rows = b"<row>%s</row>" % (cell * 1_000_000)
        case "cells":
            rows = (b"<row>%s</row>" % (cell * 200)) * 2501
        case "far-out":
            rows = b'<row><c r="XFD1"><v>1</v></c></row>' * 500_000
        case "rows":
            rows = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
        case "deep":
            rows = filled(b"<row>")
        case "text":
            rows = b'<row><c t="inlineStr"><is><t>%s</t></is></c></row>' % filled(b"x")
        case "formulas":
            rows = b"<row><c><f>%s</f></c></row>" % filled(b"A1+")
        case "digits":
            rows = b"<row><c><v>%s</v></c></row>" % filled(b"9")
        case "laughs":
            more = b"".join(b'<!ENTITY l%d "%s">' % (level, (b"&l%d;" % (level - 1)) * 10) for level in range(1, 12))
            entities, rows = b'<!ENTITY l0 "lol">' + more, b'<row><c t="str"><v>&l11;</v></c></row>'
        case "quadratic":
            entities = b'<!ENTITY a "%s">' % (b"a" * 100_000)
            rows = b'<row><c t="str"><v>%s</v></c></row>' % (b"&a;" * 100_000)
        case _:
            entities = b'<!ENTITY a SYSTEM "file:///etc/passwd">'
            rows = b'<row><c t="str"><v>&a;</v></c></row>'
    return workbook_of(sheet1=_part(b"worksheet", b"<sheetData>%s</sheetData>" % rows, entities))


def _part(root: bytes, inside: bytes, entities: bytes = b"") -> bytes:
    declared = b"<!DOCTYPE x [%s]>" % entities if entities else b""
    return b'<?xml version="1.0"?>\n%s<%s xmlns="%s">%s</%s>' % (declared, root, SHEET, inside, root)


def bend(content: bytes, luck: random.Random) -> bytes:
    """Return a file with a few of its bytes changed, cut out, doubled, or filled with what numbers end at."""
    bent = bytearray(content)
    for _each in range(luck.randint(1, 8)):
        at, length = luck.randrange(len(bent)), luck.choice((1, 1, 2, 4, 8, 64, 1024))
        match luck.randrange(5):
            case 0:
                bent[at : at + length] = luck.randbytes(length)
            case 1:
                del bent[at : at + length]
            case 2:
                bent[at:at] = bent[at : at + length]
            case 3:
                bent[at : at + length] = luck.choice((b"\x00", b"\xff", b"\x7f", b"9", b"[", b"<<")) * length
            case _:
                del bent[at:]
        if not bent:
            return b"%"
    return bytes(bent)


def tarball() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name in ("Größe.txt", "src/" + "x" * 200 + ".py"):
            info = tarfile.TarInfo(name)
            info.size = 5
            archive.addfile(info, io.BytesIO(b"print"))
    return stream.getvalue()


def archive() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("Größe.txt", "x" * 1000)
        made.writestr("src/main.py", "print()")
    return stream.getvalue()


def notebook() -> bytes:
    cells = [{"cell_type": "code", "source": ["print('Größe')"], "outputs": [], "metadata": {}}] * 5
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()
