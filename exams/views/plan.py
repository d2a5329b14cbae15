"""The rooms of an exam as a drawn plan, in which people are moved from seat to seat."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from amls.core.keys import primary_key
from amls.core.violations import RuleViolation
from exams.models import Accommodation, Exam, Registration, Room
from exams.services.moving import SeatSpot, move_seat
from exams.services.seatplan import Place, fits
from exams.views.not_held import show_not_held
from exams.views.staff import open_exam


@dataclass(frozen=True, slots=True)
class Sitter:
    """Somebody who holds a seat in the exam, as the plan names them.

    Attributes:
        registration: with the person and the seat.
        ends_at: when the exam ends for them; None where it ends as for everyone.
        granted: what else supervisors need to know of them.
        is_misplaced: whether what is granted is not met where they sit.
    """

    registration: Registration
    ends_at: datetime | None
    granted: str
    is_misplaced: bool


@dataclass(frozen=True, slots=True)
class DrawnSeat:
    """A seat of the plan, and who sits there."""

    spot: SeatSpot
    sitter: Sitter | None


@dataclass(frozen=True, slots=True)
class DrawnRoom:
    """A room as it is drawn: the numbers of its seats, and its rows from the front, of the seats that are used alone."""

    room: Room
    numbers: list[int]
    rows: list[tuple[int, list[DrawnSeat]]]
    taken: int


@require_safe
def rooms(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Draw the rooms; where somebody is picked, every other seat is a button that takes them."""
    access, exam = open_exam(request, slug, pk)
    if exam.is_cancelled:
        return show_not_held(request, access, exam)
    drawn, seatless = _draw(exam)
    everyone = {row.registration.pk: row for row in (*seatless, *_sitters(drawn))}
    context = {
        "access": access,
        "course": access.course,
        "tab": "exams",
        "exam": exam,
        "rooms": drawn,
        "seatless": seatless,
        "seen": " ".join(
            f"{seat.spot}:{seat.sitter.registration.pk}"
            for room in drawn
            for _row, seats in room.rows
            for seat in seats
            if seat.sitter is not None
        ),
        "granted": [row for row in everyone.values() if row.ends_at or row.granted],
        "picked": everyone.get(primary_key(request.GET.get("pick")) or 0) if exam.closed_at is None else None,
    }
    return render(request, "exams/rooms.html", context)


@require_POST
def move(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Move the picked person to a seat; whoever sits there takes theirs."""
    access, exam = open_exam(request, slug, pk)
    person, spot = primary_key(request.POST.get("person")) or 0, SeatSpot.read(request.POST.get("spot", ""))
    back = reverse("exams:rooms", args=[slug, pk])
    if spot is None:
        messages.error(request, _("Choose a seat of the plan."))
        return redirect(back)
    try:
        moved = move_seat(exam_pk=exam.pk, registration_pk=person, spot=spot, now=access.now, seen=_seen(request))
    except RuleViolation as violation:
        messages.error(request, str(violation.message))
        return redirect(f"{back}?{urlencode({'pick': person})}")
    if moved.was == spot:
        messages.info(request, _("%(person)s sits there already.") % {"person": moved.registration.enrolment.user})
        return redirect(f"{back}#seat-{spot}")
    said = (
        _("%(person)s and %(other)s have changed seats.")
        if moved.other is not None
        else _("%(person)s sits there now.")
    ) % {"person": moved.registration.enrolment.user, "other": moved.other.enrolment.user if moved.other else ""}
    if exam.seats_released_at is not None:
        told = _("Who is moved is told in five minutes, unless you undo it before.")
        said = f"{said} {told}"
    undo = reverse("exams:rooms_undo", args=[slug, pk])
    messages.success(request, said, extra_tags=f"at 0 {undo} {person}:{spot}:{moved.was or ''}")
    return redirect(f"{back}#seat-{spot}")


def _seen(request: HttpRequest) -> dict[SeatSpot, int] | None:
    """Return who sat where on the plan that was shown; None where the page did not send it."""
    if "seen" not in request.POST:
        return None
    pairs = (place.partition(":") for place in request.POST["seen"].split())
    sat = ((SeatSpot.read(spot), primary_key(pk)) for spot, _colon, pk in pairs)
    return {spot: pk for spot, pk in sat if spot is not None and pk is not None}


@require_POST
def undo(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Move somebody back to where they sat before, as long as they still sit where they were moved to."""
    access, exam = open_exam(request, slug, pk)
    person, _colon, spots = request.POST.get("token", "").partition(":")
    there, _colon, was = spots.partition(":")
    registration = Registration.objects.filter(exam=exam, pk=primary_key(person) or 0).select_related("seat").first()
    seat = getattr(registration, "seat", None)
    back = reverse("exams:rooms", args=[slug, pk])
    if registration is None or seat is None or str(SeatSpot(seat.room_id, seat.row, seat.number)) != there:
        messages.error(request, _("Somebody moved them since. Look where they sit, then move them by hand."))
        return redirect(back)
    try:
        move_seat(exam_pk=exam.pk, registration_pk=registration.pk, spot=SeatSpot.read(was), now=access.now)
    except RuleViolation as violation:
        messages.error(request, str(violation.message))
    else:
        messages.success(request, _("Taken back: they sit as before."))
    return redirect(f"{back}#seat-{was}" if was else back)


def _draw(exam: Exam) -> tuple[list[DrawnRoom], list[Sitter]]:
    """Return the rooms, and who has no seat of the plan: 3 queries."""
    rows = Registration.objects.holding().filter(exam=exam)
    people = list(rows.select_related("enrolment__user", "enrolment__course", "seat__room").by_name())
    granted = {row.enrolment_id: row for row in Accommodation.objects.filter(course=exam.course_id)}
    rooms = list(Room.objects.filter(exam=exam).order_by("position", "pk"))
    places = [Place(room, row, number) for room in rooms for row, number in room.usable()]

    def sitter(person: Registration) -> Sitter:
        own, seat = granted.get(person.enrolment_id), getattr(person, "seat", None)
        place = Place(seat.room, seat.row, seat.number) if seat is not None else None
        return Sitter(
            person,
            own.own_end(exam) if own is not None else None,
            own.for_supervisors if own is not None else "",
            own is not None and place is not None and not fits(person, place, places, granted),
        )

    by_spot = {
        SeatSpot(person.seat.room_id, person.seat.row, person.seat.number): sitter(person)
        for person in people
        if hasattr(person, "seat")
    }
    drawn = [_draw_room(room, by_spot) for room in rooms]
    on_plan = {row.registration.pk for row in _sitters(drawn)}
    return drawn, [sitter(person) for person in people if person.pk not in on_plan]


def _draw_room(room: Room, by_spot: dict[SeatSpot, Sitter]) -> DrawnRoom:
    rows: dict[int, list[DrawnSeat]] = {}
    for row, number in room.usable():
        spot = SeatSpot(room.pk, row, number)
        rows.setdefault(row, []).append(DrawnSeat(spot, by_spot.get(spot)))
    numbers = [seat.spot.number for seat in next(iter(rows.values()), [])]
    taken = sum(seat.sitter is not None for seats in rows.values() for seat in seats)
    return DrawnRoom(room, numbers, list(rows.items()), taken)


def _sitters(drawn: list[DrawnRoom]) -> list[Sitter]:
    return [seat.sitter for room in drawn for _row, seats in room.rows for seat in seats if seat.sitter is not None]
