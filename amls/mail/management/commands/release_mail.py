"""`manage.py release_mail`: after a restore, let mail leave again."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from amls.core import clock
from amls.mail.hold import is_held, release_mail


class Command(BaseCommand):
    """What the lost installation had sent is not sent again."""

    help = "Lets mail leave again after a restore."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what had been sent before."""
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument(
            "--lost-at", metavar="ISO", help="When the installation was lost: what had come due until then was sent."
        )
        which.add_argument(
            "--nothing-was-sent", action="store_true", help="Nothing was sent since the backup: send all."
        )

    def handle(self, **options: Any) -> None:
        """Release it.

        Raises:
            CommandError: no mail is held back, or the time can't be read or is still to come.
        """
        if not is_held():
            raise CommandError("No mail is held back.")
        now = clock.now()
        lost_at = None
        if options["lost_at"]:
            try:
                lost_at = datetime.fromisoformat(options["lost_at"]).astimezone()
            except ValueError as error:
                raise CommandError("Write the time as 2026-11-28T14:30+01:00.") from error
            if lost_at > now:
                raise CommandError("--lost-at is still to come: name the time at which the installation was lost.")
        dropped = release_mail(lost_at=lost_at, now=now)
        self.stdout.write(f"Mail leaves again; {dropped} that had been sent before are not sent again.")
