"""Who is meant by what was pasted, what each is told, and telling it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from hashlib import sha256
from typing import Any

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from amls.core.addresses import address_of, address_pattern
from amls.core.bounds import Bound, spend
from amls.core.text import clean_name
from amls.core.violations import RuleViolation
from amls.courses.models import Course, Enrolment, RosterEntry, User
from amls.files.tables.imports import imports_of, undo_import
from amls.files.tables.table import Upload
from amls.held.models import HeldAct
from amls.mail.outbox import Told, notify_each
from amls.membership.roster import RosterPlan, import_roster, join_known

# The kind of held act, and of letter.
KIND = "portal.invite"
LETTER = "portal.invited"
MOST = 1000

_INVITATIONS = Bound(
    "portal.invitations",
    most=2 * MOST,
    per=timedelta(days=1),
    message=gettext_lazy("A course invites at most %(most)s people a day. Go on in %(wait)s."),
)
_ADDRESS = address_pattern()
_NUMBER = re.compile(r"(?<![\w.-])\d{5,10}(?![\w.-])")
# What stands around names in what mail programs and spreadsheets copy.
_AROUND = " \t\r\n<>,;:|\"'()[]"


class InvitedStanding(Enum):
    """What a person is to the course before they are invited."""

    ENROLLED = gettext_lazy("is in the course already: gets no mail")
    ACCOUNT = gettext_lazy("has an account: joins, and is told")
    LISTED = gettext_lazy("is on the roster, without an account: is invited to sign in")
    NEW = gettext_lazy("is new: is put on the roster, and invited to sign in")


@dataclass(frozen=True, slots=True)
class Invited:
    """Somebody whom the staff invite."""

    email: str
    name: str = ""
    number: str = ""

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>" if self.name else self.email


def read_people(text: str) -> tuple[list[Invited], list[str]]:
    """Return the people of pasted lines, each address once, and what could not be read.

    Addresses come alone, one per line or many in one; with names as mail programs copy them ('Żółć, Łukasz
    <l@example.org>; …'), or with names and matriculation numbers as the columns of a spreadsheet.
    """
    people: dict[str, Invited] = {}
    problems: list[str] = []
    lines = [line for line in text.splitlines() if line.strip()]
    for place, line in enumerate(lines):
        count = sum(1 for _address in _ADDRESS.finditer(line))
        parts = [line] if count < 2 else re.split(r"(?<=>)\s*[,;]|;|,(?=[^,<]*@)", line)
        for part in parts:
            match = _ADDRESS.search(part)
            if match is None:
                # The first line may be the heads of columns.
                if part.strip(_AROUND) and (place or len(lines) == 1):
                    problems.append(_("No address: %(text)s") % {"text": part.strip()[:80]})
                continue
            address = address_of(match)
            email = address.rstrip(".").lower()
            try:
                validate_email(email)
            except ValidationError:
                problems.append(_("'%(email)s' is not an e-mail address.") % {"email": email[:80]})
                continue
            people.setdefault(email, _person(email, part.replace(match[0], "\t").replace(address, "\t")))
    return list(people.values()), problems


def _person(email: str, rest: str) -> Invited:
    number = _NUMBER.search(rest)
    words = _NUMBER.sub("\t", rest)
    name = " ".join(part.strip(_AROUND) for part in re.split(r"[\t|]+", words) if part.strip(_AROUND))
    if name.count(",") == 1:
        last, first = (part.strip(_AROUND) for part in name.split(","))
        name = f"{first} {last}"
    return Invited(email, clean_name(re.sub(r"[,;]+", " ", name))[:150], number[0] if number else "")


def standings_of(course: Course, people: Sequence[Invited]) -> list[tuple[Invited, InvitedStanding]]:
    """Return what each is to the course: 3 queries."""
    emails = [person.email for person in people]
    accounts = {
        address.email.lower(): address.user_id
        for address in EmailAddress.objects.filter(email__in=emails, verified=True)
    }
    enrolled = set(Enrolment.objects.filter(course=course, user__in=accounts.values()).values_list("user", flat=True))
    entries = RosterEntry.objects.filter(course=course, email__in=emails)
    listed = {email.lower(): joined for email, joined in entries.values_list("email", "enrolment")}

    def standing(email: str) -> InvitedStanding:
        if listed.get(email) is not None or accounts.get(email) in enrolled:
            return InvitedStanding.ENROLLED
        if email in accounts:
            return InvitedStanding.ACCOUNT
        return InvitedStanding.LISTED if email in listed else InvitedStanding.NEW

    return [(person, standing(person.email)) for person in people]


def put_on_roster(
    *, course: Course, people: Sequence[Invited], by: User, now: datetime
) -> tuple[list[int], RosterPlan]:
    """Put people on the roster, so that they may join; return the keys of those entries that are invited.

    As an import of a table, which can be taken back; who has an account joins when the mails leave. Who is in the course
    already is invited to nothing.

    Raises:
        RuleViolation: too many at once, or today; or the course is archived.
    """
    if course.state == Course.State.ARCHIVED:
        raise RuleViolation(_("The course is archived: nobody joins it any more."), code="archived")
    if len(people) > MOST:
        raise RuleViolation(_("Invite at most %(most)s people at once.") % {"most": MOST}, code="too-many")
    wanted = [person for person, standing in standings_of(course, people) if standing != InvitedStanding.ENROLLED]
    table = io.StringIO()
    rows = csv.writer(table)
    rows.writerow(["email", "name", "matriculation number"])
    rows.writerows([person.email, person.name, person.number] for person in wanted)
    with transaction.atomic():
        spend(_INVITATIONS, who=course.pk, amount=len(wanted), now=now)
        plan = import_roster(
            course=course, upload=Upload(table.getvalue().encode(), _("Invited by mail")), by=by, now=now, joins=False
        )
        entries = RosterEntry.objects.filter(course=course, email__in=[person.email for person in wanted])
        return list(entries.order_by("pk").values_list("pk", flat=True)), plan


def name_invited(entries: Sequence[int]) -> str:
    """Return what names the invitation of these roster entries, by their keys: the same people are invited once."""
    return sha256(",".join(map(str, entries)).encode()).hexdigest()


def invite(act: HeldAct, now: datetime) -> str:
    """Tell the people of some roster entries that they are invited, each once a day at most; accounts join.

    Raises:
        RuleViolation: none of them is on the roster any more; or the course is not running, so that they would not find it.
    """
    if act.course.state != Course.State.RUNNING:
        raise RuleViolation(
            _("The course is not published: whoever follows the mail would find nothing."), code="not-running"
        )
    entries = RosterEntry.objects.filter(course=act.course, pk__in=act.references["entries"])
    # Who left is asked to come back.
    entries.update(left_by=None)
    join_known(course=act.course, emails=entries.values_list("email", flat=True), now=now)
    told = [
        Told(
            f"{LETTER}:{entry.pk}:{now:%Y-%m-%d}",
            entry.enrolment.user if entry.enrolment is not None else None,
            act.course,
            {"entry": entry.pk},
            address="" if entry.enrolment is not None else entry.email,
        )
        for entry in entries.select_related("enrolment__user").order_by("pk")
    ]
    if not told:
        raise RuleViolation(_("Nobody of them is on the roster any more."), code="gone")
    notify_each(told, kind=LETTER, now=now)
    said = ngettext("%(count)d person is invited.", "%(count)d people are invited.", len(told))
    return said % {"count": len(told)}


def uninvite(act: HeldAct, now: datetime) -> str:
    """Take those off the roster again whom an invitation had put there; who joined by it meanwhile stays, and is named."""
    made = imports_of(act.course_id, now=now).filter(pk=act.references["import"]).first()
    if made is None:
        return _("Nobody is told. The roster is as it was.")
    undone = undo_import(table_import=made, by=act.by, now=now)
    if undone.problems:
        stay = ", ".join(label for label, _why in undone.problems)
        return _("Nobody is told. On the roster stay: %(people)s.") % {"people": stay}
    return _("Nobody is told. The roster is as it was.")


def act_title(count: int) -> Any:
    """Say how many are invited."""
    return ngettext("Invite %(count)d person", "Invite %(count)d people", count) % {"count": count}
