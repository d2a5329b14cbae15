"""What an upload really is: its name and its content must agree.

Looking into it is the limited child's (`amls.files.limited`); here are the kinds, the bounds, and
the words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from amls.core.sizes import say_size
from amls.core.text import clean_line
from amls.core.violations import RuleViolation
from amls.files.limited.pace import Pace, read_at_pace
from amls.files.limited.refused import Refused
from amls.files.limited.run import UNABLE, StoppedError
from amls.files.limited.slots import NoPlaceError

MAX_FILENAME = 200


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """What a check found out.

    Attributes:
        filename: the original name, cleaned; for Content-Disposition only.
        suffix: what its kind is known by; '.tar.gz' for '.tgz' too.
        pages: of a PDF, or slides of a presentation.
        seconds: of a recording.
        is_tagged: whether a PDF can be read aloud; None for anything else.
        is_judged: whether its content has been looked into; else it is only known by its name.
    """

    filename: str
    suffix: str
    content_type: str
    pages: int | None = None
    seconds: int | None = None
    is_tagged: bool | None = None
    is_judged: bool = True


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of file that is taken.

    Attributes:
        judge: what looks into it in the limited child: a function of `amls/files/judges`, as 'module:function'.
        content_type: with which it is served.
        damaged: the code with which it is refused where it can't be read.
    """

    judge: str
    content_type: str
    damaged: str = "not-text"


_TEXT = "text/plain; charset=utf-8"
# As they are given out with a lecture or an exercise.
SOURCE_CODE = (".py", ".java", ".c", ".h", ".cpp", ".r", ".sql", ".tex")
KINDS: Mapping[str, FileKind] = {
    ".pdf": FileKind("documents:judge_pdf", "application/pdf", "not-pdf"),
    ".pptx": FileKind(
        "archives:judge_pptx",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "not-pptx",
    ),
    ".mp4": FileKind("media:judge_mp4", "video/mp4", "not-mp4"),
    ".vtt": FileKind("texts:judge_vtt", "text/vtt; charset=utf-8", "not-vtt"),
    ".txt": FileKind("texts:judge_text", _TEXT),
    ".md": FileKind("texts:judge_text", _TEXT),
    ".csv": FileKind("texts:judge_text", _TEXT),
    **dict.fromkeys(SOURCE_CODE, FileKind("texts:judge_text", _TEXT)),
    ".zip": FileKind("archives:judge_zip", "application/zip", "not-zip"),
    ".tar.gz": FileKind("archives:judge_tar", "application/gzip", "not-tar"),
    ".ipynb": FileKind("texts:judge_notebook", "application/x-ipynb+json", "not-notebook"),
}


# What a file should have been, where it is not or is damaged.
_DAMAGED = {
    "not-pdf": gettext_lazy("a PDF"),
    "not-pptx": gettext_lazy("a PowerPoint presentation"),
    "not-mp4": gettext_lazy("an MP4 recording"),
    "not-vtt": gettext_lazy("a WebVTT caption file (its first line is WEBVTT)"),
    "not-text": gettext_lazy("text in UTF-8"),
    "not-notebook": gettext_lazy("a Jupyter notebook"),
    "not-zip": gettext_lazy("a ZIP archive"),
    "not-tar": gettext_lazy("a .tar.gz archive"),
}
_WORDS = {
    "encrypted": gettext_lazy("'%(name)s' is protected by a password. Save it without one and upload that file."),
    "notebook-too-large": gettext_lazy(
        "The notebook '%(name)s' has more than %(limit)s. "
        "Clear its outputs (Edit, Clear Outputs of All Cells), save it and upload it again."
    ),
    "notebook-too-long": gettext_lazy(
        "The notebook '%(name)s' holds more values than are read here. "
        "Clear its outputs (Edit, Clear Outputs of All Cells), save it and upload it again."
    ),
    "empty-archive": gettext_lazy("'%(name)s' is an archive without any file of yours in it. Pack your files again."),
    "zip-bomb": gettext_lazy(
        "'%(name)s' would unpack to far more than it holds. Pack it again without other archives in it."
    ),
    "zip-path": gettext_lazy("'%(name)s' holds the path '%(path)s', which leads outside. Pack the folder again."),
    "zip-link": gettext_lazy("'%(name)s' holds the symbolic link '%(path)s'. Pack the file itself."),
    "tar-device": gettext_lazy(
        "'%(name)s' holds '%(path)s', which is neither a file nor a folder. Leave it out and pack again."
    ),
    "unable": UNABLE,
    "busy": gettext_lazy(
        "'%(name)s' could not be looked at, because many files are being handed in just now. "
        "Upload it again in a minute."
    ),
    "too_slow": gettext_lazy(
        "'%(name)s' takes too long to be read: it may be damaged. Save it anew, or make it simpler, and upload that file."
    ),
    "too_big": gettext_lazy(
        "'%(name)s' unpacks to more than can be read here. Save it anew, or make it simpler, and upload that file."
    ),
}


_TOO_LARGE = gettext_lazy(
    "'%(name)s' has %(size)s, at most %(limit)s are allowed. Make it smaller and upload it again."
)


class FileRefused(RuleViolation):
    """A file is not what its name says.

    Attributes:
        refusal: why, as `say_refusal` puts it in words; plain values that JSON knows.
    """

    def __init__(self, filename: str, refused: Refused) -> None:
        self.refusal: dict[str, Any] = {"code": refused.code, "values": refused.values}
        super().__init__(say_refusal(filename, self.refusal), code=refused.code)


