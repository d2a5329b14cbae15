"""Seats: spaced, kept, mended for the affected alone, shown when released."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from amls.agenda.models import AgendaItem
from amls.agenda.services import reconcile
from amls.core.violations import RuleViolation
from amls.mail.models import Notice
from exams.models import Accommodation, Exam, Registration, Room, Seat, Spacing
from exams.services.registration import register, staff_register, withdraw
from exams.services.seating import Move, assign_seats, mend_seats, release_seats, seat_by_what_is_granted
from tests.cast import Cast
from tests.exams.conftest import Rings
from tests.exams.people import make_students
from tests.factories import OpenExamFactory

pytestmark = pytest.mark.django_db
JUNE = datetime(2024, 6, 20, 10, tzinfo=UTC)


@pytest.fixture
def exam(cast: Cast) -> Exam:
    return OpenExamFactory.create(course=cast.course, capacity=None)


def fill(cast: Cast, exam: Exam, count: int, prefix: str = "s") -> list[Registration]:
    return [register(enrolment=student, exam_pk=exam.pk, now=JUNE) for student in make_students(cast.course, count, prefix=prefix)]  # fmt: skip


def follow_measure(held: Registration, now: datetime = JUNE) -> Move:
    """Seat a person by what is granted to them, and say what became of it."""
    moves = seat_by_what_is_granted(enrolment_pks=[held.enrolment_id], now=now)
    assert moves.keys() == {held.enrolment_id}
    return moves[held.enrolment_id]


def plan(exam: Exam) -> dict[int, tuple[str, int, int]]:
    seats = Seat.objects.filter(room__exam=exam).select_related("room")
    return {seat.registration_id: (seat.room.name, seat.row, seat.number) for seat in seats}


@pytest.mark.parametrize(
    ("spacing", "usable"),
    [
        (Spacing.EVERY_SEAT, [(row, number) for row in (1, 2, 3) for number in (1, 2, 3, 4, 5)]),
        (Spacing.SECOND_SEAT, [(row, number) for row in (1, 2, 3) for number in (1, 3, 5)]),
        (Spacing.SECOND_ROW, [(row, number) for row in (1, 3) for number in (1, 2, 3, 4, 5)]),
        (Spacing.SECOND_BOTH, [(row, number) for row in (1, 3) for number in (1, 3, 5)]),
    ],
)
def test_spacing_says_which_seats_are_used(spacing: str, usable: list[tuple[int, int]]) -> None:
    assert Room(name="A", rows=3, seats_per_row=5, spacing=spacing).usable() == usable


def test_the_same_seed_gives_the_same_seats_and_another_others(cast: Cast, exam: Exam) -> None:
    fill(cast, exam, 12)
    Room.objects.create(exam=exam, name="H 0107", rows=4, seats_per_row=6, spacing=Spacing.EVERY_SEAT)
    plans = []
    for seed in (1, 2, 1):
        assert assign_seats(exam_pk=exam.pk, order="random", seed=seed, now=JUNE).given == 12
        plans.append(plan(exam))
    assert plans[0] == plans[2] != plans[1]
    exam.refresh_from_db()
    assert (exam.seat_seed, exam.seat_order) == (1, "random")


def test_by_name_the_first_sit_in_front(cast: Cast, exam: Exam) -> None:
    people = fill(cast, exam, 4)
    Room.objects.create(exam=exam, name="A", rows=2, seats_per_row=3, spacing=Spacing.SECOND_SEAT)
    assign_seats(exam_pk=exam.pk, order="name", now=JUNE)
    assert [plan(exam)[person.pk] for person in people] == [("A", 1, 1), ("A", 1, 3), ("A", 2, 1), ("A", 2, 3)]


def test_who_finds_no_room_is_counted(cast: Cast, exam: Exam) -> None:
    fill(cast, exam, 5)
    assert_code("no-rooms", lambda: assign_seats(exam_pk=exam.pk, order="name", now=JUNE))
    Room.objects.create(exam=exam, name="A", rows=1, seats_per_row=5, spacing=Spacing.SECOND_SEAT)
    done = assign_seats(exam_pk=exam.pk, order="name", now=JUNE)
    assert (done.given, done.without_seat) == (3, 2)
    assert_code("seats-missing", lambda: release_seats(exam_pk=exam.pk, now=JUNE))


def test_what_is_granted_comes_first(cast: Cast, exam: Exam) -> None:
    people = fill(cast, exam, 8)
    Accommodation.objects.create(course=cast.course, enrolment=people[5].enrolment, own_room=True)
    Accommodation.objects.create(course=cast.course, enrolment=people[7].enrolment, front_row=True)
    Room.objects.create(exam=exam, name="Small", rows=1, seats_per_row=3, is_separate=True, position=0)
    Room.objects.create(exam=exam, name="Large", rows=5, seats_per_row=4, spacing=Spacing.SECOND_SEAT, position=1)
    for seed in range(5):
        assign_seats(exam_pk=exam.pk, order="random", seed=seed, now=JUNE)
        seats = plan(exam)
        assert [room for room, _row, _number in seats.values()].count("Small") == 1
        assert seats[people[5].pk][0] == "Small"
        assert seats[people[7].pk][:2] == ("Large", 1)


def test_only_the_affected_are_moved_and_late_ones_get_free_seats(cast: Cast, exam: Exam) -> None:
    people = fill(cast, exam, 6)
    room = Room.objects.create(exam=exam, name="A", rows=3, seats_per_row=2, spacing=Spacing.EVERY_SEAT)
    assign_seats(exam_pk=exam.pk, order="name", now=JUNE)
    before = plan(exam)
    room.rows = 2
    room.save()
    Room.objects.create(exam=exam, name="B", rows=2, seats_per_row=2, spacing=Spacing.EVERY_SEAT, position=1)
    late = fill(cast, exam, 1, prefix="late")[0]
    withdraw(enrolment=people[0].enrolment, exam_pk=exam.pk, now=JUNE)
    done = mend_seats(exam_pk=exam.pk, now=JUNE)
    after = plan(exam)
    assert (done.given, done.kept, done.without_seat) == (3, 3, 0)
    assert {pk: after[pk] for pk in (people[1].pk, people[2].pk, people[3].pk)} == {
        pk: before[pk] for pk in (people[1].pk, people[2].pk, people[3].pk)
    }
    assert sorted(after[registration.pk] for registration in (people[4], people[5], late)) == [
        ("A", 1, 1),
        ("B", 1, 1),
        ("B", 1, 2),
    ]
    assert mend_seats(exam_pk=exam.pk, now=JUNE).given == 0


def test_late_ones_get_a_free_seat_by_themselves(cast: Cast, exam: Exam, rings: Rings) -> None:
    # Workers go by their own clock: it is still to come.
    Exam.objects.update(starts_at=timezone.now() + timedelta(days=9))
    fill(cast, exam, 2)
    Room.objects.create(exam=exam, name="A", rows=1, seats_per_row=5, spacing=Spacing.SECOND_SEAT)
    with rings():
        early = fill(cast, exam, 1, prefix="early")[0]
    assert plan(exam) == {}
    assign_seats(exam_pk=exam.pk, order="name", now=JUNE)
    before = plan(exam)
    withdraw(enrolment=early.enrolment, exam_pk=exam.pk, now=JUNE)
    with rings():
        late = fill(cast, exam, 2, prefix="late")
    after = plan(exam)
    assert after[late[0].pk] == before[early.pk]
    # The room is full: the other one is on the staff's page, and nobody else is moved.
    assert late[1].pk not in after
    assert {pk: seat for pk, seat in after.items() if pk in before} == {pk: seat for pk, seat in before.items() if pk != early.pk}  # fmt: skip


def test_what_is_granted_later_moves_that_person_alone(cast: Cast, exam: Exam) -> None:
    people = fill(cast, exam, 6)
    Room.objects.create(exam=exam, name="Small", rows=1, seats_per_row=3, is_separate=True, position=0)
    Room.objects.create(exam=exam, name="Large", rows=5, seats_per_row=2, spacing=Spacing.EVERY_SEAT, position=1)
    assign_seats(exam_pk=exam.pk, order="name", now=JUNE)
    before = plan(exam)
    measure = Accommodation.objects.create(course=cast.course, enrolment=people[2].enrolment, own_room=True)
    assert follow_measure(people[2]) == Move.MOVED
    assert plan(exam) == {**before, people[2].pk: ("Small", 1, 1)}
    # The front row is full: nobody in it makes way, but who left row 2 leaves one nearer to the front.
    Accommodation.objects.create(course=cast.course, enrolment=people[5].enrolment, front_row=True)
    assert follow_measure(people[5]) == Move.MOVED
    assert plan(exam)[people[5].pk] == ("Large", 2, 1)
    assert follow_measure(people[5]) == Move.NO_PLACE
    measure.delete()
    assert follow_measure(people[2]) == Move.MOVED
    assert plan(exam)[people[2].pk] == ("Large", 3, 2)


def test_released_seats_stand_in_the_calendar_and_stay(cast: Cast, exam: Exam, rings: Rings) -> None:
    reconcile(cast.course, now=JUNE)
    held = register(enrolment=cast.student, exam_pk=exam.pk, now=JUNE)
    Room.objects.create(exam=exam, name="H 0107", rows=3, seats_per_row=3)
    assign_seats(exam_pk=exam.pk, order="name", now=JUNE)
    with rings():
        assert release_seats(exam_pk=exam.pk, now=JUNE) == 1
    row = AgendaItem.objects.get(enrolment=cast.student, key=f"exams.exam:{exam.pk}")
    assert row.place == "H 0107, row 1, seat 1"
    assert Notice.objects.filter(kind="exams.seats", references__registration=held.pk).count() == 1
    assert_code("seats-released", lambda: assign_seats(exam_pk=exam.pk, order="name", now=JUNE))
    # A late registration is told its seat.
    with rings():
        register(enrolment=cast.other_student, exam_pk=exam.pk, now=JUNE)
        mend_seats(exam_pk=exam.pk, now=JUNE + timedelta(hours=1))
    assert Notice.objects.filter(kind="exams.seat-changed", recipient=cast.other_student.user).count() == 1


def assert_code(code: str, act: Callable[[], object]) -> None:
    with pytest.raises(RuleViolation) as caught:
        act()
    assert caught.value.code == code


def test_a_measure_granted_at_the_desk_moves_the_person_and_their_calendar(
    cast: Cast, exam: Exam, settings: Settings
) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    now = timezone.now()
    Exam.objects.filter(pk=exam.pk).update(
        starts_at=now + timedelta(days=9), opens_at=None, closes_at=None, withdraw_until=None
    )
    held = staff_register(enrolment=cast.student, exam_pk=exam.pk, reason="By hand", now=now)
    Room.objects.create(exam=exam, name="Large", position=1)
    Room.objects.create(exam=exam, name="Small", is_separate=True, position=2)
    assign_seats(exam_pk=exam.pk, order="name", now=now)
    reconcile(cast.course, now=now)
    assert plan(exam)[held.pk][0] == "Large"
    client = cast.client("lecturer")
    values = {"course": cast.course.pk, "enrolment": cast.student.pk, "extra_minutes": 30, "own_room": "on", "at_the_door": ""}  # fmt: skip
    answer = client.post(reverse("admin:exams_accommodation_add"), values, follow=True)
    assert "sits elsewhere now" in answer.content.decode()
    assert plan(exam)[held.pk][0] == "Small"
    row = AgendaItem.objects.get(enrolment=cast.student, key=f"exams.exam:{exam.pk}")
    assert row.ends_at - row.starts_at == timedelta(minutes=exam.duration_minutes + 30)
    measure = Accommodation.objects.get()
    client.post(reverse("admin:exams_accommodation_delete", args=[measure.pk]), {"post": "yes"})
    assert plan(exam)[held.pk][0] == "Large"
