"""How many children there are at once, over all processes of a machine."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

_LOOK_EVERY_SECONDS = 0.03


class NoPlaceError(Exception):
    """All places are taken, and stayed so."""


@contextmanager
def place(shelf: str, *, most: int, patience: float) -> Iterator[int]:
    """Hold one of several places that the processes of this machine share.

    Yields the file descriptor that holds it: whoever has it open too, such as a child, holds the
    place until it ends, also where this process dies first.

    Args:
        shelf: which places.
        most: how many there are.
        patience: seconds to wait for one.

    Raises:
        NoPlaceError: none became free.
    """
    folder = settings.VAR_DIR / "places"
    folder.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + patience
    while True:
        for number in range(most):
            held = os.open(folder / f"{shelf}-{number}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                try:
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                yield held
                return
            finally:
                os.close(held)
        if time.monotonic() >= until:
            raise NoPlaceError(shelf)
        time.sleep(_LOOK_EVERY_SECONDS)
