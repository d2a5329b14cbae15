"""Seats: given in one step, mended where only some are affected, released to the people."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from amls.core.violations import RuleViolation
from amls.mail.outbox import notify
from exams.models import Accommodation, Exam, Registration, Room, Seat
from exams.services.calendars import follow_later
from exams.services.cancelled import check_not_cancelled
from exams.services.seatnews import SeatChange, SeatsByPerson, seats_of, tell_changed
from exams.services.seatplan import Place, fits, in_order, plan_seats


@dataclass(frozen=True, slots=True)
class Seating:
    """What an assignment did.

    Attributes:
        changed: the enrolments that have a new seat, or another one.
        kept: how many people stay where they are.
        without_seat: how many found no room.
        misplaced: how many sit where what is granted to them is not met: nothing that fits is free.
        unfit: the enrolments of both.
        told: who knew their seat, and is told that it is another one, or none.
    """

    changed: frozenset[int]
    kept: int
    without_seat: int
    misplaced: int
    unfit: frozenset[int]
    told: tuple[SeatChange, ...] = ()

    @property
    def given(self) -> int:
        """How many seats are new or changed."""
        return len(self.changed)


class Move(StrEnum):
    """What became of somebody's seat as something was granted to them."""

    STAYS = "stays"
    MOVED = "moved"
    NO_PLACE = "no place"  # that fits is free: they keep the seat that they have, if any


def assign_seats(*, exam_pk: int, order: str, now: datetime, seed: int | None = None) -> Seating:
    """Give everyone who holds a seat in the exam a place in a room, all anew.

    The `order` is 'random' or 'name'. The `seed` is drawn by default, and kept with the exam:
    by it the same people get the same seats again.

    Raises:
        RuleViolation: the exam has no room, or seats are released already, or it is cancelled.
    """
    with transaction.atomic():
        exam = _lock(exam_pk)
        check_not_cancelled(exam)
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
        return _fill(exam, rooms, {}, now=now, moves=False)


def mend_seats(*, exam_pk: int, now: datetime) -> Seating:
    """Give a seat to those who have none, and another to those whose seat is none any more or does not fit what is granted.

    That is for after a room or what is granted has changed, or as people came late. Everyone else
    keeps theirs, and so does whoever is granted something of which nothing is free.

    Raises:
        RuleViolation: the exam has no room, or is cancelled.
    """
    with transaction.atomic():
        exam = _lock(exam_pk)
        check_not_cancelled(exam)
        rooms = _rooms(exam)
        if exam.seat_seed is None:
            exam.seat_seed = secrets.randbelow(2**31)
            exam.save(update_fields=["seat_seed"])
        return _mend(exam, rooms, seats_of(exam), now=now)


def follow_rooms(*, exam_pk: int, knew: SeatsByPerson, now: datetime) -> Seating | None:
    """Let seats that were given follow other rooms, as `mend_seats`; where there is no room any more, nobody has one.

    Args:
        exam_pk: of the exam.
        knew: from `seats_of`, who sat where before the rooms changed.
        now: the request's clock.

    Returns:
        What it did; None where no seats were given yet, or the date is cancelled: what people sat on waits for them.
    """
    with transaction.atomic():
        exam = _lock(exam_pk)
        if exam.seat_seed is None or exam.is_cancelled:
            return None
        return _mend(exam, list(Room.objects.filter(exam=exam).order_by("position", "pk")), knew, now=now)


def _mend(exam: Exam, rooms: Sequence[Room], knew: SeatsByPerson, *, now: datetime) -> Seating:
    usable = {(room.pk, row, number) for room in rooms for row, number in room.usable()}
    gone = [
        seat.pk
        for seat in Seat.objects.filter(room__exam=exam).select_related("registration")
        if (seat.room_id, seat.row, seat.number) not in usable or not seat.registration.holds_seat
    ]
    Seat.objects.filter(pk__in=gone).delete()
    return _fill(exam, rooms, knew, now=now, moves=True)


