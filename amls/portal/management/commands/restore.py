"""`manage.py restore`: a backup into an empty installation."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from amls.core import clock
from amls.portal.backup.postgres import BackupError, cleaned_up_when_stopped
from amls.portal.backup.restoring import restore_backup


class Command(BaseCommand):
    """Thin: `amls.portal.backup` does it."""

    help = "Fills an empty database and an empty MEDIA_ROOT from a backup, and holds all mail back."
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the folder."""
        parser.add_argument("source", type=Path, help="The folder that `backup` wrote.")

    def handle(self, **options: Any) -> None:
        """Restore it and say what to do next.

        Raises:
            CommandError: it can't be restored here.
        """
        try:
            with cleaned_up_when_stopped():
                manifest = restore_backup(options["source"], now=clock.now())
        except BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"Restored as of {manifest['made_at']}. Next: `manage.py verify {options['source']}`, `manage.py migrate` where this "
            "release is newer, `manage.py createcachetable`; start everything. All mail is held back: `manage.py release_mail` lets it go."
        )
