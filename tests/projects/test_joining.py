"""Invitations of people who are in the team already, by whatever way they came."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.urls import reverse

from amls.mail.letters import letter_kinds
from amls.mail.models import Notice
from projects.models import Invitation, Project
from projects.services.registration import leave_team
from projects.services.teams import accept_invitation, invite_member, move_member
from projects.teamrows import members_of
from tests.projects.conftest import NOW, World

pytestmark = pytest.mark.django_db


def joined_otherwise(world: World) -> tuple[Project, Invitation]:
    """Invite an address that is confirmed only after the staff have moved its owner into the team."""
    project = world.project()
    invitation = invite_member(project=project, email="private@example.net", by=world.student, now=NOW)
    move_member(enrolment=world.other, to=project, by=world.staff, now=NOW)
    EmailAddress.objects.create(user=world.other.user, email="private@example.net", verified=True)
    return project, invitation


@pytest.mark.parametrize("leaves_team", [True, False])
def test_whoever_is_in_the_team_that_asks_stays_in_it(world: World, *, leaves_team: bool) -> None:
    project, invitation = joined_otherwise(world)
    leave_team(project=project, enrolment=world.student, now=NOW)
    for _pressed_twice in range(2):
        joined = accept_invitation(invitation=invitation, enrolment=world.other, now=NOW, leaves_team=leaves_team)
    for row in (project, invitation, world.topic):
        row.refresh_from_db()
    assert (joined, project.is_active, world.topic.taken) == (project, True, 1)
    assert ([member.pk for member in members_of(project)], invitation.state) == ([world.other.pk], "accepted")
    assert not Notice.objects.filter(kind="projects.member-joined").exists()


def test_a_member_reads_that_they_are_in_it_and_is_offered_nothing_to_answer(world: World) -> None:
    _project, invitation = joined_otherwise(world)
    world.assignment.due_at = None
    world.assignment.save()
    Invitation.objects.update(expires_at=NOW + timedelta(days=9999))
    client = Client()
    client.force_login(world.other.user, backend="amls.courses.accounts.AccountBackend")
    page = client.get(reverse("projects:invitation", args=["amls", invitation.pk]))
    said = page.content.decode()
    assert "You are in this team already." in said
    assert "Leave my team and join this one" not in said
    assert 'name="decline"' not in said


def test_joining_by_another_way_closes_the_teams_invitation(world: World) -> None:
    project, elsewhere = world.project(), world.project(world.another())
    EmailAddress.objects.get_or_create(user=world.other.user, email="other@example.org", verified=True)
    invitation = invite_member(project=project, email="Other@example.org", by=world.student, now=NOW)
    unconfirmed = invite_member(project=project, email="private@example.net", by=world.student, now=NOW)
    rival = invite_member(
        project=elsewhere, email="other@example.org", by=elsewhere.memberships.get().enrolment, now=NOW
    )
    EmailAddress.objects.create(user=world.other.user, email="private@example.net", verified=False)
    move_member(enrolment=world.other, to=project, by=world.staff, now=NOW)
    states = dict(Invitation.objects.values_list("pk", "state"))
    assert states == {invitation.pk: "accepted", unconfirmed.pk: "open", rival.pk: "open"}


def test_who_invited_and_left_since_does_not_read_that_nobody_answered(world: World) -> None:
    project = world.project()
    invitation = invite_member(project=project, email="a@example.org", by=world.student, now=NOW)
    move_member(enrolment=world.other, to=project, by=world.staff, now=NOW)
    notice = Notice.objects.get(kind="projects.invitation-expired")
    assert letter_kinds[notice.kind].writer(notice, invitation.expires_at) is not None
    leave_team(project=project, enrolment=world.student, now=NOW)
    assert letter_kinds[notice.kind].writer(notice, invitation.expires_at) is None
