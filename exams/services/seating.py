"""Seats: given in one step, mended where only some are affected, released to the people."""

import random
import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from amls.notifications.services import notify
from amls.web.violations import RuleViolation
from exams.following import follow_people
from exams.models import HOLDING_STATES, Accommodation, Exam, Registration, Room, Seat


@dataclass(frozen=True, slots=True)
class Seating:
    """What an assignment did.

    Attributes:
        given: how many seats are new or changed.
        kept: how many people stay where they are.
        without_seat: how many found no room.
    """

    given: int
    kept: int
    without_seat: int


@dataclass(frozen=True, slots=True)
class _Place:
    room: Room
    row: int
    number: int


def assign_seats(*, exam_pk: int, order: str, now: datetime, seed: int | None = None) -> Seating:
    """Give everyone who holds a seat in the exam a place in a room, all anew.

    The `order` is 'random' or 'name'. The `seed` is drawn by default, and kept with the exam:
    by it the same people get the same seats again.

    Raises:
        RuleViolation: the exam has no room, or seats are released already.
    """
    with transaction.atomic():
        exam = _lock(exam_pk)
        if exam.seats_released_at is not None:
            raise RuleViolation(
                _("The seats are released: people know theirs. Give seats only to those who have none."),
                code="seats-released",
            )
        rooms = _rooms(exam)
        exam.seat_order = order
        exam.seat_seed = secrets.randbelow(2**31) if seed is None else seed
        exam.save(update_fields=["seat_order", "seat_seed"])
        Seat.objects.filter(room__exam=exam).delete()
        return _fill(exam, rooms, now=now)


def mend_seats(*, exam_pk: int, now: datetime) -> Seating:
    """Give a seat to those only who have none that is valid: after a room or what is granted has changed, or as they came late.

    Everyone else keeps theirs.

    Raises:
        RuleViolation: the exam has no room.
    """
    with transaction.atomic():
        exam = _lock(exam_pk)
        rooms = _rooms(exam)
        if exam.seat_seed is None:
            exam.seat_seed = secrets.randbelow(2**31)
            exam.save(update_fields=["seat_seed"])
        Seat.objects.filter(pk__in=_no_longer_valid(exam, rooms)).delete()
        return _fill(exam, rooms, now=now)


def seat_late_ones(*, enrolment_pks: Collection[int], now: datetime) -> int:
    """Give free seats to those of these people who came after seats were given; return how many seats are new."""
    exams = _seated_exams(enrolment_pks).filter(registrations__seat__isnull=True, registrations__closed_at__isnull=True)
    return sum(mend_seats(exam_pk=pk, now=now).given for pk in sorted(set(exams.values_list("pk", flat=True))))


def seat_by_what_is_granted(*, enrolment_pk: int, now: datetime) -> int:
    """Move a person to where an accommodation that was granted, changed or ended puts them; return how many seats are new."""
    exams = _seated_exams([enrolment_pk]).filter(starts_at__gt=now)
    return sum(mend_seats(exam_pk=pk, now=now).given for pk in sorted(set(exams.values_list("pk", flat=True))))


def _seated_exams(enrolment_pks: Collection[int]) -> QuerySet[Exam]:
    """Return the exams, open and with seats given, in which any of these people hold a seat."""
    return Exam.objects.filter(
        registrations__enrolment__in=enrolment_pks,
        registrations__state__in=HOLDING_STATES,
        seat_seed__isnull=False,
        closed_at__isnull=True,
        rooms__isnull=False,
    )


def _no_longer_valid(exam: Exam, rooms: Sequence[Room]) -> list[int]:
    """Return the seats that are none any more, or where their people may not sit by what is granted to them now."""
    usable = {(room.pk, row, number) for room in rooms for row, number in room.usable()}
    granted = _granted(exam)
    seats = list(Seat.objects.filter(room__exam=exam).select_related("registration", "room"))
    taken = {(seat.room_id, seat.row, seat.number) for seat in seats}
    front: dict[bool, int] = {}
    for room in rooms:
        for row, number in room.usable():
            if (room.pk, row, number) not in taken:
                front[room.is_separate] = min(row, front.get(room.is_separate, row))

    def is_valid(seat: Seat) -> bool:
        own = granted.get(seat.registration.enrolment_id)
        wants_own, wants_front = own is not None and own.own_room, own is not None and own.front_row
        return (
            (seat.room_id, seat.row, seat.number) in usable
            and seat.registration.holds_seat
            and seat.room.is_separate == wants_own
            # Somebody in the front row moves only to where it is nearer to the front.
            and not (wants_front and front.get(wants_own, seat.row) < seat.row)
        )

    return [seat.pk for seat in seats if not is_valid(seat)]


