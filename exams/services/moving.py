"""Moving one person to another seat, by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from amls.core.meanwhile import CODE
from amls.core.violations import RuleViolation
from amls.desk.history import last_writer
from exams.models import Exam, Registration, Room, Seat
from exams.services.cancelled import check_not_cancelled
from exams.services.regrading import lock_with_course
from exams.services.seatnews import seats_of, tell_changed


@dataclass(frozen=True, slots=True)
class SeatSpot:
    """A seat of a room, whoever sits there: the room's key, the row and the seat's number."""

    room: int
    row: int
    number: int

    def __str__(self) -> str:
        return f"{self.room}.{self.row}.{self.number}"

    @classmethod
    def read(cls, text: str) -> SeatSpot | None:
        """Return what `str` said; None where it is none."""
        parts = text.split(".")
        if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
            return None
        return cls(*map(int, parts))


@dataclass(frozen=True, slots=True)
class MovedSeat:
    """What came of moving somebody.

    Attributes:
        registration: of the person, with their seat.
        was: where they sat; None where they had no seat.
        other: whose seat they took, and who sits where they sat.
    """

    registration: Registration
    was: SeatSpot | None
    other: Registration | None


def move_seat(
    *,
    exam_pk: int,
    registration_pk: int,
    spot: SeatSpot | None,
    now: datetime,
    seen: Mapping[SeatSpot, int] | None = None,
) -> MovedSeat:
    """Let a person sit elsewhere: on a free seat of the plan, or in exchange with who sits there.

    Once seats are released whoever sits elsewhere is told, after five minutes; who sits as before by then is told nothing.

    Args:
        exam_pk: of the exam.
        registration_pk: of the person, who holds a seat in the exam.
        spot: where to; None takes their seat away, which only undoes that they were given one.
        now: the request's clock.
        seen: who sat where on the plan that was shown; None doesn't ask.

    Raises:
        RuleViolation: the exam is closed or cancelled, the person is not in it, the seat is none of its plan, somebody sits there
            and the person has no seat to give in exchange, or the person or who sat there sits elsewhere than was shown
            (code 'changed-meanwhile').
    """
    with transaction.atomic():
        exam = lock_with_course(exam_pk)
        check_not_cancelled(exam)
        if exam.closed_at is not None:
            raise RuleViolation(_("The exam is closed: nobody moves any more."), code="exam-closed")
        holding = (
            Registration.objects.holding().filter(exam=exam).select_related("enrolment__user", "enrolment__course")
        )
        registration = holding.filter(pk=registration_pk).first()
        if registration is None:
            raise RuleViolation(_("This person holds no seat in the exam any more."), code="gone")
        own = Seat.objects.filter(registration=registration).first()
        was = SeatSpot(own.room_id, own.row, own.number) if own is not None else None
        if was == spot:
            return MovedSeat(registration, was, None)
        knew = seats_of(exam)
        taken = _taken(exam, spot) if spot is not None else None
        if seen is not None:
            _need_to_have_seen(exam, seen, registration, was, spot, taken)
        if taken is not None and own is None:
            raise RuleViolation(_("Somebody sits there. Move them first."), code="seat-taken")
        if spot is None and exam.seats_released_at is not None:
            raise RuleViolation(_("The seats are released: people know theirs."), code="seats-released")
        # Both rows go before new ones come: at no moment do two sit on one seat.
        Seat.objects.filter(registration__in=[row for row in (registration, taken) if row is not None]).delete()
        if spot is not None:
            _sit(registration, spot)
        if taken is not None and was is not None:
            _sit(taken, was)
        tell_changed(exam, [row for row in (registration, taken) if row is not None], knew, now=now)
    return MovedSeat(registration, was, taken)


def _need_to_have_seen(
    exam: Exam,
    seen: Mapping[SeatSpot, int],
    registration: Registration,
    was: SeatSpot | None,
    spot: SeatSpot | None,
    taken: Registration | None,
) -> None:
    """Refuse to move somebody on a plan that is not as it was shown, at the two seats that it is about.

    Raises:
        RuleViolation: it is not; with who sits elsewhere, where, and who moved them.
    """
    shown = next((place for place, pk in seen.items() if pk == registration.pk), None)
    sat_there = seen.get(spot) if spot is not None else None
    if shown != was:
        moved = registration.pk
    elif sat_there != (taken.pk if taken is not None else None):
        moved = taken.pk if taken is not None else sat_there or 0
    else:
        return
    people = Registration.objects.filter(exam=exam).select_related("enrolment__user", "enrolment__course", "seat__room")
    person = people.filter(pk=moved).first()
    seat = getattr(person, "seat", None)
    if person is None or seat is None:
        said = _("The plan is not as you saw it any more: somebody has given a seat up. Choose again.")
    else:
        said = _("%(name)s moved %(person)s meanwhile, to %(seat)s. Look at the plan, and choose again.") % {
            "name": last_writer(seat) or _("Somebody"), "person": person.enrolment.user, "seat": seat,
        }  # fmt: skip
    raise RuleViolation(said, code=CODE)


def _taken(exam: Exam, spot: SeatSpot) -> Registration | None:
    """Return who sits on a seat of the exam's plan.

    Raises:
        RuleViolation: it is none of the plan.
    """
    room = Room.objects.filter(exam=exam, pk=spot.room).first()
    if room is None or (spot.row, spot.number) not in room.usable():
        raise RuleViolation(_("This seat is not used in the exam."), code="no-seat")
    seat = Seat.objects.filter(room=room, row=spot.row, number=spot.number)
    row = seat.select_related("registration__enrolment__user", "registration__enrolment__course").first()
    return row.registration if row is not None else None


def _sit(registration: Registration, spot: SeatSpot) -> None:
    Seat.objects.create(room_id=spot.room, row=spot.row, number=spot.number, registration=registration)
