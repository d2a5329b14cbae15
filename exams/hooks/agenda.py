"""What exams say to the agenda: to everyone, and to each who takes part."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from django.db.models import Q

from amls.agenda.services import ChangeKind, after_reconcile
from amls.agenda.sources import Item, registry
from amls.courses.models import Course, Enrolment
from amls.mail.changes import goes_without_saying, told_apart
from exams.agenda_items import GONE, SOURCE, ExamKeys, closing_before_of_key, items_of, oral_window_of_key, own_items
from exams.models import Exam, Registration
from exams.models.exam import SignUp
from exams.queries import EXAM_KEY, key_of_exam, overview_of
from exams.services.datenews import tell_rescheduled


@registry.items.named(SOURCE)
def items(course: Course) -> Iterator[Item]:
    """Yield the dates of a course's exams, as everyone sees them."""
    return items_of(course)


@registry.personal_items.named(SOURCE)
def personal_items(course: Course, enrolments: Sequence[Enrolment]) -> dict[int, list[Item]]:
    """Return people's own exams: 2 queries."""
    return own_items(course, enrolments)


after_reconcile.named(SOURCE)(tell_rescheduled)


@told_apart.named(SOURCE)
def who_takes_part(courses: Collection[int], kinds: Mapping[str, ChangeKind]) -> Iterator[tuple[str, int]]:
    """Yield the exams among these dates with each who holds a seat or waits, or did until it was cancelled: 1 query, none without an exam.

    With an exam that is cancelled, or held after all, go its sign-up, its last moment to withdraw and its review.
    """
    by_exam: dict[int, list[str]] = {}
    for key in kinds:
        exam, own = _exam_and_key(key)
        if own == key or kinds.get(own) in (ChangeKind.CANCELLED, ChangeKind.RESTORED):
            by_exam.setdefault(exam, []).append(key)
    if by_exam:
        is_in = Q(closed_at__isnull=True) | Q(state=Registration.State.CANCELLED)
        rows = Registration.objects.filter(is_in, course__in=courses, exam__in=by_exam)
        for exam, enrolment in rows.values_list("exam", "enrolment"):
            for key in by_exam[exam]:
                yield key, enrolment


@goes_without_saying.named(SOURCE)
def what_goes_with_an_exam(kinds: Mapping[str, ChangeKind]) -> Iterator[str]:
    """Yield the sign-up, the last moment to withdraw and the review that are no more as their exam is cancelled: no query."""
    for key, kind in kinds.items():
        window = oral_window_of_key(key)
        own = f"{EXAM_KEY}{window[0]}" if window is not None else _exam_and_key(key)[1]
        if closing_before_of_key(key) is not None:
            # With the day of the slots.
            own = key.rpartition(":")[0]
        if kind == ChangeKind.CANCELLED and own not in ("", key) and kinds.get(own) == ChangeKind.CANCELLED:
            yield key


_KEY = re.compile(r"(exams\.exam:(\d+))(?::.+)?")


def _exam_and_key(key: str) -> tuple[int, str]:
    """Return of which exam a date is, and under which key that exam stands; 0 and '' for any other date."""
    match = _KEY.fullmatch(key)
    return (int(match.group(2)), match.group(1)) if match else (0, "")


@registry.irrelevant_keys.named(SOURCE)
def irrelevant(enrolment: Enrolment, now: datetime) -> Iterator[str]:
    """Yield the dates of exams that a student is not in and can no longer sign up for: 2 queries, none after `exams_for`.

    Nobody signs up who takes part in another date or has passed. Of an exam that one is in, the beginning of
    the sign-up is over; its review is for those who sit it. Staff are concerned by every date.
    """
    if enrolment.is_staff:
        return
    known = overview_of(enrolment)
    if known is not None:
        exams = [card.exam for card in known.cards]
        own = {card.exam.pk: card.own for card in known.cards if card.own is not None}
    else:
        exams = list(Exam.objects.filter(course=enrolment.course_id))
        rows = Registration.objects.filter(enrolment=enrolment).select_related("result").order_by("pk")
        own = {row.exam_id: row for row in rows}
    passed = any(registration.has_passed for registration in own.values())
    needs_one = not passed and all(registration.closed_at is not None for registration in own.values())
    keys = ExamKeys(exams, enrolment.course.zone)
    known_keys, concerning = set[str](), set[str]()
    for exam in exams:
        registration = own.get(exam.pk)
        is_in = registration is not None and registration.state not in GONE
        # That a date is cancelled is for those who could have signed up for it, too.
        may_sign_up = needs_one and not is_in and now < exam.starts_at and exam.window(now) != SignUp.CLOSED
        is_held = not exam.is_cancelled
        sits = registration is not None and registration.state in _SITTING
        is_slot = keys.is_slot(exam)
        judged = {
            key_of_exam(exam): is_in or (may_sign_up and not is_slot),
            keys.of_window(exam, "signup-opens"): may_sign_up and is_held,
            keys.of_window(exam, "signup-closes"): (is_in or may_sign_up) and is_held,
            keys.of_window(exam, "withdraw-until"): is_in and is_held,
            f"{key_of_exam(exam)}:review": sits,
            # Who has a slot reads of it instead of its day.
            **({keys.of_day(exam): may_sign_up} if is_slot else {}),
        }
        known_keys |= judged.keys()
        concerning |= {key for key, concerns in judged.items() if concerns}
    yield from known_keys - concerning


_SITTING = (Registration.State.REGISTERED, Registration.State.ATTENDED)
