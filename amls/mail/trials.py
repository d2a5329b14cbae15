"""Tests that staff send to themselves: the very letter, marked as a test."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from django.utils.translation import gettext as _

from amls.agenda.models import AgendaItem
from amls.core.keys import primary_key
from amls.courses.models import Course, User
from amls.mail.announcements import letter_of as announcement_letter
from amls.mail.changes import change_of, letter_about
from amls.mail.letters import Letter
from amls.mail.models import Announcement, ItemChange, Notice, ReminderRule
from amls.mail.outbox import notify
from amls.mail.reminders import Reminder, remind_at_of
from amls.mail.reminders import letter_of as reminder_letter
from amls.mail.sealing import SEALED, seal, unseal

KIND = "mail.test"


@dataclass(frozen=True, slots=True)
class TestOf:
    """What is tested: a reminder of an agenda item (by a rule), the changes held back, or an announcement."""

    __test__ = False

    kind: str
    ref: str

    @classmethod
    def read(cls, course: Course, kind: str, ref: str) -> "TestOf | None":
        """Return the test if there is such a thing in the course."""
        test = cls(kind, ref)
        return test if test.letter(course, course.revised_at) is not None else None

    def references(self) -> dict[str, str]:
        """Return what a notice keeps of it."""
        return {"of": self.kind, "ref": self.ref}

    def letter(self, course: Course, now: datetime) -> Letter | None:
        """Return the letter, in the active language."""
        if self.kind == "reminder":
            return self._reminder(course, now)
        if self.kind == "changes":
            changes = [change_of(row) for row in ItemChange.objects.pending().filter(course=course)]
            return letter_about(changes, course) if changes else None
        if self.kind == "announcement":
            announcement = Announcement.objects.filter(course=course, pk=primary_key(self.ref)).first()
            return announcement_letter(announcement, course) if announcement is not None else None
        return None

    def _reminder(self, course: Course, now: datetime) -> Letter | None:
        """Return the reminder as it reads when its rule sends it; as of now without a rule."""
        item, _dash, rule = self.ref.partition("-")
        row = AgendaItem.objects.filter(course=course, pk=primary_key(item)).first()
        if row is None:
            return None
        by = ReminderRule.objects.filter(course=course, pk=primary_key(rule)).first()
        at = remind_at_of(row.moment, by, course) if by is not None else now
        reminder = Reminder(
            row.name, row.moment, row.place_name, row.path, row.kind, is_still_so=True, is_time_open=row.is_time_open
        )
        return reminder_letter(reminder, course, at)


def try_typed(*, announcement: Announcement, by: User, now: datetime) -> None:
    """Mail an announcement that is not kept yet to its writer alone; what it says is sealed until it is sent."""
    typed = {"title": announcement.title, "text": announcement.text}
    notify(
        key=f"test:{uuid4()}", kind=KIND, now=now, recipient=by, course=announcement.course,
        references={SEALED: seal(typed)},
    )  # fmt: skip


def _letter_tried(notice: Notice, course: Course, now: datetime) -> Letter | None:
    if SEALED in notice.references:
        return announcement_letter(Announcement(**unseal(notice.references[SEALED])), course)
    return TestOf(str(notice.references["of"]), str(notice.references["ref"])).letter(course, now)


def write_trial(notice: Notice, now: datetime) -> Letter | None:
    """Return the very letter that is tried, marked as a test unless it is a preview; None if it is no more."""
    if notice.course is None:
        return None
    letter = _letter_tried(notice, notice.course, now)
    if letter is None:
        return None
    if notice.references.get("is_preview"):
        return letter
    return replace(
        letter,
        subject=_("Test: %(subject)s") % {"subject": letter.subject},
        reason=_("You get this mail because you sent yourself a test."),
    )
