"""`manage.py adopt_storage`: the folder or bucket of uploads is the one of this installation."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from amls.files.marks import adopt_storage
from amls.files.storing import MARK


class Command(BaseCommand):
    """Thin: `amls.files.marks` does it."""

    help = (
        f"Writes the file {MARK} into the storage of uploads, by which each node knows that it is the one of this "
        "installation. Needed where its files were copied elsewhere without it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take whether it is right that no file is there."""
        parser.add_argument(
            "--without-files",
            action="store_true",
            help="Also where none of the files is there that were stored: they are lost, and it begins anew.",
        )

    def handle(self, **options: Any) -> None:
        """Mark it.

        Raises:
            CommandError: no file of this installation is there, or it can't be written to.
        """
        try:
            is_marked = adopt_storage(without_files=options["without_files"])
        except OSError as error:
            raise CommandError(f"The storage can't be marked: {error.strerror or error}.") from error
        if not is_marked:
            raise CommandError(
                f"Nothing was written: none of the files that this installation stored is in {settings.MEDIA_ROOT}, or in the "
                "bucket of MEDIA_URL. Mount its disk, or set it to the right one. Give --without-files where they are lost."
            )
        self.stdout.write("The storage is marked as that of this installation.")