def _granted(exam: Exam) -> dict[int, Accommodation]:
    return {one.enrolment_id: one for one in Accommodation.objects.filter(course=exam.course_id)}


def release_seats(*, exam_pk: int, now: datetime) -> int:
    """Show everyone their seat, on the page, in the calendar and by mail; return how many.

    Raises:
        RuleViolation: they are released already, or somebody has no seat.
    """
    with transaction.atomic():
        exam = _lock(exam_pk)
        if exam.seats_released_at is not None:
            raise RuleViolation(_("The seats are released already."), code="seats-released")
        holding = list(
            Registration.objects.holding().filter(exam=exam).select_related("enrolment__user", "enrolment__course", "seat")
        )  # fmt: skip
        lacking = [one for one in holding if not hasattr(one, "seat")]
        if lacking or not holding:
            raise RuleViolation(
                _("%(count)d people have no seat yet: give them one first.") % {"count": len(lacking)}
                if lacking
                else _("Nobody is registered yet."),
                code="seats-missing",
            )
        exam.seats_released_at = now
        exam.save(update_fields=["seats_released_at"])
        for registration in holding:
            _tell(registration, now=now)
        follow_people([one.enrolment_id for one in holding], now=now)
    return len(holding)


def _fill(exam: Exam, rooms: Sequence[Room], *, now: datetime) -> Seating:
    holding = list(
        Registration.objects.holding().filter(exam=exam).select_related("enrolment__user", "seat").order_by("pk")
    )
    lacking = [one for one in holding if not hasattr(one, "seat")]
    granted = _granted(exam)
    taken = set(Seat.objects.filter(room__exam=exam).values_list("room", "row", "number"))
    free = [
        _Place(room, row, number)
        for room in rooms
        for row, number in room.usable()
        if (room.pk, row, number) not in taken
    ]
    given: list[Seat] = []
    for registration in _in_order(lacking, exam, granted):
        place = _choose(free, granted.get(registration.enrolment_id))
        if place is not None:
            free.remove(place)
            given.append(Seat(room=place.room, row=place.row, number=place.number, registration=registration))
    Seat.objects.bulk_create(given)
    if exam.seats_released_at is not None:
        for seat in given:
            _tell(seat.registration, now=now)
        follow_people([seat.registration.enrolment_id for seat in given], now=now)
    return Seating(len(given), len(holding) - len(lacking), len(lacking) - len(given))


def _in_order(people: Iterable[Registration], exam: Exam, granted: dict[int, Accommodation]) -> list[Registration]:
    """Return the people in the order in which they choose: whoever is granted a place first."""
    line = list(people)
    if exam.seat_order == Exam.SeatOrder.NAME:
        line.sort(key=lambda one: (_last_name(one), one.pk))
    else:
        random.Random(exam.seat_seed).shuffle(line)  # noqa: S311 - a lottery, not a secret
    bound = [one for one in line if (a := granted.get(one.enrolment_id)) and (a.own_room or a.front_row)]
    return bound + [one for one in line if one not in bound]


def _last_name(registration: Registration) -> str:
    words = str(registration.enrolment.user).split()
    return " ".join([words[-1], *words[:-1]]).casefold() if words else ""


def _choose(free: Sequence[_Place], accommodation: Accommodation | None) -> _Place | None:
    """Return the first free place that fits what is granted; separate rooms are for those alone who are granted one."""
    wants_own = accommodation is not None and accommodation.own_room
    fitting = [place for place in free if place.room.is_separate == wants_own]
    if accommodation is not None and accommodation.front_row and fitting:
        front = min(place.row for place in fitting)
        fitting = [place for place in fitting if place.row == front]
    return fitting[0] if fitting else None


def _rooms(exam: Exam) -> list[Room]:
    rooms = list(Room.objects.filter(exam=exam).order_by("position", "pk"))
    if not rooms:
        raise RuleViolation(_("Add the rooms of the exam first."), code="no-rooms")
    return rooms


def _lock(exam_pk: int) -> Exam:
    return Exam.objects.select_for_update(no_key=True, of=("self",)).select_related("course").get(pk=exam_pk)


def _tell(registration: Registration, *, now: datetime) -> None:
    notify(
        key=f"exams.seats:{registration.pk}:{now.timestamp():.0f}",
        kind="exams.seats",
        now=now,
        recipient=registration.enrolment.user,
        course=registration.enrolment.course,
        references={"registration": registration.pk},
    )
