"""`python -m amls.background worker …` and `… beat …`, with Celery's own options: what works in the background.

Celery's program loads all its commands, a shell and what draws it among them, and keeps them: 9 MiB for each worker and beat.
"""

import os

import click
from celery.bin.base import CLIContext
from celery.bin.beat import beat
from celery.bin.worker import worker

from amls.celery import app
from amls.core.preloading import collect_seldom
from amls.core.temporary import use_own_folder


def main() -> None:
    """Run what the arguments name until somebody ends it; nothing is said of how it starts."""
    collect_seldom()
    use_own_folder()
    # Celery has Django check everything at each start, and tells nobody what it said.
    os.environ.setdefault("CELERY_SKIP_CHECKS", "1")
    commands = click.Group(commands={"worker": worker, "beat": beat})
    commands.main(prog_name="amls.background", obj=CLIContext(app=app, no_color=False, workdir=None, quiet=True))


if __name__ == "__main__":
    main()
