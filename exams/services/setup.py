"""What an exam needs: rooms, and what is granted to whom in them."""

from datetime import datetime

from django.db import transaction

from amls.courses.models import User
from amls.courses.services import finish_course_change, lock_course
from exams.models import Accommodation, Room
from exams.services.seating import Move, seat_by_what_is_granted


def save_room(room: Room, *, by: User | None = None, now: datetime) -> None:
    """Keep a room of an exam, new or changed. Seats follow once all rooms are kept: `follow_rooms`."""
    with transaction.atomic():
        course = lock_course(room.exam.course_id)
        room.save()
        finish_course_change(course, now=now)


def delete_room(room: Room, *, by: User | None = None, now: datetime) -> None:
    """Give a room back; who sat there gets another place by `follow_rooms`."""
    with transaction.atomic():
        course = lock_course(room.exam.course_id)
        room.delete()
        finish_course_change(course, now=now)


def grant(granted: Accommodation, *, by: User | None = None, now: datetime) -> Move:
    """Keep what is granted to a person, and seat them by it; return what became of their seat."""
    with transaction.atomic():
        course = lock_course(granted.course_id)
        granted.save()
        move = seat_by_what_is_granted(enrolment_pks=[granted.enrolment_id], now=now)[granted.enrolment_id]
        finish_course_change(course, now=now)
    return move


def end_grant(granted: Accommodation, *, by: User | None = None, now: datetime) -> Move:
    """End what is granted to a person, and seat them without it; return what became of their seat."""
    with transaction.atomic():
        course = lock_course(granted.course_id)
        granted.delete()
        move = seat_by_what_is_granted(enrolment_pks=[granted.enrolment_id], now=now)[granted.enrolment_id]
        finish_course_change(course, now=now)
    return move
