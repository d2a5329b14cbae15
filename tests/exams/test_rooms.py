"""The drawn plan of rooms: people are moved by one service, each move can be undone, and nobody sits on another."""

from datetime import timedelta

import pytest
from django.utils import timezone

from amls.core.violations import RuleViolation
from amls.held.services import HOLD
from amls.mail.models import Notice
from exams.models import Accommodation, Exam, Registration, Room, Seat
from exams.services.moving import SeatSpot, move_seat
from exams.services.registration import staff_register
from exams.services.seating import assign_seats
from tests.cast import Cast
from tests.exams.people import make_students
from tests.factories import OpenExamFactory

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def exam(cast: Cast) -> Exam:
    made: Exam = OpenExamFactory.create(course=cast.course, capacity=9, starts_at=NOW + timedelta(days=9))
    Room.objects.create(exam=made, name="H 0107", rows=2, seats_per_row=3, spacing="second_seat")
    for enrolment in make_students(cast.course, 3):
        staff_register(enrolment=enrolment, exam_pk=made.pk, reason="x", now=NOW)
    assign_seats(exam_pk=made.pk, order="name", now=NOW)
    return made


def plan(exam: Exam) -> dict[str, str]:
    """Return who sits where, by row and number."""
    seats = Seat.objects.filter(room__exam=exam).select_related("registration__enrolment__user")
    return {f"{seat.row}.{seat.number}": str(seat.registration.enrolment.user)[-1] for seat in seats}


def of(exam: Exam, last: str) -> Registration:
    return Registration.objects.get(exam=exam, enrolment__user__display_name=f"S {last:0>4}")


def test_somebody_moves_to_a_free_seat_or_changes_with_who_sits_there(exam: Exam) -> None:
    room = exam.rooms.get()
    assert plan(exam) == {"1.1": "0", "1.3": "1", "2.1": "2"}
    assert (
        move_seat(exam_pk=exam.pk, registration_pk=of(exam, "0").pk, spot=SeatSpot(room.pk, 2, 3), now=NOW).other
        is None
    )
    assert plan(exam) == {"2.3": "0", "1.3": "1", "2.1": "2"}
    moved = move_seat(exam_pk=exam.pk, registration_pk=of(exam, "1").pk, spot=SeatSpot(room.pk, 2, 1), now=NOW)
    assert (moved.was, moved.other) == (SeatSpot(room.pk, 1, 3), of(exam, "2"))
    assert plan(exam) == {"2.3": "0", "2.1": "1", "1.3": "2"}
    # Nobody knows their seat yet, so nobody is told.
    assert not Notice.objects.filter(kind="exams.seat-changed").exists()


def test_what_is_no_seat_of_the_plan_and_whoever_has_none_to_give_are_refused(cast: Cast, exam: Exam) -> None:
    room, other = exam.rooms.get(), OpenExamFactory.create(course=cast.course, starts_at=NOW + timedelta(days=19))
    foreign = Room.objects.create(exam=other, name="MA 001")
    late = staff_register(enrolment=cast.student, exam_pk=exam.pk, reason="x", now=NOW)
    for registration, spot, code in (
        (of(exam, "0"), SeatSpot(room.pk, 1, 2), "no-seat"),
        (of(exam, "0"), SeatSpot(room.pk, 3, 1), "no-seat"),
        (of(exam, "0"), SeatSpot(foreign.pk, 1, 1), "no-seat"),
        (late, SeatSpot(room.pk, 1, 1), "seat-taken"),
    ):
        with pytest.raises(RuleViolation) as refused:
            move_seat(exam_pk=exam.pk, registration_pk=registration.pk, spot=spot, now=NOW)
        assert refused.value.code == code
    with pytest.raises(RuleViolation):
        move_seat(exam_pk=other.pk, registration_pk=late.pk, spot=SeatSpot(foreign.pk, 1, 1), now=NOW)
    assert plan(exam) == {"1.1": "0", "1.3": "1", "2.1": "2"}


