"""The waiting list: who moves up, and who leaves it because they need no seat any more.

Under the lock of all dates of the course nobody moves up who has passed one of them. Whoever passed leaves the lists of
the others once the result is out, and has their place again where it is corrected so that they failed: a worker sees to
it after the commit, and beat in any case.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from amls.courses.models import Course
from amls.held.services import HOLD
from amls.mail.corrections import Correction, notify_corrected
from amls.mail.outbox import Told
from exams.models import Exam, Registration
from exams.queries import HAS_PASSED_ANOTHER
from exams.services.calendars import follow_later
from exams.services.capacity import give_up, lock_dates, tell, write_counters

CHANGED = "exams.wait-changed"
_State = Registration.State


def promote(exams: Mapping[int, Exam], exam: Exam, *, now: datetime) -> list[Registration]:
    """Give the free seats to those who have waited longest, and the seats that they held by it to others.

    Args:
        exams: all dates of the course that are not closed, as `lock_dates` returns them.
        exam: one of them, whose seats are given; the caller writes its counters. Those of the others, where
            seats became free by it, are written here.
        now: aware; nobody moves up after the last moment to withdraw.

    Returns:
        Who has a seat of `exam` by it.
    """
    promoted: list[Registration] = []
    while next_ones := _next_in_line(exam, now=now):
        passed = [waiter for waiter in next_ones if waiter.has_passed_another]
        end_waits_of_passed(exam, passed, now=now)
        needy = [waiter for waiter in next_ones if waiter not in passed]
        held = held_beside(needy)
        idle = end_idle_waits(exams, exam, needy, held, now=now)
        lucky = [waiter for waiter in needy if waiter not in idle]
        given_back = {waiter.pk: held[waiter.enrolment_id] for waiter in lucky if waiter.enrolment_id in held}
        for seat in given_back.values():
            give_up(exams[seat.exam_id], seat, Registration.State.WITHDRAWN, now=now)
        _give_seats(exam, lucky, now=now)
        for waiter in lucky:
            more: dict[str, Any] = {"moved_from": given_back[waiter.pk].pk} if waiter.pk in given_back else {}
            tell(waiter, "exams.promoted", now=now, not_before=None, **more)
        promoted += lucky
        for other_pk in sorted({seat.exam_id for seat in given_back.values()}):
            promote(exams, exams[other_pk], now=now)
            write_counters(exams[other_pk])
    return promoted


def _next_in_line(exam: Exam, *, now: datetime) -> list[Any]:
    """Return as many of those who wait as there are free seats, in their order, with whether they `has_passed_another` date.

    1 query, none where nobody can move up.
    """
    if exam.waiting == 0 or not exam.may_withdraw(now):
        return []
    free = exam.waiting if exam.capacity is None else min(exam.waiting, exam.capacity - exam.seats_taken)
    if free <= 0:
        return []
    line = Registration.objects.waiting().filter(exam=exam).annotate(has_passed_another=HAS_PASSED_ANOTHER)
    line = line.select_related("enrolment__user", "enrolment__course")
    return list(line[:free])


def held_beside(waiting: Sequence[Registration]) -> dict[int, Registration]:
    """Return the seats that these people keep while they wait, by enrolment: 1 query, none where nobody does."""
    people = [registration.enrolment_id for registration in waiting if registration.keeps_seat]
    if not people:
        return {}
    return {held.enrolment_id: held for held in Registration.objects.main().holding().filter(enrolment__in=people)}


def end_idle_waits(
    exams: Mapping[int, Exam],
    exam: Exam,
    waiting: Sequence[Registration],
    held: Mapping[int, Registration],
    *,
    now: datetime,
) -> list[Registration]:
    """Take those from the waiting list who can no longer give back the seat that they keep, and tell them.

    Args:
        exams: all dates of the course that are not closed, under their locks.
        exam: one of them, whose counters the caller writes.
        waiting: people on its waiting list.
        held: what `held_beside` says of them.
        now: aware.

    Returns:
        Whose wait has ended.
    """
    idle = []
    for waiter in waiting:
        seat = held.get(waiter.enrolment_id)
        if seat is not None and (seat.has_been or not exams[seat.exam_id].may_withdraw(now)):
            give_up(exam, waiter, Registration.State.WITHDRAWN, now=now)
            tell(waiter, "exams.wait-ended", now=now, held=seat.pk)
            idle.append(waiter)
    return idle


def _give_seats(exam: Exam, waiting: Sequence[Registration], *, now: datetime) -> None:
    for registration in waiting:
        registration.state = Registration.State.REGISTERED
        registration.position = None
        registration.keeps_seat = False
        registration.changed_at = now
    Registration.objects.bulk_update(waiting, ["state", "position", "keeps_seat", "changed_at"])
    exam.seats_taken += len(waiting)
    exam.waiting -= len(waiting)
    follow_later([registration.enrolment_id for registration in waiting])


def end_waits_of_passed(exam: Exam, waiting: Sequence[Registration], *, now: datetime) -> None:
    """Take those from the waiting list who have passed another date, and tell them in five minutes, if it is so still.

    Args:
        exam: under its lock; the caller writes its counters.
        waiting: people on its waiting list, who have passed.
        now: aware.
    """
    for waiter in waiting:
        give_up(exam, waiter, _State.WITHDRAWN, now=now, has_passed=True)
    _tell_changed(waiting, was=_State.WAITLISTED, now=now)


def settle_waits(*, now: datetime, course: Course | None = None, people: Collection[int] = ()) -> int:
    """End the waits of those who have passed, and give their places back to those who have no longer; return how many they are.

    Args:
        now: aware.
        course: of all of it; or
        people: of these enrolments.
    """
    rows = _unsettled(now).filter(**({"course": course} if course is not None else {"enrolment__in": people}))
    courses = Course.objects.filter(pk__in=rows.order_by().values("course")).order_by("pk")
    return sum(_settle(course, now=now) for course in courses)


def _unsettled(now: datetime) -> QuerySet[Registration]:
    """Return the waits of dates to come that should have ended, or should be there again."""
    waits, has_left = Q(state=_State.WAITLISTED), Q(position_until_passed__isnull=False)
    coming = Registration.objects.filter(
        exam__closed_at__isnull=True, exam__cancelled_at__isnull=True, exam__starts_at__gt=now
    )
    return coming.filter((waits & Q(HAS_PASSED_ANOTHER)) | (has_left & ~Q(HAS_PASSED_ANOTHER)))


def _settle(course: Course, *, now: datetime) -> int:
    with transaction.atomic():
        first = Exam.objects.filter(course=course).values_list("pk", flat=True)[0]
        exams = lock_dates(course, along=first)
        rows = list(
            _unsettled(now)
            .filter(course=course)
            .select_related("enrolment__user", "enrolment__course")
            .order_by("exam", "position_until_passed", "pk")
        )
        for exam_pk in sorted({row.exam_id for row in rows}):
            exam, theirs = exams[exam_pk], [row for row in rows if row.exam_id == exam_pk]
            wait = [row for row in theirs if row.state == _State.WAITLISTED]
            back = [row for row in theirs if row not in wait and _return(exam, row, exams, now=now)]
            end_waits_of_passed(exam, wait, now=now)
            _tell_changed(back, was=_State.WITHDRAWN, now=now)
            promote(exams, exam, now=now)
            write_counters(exam)
    return len(rows)


def _return(exam: Exam, left: Registration, exams: Mapping[int, Exam], *, now: datetime) -> bool:
    """Give somebody their place on a waiting list again; where they have something else by now, they keep that."""
    position, left.position_until_passed = left.position_until_passed, None
    own = list(Registration.objects.active().filter(enrolment=left.enrolment_id))
    main = next((row for row in own if not row.keeps_seat), None)
    may_return = not any(row.exam_id == exam.pk or row.keeps_seat for row in own) and (
        main is None or (main.state == _State.REGISTERED and exams[main.exam_id].may_withdraw(now))
    )
    if may_return:
        left.state, left.position, left.closed_at, left.changed_at = _State.WAITLISTED, position, None, now
        left.keeps_seat = main is not None
        exam.waiting += 1
        follow_later([left.enrolment_id])
    left.save(update_fields=["state", "position", "position_until_passed", "closed_at", "changed_at", "keeps_seat"])
    return may_return


def _tell_changed(people: Iterable[Registration], *, was: str, now: datetime) -> None:
    corrections = [
        Correction(
            str(person.pk), str(was), str(person.state),
            [Told(f"{CHANGED}:{person.pk}:{now.timestamp():.6f}", person.enrolment.user, person.enrolment.course, {"registration": person.pk})],
        )
        for person in people
    ]  # fmt: skip
    notify_corrected(corrections, kind=CHANGED, now=now, not_before=now + HOLD)
