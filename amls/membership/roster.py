"""Rosters as universities and offices hand them out: CSV or XLSX of whatever dialect, encoding and language."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from amls.core.text import clean_line, clean_name
from amls.core.violations import RuleViolation
from amls.courses.matching import Participants
from amls.courses.models import Course, Enrolment, RosterEntry, User
from amls.courses.numbers import fuller_number, looks_like_a_number, plain_number
from amls.courses.participation import follow_roster, join_waiting
from amls.courses.services import lock_course
from amls.courses.spellings import fuller_name, said_of_lost_letters
from amls.courses.validators import is_a_name
from amls.files.models import ImportedRow
from amls.files.tables.imports import Imported, import_or_show, need_unchanged, takes_back
from amls.files.tables.meanings import EMAIL, NAMES, NUMBER
from amls.files.tables.people import names_are_turned, number_of, person_name
from amls.files.tables.plan import LineProblem, Plan, PlanLine, changes_of, problems_of
from amls.files.tables.table import HowToRead, Row, Table, Upload, read_table
from amls.membership.claims import claim_for_enrolled

KIND = "courses.roster"
MEANINGS = (EMAIL, *NAMES, NUMBER)


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One person of a roster."""

    line: int
    email: str
    name: str
    matriculation_number: str


@dataclass(frozen=True, kw_only=True)
class RosterPlan(Plan):
    """What an import of a roster does.

    Attributes:
        joined: how many have an account and join at once.
        claimed: about how many the staff are asked whether they are the same person.
    """

    joined: int = 0
    claimed: int = 0

    @property
    def can_be_taken_back(self) -> bool:
        """Whether it does more than put people on the roster who join by it at once: these stay."""
        return len(self.lines) > self.joined


def read_roster(content: bytes, how: HowToRead | None = None) -> tuple[Table, list[RosterRow], list[LineProblem]]:
    """Return a roster as understood, its people, and what is wrong with which line.

    Args:
        content: CSV or XLSX; columns in any order, named in English or German.
        how: what somebody chose, where several readings fit.

    Raises:
        RuleViolation: it is no table.
    """
    table = read_table(content, MEANINGS, needs=[["email"]], how=how)
    rows: list[RosterRow] = []
    problems = problems_of(table)
    seen: dict[str, int] = {}
    is_turned = names_are_turned(table)
    for line in table.rows if table.is_clear else ():
        try:
            row = _row(line, is_turned=is_turned)
            _check(row, seen)
        except RuleViolation as violation:
            problems.append(LineProblem(line.line, str(violation.message)))
        else:
            seen[row.email] = row.line
            rows.append(row)
    return table, rows, problems


def _row(row: Row, *, is_turned: bool) -> RosterRow:
    name = clean_name(person_name(row, is_turned=is_turned))
    return RosterRow(row.line, _address(row), name, number_of(row))


def _address(row: Row) -> str:
    return clean_line(row["email"]).lower()


def _check(row: RosterRow, seen: dict[str, int]) -> None:
    """Refuse a row that is none; a RuleViolation says why."""
    try:
        validate_email(row.email)
    except ValidationError as error:
        problem = _("'%(email)s' is not an e-mail address.") % {"email": row.email[:80]}
        raise RuleViolation(problem, code="no-address") from error
    if row.email in seen:
        problem = _("%(email)s stands on line %(line)d already.") % {"email": row.email, "line": seen[row.email]}
        raise RuleViolation(problem, code="twice")
    if len(row.name) > 150 or len(row.matriculation_number) > 20:
        raise RuleViolation(_("the name or the matriculation number is too long."), code="too-long")
    if row.matriculation_number and not looks_like_a_number(row.matriculation_number):
        problem = _("'%(number)s' is no matriculation number. Copy it from the student ID.")
        raise RuleViolation(problem % {"number": row.matriculation_number}, code="no-number")
    try:
        is_a_name(row.name)
    except ValidationError as error:
        problem = _("'%(name)s' is no name: a name has no addresses in it.") % {"name": row.name}
        raise RuleViolation(problem, code="no-name") from error


def _contradictions(rows: list[RosterRow], known: dict[str, RosterEntry], course: Course) -> list[LineProblem]:
    """Return which lines give a number that the roster or the course's staff know to be another's."""
    numbers = {email: entry.matriculation_number for email, entry in known.items()}
    numbers |= {row.email: row.matriculation_number for row in rows if row.matriculation_number}
    bearers: dict[str, list[str]] = defaultdict(list)
    for email, number in numbers.items():
        bearers[plain_number(number)].append(email)
    verified = Participants(course).verified
    problems: list[LineProblem] = []
    for row in rows:
        plain = plain_number(row.matriculation_number)
        if plain and (problem := _contradiction(row, known.get(row.email), bearers[plain], verified.get(plain, []))):
            problems.append(LineProblem(row.line, problem))
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
    if any(bearer.pk != entry.enrolment_id for bearer in verified):
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


