"""`manage.py backup`: database, media and keys."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from amls.core import clock
from amls.portal.backup.making import make_backup
from amls.portal.backup.postgres import BackupError, cleaned_up_when_stopped


class Command(BaseCommand):
    """Thin: `amls.portal.backup` does it."""

    help = "Writes a backup: the database, all files, and the key."
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the folder."""
        parser.add_argument(
            "target", type=Path, help="A folder that is not there yet, such as /srv/backups/2026-11-28."
        )

    def handle(self, **options: Any) -> None:
        """Write it and say what is in it.

        Raises:
            CommandError: it can't be written.
        """
        target: Path = options["target"]
        try:
            with cleaned_up_when_stopped():
                manifest = make_backup(target, now=clock.now())
        except BackupError as error:
            raise CommandError(str(error)) from error
        rows = sum(count for count, _sum in manifest["database"]["tables"].values())
        self.stdout.write(
            f"{target}: {rows} rows, {len(manifest['media'])} files. It holds the key: keep it as secret as that."
        )
        for name in manifest["missing"]:
            self.stdout.write(f"missing already  {name}")
