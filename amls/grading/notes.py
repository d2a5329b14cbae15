"""The field in which the staff note something of a person, as pages show it and take it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from amls.core.meanwhile import CODE
from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment, User
from amls.grading.models import PersonNote
from amls.grading.services import note_person, version_of_note


@dataclass(frozen=True, slots=True)
class NoteField:
    """What a page shows of a note.

    Attributes:
        note: the one that stands.
        typed: what is in the field.
        seen: names the note that was shown; the page sends it back as 'note-seen'.
        problem: why what was typed is not kept; '' where nothing is wrong.
    """

    note: PersonNote | None
    typed: str
    seen: str
    problem: str = ""


def note_field(note: PersonNote | None) -> NoteField:
    """Return the field for what stands."""
    return NoteField(note, note.text if note is not None else "", version_of_note(note))


def keep_note(*, enrolment: Enrolment, sent: Mapping[str, str], by: User, now: datetime) -> NoteField:
    """Keep what a page sends as 'note', and return the field: without a problem it is kept."""
    typed, seen = sent.get("note", ""), sent.get("note-seen")
    problem = code = ""
    try:
        note_person(enrolment=enrolment, text=typed, by=by, now=now, seen=seen)
    except RuleViolation as violation:
        problem, code = str(violation.message), violation.code
    note = PersonNote.objects.select_related("written_by").filter(enrolment=enrolment).first()
    # Only who was told what stands there by now has seen it.
    is_told = seen is None or code in ("", CODE)
    return NoteField(note, typed, version_of_note(note) if is_told else seen or "", problem)
