"""`manage.py verify`: whether this installation is what a backup holds."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from amls.portal.backup.postgres import BackupError
from amls.portal.backup.restoring import verify_backup


class Command(BaseCommand):
    """Thin: `amls.portal.backup` does it."""

    help = "Compares this installation with a backup: rows, files, receipts, feeds."
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the folder."""
        parser.add_argument("source", type=Path, help="The folder that `backup` wrote.")

    def handle(self, **options: Any) -> None:
        """Say in what they differ.

        Raises:
            CommandError: in anything.
        """
        try:
            differences = verify_backup(options["source"])
        except BackupError as error:
            raise CommandError(str(error)) from error
        for line in differences:
            self.stdout.write(line)
        if differences:
            raise CommandError(f"{len(differences)} differences.")
        self.stdout.write("Equal: all rows, all files, all receipts and feeds.")
