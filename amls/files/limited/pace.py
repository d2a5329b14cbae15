"""How long whoever waits for the limited child waits, and beside how many others."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.db import connection

from amls.files.limited.run import Limits, read_in_child
from amls.files.limited.slots import place

_MEMORY = 512 * 1024**2


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a file may take.

    Attributes:
        shelf: which places of the machine it shares with others of its pace.
        places: how many files are looked into at once, over all processes of this machine.
        patience: seconds that are waited for a place, and again for the child.
        seconds: of processor time.
    """

    shelf: str
    places: int
    patience: float
    seconds: int

    @classmethod
    def of_requests(cls) -> Pace:
        """Return that of a request, whose sender waits and holds a thread of the server."""
        return cls("requests", settings.CHECKS_AT_ONCE, settings.CHECK_PATIENCE, settings.CHECK_PATIENCE)

    @classmethod
    def of_tables(cls) -> Pace:
        """Return that of a table: the staff's only, read as a whole, and there is no later in which to read it."""
        return cls("tables", settings.CHECKS_AT_ONCE, 4 * settings.CHECK_PATIENCE, 2 * settings.CHECK_PATIENCE)

    @classmethod
    def of_workers(cls) -> Pace:
        """Return that of a worker, for which nobody waits."""
        return cls("workers", 1, 10 * settings.CHECK_SECONDS, settings.CHECK_SECONDS)


def read_at_pace(
    function: str,
    stream: IO[bytes],
    *,
    pace: Pace,
    on_line: Callable[[Any], None],
    says: int = 64 * 1024**2,
    **values: Any,
) -> None:
    """Call a function of `amls.files.judges` with an upload in the limited child, when there is a place for it.

    Args:
        function: as 'module:name'.
        stream: seekable; it is left at its start.
        pace: how long it may take.
        on_line: called with each value that the function yields.
        says: bytes that it may answer in all.
        values: that the function takes; plain ones that JSON knows.

    Raises:
        NoPlaceError: none became free.
        Refused: the function said no.
        StoppedError: it took too much, or fell over.
    """
    if not connection.in_atomic_block:
        # Who waits here, or sent what takes long, must not keep one of the few connections for itself.
        connection.close()
    limits = Limits(seconds=pace.seconds, memory=_MEMORY, patience=pace.patience, says=says)
    with place(pace.shelf, most=pace.places, patience=pace.patience) as held:
        read_in_child(
            f"amls.files.judges.{function}",
            _source(stream),
            values=values,
            limits=limits,
            on_line=on_line,
            keeps_open=(held,),
        )
    with suppress(ValueError):
        stream.seek(0)


def _source(stream: IO[bytes]) -> Path | IO[bytes]:
    # Django's large uploads are files already.
    path = getattr(stream, "temporary_file_path", None)
    return Path(path()) if path is not None else stream
