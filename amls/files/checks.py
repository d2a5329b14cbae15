"""What an upload really is: its name and its content must agree.

Archives are opened, never extracted.
"""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from mutagen import MutagenError
from mutagen.mp4 import MP4
from pypdf import PdfReader
from pypdf.errors import PyPdfError

from amls.web.text import clean_line
from amls.web.violations import RuleViolation

MAX_FILENAME = 200
MAX_ZIP_ENTRIES = 10_000
MAX_ZIP_TOTAL = 4 * 1024**3
MAX_ZIP_RATIO = 200
_SYMLINK = 0o120000
_FILE_TYPE = 0o170000


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """What a check found out.

    Attributes:
        filename: the original name, cleaned; for Content-Disposition only.
        pages: of a PDF.
        slides: of a presentation.
        seconds: of a recording.
        is_tagged: whether a PDF can be read aloud; None for anything else.
    """

    filename: str
    suffix: str
    content_type: str
    pages: int | None = None
    seconds: int | None = None
    is_tagged: bool | None = None


Check = Callable[[IO[bytes], str], CheckedFile]


def clean_filename(name: str) -> str:
    """Return the name of an upload without folders, control characters and direction overrides.

    Shortened in the middle of its stem to 200 characters; the extension stays.
    """
    base = clean_line(name.replace("\\", "/").rsplit("/", 1)[-1]).strip(". ") or "file"
    path = PurePosixPath(base)
    suffix = path.suffix[:20]
    return path.name[: len(path.name) - len(path.suffix)][: MAX_FILENAME - len(suffix)] + suffix


def check_upload(
    stream: IO[bytes], name: str, *, size: int, max_bytes: int, allowed: set[str] | None = None
) -> CheckedFile:
    """Return what an upload is.

    Args:
        stream: seekable; it is left at its start.
        name: as the browser sent it.
        size: in bytes.
        max_bytes: the largest size that is taken.
        allowed: extensions such as '.pdf'; all known ones by default.

    Raises:
        RuleViolation: empty, too large, of a kind that is not taken, or not what its name says.
    """
    filename = clean_filename(name)
    suffix = _suffix(filename)
    known = CHECKS if allowed is None else {key: check for key, check in CHECKS.items() if key in allowed}
    if suffix not in known:
        raise RuleViolation(
            _("'%(name)s' is of a kind that is not taken here. Upload one of these: %(kinds)s.")
            % {"name": filename, "kinds": ", ".join(sorted(key.lstrip(".") for key in known))},
            code="kind-not-allowed",
        )
    if size == 0:
        raise RuleViolation(
            _("'%(name)s' is empty. Check the file on your computer and upload it again.") % {"name": filename},
            code="empty",
        )
    if size > max_bytes:
        raise too_large(filename, size, max_bytes)
    stream.seek(0)
    try:
        return known[suffix](stream, filename)
    finally:
        stream.seek(0)


def too_large(filename: str, size: int, max_bytes: int) -> RuleViolation:
    """Return the violation of a file that is larger than allowed."""
    return RuleViolation(
        _("'%(name)s' has %(size)s MB, at most %(limit)s MB are allowed.")
        % {"name": filename, "size": _megabytes(size), "limit": _megabytes(max_bytes)},
        code="too-large",
    )


def _megabytes(size: int) -> str:
    return f"{size / 1024**2:,.1f}"


def _suffix(filename: str) -> str:
    lowered = filename.lower()
    return ".tar.gz" if lowered.endswith(".tar.gz") else PurePosixPath(lowered).suffix


def _wrong(filename: str, expected: str, code: str) -> RuleViolation:
    return RuleViolation(
        _(
            "'%(name)s' is not %(expected)s, or it is damaged. Open it on your computer, save it again and upload that file."
        )
        % {"name": filename, "expected": expected},
        code=code,
    )


def _check_pdf(stream: IO[bytes], filename: str) -> CheckedFile:
    if not stream.read(1024).lstrip().startswith(b"%PDF-"):
        raise _wrong(filename, _("a PDF"), "not-pdf")
    stream.seek(0)
    try:
        reader = PdfReader(stream)
        if reader.is_encrypted and not reader.decrypt(""):
            raise RuleViolation(
                _("'%(name)s' is protected by a password. Save it without one and upload that file.")
                % {"name": filename},
                code="encrypted",
            )
        pages = len(reader.pages)
        marks = reader.root_object.get("/MarkInfo")
        is_tagged = bool(marks is not None and marks.get_object().get("/Marked"))
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _wrong(filename, _("a PDF"), "not-pdf") from error
    return CheckedFile(filename, ".pdf", "application/pdf", pages=pages, is_tagged=is_tagged)


