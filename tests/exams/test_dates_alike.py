"""Dates look alike to all who stand alike in them, and each person still sees what is their own."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from amls.core import clock
from amls.courses.models import Enrolment
from amls.pagecache import store as pagecache
from exams.models import Accommodation, Exam, Room, Seat
from exams.services.registration import register, withdraw
from exams.services.two_dates import hold_beside, wait_beside
from tests.cast import Cast
from tests.exams.people import make_students
from tests.exams.test_registration import JUNE
from tests.factories import OpenExamFactory

pytestmark = pytest.mark.django_db
_OWN_TO_EACH_ANSWER = re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"')


def page_of(person: Enrolment, language: str) -> str:
    client = Client(headers={"accept-language": language})
    client.force_login(person.user, backend="amls.courses.accounts.AccountBackend")
    answer = client.get(f"/{person.course.slug}/exams/")
    assert answer.status_code == 200
    return _OWN_TO_EACH_ANSWER.sub("", answer.content.decode())


@pytest.fixture
def people(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> list[Enrolment]:
    """Some who are registered, wait, both, have a seat, have extra time, withdrew, can't leave a date, or have nothing."""
    monkeypatch.setattr(clock.database_clock, "now", lambda: JUNE)
    july = OpenExamFactory.create(course=cast.course)
    august = OpenExamFactory.create(
        course=cast.course, starts_at=datetime(2024, 8, 10, 12, tzinfo=UTC), capacity=20, place="H 0105 – Größe",
    )  # fmt: skip
    past = OpenExamFactory.create(
        course=cast.course, starts_at=JUNE - timedelta(days=9), opens_at=None, closes_at=None, withdraw_until=None
    )
    # One person has its only seat; and one that has begun and is not closed.
    full, begun = (
        OpenExamFactory.create(course=cast.course, starts_at=start, closes_at=None, withdraw_until=None, capacity=1)
        for start in (datetime(2024, 9, 10, 12, tzinfo=UTC), JUNE - timedelta(minutes=5))
    )
    people = make_students(cast.course, 14)
    register(enrolment=people[10], exam_pk=full.pk, now=JUNE)
    register(enrolment=people[11], exam_pk=begun.pk, now=JUNE - timedelta(hours=1))
    Exam.objects.filter(pk=past.pk).update(closed_at=JUNE)
    for person in people[:4]:
        register(enrolment=person, exam_pk=july.pk, now=JUNE)
    for person in people[4:10]:
        register(enrolment=person, exam_pk=august.pk, now=JUNE)
    for person in people[4:6]:
        wait_beside(enrolment=person, exam_pk=july.pk, now=JUNE)
    hold_beside(enrolment=people[3], exam_pk=august.pk, now=JUNE)
    withdraw(enrolment=people[9], exam_pk=august.pk, now=JUNE)
    room = Room.objects.create(exam=august, name="H 0105", rows=5, seats_per_row=5)
    for number, person in enumerate(people[6:8], start=1):
        Seat.objects.create(room=room, row=1, number=number, registration=person.exam_registrations.get())
    Exam.objects.filter(pk=august.pk).update(seats_released_at=JUNE)
    for person in (people[8], people[12]):
        Accommodation.objects.create(course=cast.course, enrolment=person, extra_minutes=30)
    return people


def test_after_others_everyone_sees_what_they_see_alone(people: list[Enrolment]) -> None:
    visits = [(person, language) for person in people for language in ("de", "en")]
    alone = []
    for visit in visits:
        pagecache.store.clear()
        alone.append(page_of(*visit))
    for order in (1, -1):
        pagecache.store.clear()
        after_others = [page_of(*visit) for visit in visits[::order]][::order]
        for visit, expected, got in zip(visits, alone, after_others, strict=True):
            assert got == expected, visit
    # Not because all of them were the same.
    assert len(set(alone)) >= 2 * 9
