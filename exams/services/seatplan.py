"""Who sits where: the choice itself, from people, places and what is granted, without a database."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from exams.models import Accommodation, Exam, Registration, Room

# By the enrolment that something is granted to.
Granted = Mapping[int, Accommodation]


@dataclass(frozen=True, slots=True)
class Place:
    """One seat of a room that may be used; row 1 is the front."""

    room: Room
    row: int
    number: int


def plan_seats(
    line: Sequence[Registration],
    sits: Mapping[int, Place],
    places: Sequence[Place],
    granted: Granted,
    *,
    moves: bool,
) -> dict[int, Place]:
    """Return who gets which place, by registration: new ones, and where it `moves` people also those who sit wrongly.

    Somebody moves only to where they sit better by what is granted to them, so nobody loses a
    place for which there is no other. What those leave who move is free for the others.

    Args:
        line: everyone, in the order in which they choose.
        sits: the places of those who have one, by registration.
        places: all that there are, the first to be chosen first.
        granted: what is granted to whom.
        moves: whether anyone who sits may be moved.
    """
    stays = {
        registration.pk
        for registration in line
        if registration.pk in sits and not (moves and _may_sit_better(registration, sits[registration.pk], granted))
    }
    while True:
        kept = {sits[pk] for pk in stays}
        free = [place for place in places if place not in kept]
        plan: dict[int, Place] = {}
        for registration in line:
            place = None if registration.pk in stays else _choose(free, granted.get(registration.enrolment_id))
            if place is not None:
                free.remove(place)
                plan[registration.pk] = place
        unlucky = {
            registration.pk
            for registration in line
            if registration.pk in sits
            and registration.pk not in stays
            and not _is_better(plan.get(registration.pk), sits[registration.pk], registration, granted)
        }
        if not unlucky:
            return plan
        stays |= unlucky


def in_order(people: Iterable[Registration], exam: Exam, granted: Granted) -> list[Registration]:
    """Return the people in the order in which they choose: whoever is granted a place first."""
    line = list(people)
    if exam.seat_order == Exam.SeatOrder.NAME:
        line.sort(key=lambda registration: (registration.enrolment.user.sort_name, registration.pk))
    else:
        random.Random(exam.seat_seed).shuffle(line)  # noqa: S311 - a lottery, not a secret
    return sorted(line, key=lambda registration: not any(_wishes(registration, granted)))


def fits(registration: Registration, place: Place, places: Iterable[Place], granted: Granted) -> bool:
    """Return whether a place is what is granted to a person: in the right kind of room, and in its front row if they need that."""
    wants_own, wants_front = _wishes(registration, granted)
    rows = (other.row for other in places if other.room.is_separate == wants_own)
    return place.room.is_separate == wants_own and (not wants_front or place.row == min(rows, default=place.row))


def _wishes(registration: Registration, granted: Granted) -> tuple[bool, bool]:
    """Return whether an own room and whether the front row is granted."""
    measure = granted.get(registration.enrolment_id)
    return measure is not None and measure.own_room, measure is not None and measure.front_row


def _may_sit_better(registration: Registration, place: Place, granted: Granted) -> bool:
    wants_own, wants_front = _wishes(registration, granted)
    return place.room.is_separate != wants_own or wants_front


def _is_better(new: Place | None, old: Place, registration: Registration, granted: Granted) -> bool:
    """Return whether it is worth moving; within the right kind of room only to a row nearer to the front."""
    wants_own, _wants_front = _wishes(registration, granted)
    return new is not None and (old.room.is_separate != wants_own or new.row < old.row)


def _choose(free: Sequence[Place], accommodation: Accommodation | None) -> Place | None:
    """Return the first free place that fits what is granted; separate rooms are for those alone who are granted one."""
    wants_own = accommodation is not None and accommodation.own_room
    fitting = [place for place in free if place.room.is_separate == wants_own]
    if accommodation is not None and accommodation.front_row and fitting:
        front = min(place.row for place in fitting)
        fitting = [place for place in fitting if place.row == front]
    return fitting[0] if fitting else None
