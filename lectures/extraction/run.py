"""Starts the child that reads a file, watches it, and gathers what it says."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

from lectures.models import Problem

_SAY_EVERY_SECONDS = 1.0
_MAX_LINE = 4 * 1024**2
# Suffixes of files that hold text, and what reads them.
KINDS = {".pdf": "pdf", ".pptx": "pptx", ".vtt": "vtt"}


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one file may cost.

    Attributes:
        seconds: of wall-clock time and of processor time.
        memory: bytes of address space.
    """

    pages: int
    seconds: int
    memory: int

    @classmethod
    def from_settings(cls) -> "Limits":
        """Return the installation's limits."""
        return cls(settings.EXTRACTION_MAX_PAGES, settings.EXTRACTION_SECONDS, settings.EXTRACTION_MEMORY_MB * 1024**2)


@dataclass(slots=True)
class Reading:
    """What was read of a file.

    Attributes:
        pages: as the child said them: number, kind, title, text, notes, cues, width, height.
        total: how many pages the file has; 0 for captions.
        problem: a value of `Problem`, or empty. With pages there may be a problem too.
    """

    pages: list[dict[str, Any]] = field(default_factory=list)
    total: int = 0
    is_tagged: bool | None = None
    cues_dropped: int = 0
    problem: str = ""


class ReadingStoppedError(Exception):
    """Somebody else reads the file now: nothing of this reading counts."""


def read_file(
    path: Path, *, kind: str, folder: Path, limits: Limits, on_progress: Callable[[int, int], bool]
) -> Reading:
    """Return what a child process reads in a file; pictures of pages are left in `folder`.

    Args:
        path: the file.
        kind: 'pdf', 'pptx' or 'vtt'.
        folder: an empty one for pictures `1.webp` and `1-thumb.webp`.
        limits: of this one file.
        on_progress: called about once a second with pages read and in total; when it
            returns False the child is stopped.

    Raises:
        ReadingStoppedError: `on_progress` said so.
    """
    asked = json.dumps({"pages": limits.pages, "seconds": limits.seconds, "memory": limits.memory})
    command = [sys.executable, "-m", "lectures.extraction.child", str(path), kind, str(folder), asked]
    # Nothing of this process's environment, such as keys, is for whatever reads hostile files.
    environment = {"PATH": os.defpath, "PYTHONPATH": str(settings.BASE_DIR), "LC_ALL": "C.UTF-8"}
    reading, said = Reading(), ""
    with (folder / "stderr").open("wb") as errors:
        child = subprocess.Popen(  # noqa: S603 - our own module
            command, stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL, cwd=folder,
            env=environment, start_new_session=True,
        )  # fmt: skip
        try:
            said = _gather(child, reading, time.monotonic() + limits.seconds, on_progress)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            if child.stdout is not None:
                child.stdout.close()
    if said == "end":
        return reading
    if said == "late" or child.returncode in (-signal.SIGXCPU, -signal.SIGALRM):
        reading.problem = Problem.TOO_SLOW
    else:
        reading.problem = _last_words(folder / "stderr", child.returncode)
    return reading


def _last_words(errors: Path, code: int) -> str:
    """Return why the child died: out of memory, as its libraries say it in several ways, or broken."""
    # pdfium ends itself where memory is refused, and the system's own last resort is SIGKILL.
    if -code in (signal.SIGABRT, signal.SIGTRAP, signal.SIGILL, signal.SIGKILL):
        return Problem.TOO_BIG
    text = errors.read_text(errors="replace")[-4000:].lower()
    signs = ("memory", "bad_alloc", "cannot allocate", "failed to map", "out of address space")
    return Problem.TOO_BIG if any(sign in text for sign in signs) else Problem.BROKEN


def _gather(
    child: "subprocess.Popen[bytes]", reading: Reading, deadline: float, on_progress: Callable[[int, int], bool]
) -> str:
    """Read lines until the child ends; return 'end', 'late', or 'dead'."""
    pending, next_word = b"", time.monotonic() + _SAY_EVERY_SECONDS
    while (now := time.monotonic()) < deadline:
        if now >= next_word:
            next_word = now + _SAY_EVERY_SECONDS
            if not on_progress(len(reading.pages), reading.total):
                raise ReadingStoppedError
        chunk = _next_chunk(child, min(0.25, deadline - now))
        if chunk is None:
            continue
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            if _take(json.loads(line), reading):
                return "end"
        if not chunk or len(pending) > _MAX_LINE:
            return "dead"
    return "late"


def _next_chunk(child: "subprocess.Popen[bytes]", seconds: float) -> bytes | None:
    """Return what the child said within some seconds; None if nothing yet, empty at its end."""
    if child.stdout is None:
        return b""
    ready, _write, _error = select.select([child.stdout], [], [], seconds)
    return os.read(child.stdout.fileno(), 64 * 1024) if ready else None


def _take(said: dict[str, Any], reading: Reading) -> bool:
    """Add one line to the reading; return whether it was the last."""
    if "end" in said:
        reading.problem = said["end"]
        return True
    if "total" in said:
        reading.total, reading.is_tagged = said["total"], said["tagged"]
        reading.cues_dropped = said.get("dropped", 0)
    else:
        reading.pages.append(said)
    return False
