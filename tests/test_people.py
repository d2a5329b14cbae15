"""People are found however their names are typed, and stand by their family names, wherever they are listed."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from amls.courses.models import Course, Enrolment, RosterEntry, User
from amls.mail.models import Notice
from amls.portal.gradebook.standings import standings
from exams.models import Accommodation, Exam, Registration, Result
from exams.queries import office_rows
from exams.services.registration import staff_register
from exams.services.seatplan import in_order
from projects.models import EarlierPass, ExtensionRequest, Membership, Project
from tests.cast import Cast
from tests.factories import EnrolmentFactory, OpenExamFactory, TopicFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]
NAMES = [
    "Zoë Abel", "Änne Becker", "Anna von der Heide", "Krüger, Anna", "Søren Lund", "Bernd Ördek", "Özlem Şahin",
    "Łukasz Żółć", "山田太郎",
]  # fmt: skip
TYPED = [
    ("ozlem", "Özlem Şahin"), ("sahin", "Özlem Şahin"), ("kruger", "Krüger, Anna"), ("krueger", "Krüger, Anna"),
    ("anna krueger", "Krüger, Anna"), ("lukasz", "Łukasz Żółć"), ("soren", "Søren Lund"), ("山田", "山田太郎"),
]  # fmt: skip


@pytest.fixture
def people(cast: Cast) -> list[Enrolment]:
    """Nine students, the last in order first."""
    return [
        EnrolmentFactory.create(
            course=cast.course, user__email=f"p{number}@example.org", user__display_name=name,
            user__matriculation_number=f"77{number:04}",
        )
        for number, name in reversed(list(enumerate(NAMES)))
    ]  # fmt: skip


@pytest.fixture
def exam(cast: Cast, people: list[Enrolment]) -> Exam:
    """An exam for which all of them are registered."""
    exam: Exam = OpenExamFactory.create(course=cast.course, capacity=None)
    for person in people:
        staff_register(enrolment=person, exam_pk=exam.pk, reason="By hand", now=datetime(2024, 6, 20, 10, tzinfo=UTC))
    return exam


def fill(course: Course, people: list[Enrolment]) -> None:
    """Give everyone a row of each kind that the desk searches by people."""
    now = timezone.now()
    for person in people:
        topic = TopicFactory.create(course=course)
        project = Project.objects.create(assignment=topic.assignment, topic=topic, registered_at=now)
        Membership.objects.create(project=project, assignment=project.assignment, enrolment=person, joined_at=now)
        ExtensionRequest.objects.create(project=project, enrolment=person, reason="Ill", asked_at=now)
        EarlierPass.objects.create(enrolment=person, term="SS2023")
        RosterEntry.objects.create(course=course, email=person.user.email, name=person.user.display_name)
        Accommodation.objects.create(course=course, enrolment=person, extra_minutes=9)
        Notice.objects.create(
            key=person.user.email, kind="tests", course=course, recipient=person.user, not_before=now, created_at=now
        )
    for held in Registration.objects.filter(course=course):
        Registration.objects.filter(pk=held.pk).update(state="attended", arrived_at=now)
        Result.objects.create(registration=held, points=50)


def listed(client: Client, address: str, typed: str) -> list[str]:
    answer = client.get(address, {"q": typed})
    assert answer.status_code == 200
    return [person_of(row) for row in answer.context["cl"].result_list]


def person_of(row: Any) -> str:
    match row:
        case User():
            return row.display_name
        case RosterEntry():
            return row.name
        case Notice():
            return row.recipient.display_name
        case Enrolment():
            return row.user.display_name
        case Project():
            return row.memberships.get().enrolment.user.display_name
        case Result():
            return row.registration.enrolment.user.display_name
    return str(row.enrolment.user.display_name)


SEARCHED = [
    "courses/user", "courses/enrolment", "courses/rosterentry", "mail/notice", "exams/registration",
    "exams/result", "projects/project", "projects/extensionrequest", "projects/earlierpass",
]  # fmt: skip
BY_NAME = [
    "courses/user", "courses/enrolment", "courses/rosterentry", "exams/registration", "exams/accommodation",
    "exams/result", "projects/earlierpass",
]  # fmt: skip


def test_the_desk_finds_people_however_they_are_typed(cast: Cast, people: list[Enrolment], exam: Exam) -> None:
    fill(cast.course, people)
    client = cast.client("admin")
    for address in SEARCHED:
        for typed, name in TYPED:
            assert set(listed(client, f"/admin/{address}/", typed)) == {name}, (address, typed)


def test_the_desk_lists_people_by_family_name(cast: Cast, people: list[Enrolment], exam: Exam) -> None:
    fill(cast.course, people)
    client = cast.client("admin")
    for address in BY_NAME:
        rows = client.get(f"/admin/{address}/").context["cl"].result_list
        assert [name for name in map(person_of, rows) if name in NAMES] == NAMES, address


def test_the_door_and_the_gradebook_find_people_however_they_are_typed(
    cast: Cast, people: list[Enrolment], exam: Exam
) -> None:
    client = cast.client("lecturer")
    for typed, name in TYPED:
        door = client.get(f"/amls/exams/{exam.pk}/check-in/", {"q": typed})
        assert [row["name"] for row in door.context["rows"]] == [name], typed
        book = client.get("/amls/staff/gradebook/", {"q": typed})
        assert [str(row.enrolment.user) for row in book.context["rows"]] == [name], typed


def test_everybody_who_lists_people_does_it_by_family_name(cast: Cast, people: list[Enrolment], exam: Exam) -> None:
    client = cast.client("lecturer")
    door = client.get(f"/amls/exams/{exam.pk}/check-in/")
    assert [row["name"] for row in door.context["rows"]] == NAMES
    staff = client.get(f"/amls/exams/{exam.pk}/staff/").content.decode()
    assert sorted(NAMES, key=staff.index) == NAMES
    rows = standings(cast.course, now=timezone.now())
    assert [name for row in rows if (name := str(row.enrolment.user)) in NAMES] == NAMES
    assert [name for _number, name, _grade, _state in office_rows(exam)] == NAMES
    exam.seat_order = Exam.SeatOrder.NAME
    registrations = Registration.objects.filter(exam=exam).select_related("enrolment__user")
    assert [str(registration.enrolment.user) for registration in in_order(registrations, exam, {})] == NAMES
