"""`python -m amls.web …`, with granian's own options: the web server, which loads the site before it makes its processes.

They have then in common what never changes, code and settings: a second process costs a third of the memory, and one that
takes the place of another is there at once.
"""

import gc
import sys
from importlib import import_module

from granian.cli import cli, entrypoint

from amls.core.listening import try_port
from amls.core.preloading import collect_seldom, keep_what_is_loaded, load_in_common
from amls.core.temporary import use_own_folder


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


def require_free_port(arguments: list[str]) -> None:
    """End with a sentence where another program listens on the port that granian's options name.

    Args:
        arguments: granian's, without the program's name; what they leave out may stand in the environment.
    """
    options = cli.make_context("granian", list(arguments), resilient_parsing=True, auto_envvar_prefix="GRANIAN").params
    if options["uds"] is not None:
        return
    try:
        try_port(options["host"], options["port"])
    except OSError as error:
        sys.exit(
            f"The web server can't listen on {options['host']}:{options['port']} ({error.strerror}). "
            "End the program that does, such as an AMLS that still runs, or choose another port with --port."
        )


if __name__ == "__main__":
    require_free_port(sys.argv[1:])
    use_own_folder()
    preload(sys.argv[-1])
    entrypoint()  # type: ignore[no-untyped-call]
