"""What is said to, and of, the people of one assignment of several: announcements, archiving, the desk, calendars."""

from datetime import timedelta

import pytest
from django.urls import reverse

from amls.agenda.models import AgendaItem
from amls.agenda.services import reconcile
from amls.core.violations import RuleViolation
from amls.courses.models import Course
from amls.courses.services import loose_ends_of
from amls.mail.announcements import save_announcement
from amls.mail.audiences import audience_choices, audience_label, people_in
from amls.mail.models import Announcement
from projects.models import Assignment
from projects.services.joining import team_for
from projects.services.registration import register_project
from projects.services.teams import invite_member
from tests.agreement import agree_to, agreeing_in
from tests.factories import AssignmentFactory, EnrolmentFactory, TopicFactory
from tests.projects.conftest import NOW, World
from tests.projects.test_assignments import give

pytestmark = pytest.mark.django_db


@pytest.fixture
def sheet(world: World) -> Assignment:
    return AssignmentFactory.create(
        course=world.course,
        kind="sheet",
        is_main=False,
        title="Blatt 100 % Łukasz",
        topics_given="",
        due_at=NOW + timedelta(days=7),
    )


@pytest.fixture
def seminar(world: World) -> Assignment:
    row = AssignmentFactory.create(
        course=world.course, title="Seminar", is_main=False, registration_closes_at=NOW + timedelta(days=7)
    )
    TopicFactory.create(course=world.course, assignment=row, title="Größe", team_max=2)
    return row


def names(choices: list) -> dict[str, str]:
    return {name: label for _group, own in choices if isinstance(own, list) for name, label in own}


def test_announcements_go_to_the_people_of_each_assignment(
    world: World, sheet: Assignment, seminar: Assignment
) -> None:
    late = EnrolmentFactory.create(course=world.course)
    register_project(enrolment=world.student, topic=seminar.topics.get(), now=NOW)
    give(team_for(enrolment=world.other, assignment=sheet, now=NOW), world.other)
    students = {world.student.pk, world.other.pk, late.pk}
    expected = {
        f"projects.team:{seminar.pk}": {world.student.pk},
        f"projects.team:{sheet.pk}": {world.other.pk},
        f"projects.without-team:{seminar.pk}": students - {world.student.pk},
        f"projects.without-hand-in:{seminar.pk}": {world.student.pk},
        f"projects.without-hand-in:{sheet.pk}": students - {world.other.pk},
    }
    offered = names(audience_choices([world.course]))
    for name, people in expected.items():
        assert name in offered
        assert set(people_in(name, world.course).values_list("pk", flat=True)) == people
    assert offered[f"projects.without-hand-in:{sheet.pk}"] == "Blatt 100 % Łukasz: who has not handed in"
    assert audience_label(f"projects.team:{sheet.pk}") == "Who is in a team for an assignment"
    told = audience_label(f"projects.without-hand-in:{sheet.pk}", world.course)
    assert told == "Blatt 100 % Łukasz: who has not handed in"
    assert audience_label(f"projects.team:{sheet.pk}", world.cast.other_course) == "Who is in a team for an assignment"


def test_what_is_gone_or_of_another_course_has_nobody(world: World, sheet: Assignment) -> None:
    other = world.cast.other_course
    for kind in ("team", "without-team", "without-hand-in"):
        for course, key in ((world.course, "0"), (world.course, "10000000000000000000000"), (other, str(sheet.pk))):
            assert not people_in(f"projects.{kind}:{key}", course).exists()


def test_an_announcement_to_people_of_another_course_is_refused(world: World, sheet: Assignment) -> None:
    desk = world.cast.client("admin")
    data = {
        "title": "Room", "text": "H 0105", "by_mail": "on", "publish_at_0": "2024-05-06", "publish_at_1": "12:00",
        "audience": f"projects.without-hand-in:{sheet.pk}",
    }  # fmt: skip
    address = reverse("admin:mail_announcement_add")
    refused = agree_to(desk, address, {**data, "course": world.cast.other_course.pk})
    assert "These people are of another course." in refused.content.decode()
    of_own = {**data, "course": world.course.pk}
    # The sheet is new: calendars are asked about after the mail, and neither answer is forgotten over the other.
    agreed = {**of_own, **agreeing_in(desk.post(address, of_own))}
    agree_to(desk, address, agreed, desk.post(address, agreed))
    assert Announcement.objects.get().audience == data["audience"]
    assert (
        "Who has not handed in an assignment"
        in desk.get(reverse("admin:mail_announcement_changelist")).content.decode()
    )


def test_the_desk_and_archiving_speak_of_every_assignment(world: World, sheet: Assignment, seminar: Assignment) -> None:
    world.project()
    register_project(enrolment=world.other, topic=seminar.topics.get(), now=NOW)
    for enrolment in (world.student, world.other):
        team_for(enrolment=enrolment, assignment=sheet, now=NOW)
    course = Course.objects.get(pk=world.course.pk)
    said = {
        "1 project without a decision",
        "Seminar: 1 team without a decision",
        "Blatt 100 % Łukasz: 2 teams without a decision",
    }
    assert said <= set(loose_ends_of(course))
    page = world.cast.client("lecturer").get("/admin/").content.decode()
    for text in said:
        assert text in page
    assert f"course={course.pk}&amp;assignment={sheet.pk}" in page


def test_who_has_a_team_has_done_with_the_registration_of_that_assignment(world: World, seminar: Assignment) -> None:
    reconcile(world.course, now=NOW)
    key = AgendaItem.objects.get(enrolment=None, key__endswith=":registration-closes").key
    register_project(enrolment=world.student, topic=seminar.topics.get(), now=NOW)
    assert AgendaItem.objects.get(key=key, enrolment=world.student).is_done
    assert not AgendaItem.objects.filter(key=key, enrolment=world.other).exists()


def test_invitations_say_for_which_assignment(world: World, seminar: Assignment) -> None:
    project = register_project(enrolment=world.student, topic=seminar.topics.get(), now=NOW)
    invite_member(project=project, email="new@example.org", by=world.student, now=NOW)
    desk, address = world.cast.client("lecturer"), reverse("admin:projects_invitation_changelist")
    assert "Seminar" in desk.get(address).content.decode()
    for assignment, is_shown in ((seminar, True), (world.assignment, False)):
        page = desk.get(address, {"project__assignment__id__exact": assignment.pk}).content.decode()
        assert ("new@example.org" in page) == is_shown


def test_an_announcement_that_nobody_would_see_is_refused_in_words(world: World) -> None:
    desk = world.cast.client("admin")
    data = {
        "course": world.course.pk, "title": "Raum", "text": "H 0105", "audience": "all",
        "publish_at_0": "2024-05-06", "publish_at_1": "12:00",
    }  # fmt: skip
    answer = desk.post("/admin/mail/announcement/add/", data)
    assert "Nobody would see it: say until when it stands on the course" in answer.content.decode()
    assert not Announcement.objects.exists()
    with pytest.raises(RuleViolation, match="Nobody would see it"):
        save_announcement(
            Announcement(course=world.course, title="Raum", text="H 0105", by_mail=False, publish_at=NOW),
            by=None,
            now=NOW,
        )
    # What was written before it was refused can still be withdrawn.
    row = Announcement.objects.create(course=world.course, title="Raum", text="x", by_mail=False, publish_at=NOW)
    agree_to(desk, f"/admin/mail/announcement/{row.pk}/change/", {**data, "is_withdrawn": "on"})
    row.refresh_from_db()
    assert row.is_withdrawn