def clean_filename(name: str) -> str:
    """Return the name of an upload without folders, control characters and direction overrides.

    Shortened in the middle of its stem to 200 characters; the extension stays.
    """
    base = clean_line(name.replace("\\", "/").rsplit("/", 1)[-1]).strip(". ") or "file"
    length = len(_ending(base))
    stem, suffix = base[: len(base) - length], base[len(base) - length :][:20]
    return stem[: MAX_FILENAME - len(suffix)] + suffix


def check_upload(
    stream: IO[bytes],
    name: str,
    *,
    size: int,
    max_bytes: int,
    allowed: set[str] | None = None,
    pace: Pace | None = None,
    may_wait: bool = False,
) -> CheckedFile:
    """Return what an upload is.

    Args:
        stream: seekable; it is left at its start.
        name: as the browser sent it.
        size: in bytes.
        max_bytes: the largest size that is taken.
        allowed: extensions such as '.pdf'; all known ones by default.
        pace: how long it may take; by default as long as a request.
        may_wait: where there is no verdict in this time, the file is returned as not judged.

    Raises:
        RuleViolation: empty, too large, or of a kind that is not taken.
        FileRefused: not what its name says, or, unless `may_wait`, not judged in this time.
    """
    filename = clean_filename(name)
    suffix = suffix_of(filename)
    known = KINDS if allowed is None else {key: kind for key, kind in KINDS.items() if key in allowed}
    if suffix not in known:
        said = (
            _("'%(name)s' is of a kind that is not taken here. Pack it as a ZIP, or upload one of these: %(kinds)s.")
            if ".zip" in known
            else _("'%(name)s' is of a kind that is not taken here. Upload one of these: %(kinds)s.")
        )
        kinds = ", ".join(sorted(key.lstrip(".") for key in known))
        raise RuleViolation(said % {"name": filename, "kinds": kinds}, code="kind-not-allowed")
    if size == 0:
        raise RuleViolation(
            _("'%(name)s' is empty. Check the file on your computer and upload it again.") % {"name": filename},
            code="empty",
        )
    if size > max_bytes:
        raise too_large(filename, size, max_bytes)
    kind = known[suffix]
    try:
        verdict = _judge(stream, kind, pace or Pace.of_requests())
    except Refused as refused:
        raise FileRefused(filename, refused) from refused
    except (NoPlaceError, StoppedError) as error:
        problem = error.problem if isinstance(error, StoppedError) else "busy"
        if may_wait and problem in ("busy", "too_slow", "unable"):
            return CheckedFile(filename, suffix, kind.content_type, is_judged=False)
        raise _stopped(filename, suffix, problem) from error
    return CheckedFile(filename, suffix, kind.content_type, **verdict)


def file_bounds(max_bytes: int) -> dict[str, str]:
    """Return the attributes of a field for files by which the browser refuses larger ones before they are sent."""
    return {"data-max": str(max_bytes), "data-too-large": str(_TOO_LARGE)}


def too_large(filename: str, size: int, max_bytes: int) -> RuleViolation:
    """Return the violation of a file that is larger than allowed."""
    return RuleViolation(
        _TOO_LARGE % {"name": filename, "size": say_size(size, is_rounded_up=True), "limit": say_size(max_bytes)},
        code="too-large",
    )


def suffix_of(filename: str) -> str:
    """Return by what the kind of a file is known: its ending in small letters, '.tar.gz' for '.tgz'."""
    ending = _ending(filename.lower())
    return ".tar.gz" if ending == ".tgz" else ending


def _ending(filename: str) -> str:
    return filename[-len(".tar.gz") :] if filename.lower().endswith(".tar.gz") else PurePosixPath(filename).suffix


def _judge(stream: IO[bytes], kind: FileKind, pace: Pace) -> dict[str, Any]:
    verdicts: list[dict[str, Any]] = []
    read_at_pace(kind.judge, stream, pace=pace, on_line=verdicts.append)
    return verdicts[0]


def _stopped(filename: str, suffix: str, problem: str) -> FileRefused:
    """Return why there is no verdict, in words: who falls over a file is no judge, but has seen that it is damaged."""
    code = KINDS[suffix].damaged if problem == "broken" else problem
    return FileRefused(filename, Refused(code))


def say_refusal(filename: str, refusal: Mapping[str, Any]) -> str:
    """Return why a judge refused a file, in the present language."""
    code, values = refusal["code"], {"name": filename, **refusal["values"]}
    if "path" in values:
        values["path"] = clean_line(str(values["path"]))[:100]
    if code in _DAMAGED:
        return _(
            "'%(name)s' is not %(expected)s, or it is damaged. "
            "Open it on your computer, save it again and upload that file."
        ) % {"name": filename, "expected": _DAMAGED[code]}
    if code == "too-many-entries":
        limit = int(values["limit"])
        message = ngettext(
            "'%(name)s' holds more than %(limit)d file. Leave out what is not needed.",
            "'%(name)s' holds more than %(limit)d files. Leave out what is not needed.",
            limit,
        )
        return message % {**values, "limit": limit}
    if code == "notebook-too-large":
        values["limit"] = say_size(int(values["limit"]))
    return _WORDS[code] % values
