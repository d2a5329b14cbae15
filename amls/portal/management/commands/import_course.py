"""Make or update a course from a course page or a course.toml."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from amls.core import clock
from amls.portal.takeover.apply import import_course
from amls.portal.takeover.reading import read_course_file
from amls.portal.takeover.spec import CourseFileError


class Command(BaseCommand):
    """See interfaces: a diff of what changes; a second run changes nothing; nothing half-written."""

    help = "Makes or updates a course from a course page (text or HTML) or a course.toml, and prints what changes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file and what it may not say."""
        parser.add_argument("file", help="The file to read; - for standard input.")
        parser.add_argument("--slug", help="Address of the course; by default made of title and term.")
        parser.add_argument("--year", type=int, help="Year in which the term begins, if the page doesn't say.")
        parser.add_argument("--dry-run", action="store_true", help="Print what would change, and change nothing.")

    def handle(self, **options: Any) -> None:
        """Read, compare, apply."""
        name: str = options["file"]
        try:
            text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{name} can't be read: {error}") from error
        try:
            spec = read_course_file(text, slug=options["slug"], year=options["year"])
            diff = import_course(spec=spec, slug=options["slug"], now=clock.now(), dry_run=options["dry_run"])
        except CourseFileError as error:
            raise CommandError("Nothing was written.\n" + "\n".join(error.problems)) from error
        for warning in diff.warnings:
            self.stderr.write(f"Warning: {warning}")
        self.stdout.write(str(diff))
        if options["dry_run"] and diff:
            self.stdout.write("Nothing was written: this was a dry run.")
