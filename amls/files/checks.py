"""What an upload really is: its name and its content must agree.

Archives are opened, never extracted.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any

from django.utils.translation import gettext as _
from mutagen import MutagenError
from mutagen.mp4 import MP4
from pypdf import PdfReader
from pypdf.errors import PyPdfError

from amls.core.text import clean_line
from amls.core.violations import RuleViolation
from amls.files.archives import check_tar, check_zip, wrong

MAX_FILENAME = 200
# A notebook is parsed as a whole: what that may cost is known before it begins.
MAX_NOTEBOOK_BYTES = 20 * 1024**2
MAX_NOTEBOOK_VALUES = 1_000_000


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
    length = len(_suffix(base))
    stem, suffix = base[: len(base) - length], base[len(base) - length :][:20]
    return stem[: MAX_FILENAME - len(suffix)] + suffix


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


def _check_pdf(stream: IO[bytes], filename: str) -> CheckedFile:
    if not stream.read(1024).lstrip().startswith(b"%PDF-"):
        raise wrong(filename, _("a PDF"), "not-pdf")
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
        raise wrong(filename, _("a PDF"), "not-pdf") from error
    return CheckedFile(filename, ".pdf", "application/pdf", pages=pages, is_tagged=is_tagged)


def _check_archive(stream: IO[bytes], filename: str) -> CheckedFile:
    check_zip(stream, filename)
    return CheckedFile(filename, ".zip", "application/zip")


def _check_tarball(stream: IO[bytes], filename: str) -> CheckedFile:
    check_tar(stream, filename)
    return CheckedFile(filename, ".tar.gz", "application/gzip")


def _check_pptx(stream: IO[bytes], filename: str) -> CheckedFile:
    try:
        names = {entry.filename for entry in check_zip(stream, filename)}
    except RuleViolation as violation:
        if violation.code == "not-zip":
            raise wrong(filename, _("a PowerPoint presentation"), "not-pptx") from violation
        raise
    if not {"[Content_Types].xml", "ppt/presentation.xml"} <= names:
        raise wrong(filename, _("a PowerPoint presentation"), "not-pptx")
    slides = sum(1 for name in names if name.startswith("ppt/slides/slide") and name.endswith(".xml"))
    kind = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
    return CheckedFile(filename, ".pptx", kind, pages=slides)


def _check_mp4(stream: IO[bytes], filename: str) -> CheckedFile:
    if stream.read(12)[4:8] != b"ftyp":
        raise wrong(filename, _("an MP4 recording"), "not-mp4")
    stream.seek(0)
    try:
        recording: Any = MP4
        length = recording(fileobj=stream).info.length
    except (MutagenError, ValueError, KeyError, IndexError) as error:
        raise wrong(filename, _("an MP4 recording"), "not-mp4") from error
    return CheckedFile(filename, ".mp4", "video/mp4", seconds=round(length))


def _check_vtt(stream: IO[bytes], filename: str) -> CheckedFile:
    text = _text(stream, filename)
    first = text.removeprefix("\ufeff").split("\n", 1)[0].strip()
    if first != "WEBVTT" and not first.startswith(("WEBVTT ", "WEBVTT\t")):
        raise wrong(filename, _("a WebVTT caption file (its first line is WEBVTT)"), "not-vtt")
    return CheckedFile(filename, ".vtt", "text/vtt; charset=utf-8")


def _check_text(stream: IO[bytes], filename: str) -> CheckedFile:
    _text(stream, filename)
    return CheckedFile(filename, _suffix(filename), "text/plain; charset=utf-8")


def _text(stream: IO[bytes], filename: str) -> str:
    try:
        return stream.read().decode("utf-8")
    except UnicodeDecodeError as error:
        raise wrong(filename, _("text in UTF-8"), "not-text") from error


def _check_notebook(stream: IO[bytes], filename: str) -> CheckedFile:
    content = stream.read(MAX_NOTEBOOK_BYTES + 1)
    if len(content) > MAX_NOTEBOOK_BYTES:
        message = _(
            "The notebook '%(name)s' has more than %(limit)s MB. "
            "Clear its outputs (Edit, Clear Outputs of All Cells), save it and upload it again."
        )
        raise RuleViolation(
            message % {"name": filename, "limit": MAX_NOTEBOOK_BYTES // 1024**2}, code="notebook-too-large"
        )
    # Each value but the first of its list or object comes after one of these; those inside texts count as well.
    if sum(content.count(sign) for sign in (b",", b"[", b"{")) > MAX_NOTEBOOK_VALUES:
        message = _(
            "The notebook '%(name)s' holds more values than are read here. "
            "Clear its outputs (Edit, Clear Outputs of All Cells), save it and upload it again."
        )
        raise RuleViolation(message % {"name": filename}, code="notebook-too-long")
    try:
        notebook = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise wrong(filename, _("a Jupyter notebook"), "not-notebook") from error
    if not isinstance(notebook, dict) or not isinstance(notebook.get("nbformat"), int):
        raise wrong(filename, _("a Jupyter notebook"), "not-notebook")
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
    ".tar.gz": _check_tarball,
    ".ipynb": _check_notebook,
}
