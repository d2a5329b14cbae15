"""Set a real installation up: the first account and, if wanted, the first course."""

import getpass
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import transaction

from amls.core import clock
from amls.courses.models import Course, Role, User
from amls.courses.participation import enrol
from amls.portal.takeover.apply import import_course
from amls.portal.takeover.course_files import read_course_file
from amls.portal.takeover.spec import CourseFileError, CourseSpec


class Command(BaseCommand):
    """See interfaces: for a real installation, without demo data."""

    help = "Makes the first account, who runs the installation, and the first course; asks for what is not given."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take everything that it would ask for."""
        parser.add_argument("--email", help="Address of the first account.")
        parser.add_argument("--name", help="Its name.")
        parser.add_argument("--password", help="Its password; empty: sign-in by code and passkey only.")
        parser.add_argument("--course", metavar="FILE", help="A course page or course.toml for the first course.")
        parser.add_argument("--title", help="Without a file: title of the first course.")
        parser.add_argument("--term", help="Without a file: its term, such as SS2026.")
        parser.add_argument("--slug", help="Address of the first course.")
        parser.add_argument(
            "--no-input", action="store_true", help="Ask nothing; what is missing is an error or left out."
        )

    def handle(self, **options: Any) -> None:
        """Make both or nothing."""
        asks = not options["no_input"] and sys.stdin.isatty()
        email = self._email(options["email"] or (input("E-mail address of the first account: ") if asks else ""))
        name = options["name"] or (input("Name: ") if asks else "")
        password = options["password"]
        if password is None:
            password = getpass.getpass("Password (empty: sign in by code only): ") if asks else ""
        self._check_password(password)
        spec = self._course(options, asks=asks)
        with transaction.atomic():
            user = User.objects.filter(email__iexact=email).first()
            if user is None:
                user = User.objects.create_user(email, password or None, display_name=name, is_superuser=True)
                EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
                self.stdout.write(f"Account {email} runs this installation.")
            else:
                self.stdout.write(f"Account {email} is there already and stays as it is.")
            if spec is not None:
                try:
                    import_course(spec=spec, slug=options["slug"], now=clock.now())
                except CourseFileError as error:
                    raise CommandError("Nothing was written.\n" + "\n".join(error.problems)) from error
                course = Course.objects.get(slug=options["slug"] or spec.slug)
                enrol(user=user, course=course, role=Role.LECTURER)
                self.stdout.write(f"Course /{course.slug}/ is a draft; publish it at the desk.")

    def _email(self, email: str) -> str:
        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandError(f"'{email}' is not an e-mail address. Give one with --email.") from error
        return email.lower()

    def _check_password(self, password: str) -> None:
        if not password:
            return
        try:
            validate_password(password)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error

    def _course(self, options: dict[str, Any], *, asks: bool) -> CourseSpec | None:
        try:
            if options["course"]:
                path = Path(options["course"])
                return read_course_file(
                    path.read_bytes(), slug=options["slug"], today=clock.now().date(), name=path.name
                )
        except OSError as error:
            raise CommandError(f"{options['course']} can't be read: {error}") from error
        except CourseFileError as error:
            raise CommandError("Nothing was written.\n" + "\n".join(error.problems)) from error
        title = options["title"] or (input("Title of the first course (empty: none yet): ") if asks else "")
        if not title:
            return None
        term = options["term"] or (input("Term, such as SS2026: ") if asks else "")
        slug = options["slug"] or (input("Address, such as amls-ss2026: ") if asks else "")
        if not term or not slug:
            raise CommandError("The first course needs --term and --slug as well.")
        return CourseSpec(slug=slug, title=title, term=term)