def import_roster(
    *,
    course: Course,
    upload: Upload,
    now: datetime,
    by: User | None = None,
    dry_run: bool = False,
    expected: str = "",
    joins: bool = True,
) -> RosterPlan:
    """Put the people of a table on the course's roster; lines that are wrong are left out.

    Who is on it already is brought up to date, and so is a number that this roster had verified. Whoever has an account
    joins as `join_known` says. A second run changes nothing.

    Args:
        course: whose roster.
        upload: the table.
        now: the request's clock.
        by: who imports.
        dry_run: whether it is only to be shown.
        expected: the seal of the plan that was shown; with another one nothing is written.
        joins: whether accounts join at once; else it is left to a later `join_known`.

    Raises:
        RuleViolation: it is no table.
    """
    table, rows, problems = read_roster(upload.content, upload.how)
    if not table.is_clear:
        return RosterPlan(table=table, problems=problems)

    def put() -> tuple[RosterPlan, list[Imported]]:
        locked = lock_course(course.pk)
        entries = RosterEntry.objects.filter(course=locked).select_related("enrolment__user")
        known = {entry.email.lower(): entry for entry in entries}
        named = {_address(row) for row in table.rows}
        left = [str(entry) for email, entry in known.items() if email not in named]
        contradictions = _contradictions(rows, known, locked)
        contradicted = {contradiction.line for contradiction in contradictions}
        clear = [row for row in rows if row.line not in contradicted]
        lines, kept = list[PlanLine](), list[Imported]()
        for row in clear:
            line, imported = _put(locked, row, known.get(row.email))
            if line is not None and imported is not None:
                lines.append(line)
                kept.append(imported)
        emails = [row.email for row in clear]
        joined, claimed = join_known(course=locked, emails=emails, now=now) if joins else (0, 0)
        standing = [known[email].pk for email in emails if email in known]
        gone = RosterEntry.objects.filter(pk__in=standing, enrolment__isnull=True, left_by__isnull=False)
        plan = RosterPlan(
            table=table,
            lines=lines,
            unchanged=len(clear) - len(lines),
            problems=sorted([*problems, *contradictions], key=lambda problem: problem.line),
            left=left,
            joined=joined,
            claimed=claimed,
            notes=[
                *said_of_lost_letters(row.name for row in clear),
                *_notes(joined, claimed, gone.count() if joins else 0),
            ],
        )
        return plan, kept

    return import_or_show(
        put, course_id=course.pk, kind=KIND, upload=upload, by=by, now=now, dry_run=dry_run, expected=expected
    )


def join_known(*, course: Course, emails: Iterable[str], now: datetime) -> tuple[int, int]:
    """Let accounts join by the roster; return how many did, and about how many more the staff are asked.

    Accounts with one of `emails` as a confirmed address are enrolled, unless they left; about who is enrolled with
    another address and has a number of the roster the staff are asked.
    """
    joined = 0
    with transaction.atomic():
        for address in EmailAddress.objects.filter(email__in=list(emails), verified=True).select_related("user"):
            rows = RosterEntry.objects.filter(course=course, email__iexact=address.email)
            joined += len(join_waiting(user=address.user, entries=rows))
        return joined, claim_for_enrolled(course=course, now=now)


def _put(course: Course, row: RosterRow, entry: RosterEntry | None) -> tuple[PlanLine | None, Imported | None]:
    """Write one row; return what it changes, nothing where it changes nothing."""
    before = _values(entry) if entry is not None else {}
    subject = f"{row.name} <{row.email}>" if row.name else row.email
    if entry is None:
        entry = RosterEntry(course=course, email=row.email)
    entry.name = fuller_name(row.name, entry.name)
    entry.matriculation_number = fuller_number(row.matriculation_number, entry.matriculation_number)
    after = _values(entry)
    if after == before:
        return None, None
    entry.save()
    if before:
        follow_roster(entry, former=before["matriculation_number"])
    labels = {"name": _("name"), "matriculation_number": _("matriculation number")}
    changes = changes_of(
        {labels[name]: before.get(name, "") for name in labels}, {labels[name]: after[name] for name in labels}
    )
    line = PlanLine(row.line, subject, is_new=not before, changes=changes)
    return line, Imported(row.line, subject, entry.pk, before or None, after)


def _values(entry: RosterEntry) -> dict[str, Any]:
    return {"email": entry.email, "name": entry.name, "matriculation_number": entry.matriculation_number}


def _notes(joined: int, claimed: int, gone: int) -> list[str]:
    notes = []
    if joined:
        notes.append(
            ngettext(
                "%(count)d has an account and joins at once.", "%(count)d have an account and join at once.", joined
            )
            % {"count": joined}
        )
    if claimed:
        notes.append(
            ngettext(
                "%(count)d person is enrolled with another address and has a matriculation number of this roster: "
                "you are asked to confirm that it is the same person.",
                "%(count)d people are enrolled with other addresses and have matriculation numbers of this roster: "
                "you are asked to confirm that they are the same people.",
                claimed,
            )
            % {"count": claimed}
        )
    if gone:
        notes.append(
            ngettext(
                "%(count)d person left the course or was taken out of it, and stays out until they ask to join. "
                "Invite them by mail to have them back.",
                "%(count)d people left the course or were taken out of it, and stay out until they ask to join. "
                "Invite them by mail to have them back.",
                gone,
            )
            % {"count": gone}
        )
    return notes


@takes_back(KIND, gettext_lazy("Roster"))
def take_back(row: ImportedRow, by: User, now: datetime) -> None:
    """Take an entry off the roster again, or give it the values that it had.

    Raises:
        RuleViolation: it was changed since, or somebody joined by it.
    """
    entry = RosterEntry.objects.select_for_update(of=("self",)).filter(pk=row.object_id).first()
    need_unchanged(row, _values(entry) if entry is not None else None)
    assert entry is not None  # noqa: S101 - looked at above
    if row.before is not None:
        former = entry.matriculation_number
        entry.name, entry.matriculation_number = row.before["name"], row.before["matriculation_number"]
        entry.save()
        follow_roster(entry, former=former)
    elif entry.enrolment_id is not None:
        # In the same words for all, so that it is said once.
        said = _("Who has joined the course by it stays. Take them out under 'Enrolments' first, if that was wrong.")
        way = reverse("admin:courses_enrolment_changelist")
        raise RuleViolation(format_html('{} <a href="{}">{}</a>', said, way, _("Enrolments")), code="has-joined")
    else:
        entry.delete()
