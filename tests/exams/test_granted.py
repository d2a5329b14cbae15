"""What is granted after seats were given: it moves whom it concerns, and takes nobody's seat away."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from amls.agenda.models import AgendaItem
from amls.agenda.services import reconcile
from amls.mail.models import Notice
from exams.models import Accommodation, Exam, Registration, Room, Spacing
from exams.needs import waiting_in
from exams.services.calendars import FOLLOW
from exams.services.registration import excuse, staff_register
from exams.services.seating import (
    Move,
    assign_seats,
    mend_seats,
    release_seats,
    seat_late_ones,
)
from exams.tasks import follow, tend_exams
from tests.cast import Cast
from tests.exams.conftest import Rings
from tests.exams.people import make_students
from tests.exams.test_seating import follow_measure, plan
from tests.factories import OpenExamFactory

pytestmark = pytest.mark.django_db
NOW = timezone.now()
ADD, DELETE_SEVERAL = "admin:exams_accommodation_add", "admin:exams_accommodation_changelist"


@pytest.fixture
def exam(cast: Cast, settings: Settings) -> Exam:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    return OpenExamFactory.create(
        course=cast.course, capacity=3, starts_at=NOW + timedelta(days=2), opens_at=None, closes_at=None,
        withdraw_until=NOW + timedelta(days=1),
    )  # fmt: skip


@pytest.fixture
def seated(cast: Cast, exam: Exam) -> list[Registration]:
    """Return three people, one behind the other in a room of three rows, who know their seats."""
    people = [
        staff_register(enrolment=student, exam_pk=exam.pk, reason="By hand", now=NOW)
        for student in make_students(cast.course, 3)
    ]
    Room.objects.create(exam=exam, name="Large", rows=3, seats_per_row=1, spacing=Spacing.EVERY_SEAT)
    assign_seats(exam_pk=exam.pk, order="name", now=NOW)
    release_seats(exam_pk=exam.pk, now=NOW)
    reconcile(cast.course, now=NOW)
    return people


def grant(cast: Cast, held: Registration, **measure: bool) -> Move:
    Accommodation.objects.create(course=cast.course, enrolment=held.enrolment, **measure)
    return follow_measure(held, NOW)


# ── nobody loses a seat ──


def test_an_own_room_that_there_is_not_takes_no_released_seat_away(
    cast: Cast, exam: Exam, seated: list[Registration]
) -> None:
    before = plan(exam)
    assert grant(cast, seated[1], own_room=True) == Move.NO_PLACE
    assert plan(exam) == before
    # Nor does it later, with whatever else is mended.
    done = mend_seats(exam_pk=exam.pk, now=NOW)
    assert (done.given, done.kept, done.without_seat, done.misplaced) == (0, 3, 0, 1)
    assert plan(exam) == before
    Room.objects.create(exam=exam, name="Small", rows=1, seats_per_row=1, is_separate=True, position=1)
    assert follow_measure(seated[1], NOW) == Move.MOVED
    assert plan(exam) == {**before, seated[1].pk: ("Small", 1, 1)}


def test_who_have_each_others_places_change_them(cast: Cast, exam: Exam, seated: list[Registration]) -> None:
    Room.objects.create(exam=exam, name="Small", rows=1, seats_per_row=1, is_separate=True, position=1)
    assert grant(cast, seated[1], own_room=True) == Move.MOVED
    # Whoever loses the own room finds free what the other two have left.
    Accommodation.objects.all().delete()
    Accommodation.objects.create(course=cast.course, enrolment=seated[0].enrolment, own_room=True)
    Room.objects.filter(name="Large").update(rows=2)
    assert mend_seats(exam_pk=exam.pk, now=NOW).misplaced == 0
    seats = plan(exam)
    assert seats[seated[0].pk] == ("Small", 1, 1)
    assert sorted(seats[registration.pk] for registration in seated[1:]) == [("Large", 1, 1), ("Large", 2, 1)]


def test_the_desk_says_for_whom_there_is_no_place_and_whom_it_moved(
    cast: Cast, exam: Exam, seated: list[Registration]
) -> None:
    client = cast.client("lecturer")
    values = {"course": cast.course.pk, "enrolment": seated[1].enrolment_id, "extra_minutes": 0, "own_room": "on", "at_the_door": ""}  # fmt: skip
    page = client.post(reverse(ADD), values, follow=True).content.decode()
    assert "No free place fits what is granted to S 0001" in page
    assert "sits elsewhere now" not in page
    assert waiting_in([cast.course], now=NOW).misplaced == [(exam, 1)]
    Room.objects.create(exam=exam, name="Small", is_separate=True, position=1)
    # It is another's measure that is saved here, which moves nobody.
    values |= {"enrolment": seated[2].enrolment_id, "extra_minutes": 15}
    del values["own_room"]
    page = client.post(reverse(ADD), values, follow=True).content.decode()
    assert plan(exam)[seated[1].pk][0] == "Small"
    assert "sits elsewhere now" not in page
    assert waiting_in([cast.course], now=NOW).misplaced == []


def test_measures_that_are_deleted_together_move_everyone_back(
    cast: Cast, exam: Exam, seated: list[Registration]
) -> None:
    Room.objects.create(exam=exam, name="Small", rows=3, is_separate=True, position=1)
    assert [grant(cast, registration, own_room=True) for registration in seated[:2]] == [Move.MOVED] * 2
    measures = list(Accommodation.objects.values_list("pk", flat=True))
    page = cast.client("lecturer").post(
        reverse(DELETE_SEVERAL), {"action": "delete_selected", "_selected_action": measures, "post": "yes"}, follow=True
    )  # fmt: skip
    assert {room for room, _row, _number in plan(exam).values()} == {"Large"}
    assert page.content.decode().count("sits elsewhere now") == 2


def test_a_measure_stays_with_its_person(cast: Cast, exam: Exam, seated: list[Registration]) -> None:
    measure = Accommodation.objects.create(course=cast.course, enrolment=seated[0].enrolment, extra_minutes=10)
    values = {"course": cast.course.pk, "enrolment": seated[1].enrolment_id, "extra_minutes": 20, "at_the_door": ""}
    cast.client("lecturer").post(reverse("admin:exams_accommodation_change", args=[measure.pk]), values)
    measure.refresh_from_db()
    assert (measure.enrolment_id, measure.extra_minutes) == (seated[0].enrolment_id, 20)


# ── nobody is moved for another ──


def test_a_waiting_list_beside_given_seats_moves_nobody(
    cast: Cast, exam: Exam, seated: list[Registration], rings: Rings
) -> None:
    assert staff_register(enrolment=cast.student, exam_pk=exam.pk, reason="x", now=NOW).state == "waitlisted"
    assert grant(cast, seated[2], front_row=True) == Move.NO_PLACE
    Exam.objects.update(withdraw_until=NOW - timedelta(days=1))
    told = Notice.objects.filter(kind__startswith="exams.seat").count()
    with rings():
        excuse(registration_pk=seated[0].pk, reason="ill", now=NOW)
        seat_late_ones(enrolment_pks=[registration.enrolment_id for registration in seated], now=NOW)
        tend_exams()
    assert plan(exam) == {seated[1].pk: ("Large", 2, 1), seated[2].pk: ("Large", 3, 1)}
    assert Notice.objects.filter(kind__startswith="exams.seat").count() == told


def test_who_comes_late_gets_a_seat_until_the_exam_is_over_and_moves_nobody(
    cast: Cast, exam: Exam, seated: list[Registration]
) -> None:
    Exam.objects.update(capacity=None)
    assert grant(cast, seated[2], front_row=True) == Move.NO_PLACE
    excuse(registration_pk=seated[0].pk, reason="ill", now=NOW)
    late = staff_register(enrolment=cast.student, exam_pk=exam.pk, reason="x", now=NOW)
    assert seat_late_ones(enrolment_pks=[late.enrolment_id], now=exam.ends_at) == 0
    assert seat_late_ones(enrolment_pks=[late.enrolment_id], now=exam.ends_at - timedelta(minutes=1)) == 1
    assert plan(exam)[seated[2].pk] == ("Large", 3, 1)


def test_one_course_that_fails_leaves_no_other_untended(
    cast: Cast, exam: Exam, seated: list[Registration], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = OpenExamFactory.create(course=cast.other_course, capacity=1, starts_at=NOW + timedelta(days=9), opens_at=None, closes_at=None, withdraw_until=None)  # fmt: skip
    waits = [staff_register(enrolment=student, exam_pk=other.pk, reason="x", now=NOW) for student in make_students(cast.other_course, 2)][1]  # fmt: skip
    Exam.objects.filter(pk=other.pk).update(capacity=2)

    def admit(**arguments: object) -> int:
        if arguments["course"] == cast.course:
            raise RuntimeError
        return 1

    monkeypatch.setattr("exams.tasks.admit_whoever_fulfils_the_rules", admit)
    assert tend_exams() == 1
    waits.refresh_from_db()
    assert waits.state == "registered"


def test_calendars_follow_even_if_no_seat_can_be_given(cast: Cast, exam: Exam, monkeypatch: pytest.MonkeyPatch) -> None:
    reconcile(cast.course, now=NOW)
    staff_register(enrolment=cast.student, exam_pk=exam.pk, reason="By hand", now=NOW)

    def fail(**_arguments: object) -> int:
        raise RuntimeError

    monkeypatch.setattr("exams.tasks.seat_late_ones", fail)
    with pytest.raises(RuntimeError):
        follow([cast.student.pk])
    assert AgendaItem.objects.filter(enrolment=cast.student, key=f"exams.exam:{exam.pk}").exists()


@pytest.mark.django_db(transaction=True)
def test_a_ring_that_fails_in_any_way_takes_nothing_back(
    cast: Cast, exam: Exam, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str, *_arguments: object, **_options: object) -> None:
        if name == FOLLOW:
            raise RuntimeError

    monkeypatch.setattr("celery.current_app.send_task", fail)
    held = staff_register(enrolment=cast.student, exam_pk=exam.pk, reason="By hand", now=NOW)
    assert Registration.objects.filter(pk=held.pk).exists()
