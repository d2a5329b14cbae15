"""Rooms that change once people know their seats: shown before, and told as what it is, another seat or none."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone, translation
from pytest_django import Settings

from amls.agenda.services import reconcile
from amls.held.services import HOLD
from amls.mail.letters import letter_kinds
from amls.mail.models import Notice
from exams.models import Exam, Registration, Room, Spacing
from exams.services.moving import SeatSpot, move_seat
from exams.services.registration import staff_register, staff_withdraw
from exams.services.seating import assign_seats, follow_rooms, mend_seats, release_seats
from exams.services.seatnews import seats_of
from tests.agreement import agree_to, seal_in
from tests.cast import Cast
from tests.desk.test_writes import form_of
from tests.exams.people import make_students
from tests.exams.test_seating import plan
from tests.factories import OpenExamFactory

pytestmark = pytest.mark.django_db
NOW = timezone.now()
CHANGED = "exams.seat-changed"


@pytest.fixture
def exam(cast: Cast, settings: Settings) -> Exam:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    at = (NOW + timedelta(days=9)).replace(second=0, microsecond=0)
    return OpenExamFactory.create(course=cast.course, capacity=9, starts_at=at)


@pytest.fixture
def seated(cast: Cast, exam: Exam) -> list[Registration]:
    """Three people, one behind the other in a room of four rows, who know their seats."""
    people = [
        staff_register(enrolment=student, exam_pk=exam.pk, reason="By hand", now=NOW)
        for student in make_students(cast.course, 3)
    ]
    Room.objects.create(exam=exam, name="H_0107", rows=4, seats_per_row=1, spacing=Spacing.EVERY_SEAT)
    assign_seats(exam_pk=exam.pk, order="name", now=NOW)
    release_seats(exam_pk=exam.pk, now=NOW)
    reconcile(cast.course, now=NOW)
    exam.refresh_from_db()
    return people


def told(person: Registration, language: str = "de") -> tuple[str, str] | None:
    """Return the letter about a changed seat that waits for a person; None where none does, or it has nothing to say."""
    notice = Notice.objects.filter(kind=CHANGED, recipient=person.enrolment.user).order_by("pk").last()
    with translation.override(language):
        letter = letter_kinds[CHANGED].writer(notice, NOW) if notice is not None else None
    return (letter.subject, letter.text) if letter is not None else None


def test_a_smaller_room_is_asked_about_and_told_with_the_old_seat_and_the_new(
    cast: Cast, exam: Exam, seated: list[Registration]
) -> None:
    Room.objects.create(exam=exam, name="H 0108", rows=1, seats_per_row=1, position=1)
    client, address, before = cast.client("lecturer"), reverse("admin:exams_exam_change", args=[exam.pk]), plan(exam)
    data: dict[str, Any] = {**form_of(client, address), "rooms-0-rows": "2"}
    asked = client.post(address, data)
    shown = " ".join(asked.content.decode().split())
    assert "S 0002: H_0107, row 3, seat 1 → H 0108, row 1, seat 1" in shown
    assert "S 0000" not in shown
    assert "Save, and tell them" in shown
    assert (plan(exam), Notice.objects.filter(kind=CHANGED).count()) == (before, 0)
    assert agree_to(client, address, data, asked).status_code == 302
    assert plan(exam) == {**before, seated[2].pk: ("H 0108", 1, 1)}
    (notice,) = Notice.objects.filter(kind=CHANGED)
    assert (notice.recipient, notice.not_before - notice.created_at) == (seated[2].enrolment.user, HOLD)
    subject, text = told(seated[2]) or ("", "")
    assert subject == "Sie sitzen anders: Schriftliche Prüfung"
    assert "**H 0108, Reihe 1, Platz 1**" in text
    assert "H\\_0107, Reihe 3, Platz 1" in text
    assert [told(person) for person in seated[:2]] == [None, None]


def test_without_any_room_all_are_asked_about_and_told_that_they_have_no_seat(
    cast: Cast, exam: Exam, seated: list[Registration]
) -> None:
    client, address = cast.client("lecturer"), reverse("admin:exams_exam_change", args=[exam.pk])
    data = {**form_of(client, address), "rooms-0-DELETE": "on"}
    asked = client.post(address, data)
    assert asked.content.decode().count("→ no seat") == 3
    assert len(plan(exam)) == 3
    page = client.get(agree_to(client, address, data, asked)["Location"]).content.decode()
    assert "3 people have no seat" in page
    assert plan(exam) == {}
    subject, text = told(seated[1]) or ("", "")
    assert subject == "Sie haben zurzeit keinen Sitzplatz: Schriftliche Prüfung"
    assert "**H\\_0107, Reihe 2, Platz 1**" in text
    # Who has one again by the time that mails leave reads of that one alone; who sits as before reads nothing.
    Room.objects.create(exam=exam, name="H_0107", rows=2, seats_per_row=1, spacing=Spacing.EVERY_SEAT)
    Room.objects.create(exam=exam, name="Neu", rows=1, seats_per_row=1, position=1)
    mend_seats(exam_pk=exam.pk, now=timezone.now())
    standing = {pk for pk, (room, _row, _seat) in plan(exam).items() if room == "H_0107"}
    assert {person.pk for person in seated if told(person) is None} <= standing
    (moved,) = (person for person in seated if person.pk not in standing)
    assert (told(moved) or ("", ""))[0] == "Sie sitzen anders: Schriftliche Prüfung"


def test_who_was_told_of_no_seat_is_told_of_the_next_one(cast: Cast, exam: Exam, seated: list[Registration]) -> None:
    knew = seats_of(exam)
    exam.rooms.all().delete()
    follow_rooms(exam_pk=exam.pk, knew=knew, now=NOW)
    Notice.objects.update(state=Notice.State.SENT, sent_at=NOW)
    Room.objects.create(exam=exam, name="Neu", rows=4, seats_per_row=1, spacing=Spacing.EVERY_SEAT)
    mend_seats(exam_pk=exam.pk, now=NOW + timedelta(hours=1))
    subject, text = told(seated[0], "en") or ("", "")
    assert subject == "Your seat for Written exam is fixed"
    assert "**Neu, row " in text
    assert "one that was printed before is no longer right" in text


def test_a_move_on_the_plan_names_both_seats_and_two_moves_are_one_mail(exam: Exam, seated: list[Registration]) -> None:
    room = exam.rooms.get()
    for minutes, row in ((0, 4), (1, 2)):
        at = NOW + timedelta(minutes=minutes)
        move_seat(exam_pk=exam.pk, registration_pk=seated[0].pk, spot=SeatSpot(room.pk, row, 1), now=at)
    assert Notice.objects.filter(kind=CHANGED).count() == 2
    text = (told(seated[0]) or ("", ""))[1]
    assert "**H\\_0107, Reihe 2, Platz 1**. Vorher war es: H\\_0107, Reihe 1, Platz 1." in text
    assert "Reihe 4" in (told(seated[1]) or ("", ""))[1]
    assert told(seated[2]) is None


def test_before_seats_are_released_rooms_change_unasked_and_untold(
    cast: Cast, exam: Exam, seated: list[Registration]
) -> None:
    Exam.objects.filter(pk=exam.pk).update(seats_released_at=None)
    client, address = cast.client("lecturer"), reverse("admin:exams_exam_change", args=[exam.pk])
    answer = client.post(address, {**form_of(client, address), "rooms-0-rows": "2"})
    assert (answer.status_code, seal_in(answer)) == (302, "")
    assert len(plan(exam)) == 2
    assert not Notice.objects.filter(kind=CHANGED).exists()


def test_who_withdrew_is_told_of_no_seat(exam: Exam, seated: list[Registration]) -> None:
    knew = seats_of(exam)
    staff_withdraw(registration_pk=seated[2].pk, reason="x", now=NOW)
    exam.rooms.update(rows=2)
    done = follow_rooms(exam_pk=exam.pk, knew=knew, now=NOW)
    assert done is not None
    assert done.told == ()
    assert told(seated[2]) is None
