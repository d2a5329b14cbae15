"""The command line: `manage.py` in a checkout, `amls` where AMLS was installed by pip."""

import os
import sys
from contextlib import ExitStack

from django.conf import settings
from django.core.management import execute_from_command_line

from amls.core.preloading import collect_seldom
from amls.embedded import EmbeddedServerError, running

# These need no database, or start the embedded one by themselves.
WITHOUT_DATABASE = {
    "serve",
    "makemessages",
    "compilemessages",
    "collectstatic",
    "help",
    "--help",
    "version",
    "--version",
}


def main() -> None:
    """Run one of Django's or our commands, with the embedded database around it where there is no other."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "amls.settings")
    # What is kept under var/ holds codes, names and work: nobody else on this machine may read it.
    os.umask(0o077)
    # A sixth of what it takes to load the site went by with looking through what stays loaded.
    collect_seldom()
    with ExitStack() as stack:
        if len(sys.argv) > 1 and sys.argv[1] not in WITHOUT_DATABASE and settings.IS_DATABASE_EMBEDDED:
            try:
                stack.enter_context(running(settings.VAR_DIR))
            except EmbeddedServerError as error:
                sys.exit(str(error))
        execute_from_command_line(sys.argv)
