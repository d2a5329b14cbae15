"""Has a file read in the limited child, and gathers what it says."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

from amls.files.limited.refused import Refused
from amls.files.limited.run import GivenUpError, Limits, StoppedError, read_in_child

# Pictures of pages.
_MOST_WRITTEN = 256 * 1024**2
_MOST_SAID = 256 * 1024**2
# How many times as long as the processor time the reading may last by the clock.
_PATIENCE = 4
# Suffixes of files that hold text, and what reads them.
KINDS = {".pdf": "pdf", ".pptx": "pptx", ".vtt": "vtt"}


def limits_of_settings() -> Limits:
    """Return what reading one file may cost at this installation."""
    return Limits(
        seconds=settings.EXTRACTION_SECONDS,
        # On a busy machine a file has its processor time later, not never.
        patience=_PATIENCE * settings.EXTRACTION_SECONDS,
        memory=settings.EXTRACTION_MEMORY_MB * 1024**2,
        writes=_MOST_WRITTEN,
        says=_MOST_SAID,
    )


@dataclass(slots=True)
class Extracted:
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
    path: Path, *, kind: str, folder: Path, most: int, limits: Limits, on_progress: Callable[[int, int], bool]
) -> Extracted:
    """Return what the limited child reads in a file; pictures of pages are left in `folder`.

    Args:
        path: the file.
        kind: 'pdf', 'pptx' or 'vtt'.
        folder: an empty one for pictures `1.webp` and `1-thumb.webp`.
        most: how many pages are read.
        limits: of this one file.
        on_progress: called about once a second with pages read and in total; when it
            returns False the child is stopped.

    Raises:
        ReadingStoppedError: `on_progress` said so.
    """
    reading = Extracted()
    try:
        read_in_child(
            "lectures.extraction.readers:read",
            path,
            values={"kind": kind, "folder": str(folder), "most": most},
            limits=limits,
            on_line=lambda said: _take(said, reading),
            goes_on=lambda: on_progress(len(reading.pages), reading.total),
        )
    except GivenUpError as error:
        raise ReadingStoppedError from error
    except Refused as refused:
        reading.problem = refused.code
    except StoppedError as stopped:
        reading.problem = stopped.problem
    return reading


def _take(said: dict[str, Any], reading: Extracted) -> None:
    """Add what the child said to the reading."""
    if "total" in said:
        reading.total, reading.is_tagged = said["total"], said["tagged"]
        reading.cues_dropped = said.get("dropped", 0)
    else:
        reading.pages.append(said)
