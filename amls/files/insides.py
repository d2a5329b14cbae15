"""What an upload holds, for people who look into it: read in the limited child, handed on as plain words.

What comes out of the child is text whose classes are known here; templates escape it. Bytes come out for pictures and
PDFs alone, with a type of ours.
"""

from __future__ import annotations

import base64
import json
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.violations import RuleViolation
from amls.files.limited.pace import Pace, read_at_pace
from amls.files.limited.refused import Refused
from amls.files.limited.run import UNABLE, StoppedError
from amls.files.limited.slots import NoPlaceError

# What the child may say: a coloured text has many times its length.
_SAYS = 32 * 1024**2
_CLASS = re.compile(r"[a-z]?")
_BASE64 = re.compile(r"[A-Za-z0-9+/=]*")
_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf")
_WORDS = {
    "gone": gettext_lazy("There is no such file in it."),
    "encrypted": gettext_lazy("It is protected by a password. Download it to open it."),
    "too_big": gettext_lazy("It is too large to be shown here. Download it to open it."),
    "too_slow": gettext_lazy("It takes too long to be read here. Download it to open it."),
    "unable": UNABLE,
    "busy": gettext_lazy("Many files are being read just now. Open it again in a moment."),
}


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a line, with what kind it is: a letter, or nothing."""

    css: str
    text: str


Line = list[Token]


@dataclass(frozen=True, slots=True)
class Output:
    """What a notebook's cell put out: a text, a picture as a data address, or the name of what is not shown."""

    text: str = ""
    picture: str = ""
    other: str = ""


@dataclass(slots=True)
class NotebookCell:
    """A cell of a notebook."""

    kind: str
    number: int
    lines: list[Line]
    outputs: list[Output] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """A file in an archive, with its size in bytes."""

    path: str
    size: int


@dataclass(slots=True)
class Inside:
    """What a file holds.

    Attributes:
        kind: of what is shown: 'text', 'notebook', 'picture', 'pdf', 'bytes' (nothing to read), or 'none'.
        language: in which a text or a notebook is written; empty where it is not known.
        lines, cells: of a text, of a notebook.
        entries: the first files of an archive; count: how many it has.
        path: which of them is shown.
        is_cut: whether it goes on.
    """

    kind: str = "none"
    language: str = ""
    lines: list[Line] = field(default_factory=list)
    cells: list[NotebookCell] = field(default_factory=list)
    entries: list[ArchiveEntry] = field(default_factory=list)
    count: int = 0
    path: str = ""
    is_cut: bool = False

    @property
    def neighbours(self) -> tuple[str, str]:
        """The paths before and after the one that is shown; empty where there is none."""
        paths = [entry.path for entry in self.entries]
        if self.path not in paths:
            return "", ""
        place = paths.index(self.path)
        return (paths[place - 1] if place else "", paths[place + 1] if place + 1 < len(paths) else "")

    def hear(self, answer: Mapping[str, Any]) -> None:
        """Take what the child says next."""
        if "entries" in answer:
            self.entries = [ArchiveEntry(str(path), int(size)) for path, size in answer["entries"]]
            self.count, self.path = int(answer["count"]), str(answer["path"])
        elif "kind" in answer:
            self.kind, self.language = str(answer["kind"]), str(answer.get("language", ""))
        elif "cell" in answer:
            self.cells.append(NotebookCell(str(answer["cell"]), int(answer["number"]), _lines(answer["lines"])))
        elif "output" in answer:
            self.cells[-1].outputs.append(_output(answer))
        elif "lines" in answer:
            self.lines += _lines(answer["lines"])
        elif "cut" in answer:
            self.is_cut = True


def _lines(said: Iterable[Iterable[tuple[str, str]]]) -> list[Line]:
    return [[Token(css if _CLASS.fullmatch(css) else "", str(text)) for css, text in line] for line in said]


def _output(answer: Mapping[str, Any]) -> Output:
    if answer["output"] == "picture" and answer["type"] in _TYPES and _BASE64.fullmatch(answer["bytes"]):
        return Output(picture=f"data:{answer['type']};base64,{answer['bytes']}")
    if answer["output"] == "text":
        return Output(text=str(answer["text"]))
    return Output(other=str(answer.get("text", "")))


def look_inside(stream: IO[bytes], *, suffix: str, path: str = "") -> Inside:
    """Return what a file holds, or what one of an archive's files holds.

    Args:
        stream: seekable.
        suffix: what kind of file it is, such as '.zip'.
        path: of a file in an archive; by default the one that says most of it.

    Raises:
        RuleViolation: it can't be shown, with what to do; 'busy' where many are being read.
    """
    inside = Inside()
    _ask("insides:show", stream, inside.hear, suffix=suffix, path=path)
    return inside


def take_out(stream: IO[bytes], *, suffix: str, path: str) -> tuple[str, bytes]:
    """Return the type and the bytes of a picture or a PDF in an archive.

    Raises:
        RuleViolation: it is neither, or can't be shown.
    """
    said: list[str] = []
    pieces: list[bytes] = []

    def hear(answer: Mapping[str, Any]) -> None:
        if "type" in answer and answer["type"] in _TYPES:
            said.append(answer["type"])
        elif "bytes" in answer:
            pieces.append(base64.b64decode(answer["bytes"]))

    _ask("insides:take", stream, hear, suffix=suffix, path=path)
    if not said:
        raise RuleViolation(str(_WORDS["gone"]), code="gone")
    return said[0], b"".join(pieces)


