"""The alarm that a stored file is missing."""

import threading
import time

from amls.core.doorbell import ring

# Looking through the whole storage is worth it once an hour, however many people ask for a file.
_EVERY = 3600.0
_lock = threading.Lock()
_told_at: float | None = None


def tell_of_missing() -> None:
    """Have the worker compare storage and rows, and tell those who run the site; each process asks once an hour."""
    global _told_at  # noqa: PLW0603 - what this process remembers
    with _lock:
        if _told_at is not None and time.monotonic() - _told_at < _EVERY:
            return
        _told_at = time.monotonic()
    ring("amls.portal.tasks.look_for_strays")
