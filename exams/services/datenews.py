"""Exams at another time or place: told to each who holds a seat or waits, by a mail that can't be switched off."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from amls.agenda.models import Status
from amls.agenda.services import Change
from amls.agenda.sources import REVISING_FIELDS, Item
from amls.courses.models import Course
from amls.courses.services import is_quiet
from amls.mail.changes import is_told, told_from, told_of
from amls.mail.corrections import Correction, notify_corrected
from amls.mail.outbox import Told
from exams.models import Exam, Registration
from exams.queries import exam_of_key

RESCHEDULED = "exams.rescheduled"
# What a notice says of when and where people knew the exam to be; the last release noted nothing.
KNEW = "knew"


def tell_rescheduled(course: Course, changes: Sequence[Change], now: datetime) -> None:
    """Tell those who take part in an exam that it is at another time or place, or with others, once that has stood for the course's hold-back.

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
    knew = {KNEW: _whereabouts(change.before)}
    return Correction(str(person.pk), _seen(change.before), _seen(change.after), [_told(person, now)], knew)


def _told(person: Registration, now: datetime) -> Told:
    key = f"{RESCHEDULED}:{person.pk}:{now.timestamp():.6f}"
    return Told(key, person.enrolment.user, person.course, {"registration": person.pk})


def _seen(item: Item | None) -> list[str]:
    return [str(getattr(item, name)) for name in (*REVISING_FIELDS, "conducted_by")]


def _whereabouts(item: Item | None) -> list[str]:
    return [item.starts_at.isoformat(), item.ends_at.isoformat(), item.place] if item is not None else []


def is_elsewhere(exam: Exam, knew: Sequence[str] | None) -> bool:
    """Return whether an exam is at another time or place than a notice says that people knew."""
    return knew is None or [exam.starts_at.isoformat(), exam.ends_at.isoformat(), exam.place] != list(knew)


def tell_other_call_in(knew: Mapping[tuple[int, int], str], course: Course, *, now: datetime) -> None:
    """Tell who holds a seat that the call-in link of their date is another one, once that has stood for the course's hold-back.

    Staff who send no mail about a change send none of these either. 1 query, and those of `notify_corrected` for each exam.

    Args:
        knew: by enrolment and exam, the link that people had.
        course: whose exams they are.
        now: the request's clock.
    """
    if not knew or course.state != Course.State.RUNNING or is_quiet():
        return
    people, exams = zip(*knew, strict=True)
    rows = Registration.objects.active().filter(
        enrolment__in=people, exam__in=exams, state=Registration.State.REGISTERED, exam__starts_at__gt=now
    )
    by_exam: dict[Exam, list[Registration]] = {}
    for row in rows.with_people().order_by("exam", "pk"):
        if (row.enrolment_id, row.exam_id) in knew:
            by_exam.setdefault(row.exam, []).append(row)
    for exam, concerned in by_exam.items():
        seen = {KNEW: [exam.starts_at.isoformat(), exam.ends_at.isoformat(), exam.place]}
        notify_corrected(
            [
                Correction(str(row.pk), [knew[row.enrolment_id, row.exam_id]], [exam.call_in], [_told(row, now)], seen)
                for row in concerned
            ],
            kind=RESCHEDULED,
            now=now,
            not_before=told_of(course, [exam.starts_at], now),
        )
