"""Print a course as a course.toml."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from amls.courses.models import Course
from amls.portal.takeover.export import export_course
from amls.portal.takeover.toml import dump_toml


class Command(BaseCommand):
    """What it prints gives the same course when it is imported."""

    help = "Prints the course.toml of a course."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the course's address."""
        parser.add_argument("slug")

    def handle(self, **options: Any) -> None:
        """Print it."""
        course = Course.objects.filter(slug=options["slug"]).first()
        if course is None:
            known = ", ".join(Course.objects.values_list("slug", flat=True)) or "none"
            raise CommandError(f"There is no course '{options['slug']}'. Courses are: {known}.")
        self.stdout.write(dump_toml(export_course(course)), ending="")
