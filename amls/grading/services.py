"""What the staff keep of people: lists, made and changed and what is entered in them, and notes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.meanwhile import CODE, changed_meanwhile, is_overtaken, own_changes
from amls.core.violations import RuleViolation
from amls.courses.models import Course, Enrolment, User
from amls.courses.services import lock_course
from amls.files.models import ImportedRow, TableImport
from amls.files.tables.imports import Imported, record_import, takes_back
from amls.grading.models import MOST_OCCASIONS, PersonNote, Roll, RollEntry


@dataclass(frozen=True, slots=True)
class Count:
    """What stands in a list of one person."""

    entered: int = 0
    excused: int = 0

    @property
    def name(self) -> str:
        """What names it, as a page sends it back."""
        return f"{self.entered} {self.excused}"

    @property
    def said(self) -> str:
        """It in words; '' where nothing is entered."""
        if not self.excused:
            return str(self.entered or "")
        return _("%(entered)d, %(excused)d excused") % {"entered": self.entered, "excused": self.excused}


@dataclass(frozen=True, slots=True)
class EntryChange:
    """What was or would be changed of one person."""

    enrolment: Enrolment
    before: Count
    after: Count


def keep_roll(
    *,
    course: Course,
    title: str,
    planned: int | None,
    held: int,
    now: datetime,
    roll_pk: int | None = None,
    seen: Mapping[str, str] | None = None,
) -> Roll:
    """Make a list, or change what one is called and how many occasions it has.

    Args:
        course: whose list.
        title: of its own in the course.
        planned: occasions in all; None where nobody knows.
        held: so many are over.
        now: the request's clock.
        roll_pk: of the one that changes; None for a new one.
        seen: from `values_of_roll` what the person had before them; what is not in it is not asked about.

    Raises:
        RuleViolation: no title or another list's, or more held than planned; or somebody else changed the value of a
            field meanwhile (code 'changed-meanwhile').
        Roll.DoesNotExist: the course has no such list.
    """
    with transaction.atomic():
        course = lock_course(course.pk)
        roll = Roll.objects.select_for_update().get(pk=roll_pk, course=course) if roll_pk else Roll(course=course)
        own, late = own_changes(
            {"title": title, "planned": planned, "held": held},
            stands=_values_of(roll), seen=seen or {}, named=_name_of,
        )  # fmt: skip
        for field in late:
            raise changed_meanwhile(_last_to_change(roll, field), values_of_roll(roll)[field], field=field)
        for field, value in own.items():
            setattr(roll, field, value)
        try:
            roll.full_clean()
        except ValidationError as error:
            raise RuleViolation(" ".join(error.messages), code="roll-form") from error
        roll.save()
    return roll


def _last_to_change(roll: Roll, field: str) -> User | None:
    """Return who made a field of a list what it is, as the list's history has it; None where nobody is known: 2 queries."""
    history: Any = apps.get_model("grading", "RollEvent")
    newest_first = history.objects.filter(pgh_obj=roll.pk).select_related("pgh_context").order_by("-pgh_id")
    stands = getattr(roll, field)
    since = list(takewhile(lambda event: getattr(event, field) == stands, newest_first))
    context = since[-1].pgh_context if since else None
    return User.objects.filter(pk=context.metadata.get("user")).first() if context is not None else None


def _values_of(roll: Roll) -> dict[str, str | int | None]:
    return {"title": roll.title, "planned": roll.planned, "held": roll.held}


def _name_of(value: str | int | None) -> str:
    return "" if value is None else str(value)


def values_of_roll(roll: Roll) -> dict[str, str]:
    """Return what names the values of a list by which somebody else's change of them is noticed, by field."""
    return {field: _name_of(value) for field, value in _values_of(roll).items()}


DELETED = "grading.deleted-list"


def delete_roll(*, course: Course, roll_pk: int, by: User | None, now: datetime) -> TableImport | None:
    """Delete a list with what stands in it. A rule that speaks of it says so, and lets nobody through.

    Args:
        course: whose list.
        roll_pk: the list; one that is gone already stays so.
        by: who deletes it.
        now: the request's clock.

    Returns:
        What stood in it, so that it can be put back; None where nothing did.
    """
    with transaction.atomic():
        lock_course(course.pk)
        roll = Roll.objects.select_for_update().filter(pk=roll_pk, course=course).first()
        if roll is None:
            return None
        title, values = roll.title, {"roll": roll.pk, "title": roll.title, "planned": roll.planned, "held": roll.held}
        entries = RollEntry.objects.filter(roll=roll).select_related("enrolment__user").order_by("pk")
        rows = [
            Imported(
                line, str(entry.enrolment.user), entry.enrolment_id,
                {**values, "entered": entry.entered, "excused": entry.excused}, {"roll": roll.pk}, entry.enrolment.user_id,
            )
            for line, entry in enumerate(entries, 1)
        ]  # fmt: skip
        roll.delete()
        return record_import(course_id=course.pk, kind=DELETED, rows=rows, filename="", by=by, now=now, subject=title)


