"""Rosters as universities hand them out: CSV of whatever delimiter, encoding and language."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from amls.core.text import clean_line, clean_name
from amls.core.violations import RuleViolation
from amls.courses.matching import Participants
from amls.courses.models import Course, Enrolment, RosterEntry
from amls.courses.numbers import looks_like_a_number, plain_number
from amls.courses.services import follow_roster, join_roster_entries, lock_course
from amls.courses.validators import is_a_name
from amls.files.csvtext import read_csv
from amls.membership.claims import claim_for_enrolled

_COLUMNS = {
    "email": {"email", "e-mail", "mail", "e-mail-adresse", "email address", "e-mail address", "mailadresse"},
    "name": {"name", "full name", "vollständiger name", "display name"},
    "first_name": {"first name", "vorname", "given name"},
    "last_name": {"last name", "nachname", "surname", "family name", "familienname"},
    "matriculation_number": {
        "matriculation number", "matriculation", "matrikelnummer", "matrikel", "matrikelnr", "matrikelnr.", "mtknr", "student id",
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One person of a roster."""

    line: int
    email: str
    name: str
    matriculation_number: str


@dataclass(frozen=True, slots=True)
class RosterResult:
    """What an import does: counts, and what is wrong with which line."""

    added: int
    changed: int
    unchanged: int
    joined: int
    claimed: int
    problems: list[str]


def read_roster(content: bytes) -> tuple[list[RosterRow], list[str]]:
    """Return the rows of a roster and the problems, each with its line.

    Args:
        content: UTF-8 with or without BOM, or Latin-1; columns in any order, named in
            English or German; separated by comma, semicolon or tab.
    """
    try:
        numbered = read_csv(content)
    except RuleViolation as violation:
        return [], [str(violation.message)]
    if not numbered:
        return [], [_("The file is empty.")]
    header = [clean_line(cell).lower() for cell in numbered[0][1]]
    columns = {name: header.index(word) for name, words in _COLUMNS.items() for word in words if word in header}
    if "email" not in columns:
        return [], [_("Line 1: no column is named 'e-mail'. The first line must name the columns.")]
    rows: list[RosterRow] = []
    problems: list[str] = []
    seen: dict[str, int] = {}
    for number, cells in numbered[1:]:
        if not any(clean_line(cell) for cell in cells):
            continue
        row = _row(cells, columns, number)
        problem = _problem(row, seen)
        if problem:
            problems.append(_("Line %(line)d: %(problem)s") % {"line": row.line, "problem": problem})
        else:
            seen[row.email] = row.line
            rows.append(row)
    return rows, problems


def _row(cells: list[str], columns: dict[str, int], line: int) -> RosterRow:
    def cell(name: str) -> str:
        index = columns.get(name)
        return clean_line(cells[index]) if index is not None and index < len(cells) else ""

    name = cell("name") or f"{cell('first_name')} {cell('last_name')}".strip()
    return RosterRow(line, cell("email").lower(), clean_name(name), cell("matriculation_number"))


def _problem(row: RosterRow, seen: dict[str, int]) -> str:
    try:
        validate_email(row.email)
    except ValidationError:
        return _("'%(email)s' is not an e-mail address.") % {"email": row.email}
    if row.email in seen:
        return _("%(email)s stands on line %(line)d already.") % {"email": row.email, "line": seen[row.email]}
    if len(row.name) > 150 or len(row.matriculation_number) > 20:
        return _("the name or the matriculation number is too long.")
    if row.matriculation_number and not looks_like_a_number(row.matriculation_number):
        return _("'%(number)s' is no matriculation number. Copy it from the student ID.") % {
            "number": row.matriculation_number
        }
    try:
        is_a_name(row.name)
    except ValidationError:
        return _("'%(name)s' is no name: a name has no addresses in it.") % {"name": row.name}
    return ""


def _contradictions(rows: list[RosterRow], known: dict[str, RosterEntry], course: Course) -> list[str]:
    """Return which lines give a number that the roster or the course's staff know to be another's."""
    numbers = {email: entry.matriculation_number for email, entry in known.items()}
    numbers |= {row.email: row.matriculation_number for row in rows if row.matriculation_number}
    bearers: dict[str, list[str]] = defaultdict(list)
    for email, number in numbers.items():
        bearers[plain_number(number)].append(email)
    verified = Participants(course).verified
    problems = []
    for row in rows:
        plain = plain_number(row.matriculation_number)
        if plain and (problem := _contradiction(row, known.get(row.email), bearers[plain], verified.get(plain, []))):
            problems.append(_("Line %(line)d: %(problem)s") % {"line": row.line, "problem": problem})
    return problems


def _contradiction(row: RosterRow, entry: RosterEntry | None, bearers: list[str], verified: list[Enrolment]) -> str:
    number = row.matriculation_number
    others = [email for email in bearers if email != row.email]
    if others:
        return _("%(number)s is the number of %(email)s as well. Correct one of the two.") % {
            "number": number,
            "email": others[0],
        }
    if entry is None or entry.enrolment is None:
        return ""
    if any(one.pk != entry.enrolment_id for one in verified):
        return _("%(number)s is verified for %(person)s, who is not %(email)s. Correct one of the two.") % {
            "number": number,
            "person": verified[0].user,
            "email": row.email,
        }
    checked = plain_number(entry.enrolment.verified_number)
    if checked not in ("", plain_number(number), plain_number(entry.matriculation_number)):
        return _("the staff have checked %(checked)s for %(person)s, not %(number)s. Correct one of the two.") % {
            "checked": entry.enrolment.verified_number,
            "person": entry.enrolment.user,
            "number": number,
        }
    return ""


def import_roster(*, course: Course, content: bytes, now: datetime, dry_run: bool = False) -> RosterResult:
    """Put the people of a CSV file on the course's roster; with a problem on any line nothing is written.

    Who is on it already is brought up to date, and so is a number that this roster had verified. Accounts with such a confirmed address are
    enrolled at once; about who is enrolled with another address and has a number of the roster the staff are asked.
    A second run changes nothing.
    """
    rows, problems = read_roster(content)
    if problems:
        return RosterResult(0, 0, 0, 0, 0, problems)
    added = changed = joined = 0
    with transaction.atomic():
        course = lock_course(course.pk)
        entries = RosterEntry.objects.filter(course=course).select_related("enrolment__user")
        known = {entry.email.lower(): entry for entry in entries}
        if problems := _contradictions(rows, known, course):
            return RosterResult(0, 0, 0, 0, 0, problems)
        for row in rows:
            entry = known.get(row.email)
            values = {"name": row.name, "matriculation_number": row.matriculation_number}
            if entry is None:
                RosterEntry.objects.create(course=course, email=row.email, **values)
                added += 1
            elif any(getattr(entry, name) != value for name, value in values.items() if value):
                former = entry.matriculation_number
                for name, value in values.items():
                    setattr(entry, name, value or getattr(entry, name))
                entry.save()
                follow_roster(entry, former=former)
                changed += 1
        emails = [row.email for row in rows]
        for address in EmailAddress.objects.filter(email__in=emails, verified=True).select_related("user"):
            joined += len(join_roster_entries(user=address.user, email=address.email))
        claimed = claim_for_enrolled(course=course, now=now)
        if dry_run:
            transaction.set_rollback(True)
    return RosterResult(added, changed, len(rows) - added - changed, joined, claimed, [])