def test_once_seats_are_released_both_are_told_after_five_minutes_and_an_undo_tells_nobody(exam: Exam) -> None:
    Exam.objects.filter(pk=exam.pk).update(seats_released_at=NOW)
    room, first = exam.rooms.get(), of(exam, "0")
    move_seat(exam_pk=exam.pk, registration_pk=first.pk, spot=SeatSpot(room.pk, 1, 3), now=NOW)
    told = Notice.objects.filter(kind="exams.seat-changed")
    assert {(notice.recipient, notice.not_before) for notice in told} == {
        (first.enrolment.user, NOW + HOLD), (of(exam, "1").enrolment.user, NOW + HOLD),
    }  # fmt: skip
    later = NOW + timedelta(minutes=1)
    move_seat(exam_pk=exam.pk, registration_pk=first.pk, spot=SeatSpot(room.pk, 1, 1), now=later)
    assert plan(exam) == {"1.1": "0", "1.3": "1", "2.1": "2"}
    assert not told.all().exists()


def test_staff_pick_place_and_undo_without_a_script(cast: Cast, exam: Exam) -> None:
    client, address = cast.client("assistant"), f"/amls/exams/{exam.pk}/staff/rooms/"
    room, first, second = exam.rooms.get(), of(exam, "0"), of(exam, "1")
    Accommodation.objects.create(course=cast.course, enrolment=first.enrolment, extra_minutes=30, own_room=True)
    page = client.get(address).content.decode()
    assert f'href="?pick={first.pk}#seat-{room.pk}.1.1"' in page
    assert "own room" in page
    assert "not met where they sit" in page
    picked = client.get(f"{address}?pick={first.pk}").content.decode()
    assert f'name="spot" value="{room.pk}.2.3" class="is-free" aria-label="free: 2/3"' in picked
    answer = client.post(f"{address}move/", {"person": first.pk, "spot": f"{room.pk}.1.3"})
    assert answer["Location"] == f"{address}#seat-{room.pk}.1.3"
    assert plan(exam) == {"1.3": "0", "1.1": "1", "2.1": "2"}
    token = f"{first.pk}:{room.pk}.1.3:{room.pk}.1.1"
    assert f'name="token" value="{token}"' in client.get(address).content.decode()
    client.post(f"{address}undo/", {"token": token})
    assert plan(exam) == {"1.1": "0", "1.3": "1", "2.1": "2"}
    # Nobody undoes what another has changed since.
    client.post(f"{address}undo/", {"token": f"{second.pk}:{room.pk}.2.3:{room.pk}.2.1"})
    assert plan(exam) == {"1.1": "0", "1.3": "1", "2.1": "2"}
    for nonsense in ("", "x", "1.2", f"{room.pk}.0.0", "9" * 30 + ".1.1"):
        assert client.post(f"{address}move/", {"person": first.pk, "spot": nonsense}).status_code == 302
    for part in ("student", "foreign lecturer"):
        assert (
            cast.client(part).post(f"{address}move/", {"person": first.pk, "spot": f"{room.pk}.2.3"}).status_code == 404
        )
    assert plan(exam) == {"1.1": "0", "1.3": "1", "2.1": "2"}


def test_points_are_entered_in_the_order_of_the_stack(cast: Cast, exam: Exam) -> None:
    Registration.objects.filter(exam=exam).update(state="attended", arrived_at=NOW)
    Exam.objects.filter(pk=exam.pk).update(starts_at=NOW - timedelta(hours=1))
    for number, enrolment in zip(
        (300001, 100001, 200001), (row.enrolment for row in Registration.objects.order_by("pk")), strict=True
    ):
        enrolment.user.matriculation_number = str(number)
        enrolment.user.save()
    client = cast.client("assistant")
    assert (
        f"/amls/exams/{exam.pk}/results/?order=stack" in client.get(f"/amls/exams/{exam.pk}/check-in/").content.decode()
    )
    rows = client.get(f"/amls/exams/{exam.pk}/results/?order=stack").context["rows"]
    assert [row["registration"].enrolment.number for row in rows] == ["100001", "200001", "300001"]
