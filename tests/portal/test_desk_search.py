"""What is found at the desk, and the one page about each person: only of one's own courses, in a fixed number of queries."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from amls.courses.models import Enrolment, Role, User
from amls.grading.services import note_person
from amls.mail.models import Notice
from amls.portal.desk.search import find_at_desk
from exams.models import Registration
from projects.models import Membership, Project
from tests.cast import Cast
from tests.factories import (
    AssignmentFactory,
    CourseFactory,
    EnrolmentFactory,
    ExamFactory,
    LectureFactory,
    TopicFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]


@pytest.fixture
def lukasz(cast: Cast) -> Enrolment:
    User.objects.filter(pk=cast.student.user_id).update(display_name="Łukasz Żółć", matriculation_number="412345")
    return Enrolment.objects.select_related("user", "course").get(pk=cast.student.pk)


def make_team(person: Enrolment, title: str = "Größe von Modellen") -> Project:
    now, assignment = timezone.now(), AssignmentFactory.create(course=person.course)
    topic = TopicFactory.create(course=person.course, assignment=assignment, title=title)
    project = Project.objects.create(assignment=assignment, topic=topic, registered_at=now)
    Membership.objects.create(project=project, assignment=assignment, enrolment=person, joined_at=now)
    return project


def found(cast: Cast, typed: str) -> dict[str, list[str]]:
    kinds = find_at_desk(typed, courses=[cast.course], chosen=None)
    return {kind.title: [hit.title for hit in kind.rows] for kind in kinds}


@pytest.mark.parametrize("typed", ["lukasz zolc", "ZOLC", "412345", "student@example.org"])
def test_people_and_their_teams_are_found_by_name_number_and_address(cast: Cast, lukasz: Enrolment, typed: str) -> None:
    project = make_team(lukasz)
    assert found(cast, typed) == {"People": ["Łukasz Żółć"], "Teams": [f"#{project.pk} Łukasz Żółć"]}


def test_teams_by_number_topics_lectures_and_exams_are_found(cast: Cast, lukasz: Enrolment) -> None:
    project = make_team(lukasz)
    LectureFactory.create(course=cast.course, number="05", title="Datenströme", room="H 0107")
    exam = ExamFactory.create(course=cast.course, title="Klausur", place="Audimax")
    assert found(cast, f"#{project.pk}") == {"Teams": [f"#{project.pk} Łukasz Żółć"]}
    assert found(cast, "groesse modell") == {"Topics": ["Größe von Modellen"]}
    assert found(cast, "datenstrom h 0107") == {"Lectures": ["05 Datenströme"]}
    assert found(cast, "klausur audimax") == {"Exams": [str(exam)]}
    assert found(cast, "  ") == {}


def test_the_desks_search_costs_the_same_however_much_there_is(
    cast: Cast, lukasz: Enrolment, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(12):
        person = EnrolmentFactory.create(course=cast.course, user__display_name=f"Şahin {number}")
        make_team(person, title=f"Thema Şahin {number}") if number < 1 else None
    with django_assert_num_queries(6):
        kinds = find_at_desk("sahin", courses=[cast.course], chosen=cast.course)
    people = next(kind for kind in kinds if kind.title == "People")
    assert (len(people.rows), people.has_more) == (8, True)


@pytest.mark.parametrize("part", ["student", "stranger", "foreign lecturer"])
def test_nothing_of_anothers_course_is_found_at_the_desk(cast: Cast, lukasz: Enrolment, part: str) -> None:
    make_team(lukasz)
    for address in ("/admin/search/?q=lukasz", f"/admin/people/{lukasz.pk}/"):
        answer = cast.client(part).get(address)
        assert "Żółć" not in answer.content.decode()
    assert answer.status_code in (302, 404)


def test_the_search_answers_with_its_part_while_somebody_types(cast: Cast, lukasz: Enrolment) -> None:
    client = cast.client("assistant")
    part = client.get("/admin/search/", {"q": "lukasz"}, headers={"HX-Request": "true"}).content.decode()
    assert f'href="/admin/people/{lukasz.pk}/"' in part
    assert "<html" not in part
    page = client.get("/admin/search/", {"q": "lukasz"}).content.decode()
    assert f'href="/admin/people/{lukasz.pk}/"' in page
    assert 'value="lukasz"' in page


def test_the_page_of_a_person_shows_all_that_the_course_knows(cast: Cast, lukasz: Enrolment) -> None:
    now, project = timezone.now(), make_team(lukasz)
    exam = ExamFactory.create(course=cast.course, title="Klausur")
    Registration.objects.create(
        course=cast.course, exam=exam, enrolment=lukasz, created_at=now, changed_at=now, reason="Nachgetragen"
    )
    Notice.objects.create(
        key="k", kind="projects.result", course=cast.course, recipient=lukasz.user, subject="Ihr Ergebnis",
        not_before=now, created_at=now,
    )  # fmt: skip
    note_person(enrolment=lukasz, text="Rief an.", by=cast.lecturer.user, now=now)
    page = cast.client("assistant").get(f"/admin/people/{lukasz.pk}/").content.decode()
    for said in (
        "412345",
        f"#{project.pk} Größe von Modellen",
        "Nachgetragen",
        "Ihr Ergebnis",
        "Rief an.",
        "Last sign-in",
    ):
        assert said in page, said


def test_the_page_of_a_person_tells_nothing_of_other_courses(cast: Cast, lukasz: Enrolment) -> None:
    now, secret = timezone.now(), CourseFactory.create(slug="secret", title="Geheimer Kurs")
    there = EnrolmentFactory.create(course=secret, user=lukasz.user)
    make_team(there, title="Geheimes Thema")
    Notice.objects.create(
        key="k", kind="projects.result", course=secret, recipient=lukasz.user, subject="Geheime Mail", not_before=now,
        created_at=now,
    )  # fmt: skip
    note_person(enrolment=there, text="Geheime Notiz", by=cast.admin, now=now)
    page = cast.client("lecturer").get(f"/admin/people/{lukasz.pk}/").content.decode()
    assert "Geheim" not in page
    assert cast.client("lecturer").get(f"/admin/people/{there.pk}/").status_code == 404
    # Whoever teaches both goes from one to the other.
    EnrolmentFactory.create(course=secret, user=cast.lecturer.user, role=Role.ASSISTANT)
    page = cast.client("lecturer").get(f"/admin/people/{lukasz.pk}/").content.decode()
    assert f'href="/admin/people/{there.pk}/"' in page


def test_the_page_of_a_person_costs_the_same_however_much_they_did(cast: Cast, lukasz: Enrolment) -> None:
    client, now = cast.client("lecturer"), timezone.now()
    project = make_team(lukasz)

    def queries() -> int:
        client.get(f"/admin/people/{lukasz.pk}/")
        with CaptureQueriesContext(connection) as captured:
            client.get(f"/admin/people/{lukasz.pk}/")
        return len(captured)

    counts = []
    for number in range(4):
        exam = ExamFactory.create(course=cast.course, starts_at=now)
        Registration.objects.create(
            course=cast.course,
            exam=exam,
            enrolment=lukasz,
            created_at=now,
            changed_at=now,
            state="excused",
            closed_at=now,
        )
        Notice.objects.create(
            key=f"k{number}", kind="tests", course=cast.course, recipient=lukasz.user, not_before=now, created_at=now
        )
        Membership.objects.filter(project=project, left_at=None).update(left_at=timezone.now())
        Membership.objects.create(
            project=project, assignment=project.assignment, enrolment=lukasz, joined_at=timezone.now()
        )
        Enrolment.objects.filter(pk=lukasz.pk).update(verified_number=str(number))
        counts.append(queries())
    assert counts == counts[:1] * 4


def note(client: Client, person: Enrolment, text: str) -> int:
    return int(client.post(f"/admin/people/{person.pk}/", {"note": text}).status_code)


def test_a_note_is_kept_from_the_page_of_a_person(cast: Cast, lukasz: Enrolment) -> None:
    assert note(cast.client("assistant"), lukasz, "Kommt später.") == 302
    assert Enrolment.objects.get(pk=lukasz.pk).person_note.text == "Kommt später."
    assert note(cast.client("assistant"), lukasz, "x" * 2001) == 422
    assert note(cast.client("foreign lecturer"), lukasz, "Meine") == 404