def check_zip(stream: IO[bytes], filename: str) -> list[zipfile.ZipInfo]:
    """Return the entries of an archive whose listing is harmless; nothing is extracted.

    Raises:
        RuleViolation: damaged, a bomb, or with paths that lead outside.
    """
    try:
        with zipfile.ZipFile(stream) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise _wrong(filename, _("a ZIP archive"), "not-zip") from error
    if len(entries) > MAX_ZIP_ENTRIES:
        raise RuleViolation(
            ngettext(
                "'%(name)s' holds more than %(limit)d file. Leave out what is not needed.",
                "'%(name)s' holds more than %(limit)d files. Leave out what is not needed.",
                MAX_ZIP_ENTRIES,
            )
            % {"name": filename, "limit": MAX_ZIP_ENTRIES},
            code="too-many-entries",
        )
    for entry in entries:
        _check_entry(entry, filename)
    unpacked, packed = sum(e.file_size for e in entries), sum(e.compress_size for e in entries)
    stream.seek(0, io.SEEK_END)
    size = stream.tell()
    # Overlapping entries claim more packed bytes than the archive has.
    if unpacked > MAX_ZIP_TOTAL or unpacked > MAX_ZIP_RATIO * max(packed, 1) or packed > size:
        raise RuleViolation(
            _("'%(name)s' would unpack to far more than it holds. Pack it again without other archives in it.")
            % {"name": filename},
            code="zip-bomb",
        )
    return entries


def _check_entry(entry: zipfile.ZipInfo, filename: str) -> None:
    path = entry.filename
    parts = path.replace("\\", "/").split("/")
    if path.startswith(("/", "\\")) or ".." in parts or "\\" in path or (len(path) > 1 and path[1] == ":"):
        raise RuleViolation(
            _("'%(name)s' holds the path '%(path)s', which leads outside. Pack the folder again.")
            % {"name": filename, "path": clean_line(path)[:100]},
            code="zip-path",
        )
    if (entry.external_attr >> 16) & _FILE_TYPE == _SYMLINK:
        raise RuleViolation(
            _("'%(name)s' holds the symbolic link '%(path)s'. Pack the file itself.")
            % {"name": filename, "path": clean_line(path)[:100]},
            code="zip-link",
        )


def _check_archive(stream: IO[bytes], filename: str) -> CheckedFile:
    check_zip(stream, filename)
    return CheckedFile(filename, ".zip", "application/zip")


def _check_pptx(stream: IO[bytes], filename: str) -> CheckedFile:
    try:
        names = {entry.filename for entry in check_zip(stream, filename)}
    except RuleViolation as violation:
        if violation.code == "not-zip":
            raise _wrong(filename, _("a PowerPoint presentation"), "not-pptx") from violation
        raise
    if not {"[Content_Types].xml", "ppt/presentation.xml"} <= names:
        raise _wrong(filename, _("a PowerPoint presentation"), "not-pptx")
    slides = sum(1 for name in names if name.startswith("ppt/slides/slide") and name.endswith(".xml"))
    kind = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
    return CheckedFile(filename, ".pptx", kind, pages=slides)


def _check_mp4(stream: IO[bytes], filename: str) -> CheckedFile:
    if stream.read(12)[4:8] != b"ftyp":
        raise _wrong(filename, _("an MP4 recording"), "not-mp4")
    stream.seek(0)
    try:
        recording: Any = MP4
        length = recording(fileobj=stream).info.length
    except (MutagenError, ValueError, KeyError, IndexError) as error:
        raise _wrong(filename, _("an MP4 recording"), "not-mp4") from error
    return CheckedFile(filename, ".mp4", "video/mp4", seconds=round(length))


def _check_vtt(stream: IO[bytes], filename: str) -> CheckedFile:
    text = _text(stream, filename)
    first = text.removeprefix("\ufeff").split("\n", 1)[0].strip()
    if first != "WEBVTT" and not first.startswith(("WEBVTT ", "WEBVTT\t")):
        raise _wrong(filename, _("a WebVTT caption file (its first line is WEBVTT)"), "not-vtt")
    return CheckedFile(filename, ".vtt", "text/vtt; charset=utf-8")


def _check_text(stream: IO[bytes], filename: str) -> CheckedFile:
    _text(stream, filename)
    return CheckedFile(filename, _suffix(filename), "text/plain; charset=utf-8")


def _text(stream: IO[bytes], filename: str) -> str:
    try:
        return stream.read().decode("utf-8")
    except UnicodeDecodeError as error:
        raise _wrong(filename, _("text in UTF-8"), "not-text") from error


def _check_notebook(stream: IO[bytes], filename: str) -> CheckedFile:
    try:
        notebook = json.loads(stream.read())
    except (ValueError, RecursionError) as error:
        raise _wrong(filename, _("a Jupyter notebook"), "not-notebook") from error
    if not isinstance(notebook, dict) or not isinstance(notebook.get("nbformat"), int):
        raise _wrong(filename, _("a Jupyter notebook"), "not-notebook")
    return CheckedFile(filename, ".ipynb", "application/x-ipynb+json")


CHECKS: dict[str, Check] = {
    ".pdf": _check_pdf,
    ".pptx": _check_pptx,
    ".mp4": _check_mp4,
    ".vtt": _check_vtt,
    ".txt": _check_text,
    ".md": _check_text,
    ".csv": _check_text,
    ".zip": _check_archive,
    ".ipynb": _check_notebook,
}
