"""Who teaches a course is in none of its teams, by whatever way."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment, Role
from amls.courses.participation import leave_course
from amls.courses.saving import save_enrolment
from projects.models import Assignment, Membership, Topic
from projects.services.ideas import decide_idea, propose_idea, take_idea_back
from projects.services.joining import team_for
from projects.services.registration import restore_projects, withdraw_project
from projects.services.teams import accept_invitation, invite_member, move_member, write_seeking_note
from projects.teamrows import members_of
from tests.projects.conftest import NOW, World

pytestmark = pytest.mark.django_db


def propose(world: World, author: Enrolment) -> Topic:
    return propose_idea(
        enrolment=author,
        assignment=world.assignment,
        title=f"Idea of {author.pk}",
        description="x",
        team_max=2,
        now=NOW,
    )


def let_teach(enrolment: Enrolment) -> None:
    """Let somebody teach as if it had been so before: what binds them is not looked at."""
    Enrolment.objects.filter(pk=enrolment.pk).update(role=Role.ASSISTANT)


def test_staff_propose_no_idea_and_seek_no_teammates(world: World) -> None:
    lecturer, foreign = world.cast.lecturer, world.cast.foreign_lecturer

    def seek(who: Enrolment) -> None:
        write_seeking_note(enrolment=who, assignment=world.assignment, topic=None, text="Me", now=NOW)

    acts: list[Callable[[Enrolment], object]] = [lambda who: propose(world, who), seek]
    for act in acts:
        for who in (lecturer, foreign):
            with pytest.raises(RuleViolation) as refused:
                act(who)
            assert refused.value.code == "not-a-student"
    Assignment.objects.filter(pk=world.assignment.pk).update(due_at=timezone.now() + timedelta(days=9))
    client = world.cast.client("lecturer")
    page = reverse("projects:propose", args=["amls"])
    assert "Only students of this course propose ideas." in client.get(page).text
    assert client.post(page, {"title": "Own", "description": "x", "team_max": "1"}).status_code == 422
    assert not Topic.objects.exclude(proposal="").exists()
    assert "<form" in world.cast.client("student").get(page).text.split("<main")[1]


def test_who_waits_for_a_decision_on_an_idea_neither_teaches_nor_leaves_before(world: World) -> None:
    idea = propose(world, world.student)
    student = Enrolment.objects.get(pk=world.student.pk)
    student.role = Role.ASSISTANT
    with pytest.raises(RuleViolation, match="Decide on it first"):
        save_enrolment(student, now=NOW)
    with pytest.raises(RuleViolation, match="Take it back first"):
        leave_course(enrolment=world.student)
    take_idea_back(topic=idea, now=NOW)
    save_enrolment(student, now=NOW)
    other = propose(world, world.other)
    take_idea_back(topic=other, now=NOW)
    leave_course(enrolment=world.other)
    assert list(Topic.objects.exclude(proposal="")) == [idea]


def test_an_idea_of_who_teaches_by_now_is_only_declined(world: World) -> None:
    idea = propose(world, world.student)
    let_teach(world.student)
    with pytest.raises(RuleViolation, match="teaches in this course now, and is in no team"):
        decide_idea(topic=idea, is_accepted=True, reason="", now=NOW)
    assert decide_idea(topic=idea, is_accepted=False, reason="You teach now", now=NOW) is None
    assert not Membership.objects.exists()


def test_who_teaches_by_now_comes_along_with_no_team(world: World) -> None:
    sheets = [
        Assignment.objects.create(
            course=world.course, kind="sheet", topics_given="", teaming="kept", team_max=2, series="Sheet", title=f"Sheet {number}",
            number=number,
        )
        for number in (1, 2)
    ]  # fmt: skip
    first = team_for(enrolment=world.student, assignment=sheets[0], now=NOW)
    invitation = invite_member(project=first, email="other@example.org", by=world.student, now=NOW)
    accept_invitation(invitation=invitation, enrolment=world.other, now=NOW)
    withdrawn = world.project(world.other)
    withdraw_project(project=withdrawn, now=NOW)
    let_teach(world.other)
    second = team_for(enrolment=world.student, assignment=sheets[1], now=NOW)
    assert {member.pk for member in members_of(second)} == {world.student.pk}
    with pytest.raises(RuleViolation, match="teaches in this course, and is in no team"):
        move_member(enrolment=world.other, to=world.topic, by=world.staff, now=NOW)
    restored = restore_projects(projects=[withdrawn], now=NOW)
    assert [refusal.code for refusal in restored.refused.values()] == ["not-a-student"]
    assert not Membership.objects.active().filter(enrolment=world.other, assignment=world.assignment).exists()
