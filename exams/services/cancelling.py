"""Dates that are not held: cancelled with a reason, and held after all.

The state is two things. That the date is cancelled stands on the exam, as everybody sees it, also where nobody is in it. That
somebody's part in it has ended by that is a state of their registration, which says what they were: see
`Registration.State.CANCELLED`. Both are written in one transaction, under the locks of the course and of all its dates, so
that there is no cancelled registration of a date that is held, and, which the database sees to, no seat of one that isn't.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amls.core.meanwhile import CODE, is_overtaken
from amls.core.preview import seal_of_shown
from amls.core.text import clean_line
from amls.core.violations import RuleViolation
from amls.courses.models import Course, Enrolment, User
from amls.courses.services import finish_course_change, lock_course
from amls.held.services import HOLD
from amls.mail.corrections import Correction, notify_corrected
from amls.mail.outbox import Told
from exams.models import Exam, ExamTaskPoints, Registration, Result
from exams.services.calendars import follow_later
from exams.services.cancelled import check_not_cancelled
from exams.services.capacity import lock_dates, write_counters
from exams.services.seating import follow_rooms
from exams.services.seatnews import seats_of
from exams.services.waitinglist import promote

TOLD = "exams.cancelled"
_State = Registration.State
_FIELDS = [
    "state", "position", "state_until_cancelled", "position_until_cancelled", "keeps_seat", "closed_at", "changed_at",
    "reason", "cancelled_because", "cancelled_by",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Cancellation:
    """How a date was cancelled: when, why, and by whom, as far as the history knows."""

    at: datetime
    because: str
    by: User | None


@dataclass(frozen=True, slots=True)
class HeldAgain:
    """What came of holding a date after all.

    Attributes:
        back: who is in it again, as they were.
        elsewhere: who has another date by now, and keeps that one.
    """

    back: Sequence[Registration]
    elsewhere: Sequence[Registration]


def people_in(exam: Exam) -> list[Registration]:
    """Return who holds a seat of a date or waits for one, or did so until it was cancelled; by name: 1 query."""
    rows = Registration.objects.filter(Q(closed_at__isnull=True) | Q(state=_State.CANCELLED), exam=exam)
    return list(rows.with_people().by_name())


def name_of_people(people: Iterable[Registration]) -> str:
    """Return what names who is in a date and how, as a page sends it back."""
    return seal_of_shown(sorted((person.pk, str(person.state)) for person in people))


def cancel_exam(*, exam_pk: int, reason: str, now: datetime, seen: str | None = None) -> list[Registration]:
    """Cancel a date: everybody in it is free for another one, and told in five minutes by a mail of their own.

    Args:
        exam_pk: the date.
        reason: why; everybody who sees the date reads it.
        now: the request's clock.
        seen: from `name_of_people` who was in it as the page showed it; None doesn't ask.

    Returns:
        Who is told.

    Raises:
        RuleViolation: there is no reason, the date is closed or cancelled, somebody was noted at its door or has points, or
            others are in it than were shown (code 'changed-meanwhile').
    """
    reason = clean_line(reason)
    if not reason:
        raise RuleViolation(
            _("Say why the date is cancelled: everybody who is in it reads it."), code="no-reason", field="reason"
        )
    with transaction.atomic():
        course, exams = _locked(exam_pk)
        exam = exams[exam_pk]
        _check_may_cancel(exam)
        rows = Registration.objects.active().select_for_update(of=("self",)).filter(exam=exam)
        people = list(rows.with_people().order_by("pk"))
        if is_overtaken(seen, stands=name_of_people(people)):
            raise RuleViolation(
                _("People signed up, moved up or withdrew meanwhile. Look at who is in it now, and cancel it again."),
                code=CODE,
            )
        _end(people, now=now)
        exam.cancelled_at, exam.cancelled_because = now, reason
        exam.seats_taken = exam.waiting = 0
        exam.save(update_fields=["cancelled_at", "cancelled_because", "seats_taken", "waiting"])
        _tell([(person, person.state_until_cancelled, _State.CANCELLED) for person in people], now=now)
        follow_later([person.enrolment_id for person in people])
        finish_course_change(course, now=now)
    return people


def why_not_cancelled(exam: Exam) -> str:
    """Return why a date can't be cancelled as it stands; '' where it can: at most 3 queries."""
    try:
        _check_may_cancel(exam)
    except RuleViolation as violation:
        return str(violation.message)
    return ""


