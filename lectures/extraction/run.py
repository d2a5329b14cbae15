"""Has a file read in the limited child, and gathers what it says."""

import logging
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from django.conf import settings

from amls.files.limited.refused import Refused
from amls.files.limited.run import GivenUpError, Limits, StoppedError, read_in_child

logger = logging.getLogger(__name__)

# Address space: most of it is never touched.
_OFFICE_MEMORY = 4 * 1024**3
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


def office_program() -> str | None:
    """Return where LibreOffice is on this machine; None where it is not, or not to be used."""
    return shutil.which(settings.OFFICE_PROGRAM) if settings.OFFICE_PROGRAM else None


def draw_presentation(
    path: Path, reading: Extracted, *, folder: Path, most: int, limits: Limits, goes_on: Callable[[], bool]
) -> None:
    """Leave pictures of a presentation's slides in `folder`, and write their sizes into what was read of it.

    Where LibreOffice is not there, makes nothing of it or something else than its slides, it stays text.

    Args:
        path: the PPTX.
        reading: what `read_file` has read of it.
        folder: where `read_file` leaves pictures.
        most: how many slides are drawn.
        limits: of each of the two steps, though LibreOffice maps more memory than it uses.
        goes_on: asked about once a second; when it returns False the child is stopped.

    Raises:
        ReadingStoppedError: `goes_on` said so.
    """
    program = office_program()
    if program is None:
        return
    with tempfile.TemporaryDirectory(dir=folder) as place:
        try:
            read_in_child(
                "lectures.extraction.office:convert",
                path,
                values={"program": program, "folder": place},
                limits=replace(limits, memory=max(limits.memory, _OFFICE_MEMORY)),
                on_line=lambda _said: None,
                goes_on=goes_on,
            )
        except GivenUpError as error:
            raise ReadingStoppedError from error
        except (Refused, StoppedError) as stopped:
            logger.info("presentation not drawn: %s", stopped)
            return
        drawn = read_file(
            Path(place) / "slides.pdf", kind="pdf", folder=folder, most=most, limits=limits,
            on_progress=lambda _done, _total: goes_on(),
        )  # fmt: skip
    if drawn.total != reading.total:
        return
    sizes = {page["number"]: page for page in drawn.pages}
    for page in reading.pages:
        picture = sizes.get(page["number"], {})
        page["width"], page["height"] = picture.get("width", 0), picture.get("height", 0)


def _take(said: dict[str, Any], reading: Extracted) -> None:
    """Add what the child said to the reading."""
    if "total" in said:
        reading.total, reading.is_tagged = said["total"], said["tagged"]
        reading.cues_dropped = said.get("dropped", 0)
    else:
        reading.pages.append(said)
