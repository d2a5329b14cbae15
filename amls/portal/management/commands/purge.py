"""`manage.py purge`: delete what has been kept long enough."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.template.defaultfilters import filesizeformat

from amls.core import clock
from amls.portal.growth import table_sizes
from amls.privacy.registry import retentions


class Command(BaseCommand):
    """Goes through every kind of data with a time limit."""

    help = "Deletes what has been kept long enough, by the retention of each kind of data."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take whether to count only."""
        parser.add_argument("--dry-run", action="store_true", help="Count what would go; delete nothing.")
        parser.add_argument(
            "--tables", action="store_true", help="Only list every table, its size, and how long it keeps what."
        )

    def handle(self, **options: Any) -> None:
        """Delete or count, kind by kind."""
        if options["tables"]:
            for table in table_sizes():
                self.stdout.write(f"{filesizeformat(table.size):>10}  {table.rows:>9}  {table.label}  ({table.kept})")
            return
        now = clock.now()
        for retention in retentions():
            count = retention.purge(now, options["dry_run"])
            self.stdout.write(f"{count:>8}  {retention.name}  ({retention.label}: {retention.period})")
        if options["dry_run"]:
            self.stdout.write("Nothing was deleted.")