def _locked(exam_pk: int) -> tuple[Course, dict[int, Exam]]:
    course = lock_course(Course.objects.get(exams=exam_pk).pk)
    return course, lock_dates(course, along=exam_pk)


def _check_may_cancel(exam: Exam) -> None:
    check_not_cancelled(exam)
    if exam.closed_at is not None or exam.frozen_at is not None:
        raise RuleViolation(_("This exam is closed: it was held, and can't be cancelled."), code="exam-closed")
    people = Registration.objects.filter(exam=exam)
    if people.filter(state__in=[_State.ATTENDED, _State.ABSENT]).exists():
        raise RuleViolation(
            _("People are noted at the door of this date already. Take their check-ins back first, if it is not held."),
            code="has-check-ins",
        )
    given = (Result.objects.filter(registration__exam=exam), ExamTaskPoints.objects.filter(registration__exam=exam))
    if exam.results_published_at is not None or any(rows.exists() for rows in given):
        raise RuleViolation(
            _("There are results of this date already. Take them away first, if it was not held."), code="has-results"
        )


def _end(people: Sequence[Registration], *, now: datetime) -> None:
    """End the registrations of a date, and let who waited for another date beside a seat of it wait there without one."""
    for person in people:
        person.state_until_cancelled, person.position_until_cancelled = person.state, person.position
        person.state, person.position, person.keeps_seat = _State.CANCELLED, None, False
        person.closed_at = person.changed_at = now
    Registration.objects.bulk_update(people, _FIELDS)
    seated = [person.enrolment_id for person in people if person.state_until_cancelled == _State.REGISTERED]
    Registration.objects.filter(enrolment__in=seated, keeps_seat=True).update(keeps_seat=False, changed_at=now)


def hold_after_all(*, exam_pk: int, now: datetime, seen: str | None = None) -> HeldAgain:
    """Hold a date that was cancelled: everybody in it has their seat, or their place in the line, again.

    Who has another date by now keeps that one. Whoever was told that it is cancelled is told this too, in five minutes;
    nobody where that mail has not left yet.

    Args:
        exam_pk: the date.
        now: the request's clock.
        seen: from `name_of_people` who was in it as the page showed it; None doesn't ask.

    Raises:
        RuleViolation: it is not cancelled, it has fewer seats than people come back to, or others were in it than were
            shown (code 'changed-meanwhile').
    """
    with transaction.atomic():
        course, exams = _locked(exam_pk)
        exam = exams[exam_pk]
        if exam.cancelled_at is None:
            raise RuleViolation(_("This date is not cancelled."), code="not-cancelled")
        rows = Registration.objects.select_for_update(of=("self",)).filter(exam=exam, state=_State.CANCELLED)
        # In the order of the line; seats before waits.
        people = list(rows.with_people().order_by("state_until_cancelled", "position_until_cancelled", "pk"))
        if is_overtaken(seen, stands=name_of_people(people)):
            raise RuleViolation(_("Something changed meanwhile. Look at who comes back now, and hold it again."), CODE)
        knew = seats_of(exam)
        was = _Cancellation(exam.cancelled_at, exam.cancelled_because, _who_cancelled(exam))
        exam.cancelled_at, exam.cancelled_because = None, ""
        again = _returned(exam, people, exams, was, now=now)
        _need_seats(exam)
        exam.save(update_fields=["cancelled_at", "cancelled_because", "seats_taken", "waiting"])
        _tell([(person, _State.CANCELLED, person.state) for person in again.back], now=now)
        _tell([(person, _State.CANCELLED, "elsewhere") for person in again.elsewhere], now=now)
        promote(exams, exam, now=now)
        write_counters(exam)
        # Rooms may have changed meanwhile, and who keeps another date sits here no more.
        follow_rooms(exam_pk=exam.pk, knew=knew, now=now)
        follow_later([person.enrolment_id for person in people])
        finish_course_change(course, now=now)
    return again


