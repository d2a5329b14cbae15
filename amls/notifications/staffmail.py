"""Tests that staff send to themselves: the very letter, marked as a test."""

from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.translation import gettext as _

from amls.agenda.models import AgendaItem
from amls.courses.models import Course
from amls.notifications.announcements import letter_of as announcement_letter
from amls.notifications.changes import change_of, letter_about
from amls.notifications.letters import Letter, letter
from amls.notifications.models import Announcement, ItemChange, Notice
from amls.notifications.reminders import Reminder
from amls.notifications.reminders import letter_of as reminder_letter

KIND = "notifications.test"


@dataclass(frozen=True, slots=True)
class TestOf:
    """What is tested: a reminder of an agenda item, the changes held back, or an announcement."""

    __test__ = False

    kind: str
    ref: str

    @classmethod
    def read(cls, course: Course, kind: str, ref: str) -> "TestOf | None":
        """Return the test if there is such a thing in the course."""
        found = cls(kind, ref)
        return found if found.letter(course, course.revised_at) is not None else None

    def references(self) -> dict[str, str]:
        """Return what a notice keeps of it."""
        return {"of": self.kind, "ref": self.ref}

    def letter(self, course: Course, now: datetime) -> Letter | None:
        """Return the letter, in the active language."""
        if self.kind == "reminder" and self.ref.isdecimal():
            row = AgendaItem.objects.filter(course=course, pk=int(self.ref)).first()
            if row is not None:
                return reminder_letter(
                    Reminder(row.title, row.moment, row.place, row.path, row.kind, is_still_so=True), course, now
                )
        if self.kind == "changes":
            changes = [change_of(row) for row in ItemChange.objects.pending().filter(course=course)]
            return letter_about(changes, course) if changes else None
        if self.kind == "announcement" and self.ref.isdecimal():
            found = Announcement.objects.filter(course=course, pk=int(self.ref)).first()
            return announcement_letter(found, course) if found is not None else None
        return None


@letter(KIND)
def _write(notice: Notice, now: datetime) -> Letter | None:
    if notice.course is None:
        return None
    found = TestOf(str(notice.references["of"]), str(notice.references["ref"])).letter(notice.course, now)
    if found is None:
        return None
    return replace(
        found,
        subject=_("Test: %(subject)s") % {"subject": found.subject},
        reason=_("You get this mail because you sent yourself a test."),
    )