@takes_back(DELETED, gettext_lazy("A list that was deleted"))
def put_back(row: ImportedRow, by: User, now: datetime) -> None:
    """Enter again what stood of a person in a list that was deleted; with the first of them the list is there again.

    Raises:
        RuleViolation: the person has left the course, has an entry in it by now, or another list has its title.
    """
    kept, course_pk = row.before or {}, row.table_import.course_id
    roll = Roll.objects.filter(pk=kept["roll"]).first()
    if not Enrolment.objects.students().filter(pk=row.object_id, course=course_pk).exists():
        raise RuleViolation(_("Only students of the course stand in its lists."), code="not-a-student")
    if roll is None:
        # By its key the rule of admission knows it.
        roll = Roll(
            pk=kept["roll"], course_id=course_pk, title=kept["title"], planned=kept["planned"], held=kept["held"]
        )
        try:
            roll.full_clean()
        except ValidationError as error:
            raise RuleViolation(" ".join(error.messages), code="roll-form") from error
        roll.save(force_insert=True)
    elif RollEntry.objects.filter(roll=roll, enrolment=row.object_id).exists():
        raise RuleViolation(_("Somebody changed it since: it stays as it is."), code="changed-since")
    RollEntry.objects.create(
        roll=roll,
        enrolment_id=row.object_id,
        entered=kept["entered"],
        excused=kept["excused"],
        entered_by=by,
        entered_at=now,
    )


def enter(
    *, roll_pk: int, counts: Mapping[int, Count], by: User, now: datetime, seen: Mapping[int, str] | None = None
) -> tuple[list[EntryChange], dict[int, RuleViolation]]:
    """Write down how often people were there.

    Args:
        roll_pk: the list.
        counts: by enrolment; who is not named stays as they are.
        by: who enters it.
        now: the request's clock.
        seen: by enrolment, the names of the counts that the person had before them; who is not named is not asked about.

    Returns:
        What changed, by name; and by enrolment of whom somebody else changed it meanwhile, so that it is as these left it.

    Raises:
        RuleViolation: somebody is no student of the course, or was there more often than there were occasions.
    """
    with transaction.atomic():
        roll = Roll.objects.select_for_update().get(pk=roll_pk)
        students = Enrolment.objects.students().filter(course=roll.course_id, pk__in=counts).select_related("user")
        people = {person.pk: person for person in students.order_by("user__sort_name", "pk")}
        if counts.keys() - people.keys():
            raise RuleViolation(_("Only students of the course stand in its lists."), code="not-a-student")
        entries = RollEntry.objects.filter(roll=roll, enrolment__in=people).select_related("entered_by")
        standing = {row.enrolment_id: row for row in entries}
        stands = {pk: Count(row.entered, row.excused) for pk, row in standing.items()}
        own, late = own_changes(counts, stands=stands, seen=seen or {}, named=lambda count: (count or Count()).name)
        changes = []
        for pk, person in people.items():
            if pk not in own:
                continue
            entry, before, after = standing.get(pk), stands.get(pk, Count()), own[pk]
            _check(roll, person, after)
            entry = entry or RollEntry(roll=roll, enrolment=person)
            entry.entered, entry.excused, entry.entered_by, entry.entered_at = after.entered, after.excused, by, now
            entry.save()
            changes.append(EntryChange(person, before, after))
    return changes, {pk: changed_meanwhile(standing[pk].entered_by, stands[pk].said) for pk in late}


def _check(roll: Roll, person: Enrolment, count: Count) -> None:
    most = MOST_OCCASIONS if roll.planned is None else roll.planned
    if min(count.entered, count.excused) < 0 or count.entered + count.excused > most:
        raise RuleViolation(
            _("%(person)s: there are %(most)d occasions at most, found %(count)d.")
            % {"person": person.user, "most": most, "count": count.entered + count.excused},
            code="too-often",
        )


LONGEST_NOTE = 2000


def version_of_note(note: PersonNote | None) -> str:
    """Return what names one state of a note, so that a newer one is not written over; '' for none."""
    return note.written_at.astimezone(UTC).isoformat() if note is not None else ""


def note_person(
    *, enrolment: Enrolment, text: str, by: User, now: datetime, seen: str | None = None
) -> PersonNote | None:
    """Let this be what the staff have noted of a person; an empty text takes the note away.

    Args:
        enrolment: whom it is about.
        text: for the staff of the course alone.
        by: who writes it.
        now: the request's clock.
        seen: from `version_of_note` the note that the person had before them; None doesn't ask.

    Raises:
        RuleViolation: it is longer than 2,000 characters, or somebody else changed it meanwhile (code 'changed-meanwhile').
    """
    if len(text) > LONGEST_NOTE:
        raise RuleViolation(_("A note has at most 2,000 characters. Shorten it."), code="too-long", field="text")
    with transaction.atomic():
        Enrolment.objects.select_for_update(no_key=True).get(pk=enrolment.pk)
        note = PersonNote.objects.filter(enrolment=enrolment).first()
        if is_overtaken(seen, stands=version_of_note(note)) and text.strip() != (note.text if note is not None else ""):
            raise _note_changed_meanwhile(note)
        if not text.strip():
            if note is not None:
                note.delete()
            return None
        if note is not None and note.text == text:
            return note
        note = note or PersonNote(enrolment=enrolment)
        note.text, note.written_by, note.written_at = text, by, now
        note.save()
    return note


def _note_changed_meanwhile(note: PersonNote | None) -> RuleViolation:
    if note is None:
        text = _("Somebody took this note away meanwhile. If yours is to stand, save again.")
    else:
        text = _("%(name)s changed this note meanwhile. It says now: %(text)s If yours is to stand, save again.") % {
            "name": note.written_by or _("Somebody"),
            "text": note.text,
        }
    return RuleViolation(text, code=CODE)