def _who_cancelled(exam: Exam) -> User | None:
    """Return who cancelled a date, as its history has it: the first who did so since it was held last; 2 queries."""
    history: Any = apps.get_model("exams", "ExamEvent")
    first = (
        history.objects.filter(pgh_obj=exam.pk, cancelled_at=exam.cancelled_at)
        .select_related("pgh_context")
        .order_by("pgh_id")
        .first()
    )
    context = first.pgh_context if first is not None else None
    return User.objects.filter(pk=context.metadata.get("user")).first() if context is not None else None


def _need_seats(exam: Exam) -> None:
    if exam.capacity is not None and exam.seats_taken > exam.capacity:
        raise RuleViolation(
            ngettext(
                "%(count)d person held a seat, and there are %(capacity)d seats by now. Raise the capacity first, at the desk.",
                "%(count)d people held a seat, and there are %(capacity)d seats by now. Raise the capacity first, at the desk.",
                exam.seats_taken,
            )
            % {"count": exam.seats_taken, "capacity": exam.capacity},
            code="capacity-too-low",
        )


def _returned(
    exam: Exam, people: Sequence[Registration], exams: Mapping[int, Exam], was: _Cancellation, *, now: datetime
) -> HeldAgain:
    """Give people what they had in a date, count it, and say who has something else by now.

    Args:
        exam: which is no longer cancelled; the caller writes its counters.
        people: who was in it, in the order in which seats come back.
        exams: all dates of the course, under their locks.
        was: how it was cancelled, which who has something else reads.
        now: aware.
    """
    enrolments = [person.enrolment_id for person in people]
    there = set(Enrolment.objects.students().present().filter(pk__in=enrolments).values_list("pk", flat=True))
    own: dict[int, list[Registration]] = defaultdict(list)
    for row in Registration.objects.active().filter(enrolment__in=enrolments):
        own[row.enrolment_id].append(row)
    back, elsewhere, beside = list[Registration](), list[Registration](), list[Registration]()
    for person in people:
        others = own[person.enrolment_id]
        if person.enrolment_id in there and _may_return(exam, person, others, exams, was.at, now=now):
            if person.state_until_cancelled == _State.REGISTERED:
                exam.seats_taken += 1
                beside += others
            else:
                exam.waiting += 1
                person.keeps_seat = bool(others)
            person.state, person.position = person.state_until_cancelled, person.position_until_cancelled
            person.closed_at = None
            back.append(person)
        else:
            person.state = _State.WITHDRAWN
            person.cancelled_because, person.cancelled_by = was.because, was.by
            person.reason = _("The date was cancelled. When it was held after all, they had another date.")
            if person.enrolment_id in there:
                elsewhere.append(person)
        person.state_until_cancelled, person.position_until_cancelled, person.changed_at = "", None, now
    # First: one has one seat, or one place in a line without a seat.
    Registration.objects.filter(pk__in=[row.pk for row in beside]).update(keeps_seat=True, changed_at=now)
    Registration.objects.bulk_update(people, _FIELDS)
    return HeldAgain(back, elsewhere)


def _may_return(
    exam: Exam,
    person: Registration,
    others: Sequence[Registration],
    exams: Mapping[int, Exam],
    since: datetime,
    *,
    now: datetime,
) -> bool:
    """Return whether somebody has their part in a date again, beside what else they have by now.

    A seat comes back to who only waits elsewhere, and goes on doing so beside it. A wait comes back beside a seat that they
    held before: one that they took since they keep, and nobody is moved away from it.
    """
    if not others:
        return True
    if len(others) > 1:
        return False
    (other,) = others
    if person.state_until_cancelled == _State.REGISTERED:
        return other.state == _State.WAITLISTED and exam.may_withdraw(now)
    is_older = other.state == _State.REGISTERED and other.created_at <= since
    return is_older and exams[other.exam_id].may_withdraw(now)


def _tell(steps: Iterable[tuple[Registration, str, str]], *, now: datetime) -> None:
    """Tell people what became of their date once it has stood for five minutes; from which state to which they came."""
    notify_corrected(
        (
            Correction(
                str(person.pk), str(was), str(is_now),
                [Told(f"{TOLD}:{person.pk}:{now.timestamp():.6f}", person.enrolment.user, person.course, {"registration": person.pk})],
            )
            for person, was, is_now in steps
        ),
        kind=TOLD,
        now=now,
        not_before=now + HOLD,
    )  # fmt: skip
