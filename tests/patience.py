"""Waiting for what has to come: a busy machine is no fault of what is tested, and where all goes well nobody waits.

Tests wait for the very state that they then assert, by these, and never for a time.
"""

import time
from collections.abc import Callable

# Longer than anything takes that comes at all.
SECONDS = 300.0


def wait_until(condition: Callable[[], object], *, said: Callable[[], str] = str, seconds: float = SECONDS) -> None:
    """Wait until a condition holds.

    Args:
        condition: is asked ten times a second.
        said: what tells why it never does.
        seconds: after which it never will.
    """
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"Not within {seconds:.0f} seconds. {said()}"
        time.sleep(0.1)
