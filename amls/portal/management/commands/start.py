"""Set a real installation up: the first account and, if wanted, the first course."""

import getpass
import sys
from argparse import ArgumentParser
from contextlib import suppress
from pathlib import Path
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import transaction

from amls.accounts.services import save_account
from amls.core import clock
from amls.courses.models import Course, Role, User
from amls.courses.participation import enrol
from amls.files.marks import mark_new_storage
from amls.portal.takeover.apply import import_course
from amls.portal.takeover.course_files import read_course_file
from amls.portal.takeover.spec import CourseFileError, CourseSpec


class Command(BaseCommand):
    """For a real installation, which has no demo data; what is there already stays."""

    help = (
        "Makes the first account, who runs the installation, and the first course; asks for what is not given. "
        "What is there already stays as it is: the same command again changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take everything that it would ask for."""
        parser.add_argument("--email", help="Address of the first account.")
        parser.add_argument("--name", help="Its name.")
        parser.add_argument("--password", help="Its password; empty: sign-in by code and passkey only.")
        parser.add_argument(
            "--promote", action="store_true", help="Have an account that is there already run the installation."
        )
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
        known = User.objects.filter(email__iexact=email).first()
        if known is None:
            name = options["name"] or (input("Name: ") if asks else "")
            password = options["password"]
            if password is None:
                password = getpass.getpass("Password (empty: sign in by code only): ") if asks else ""
            self._check_password(password, User(email=email, display_name=name))
        elif not known.is_active:
            raise CommandError(f"Nothing was written: the account {email} is locked. Give another address.")
        elif not known.is_superuser:
            self._ask_to_promote(email, options, asks=asks)
        spec = self._course(options, asks=asks)
        said = []
        with transaction.atomic():
            if known is None:
                known = User.objects.create_user(email, password or None, display_name=name, is_superuser=True)
                EmailAddress.objects.create(user=known, email=email, verified=True, primary=True)
                said.append(f"Account {email} runs this installation.")
            elif known.is_superuser:
                said.append(f"Account {email} runs this installation already, and stays as it is.")
            else:
                known.is_superuser = True
                save_account(known, by=None, now=clock.now())
                said.append(f"Account {email} was there already, and runs this installation from now on.")
            if spec is not None:
                said.append(self._make_course(spec, slug=options["slug"] or spec.slug, lecturer=known))
        for line in said:
            self.stdout.write(line)
        # A folder that can't be written to now is told of by /readyz, and marked by the first upload.
        with suppress(OSError):
            mark_new_storage()

    def _make_course(self, spec: CourseSpec, *, slug: str, lecturer: User) -> str:
        """Make it, unless it is there; return what is so then, in words."""
        there = Course.objects.filter(slug=slug).first()
        if there is not None and (there.title, there.term) == (spec.title, spec.term):
            state = there.get_state_display().lower()
            return f"Course /{slug}/ is there already ({state}), and stays as it is."
        try:
            import_course(spec=spec, slug=slug, now=clock.now(), must_be_new=True)
        except CourseFileError as error:
            raise CommandError("\n".join(["Nothing was written.", *error.problems])) from error
        enrol(user=lecturer, course=Course.objects.get(slug=slug), role=Role.LECTURER)
        return f"Course /{slug}/ is a draft; publish it at the desk."

    def _ask_to_promote(self, email: str, options: dict[str, Any], *, asks: bool) -> None:
        """Make sure that somebody wants an account that is there to run the installation."""
        question = f"{email} has an account that does not run this installation. Shall it from now on? [y/N] "
        if options["promote"] or (asks and input(question).strip().lower() in ("y", "yes")):
            return
        raise CommandError(
            f"Nothing was written: {email} has an account that does not run this installation. "
            "Give --promote to have it do so, or another address."
        )

    def _email(self, email: str) -> str:
        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandError(f"'{email}' is not an e-mail address. Give one with --email.") from error
        return email.lower()

    def _check_password(self, password: str, account: User) -> None:
        if not password:
            return
        try:
            validate_password(password, account)
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
            raise CommandError(f"{Path(options['course']).absolute()} can't be read: {error.strerror}.") from error
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
