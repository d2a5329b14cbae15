"""Make a course for a new term."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from amls.core import clock
from amls.courses.models import Course
from amls.portal.takeover.rollover import roll_over
from amls.portal.takeover.spec import CourseFileError
from amls.portal.takeover.understanding.resolving import listed_days


class Command(BaseCommand):
    """Dates are shifted by teaching weeks; weekdays and local times are kept, days without teaching skipped."""

    help = "Makes a course for a new term out of an earlier one, as a draft."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take both addresses and the days."""
        parser.add_argument("slug")
        parser.add_argument("new_slug")
        parser.add_argument("--start", type=_day, required=True, help="A day of the first teaching week.")
        parser.add_argument("--last", type=_day, help="The last day, if it doesn't move with the sessions.")
        parser.add_argument(
            "--skip",
            nargs="*",
            action="extend",
            default=[],
            help="Days without teaching, each with its name where it has one, such as '2027-05-17 Whit Monday'; may be given several times.",
        )
        parser.add_argument(
            "--term", default="", help="What the new term is called, if not in the manner of the old one."
        )
        parser.add_argument("--dry-run", action="store_true", help="Print what would be made, and make nothing.")

    def handle(self, **options: Any) -> None:
        """Copy, shift, print."""
        course = Course.objects.filter(slug=options["slug"]).first()
        if course is None:
            raise CommandError(f"There is no course '{options['slug']}'.")
        try:
            names = listed_days("\n".join(options["skip"]), start=options["start"])
        except ValueError as error:
            raise CommandError(f"argument --skip: '{error}' is no day such as 2027-05-17.") from error
        try:
            diff = roll_over(
                course=course,
                new_slug=options["new_slug"],
                start=options["start"],
                skip=list(names),
                names=names,
                last_day=options["last"],
                term=options["term"],
                now=clock.now(),
                dry_run=options["dry_run"],
            )
        except CourseFileError as error:
            raise CommandError("Nothing was written.\n" + "\n".join(error.problems)) from error
        for warning in diff.warnings:
            self.stderr.write(f"Warning: {warning}")
        self.stdout.write(str(diff))
        if options["dry_run"]:
            self.stdout.write("Nothing was written: this was a dry run.")


def _day(said: str) -> date:
    try:
        return date.fromisoformat(said)
    except ValueError as error:
        raise ArgumentTypeError(f"'{said}' is no day such as 2027-04-12.") from error
