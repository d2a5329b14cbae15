"""Make or update a course from whatever a lecturer has."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from amls.core import clock
from amls.courses.models import Course
from amls.portal.takeover.apply import import_course
from amls.portal.takeover.course_files import spec_of
from amls.portal.takeover.fetching import fetch
from amls.portal.takeover.joining import make_slug, to_spec
from amls.portal.takeover.sources import read_source
from amls.portal.takeover.spec import CourseFileError, CourseSpec
from amls.portal.takeover.toml import load_toml
from amls.portal.takeover.understanding.interpret import understand
from amls.portal.takeover.understanding.results import Understood

_OPEN_QUESTIONS = 3
# Options that answer what a source leaves open.
_ANSWERS = ("year", "term", "title", "zone", "order", "first_week")


class Command(BaseCommand):
    """It says what changes, writes all or nothing, and asks for what is missing; a second run changes nothing."""

    help = (
        "Makes or updates a course from a course page (text, HTML, Markdown), CSV, XLSX, ICS, YAML, JSON, DOCX, a course.toml, "
        "or the https address of one of them, and prints what changes. What is missing is listed with the option that "
        "answers it; then nothing is written, and the exit code is 3."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the source and what it may not say."""
        parser.add_argument(
            "source", metavar="SOURCE", help="The file to read, its https address, or - for standard input."
        )
        parser.add_argument("--slug", help="Address of the course; by default made of title and term.")
        parser.add_argument("--year", type=int, help="Year in which the term begins, if the source doesn't say.")
        parser.add_argument("--term", help="The term, such as 'SS2024' or 'Fall 2024'.")
        parser.add_argument("--title", help="What the course is called.")
        parser.add_argument("--zone", help="Its time zone, such as 'Europe/Berlin'.")
        parser.add_argument(
            "--slot",
            action="append",
            default=[],
            metavar="SLOT",
            help="A weekly time, such as 'tuesday 10:15-11:45 H 0107' or 'exercise friday 14-16'; may be given several times.",
        )
        parser.add_argument(
            "--order", choices=["dm", "md"], help="Whether days such as 3/4 begin with the day or the month."
        )
        parser.add_argument(
            "--first-week",
            metavar="DATE",
            help="A day of the first teaching week, such as 2024-09-02, if rows name only their week.",
        )
        parser.add_argument(
            "--answer",
            action="append",
            default=[],
            metavar="ID=VALUE",
            help="The answer to any other question, or a correction, by its id; may be given several times.",
        )
        parser.add_argument("--dry-run", action="store_true", help="Print what would change, and change nothing.")
        parser.add_argument("--json", action="store_true", help="Print what was understood as JSON.")

    def handle(self, **options: Any) -> None:
        """Read, understand, ask or compare and apply."""
        try:
            spec = self._spec(options)
            diff = import_course(spec=spec, slug=options["slug"], now=clock.now(), dry_run=options["dry_run"])
        except CourseFileError as error:
            raise CommandError("Nothing was written.\n" + "\n".join(error.problems)) from error
        for warning in diff.warnings:
            self.stderr.write(f"Warning: {warning}")
        if options["json"]:
            return
        self.stdout.write(str(diff))
        if options["dry_run"] and diff:
            self.stdout.write("Nothing was written: this was a dry run.")

    def _spec(self, options: dict[str, Any]) -> CourseSpec:
        content, name, base = _content(options["source"])
        source = read_source(content, name=name, base=base)
        if source.container == "toml":
            _refuse_what_a_course_file_says(options)
            return load_toml(source.text)
        answers = _answers(options)
        understood = understand(source, answers, today=clock.now().date())
        known = Course.objects.filter(slug=options["slug"] or make_slug(understood.title, understood.term)).first()
        if known is not None and "zone" not in answers:
            # A course that there is has its zone.
            understood = understand(source, {**answers, "zone": known.timezone}, today=clock.now().date())
        if options["json"]:
            self.stdout.write(
                json.dumps(
                    asdict(understood) | {"counts": understood.counts}, default=_plain, indent=1, ensure_ascii=False
                )
            )
        if understood.open_questions and (understood.sessions or understood.exams):
            raise CommandError(_questions(understood), returncode=_OPEN_QUESTIONS)
        spec_of(understood, source, slug=options["slug"], year=options["year"])
        return to_spec(understood, slug=options["slug"])


def _refuse_what_a_course_file_says(options: dict[str, Any]) -> None:
    given = [f"--{name.replace('_', '-')}" for name in (*_ANSWERS, "slot", "answer", "json") if options[name]]
    if given:
        raise CommandError(
            f"Nothing was written: {', '.join(given)} can't be given with a course.toml, which says all of it itself. Change it there."
        )


def _content(source: str) -> tuple[bytes, str, str]:
    """Return what the source holds, its name, and its address where it has one."""
    if source == "-":
        return sys.stdin.buffer.read(), "", ""
    if "://" in source:
        fetched = fetch(source)
        return fetched.content, fetched.name, fetched.address
    path = Path(source)
    try:
        return path.read_bytes(), path.name, ""
    except OSError as error:
        raise CommandError(f"{path.absolute()} can't be read: {error.strerror}.") from error


def _answers(options: dict[str, Any]) -> dict[str, str]:
    answers = {name.replace("_", "-"): str(options[name]) for name in _ANSWERS if options[name]}
    if options["slot"]:
        answers["slots"] = "\n".join(options["slot"])
    for given in options["answer"]:
        name, separator, value = given.partition("=")
        if not separator:
            raise CommandError(f"--answer takes ID=VALUE; '{given}' has no '='.")
        answers[name] = value
    return answers


def _questions(understood: Understood) -> str:
    lines = ["Nothing was written: the source leaves questions open."]
    for question in understood.open_questions:
        option = question.option or f"--answer '{question.id}=…'"
        preset = f" (perhaps: {', '.join(question.preset.splitlines())})" if question.preset else ""
        lines.append(f"- {question.words}{preset} Answer with {option}")
        lines += [f"    {value}: {label}" for value, label in question.choices if value != label]
    lines += [f"Warning: {warning}" for warning in understood.warnings]
    return "\n".join(lines)


def _plain(value: object) -> str:
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(type(value).__name__)
