"""Seats that people know already: told when they become others, and shown before that is saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from amls.held.services import HOLD
from amls.mail.corrections import Correction, notify_corrected
from amls.mail.outbox import Told
from exams.models import Exam, Registration, Seat
from exams.services.calendars import follow_later

CHANGED = "exams.seat-changed"


@dataclass(frozen=True, slots=True)
class NamedSeat:
    """A seat as people know it, whatever becomes of its room."""

    room: str
    row: int
    number: int

    def __str__(self) -> str:
        return _("%(room)s, row %(row)d, seat %(number)d") % {
            "room": self.room, "row": self.row, "number": self.number,
        }  # fmt: skip

    @property
    def parts(self) -> list[str | int]:
        """Room, row and number, as a notice keeps them."""
        return [self.room, self.row, self.number]


# By registration.
SeatsByPerson = Mapping[int, NamedSeat]


@dataclass(frozen=True, slots=True)
class SeatChange:
    """That somebody sits elsewhere than before; None is no seat."""

    registration: Registration
    was: NamedSeat | None
    is_now: NamedSeat | None

    def __str__(self) -> str:
        no_seat = _("no seat")
        return f"{self.registration.enrolment.user}: {self.was or no_seat} → {self.is_now or no_seat}"


def seats_of(exam: Exam) -> dict[int, NamedSeat]:
    """Return who sits where: 1 query."""
    seats = Seat.objects.filter(room__exam=exam).values_list("registration", "room__name", "row", "number")
    return {registration: NamedSeat(room, row, number) for registration, room, row, number in seats}


def tell_changed(
    exam: Exam, people: Iterable[Registration], knew: SeatsByPerson, *, now: datetime
) -> tuple[SeatChange, ...]:
    """Once seats are released, mail people in five minutes that they sit elsewhere, where they do so still.

    Their calendars follow.

    Args:
        exam: as it is now.
        people: who hold a seat in it, with their accounts.
        knew: who sat where before.
        now: the request's clock.

    Returns:
        Who sits elsewhere than they know; nobody before seats are released.
    """
    if exam.seats_released_at is None:
        return ()
    has = seats_of(exam)
    changes = tuple(
        SeatChange(person, knew.get(person.pk), has.get(person.pk))
        for person in people
        if knew.get(person.pk) != has.get(person.pk)
    )
    notify_corrected(
        (_correction(change, exam, now) for change in changes), kind=CHANGED, now=now, not_before=now + HOLD
    )
    follow_later([change.registration.enrolment_id for change in changes])
    return changes


def _correction(change: SeatChange, exam: Exam, now: datetime) -> Correction:
    registration = change.registration
    told = Told(
        f"{CHANGED}:{registration.pk}:{now.timestamp():.6f}",
        registration.enrolment.user,
        exam.course,
        {"registration": registration.pk},
    )
    was, is_now = (seat.parts if seat is not None else None for seat in (change.was, change.is_now))
    return Correction(str(registration.pk), was, is_now, [told], knew={"seat": was})
