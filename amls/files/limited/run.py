"""Starts the limited child, watches it, and hands on what it says.

The one way in which uploads are parsed: whatever a hostile file does, only its own process is lost.
"""

from __future__ import annotations

import json
import logging
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from amls.files.limited.refused import Refused

logger = logging.getLogger(__name__)

# What is said of 'unable'.
UNABLE = _(
    "What reads such files here is out of order, so nothing is wrong with the file. Try again in some minutes; "
    "if it goes on, tell whoever runs this site."
)
_CHILD = Path(__file__).with_name("child.py")
_ASK_EVERY_SECONDS = 1.0
_MAX_LINE = 4 * 1024**2


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one file may cost.

    Attributes:
        seconds: of processor time.
        memory: bytes of address space.
        patience: seconds of wall-clock time; by default as many as of processor time.
        writes: bytes of each file that it may write.
        says: bytes that it may answer in all.
    """

    seconds: int
    memory: int
    patience: float | None = None
    writes: int = 64 * 1024
    says: int = 64 * 1024**2


class StoppedError(Exception):
    """The child did not come to an end by itself.

    Attributes:
        problem: 'too_slow', 'too_big' (memory, or what it had to say), 'broken', or 'unable': the program that reads it could
            not be loaded, as while an installation's packages are replaced, which says nothing of the file.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class GivenUpError(Exception):
    """Whoever waits for the child has no more use for it."""


def read_in_child(
    function: str,
    source: Path | IO[bytes],
    *,
    values: dict[str, Any],
    limits: Limits,
    on_line: Callable[[Any], None],
    goes_on: Callable[[], bool] = lambda: True,
    keeps_open: tuple[int, ...] = (),
) -> None:
    """Call a generator function with a file in the limited child, and hand on each value that it yields.

    Args:
        function: as 'package.module:name', called as name(file, **values) with the file open for
            reading. Its module must not import Django, nor anything that does.
        source: the file; what is no file of this machine is copied to one first.
        values: plain values that JSON knows.
        limits: of this one file.
        on_line: called with each value that the function yields, as JSON brings it.
        goes_on: asked about once a second; when it says no, the child is stopped.
        keeps_open: file descriptors that stay open as long as the child lives.

    Raises:
        Refused: the function said no.
        StoppedError: it took too much, or fell over.
        GivenUpError: `goes_on` said no.
    """
    asked = json.dumps({"seconds": limits.seconds, "memory": limits.memory, "writes": limits.writes})
    # Isolated: neither PYTHONPATH nor the folder it stands in is looked at.
    command = [sys.executable, "-I", str(_CHILD), str(settings.BASE_DIR), function, json.dumps(values), asked]
    # Nothing of this process's environment, such as keys, is for whatever reads hostile files.
    environment = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}
    with _as_file(source) as file, tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(  # noqa: S603 - our own module
            command, stdin=file, stdout=subprocess.PIPE, stderr=errors, cwd=tempfile.gettempdir(),
            env=environment, start_new_session=True, pass_fds=keeps_open,
        )  # fmt: skip
        try:
            patience = limits.seconds if limits.patience is None else limits.patience
            end = _gather(child, time.monotonic() + patience, limits.says, on_line, goes_on)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            if child.stdout is not None:
                child.stdout.close()
        if isinstance(end, str):
            raise StoppedError(end or _last_words(errors, child.returncode))
        if end["end"] == "unable":
            logger.error("The limited child could not load %s: %s", function, _said(errors))
            raise StoppedError("unable")
        if end["end"] in ("too_big", "broken"):
            raise StoppedError(_last_words(errors, 0) if end["end"] == "broken" else "too_big")
        if end["end"]:
            raise Refused(end["end"], **end["values"])


@contextmanager
def _as_file(source: Path | IO[bytes]) -> Iterator[IO[bytes]]:
    """Open a file anew, so that parent and child don't move in it together."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            yield file
        return
    with tempfile.TemporaryFile() as file:
        source.seek(0)
        shutil.copyfileobj(source, file)
        file.seek(0)
        yield file


def _last_words(errors: IO[bytes], code: int) -> str:
    """Return why the child died: out of memory, as its libraries say it in several ways, or broken."""
    if -code in (signal.SIGXCPU, signal.SIGALRM):
        return "too_slow"
    # pdfium ends itself where memory is refused, and the system's own last resort is SIGKILL.
    if -code in (signal.SIGABRT, signal.SIGTRAP, signal.SIGILL, signal.SIGKILL):
        return "too_big"
    text = _said(errors).lower()
    signs = ("memory", "bad_alloc", "cannot allocate", "failed to map", "out of address space")
    return "too_big" if any(sign in text for sign in signs) else "broken"


def _said(errors: IO[bytes]) -> str:
    errors.seek(0)
    return errors.read()[-4000:].decode(errors="replace")


def _gather(
    child: subprocess.Popen[bytes],
    deadline: float,
    says: int,
    on_line: Callable[[Any], None],
    goes_on: Callable[[], bool],
) -> dict[str, Any] | str:
    """Read lines until the child ends; return its last, or why there is none: 'too_slow', 'too_big', or '' (dead)."""
    pending, said, next_word = b"", 0, time.monotonic() + _ASK_EVERY_SECONDS
    while (now := time.monotonic()) < deadline:
        if now >= next_word:
            next_word = now + _ASK_EVERY_SECONDS
            if not goes_on():
                raise GivenUpError
        chunk = _next_chunk(child, min(0.25, deadline - now))
        if chunk is None:
            continue
        if not chunk:
            return ""
        said += len(chunk)
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            value = json.loads(line)
            if isinstance(value, dict):
                return value
            on_line(value[0])
        if said > says or len(pending) > _MAX_LINE:
            return "too_big"
    return "too_slow"


def _next_chunk(child: subprocess.Popen[bytes], seconds: float) -> bytes | None:
    """Return what the child said within some seconds; None if nothing yet, empty at its end."""
    if child.stdout is None:
        return b""
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        return os.read(child.stdout.fileno(), 64 * 1024) if selector.select(seconds) else None
