"""`manage.py release_mail`: after a restore, let mail leave again."""

from argparse import ArgumentParser
from contextlib import suppress
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from amls.core import clock
from amls.mail.hold import held_as_of, is_held, release_mail


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
            CommandError: no mail is held back, or the time can't be read, lies before the backup or is still to come.
        """
        if not is_held():
            raise CommandError("No mail is held back.")
        now = clock.now()
        lost_at = None if options["lost_at"] is None else _moment(options["lost_at"])
        if lost_at is not None and lost_at > now:
            raise CommandError("--lost-at is still to come: name the time at which the installation was lost.")
        as_of = held_as_of()
        if lost_at is not None and as_of is not None and lost_at < as_of:
            raise CommandError(
                f"--lost-at is before the backup, which was made at {as_of.isoformat(timespec='minutes')}: name the time at which the "
                "installation was lost. Mail that it had sent after that backup would be sent again."
            )
        dropped = release_mail(lost_at=lost_at, now=now)
        self.stdout.write(f"Mail leaves again; {dropped} that had been sent before are not sent again.")


def _moment(said: str) -> datetime:
    """Return the moment that is meant: a day is none, and neither is a time of day that is another one elsewhere."""
    moment = None
    with suppress(ValueError):
        moment = datetime.fromisoformat(said)
    if moment is None or moment.tzinfo is None:
        raise CommandError(f"'{said}' is no moment: write day, time and zone, as in 2026-11-28T14:30+01:00.")
    return moment