def seat_late_ones(*, enrolment_pks: Collection[int], now: datetime) -> int:
    """Give free seats to those of these people who came after seats were given; return how many seats are new.

    Nobody else is moved by it, and after the end of the exam nobody is seated.
    """
    given = 0
    for exam in _seated_exams(enrolment_pks, seat__isnull=True):
        if now < exam.ends_at:
            with transaction.atomic():
                locked = _lock(exam.pk)
                given += _fill(locked, _rooms(locked), seats_of(locked), now=now, moves=False).given
    return given


def seat_by_what_is_granted(*, enrolment_pks: Collection[int], now: datetime) -> dict[int, Move]:
    """Move people to where accommodations that were granted, changed or ended put them; say what became of each."""
    moves = dict.fromkeys(enrolment_pks, Move.STAYS)
    with transaction.atomic():
        for exam in _seated_exams(enrolment_pks).filter(starts_at__gt=now):
            done = mend_seats(exam_pk=exam.pk, now=now)
            moves |= dict.fromkeys(done.unfit & moves.keys(), Move.NO_PLACE)
            moves |= dict.fromkeys(done.changed & moves.keys(), Move.MOVED)
    return moves


def _seated_exams(enrolment_pks: Collection[int], **more: Any) -> QuerySet[Exam]:
    """Return the exams, open and with seats given, in which any of these people hold a seat that is as `more` says."""
    held = Registration.objects.active().holding().filter(exam=OuterRef("pk"), enrolment__in=enrolment_pks, **more)
    return Exam.objects.filter(
        Exists(held), Exists(Room.objects.filter(exam=OuterRef("pk"))), seat_seed__isnull=False, closed_at__isnull=True
    ).order_by("pk")


def _granted(exam: Exam) -> dict[int, Accommodation]:
    return {
        accommodation.enrolment_id: accommodation
        for accommodation in Accommodation.objects.filter(course=exam.course_id)
    }


def release_seats(*, exam_pk: int, now: datetime) -> int:
    """Show everyone their seat, on the page, in the calendar and by mail; return how many.

    Raises:
        RuleViolation: they are released already, or somebody has no seat, or the date is cancelled.
    """
    with transaction.atomic():
        exam = _lock(exam_pk)
        check_not_cancelled(exam)
        if exam.seats_released_at is not None:
            raise RuleViolation(_("The seats are released already."), code="seats-released")
        holding = list(
            Registration.objects.holding().filter(exam=exam).select_related("enrolment__user", "enrolment__course", "seat")
        )  # fmt: skip
        lacking = [registration for registration in holding if not hasattr(registration, "seat")]
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
        follow_later([registration.enrolment_id for registration in holding])
    return len(holding)


def _fill(exam: Exam, rooms: Sequence[Room], knew: SeatsByPerson, *, now: datetime, moves: bool) -> Seating:
    """Give free places to those who have none; where it `moves` people, also to those whose place does not fit.

    Who knew another seat, or has none any more, is told.
    """
    holding = list(
        Registration.objects.holding().filter(exam=exam).select_related("enrolment__user", "seat__room").order_by("pk")
    )
    granted = _granted(exam)
    places = [Place(room, row, number) for room in rooms for row, number in room.usable()]
    sits = {
        registration.pk: Place(registration.seat.room, registration.seat.row, registration.seat.number) for registration in holding if hasattr(registration, "seat")
    }  # fmt: skip
    planned = plan_seats(in_order(holding, exam, granted), sits, places, granted, moves=moves)
    given = [registration for registration in holding if registration.pk in planned]
    Seat.objects.filter(registration__in=planned.keys() & sits.keys()).delete()
    Seat.objects.bulk_create(
        Seat(room=place.room, row=place.row, number=place.number, registration_id=pk) for pk, place in planned.items()
    )
    seated = sits | planned
    without = [registration for registration in holding if registration.pk not in seated]
    misplaced = [
        registration
        for registration in holding
        if registration.pk in seated and not fits(registration, seated[registration.pk], places, granted)
    ]
    return Seating(
        changed=frozenset(registration.enrolment_id for registration in given),
        kept=len(holding) - len(given) - len(without),
        without_seat=len(without),
        misplaced=len(misplaced),
        unfit=frozenset(registration.enrolment_id for registration in (*without, *misplaced)),
        told=tell_changed(exam, holding, knew, now=now),
    )


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
