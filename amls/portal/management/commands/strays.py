"""`manage.py strays`: files without rows, and rows without files."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from amls.core import clock
from amls.files.rows import find_strays
from amls.portal.strays import delete_unnamed


class Command(BaseCommand):
    """Names what storage and database say of each other that is not so."""

    help = (
        "Names stored files that no row names, and rows whose file is gone. What was stored within the last day is left "
        "alone: it may still get its row."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take whether to delete what no row names."""
        parser.add_argument(
            "--delete", action="store_true", help="Delete the files that no row names, except what teams handed in."
        )

    def handle(self, **options: Any) -> None:
        """Compare, tell, delete."""
        strays = find_strays(now=clock.now())
        for name in strays.missing:
            self.stdout.write(f"missing  {name}")
        deleted = set(delete_unnamed(strays)) if options["delete"] else set()
        for name in strays.unnamed:
            self.stdout.write(f"{'deleted' if name in deleted else 'unnamed'}  {name}")
        self.stdout.write(f"{len(strays.missing)} missing, {len(strays.unnamed)} unnamed, {len(deleted)} deleted.")
        if strays.young:
            self.stdout.write(
                f"{strays.young} more that no row names: stored within the last day, so they may still get one. Left alone."
            )