@dataclass(frozen=True, slots=True)
class HeldText:
    """A file as it is compared.

    Attributes:
        mark: the same for the same content.
        text: None for what can't be compared line by line.
        why: what hinders, as `judges.differences.texts` says it.
    """

    path: str
    mark: str
    text: str | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """What became of a file.

    Attributes:
        kind: 'changed', 'added', 'removed' or 'renamed'.
        before: its path, where it was renamed.
        lines: sign (' ', '+', '-', or '@' for a place) and text; none where it is no text.
        more, less: how many lines are new, and gone.
        why: what hinders to compare it line by line, as of `HeldText`; 'empty' or 'same-text' where no line differs.
    """

    path: str
    kind: str
    before: str = ""
    lines: tuple[tuple[str, str], ...] = ()
    more: int = 0
    less: int = 0
    why: str = ""


def texts_in(stream: IO[bytes], *, suffix: str, name: str) -> list[HeldText]:
    """Return what a file holds as it is compared: its files, or itself.

    Raises:
        RuleViolation: it can't be read, with what to do.
    """
    texts: list[HeldText] = []

    def hear(answer: Mapping[str, Any]) -> None:
        texts.append(HeldText(str(answer["path"]), str(answer["mark"]), answer["text"], str(answer["why"])))

    _ask("differences:texts", stream, hear, suffix=suffix, name=name)
    return texts


def compare_texts(old: Iterable[HeldText], new: Iterable[HeldText]) -> tuple[list[Difference], bool]:
    """Return what became of each file, by path, and whether there is more than is shown.

    A folder that holds all of it, such as 'project-v2', is no part of the paths.

    Raises:
        RuleViolation: they can't be compared, with what to do.
    """
    before, after = _by_path(old), _by_path(new)
    gone = {path: held for path, held in before.items() if path not in after}
    by_mark = {held.mark: path for path, held in gone.items()}
    renamed = {path: by_mark[held.mark] for path, held in after.items() if path not in before and held.mark in by_mark}
    pairs: list[tuple[str, str, str]] = []
    whole: list[Difference] = []
    kinds: dict[str, str] = {}
    for path in sorted(before.keys() | after.keys()):
        was, now = before.get(path), after.get(path)
        if path in renamed:
            whole.append(Difference(path, "renamed", before=renamed[path]))
            continue
        if path in renamed.values() or (was is not None and now is not None and was.mark == now.mark):
            continue
        kinds[path] = "added" if was is None else "removed" if now is None else "changed"
        texts = [held.text if held is not None else "" for held in (was, now)]
        if texts[0] is None or texts[1] is None:
            why = next(held.why for held in (now, was) if held is not None and held.text is None)
            whole.append(Difference(path, kinds[path], why=why))
        elif texts[0] != texts[1]:
            pairs.append((path, texts[0], texts[1]))
        else:
            whole.append(
                Difference(path, kinds[path], why="same-text" if was is not None and now is not None else "empty")
            )
    shown, is_cut = _compare(pairs, kinds)
    missing = [
        Difference(path, kinds[path])
        for path, _old, _new in pairs
        if path not in {difference.path for difference in shown}
    ]
    return sorted([*whole, *shown, *missing], key=lambda difference: difference.path), is_cut


def _by_path(held: Iterable[HeldText]) -> dict[str, HeldText]:
    rows = list(held)
    firsts = {row.path.partition("/")[0] if "/" in row.path else "" for row in rows}
    top = f"{firsts.pop()}/" if len(firsts) == 1 and "" not in firsts else ""
    return {row.path.removeprefix(top): row for row in rows}


def _compare(pairs: list[tuple[str, str, str]], kinds: Mapping[str, str]) -> tuple[list[Difference], bool]:
    if not pairs:
        return [], False
    shown: list[Difference] = []
    cut: list[bool] = []

    def hear(answer: Mapping[str, Any]) -> None:
        if "cut" in answer:
            cut.append(True)
            return
        path, lines = str(answer["path"]), tuple((str(sign), str(text)) for sign, text in answer["lines"])
        shown.append(Difference(path, kinds[path], "", lines, int(answer["more"]), int(answer["less"])))

    with tempfile.TemporaryFile() as bundle:
        bundle.write(json.dumps(pairs).encode())
        bundle.seek(0)
        _ask("differences:differences", bundle, hear)
    return shown, bool(cut)


def _ask(function: str, stream: IO[bytes], hear: Any, **values: str) -> None:
    try:
        read_at_pace(function, stream, pace=Pace.of_requests(), on_line=hear, says=_SAYS, **values)
    except NoPlaceError as error:
        raise RuleViolation(str(_WORDS["busy"]), code="busy") from error
    except (Refused, StoppedError) as error:
        code = error.code if isinstance(error, Refused) else error.problem
        words = _WORDS.get(code) or _("It can't be read here: it may be damaged. Download it to open it.")
        raise RuleViolation(str(words), code=code) from error
