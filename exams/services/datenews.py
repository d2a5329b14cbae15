"""Exams at another time or place: told to each who holds a seat or waits, by a mail that can't be switched off."""

from collections.abc import Sequence
from datetime import datetime

from amls.agenda.models import Status
from amls.agenda.services import Change
from amls.agenda.sources import REVISING_FIELDS, Item
from amls.courses.models import Course
from amls.courses.services import is_quiet
from amls.mail.changes import is_told, told_from
from amls.mail.corrections import Correction, notify_corrected
from amls.mail.outbox import Told
from exams.models import Registration
from exams.queries import exam_of_key

RESCHEDULED = "exams.rescheduled"


def tell_rescheduled(course: Course, changes: Sequence[Change], now: datetime) -> None:
    """Tell those who take part in an exam that it is at another time or place, once that has stood for the course's hold-back.

    What is put back in time is told to nobody. Staff who send no mail about a change send none of these either.

    Args:
        course: which runs; of another nobody is told.
        changes: of its agenda.
        now: the request's clock.
    """
    if course.state != Course.State.RUNNING or is_quiet():
        return
    by_exam = {
        exam: change
        for change in changes
        if is_moved(change) and (exam := exam_of_key(change.key)) is not None and is_told(change, now)
    }
    if not by_exam:
        return
    people = list(Registration.objects.active().filter(exam__in=by_exam).with_people())
    for exam, change in by_exam.items():
        notify_corrected(
            [_correction(person, change, now) for person in people if person.exam_id == exam],
            kind=RESCHEDULED,
            now=now,
            not_before=told_from(course, change, now),
        )


def is_moved(change: Change) -> bool:
    """Return whether what was to be held is still, elsewhere or at another time: that it is cancelled, or held after all, is told otherwise."""
    return change.before is not None and Status.CANCELLED not in (change.before.status, change.after.status)


def _correction(person: Registration, change: Change, now: datetime) -> Correction:
    told = Told(
        f"{RESCHEDULED}:{person.pk}:{now.timestamp():.6f}",
        person.enrolment.user,
        person.course,
        {"registration": person.pk},
    )
    return Correction(str(person.pk), _seen(change.before), _seen(change.after), [told])


def _seen(item: Item | None) -> list[str]:
    return [str(getattr(item, name)) for name in REVISING_FIELDS]
