"""`python -m amls.web …`, with granian's own options: the web server, which loads the site before it makes its processes.

They have then in common what never changes, code and settings: a second process costs a third of the memory, and one that
takes the place of another is there at once.
"""

import gc
import sys
from importlib import import_module

from granian.cli import entrypoint

from amls.core.preloading import collect_seldom, keep_what_is_loaded, load_in_common


def preload(application: str) -> None:
    """Load all that answers requests, and keep the collector from writing to it, which would copy it for each process.

    Args:
        application: where it is, as `module:name`.
    """
    # What is loaded stays: to look through it for what doesn't, time and again, costs a fifth of the start.
    gc.disable()
    import_module(application.partition(":")[0])
    load_in_common()
    keep_what_is_loaded()
    collect_seldom()
    gc.enable()


if __name__ == "__main__":
    preload(sys.argv[-1])
    entrypoint()  # type: ignore[no-untyped-call]
