"""Every letter about projects, in both languages, and none about what is no longer so."""

from datetime import timedelta
from decimal import Decimal
from html import unescape

import pytest
from django.urls import resolve
from django.utils import translation

from amls.notifications.letters import Letter, letter_kind
from amls.notifications.models import Notice
from amls.web.markdown import render_markdown
from projects import letters
from projects.models import Invitation
from projects.services.assessing import assess, publish_assessments
from projects.services.extensions import decline_request, extend, request_extension, revoke_extension
from projects.services.handin import accept_late
from projects.services.ideas import decide_idea, propose_idea
from projects.services.registration import leave_team, restore_project, switch_topic, withdraw_project
from projects.services.teams import (
    accept_invitation,
    decline_invitation,
    invite_member,
    move_member,
    revoke_invitation,
)
from tests.factories import TopicFactory
from tests.projects.conftest import DEADLINE, NOW, World
from tests.projects.test_handin import attempt

pytestmark = pytest.mark.django_db


def write(notice: Notice, language: str = "en") -> Letter | None:
    with translation.override(language):
        return letter_kind(notice.kind).writer(notice, NOW)


def written(kind: str, language: str = "en") -> list[Letter]:
    found = [write(notice, language) for notice in Notice.objects.filter(kind=kind).order_by("pk")]
    return [one for one in found if one is not None]


def everything_happens(world: World) -> None:
    """One term, so that every kind of letter is due; what is true at its end is said."""
    idea = propose_idea(enrolment=world.another(), title="Ours", description="x", team_max=1, now=NOW)
    decide_idea(topic=idea, is_accepted=False, reason="Too large", now=NOW)
    propose_idea(enrolment=world.another(), title="Theirs", description="x", team_max=1, now=NOW)
    project = world.project()
    invitation = invite_member(project=project, email="other@example.org", by=world.student, now=NOW)
    accept_invitation(invitation=invitation, enrolment=world.other, now=NOW)
    declined = invite_member(project=project, email="third@example.org", by=world.student, now=NOW)
    decline_invitation(invitation=declined, now=NOW)
    invite_member(project=project, email="fourth@example.org", by=world.student, now=NOW)
    switch_topic(project=project, topic=TopicFactory.create(course=world.course, team_max=3), by=world.student, now=NOW)
    third = world.another()
    move_member(enrolment=third, to=project, by=world.staff, now=NOW)
    leave_team(project=project, enrolment=third, now=NOW)
    wish = request_extension(project=project, by=world.student, reason="Flu", wanted_until=None, now=NOW)
    decline_request(request=wish, by=world.staff, answer="See you in autumn", now=NOW)
    request_extension(project=project, by=world.student, reason="Flu again", wanted_until=None, now=NOW)
    given = extend(
        course=world.course, by=world.staff, reason="x", projects=[project], delta=timedelta(days=1), now=NOW
    )
    revoke_extension(extension=given[0], now=NOW)
    extend(course=world.course, by=world.staff, reason="x", projects=[project], delta=timedelta(days=2), now=NOW)
    attempt(world, project)
    late = attempt(world, project, began=DEADLINE + timedelta(days=3))
    accept_late(submission=late, by=world.staff, now=NOW)
    for points in ("1", "2"):
        assess(project=project, outcome="passed", extra_points=Decimal(points), feedback="", by=world.staff, now=NOW)
        publish_assessments(projects=[project], now=NOW)
    again = world.project(world.another(), topic=world.single)
    withdraw_project(project=again, now=NOW)
    restore_project(project=again, now=NOW)
    withdraw_project(project=again, now=NOW + timedelta(minutes=1))


KINDS = sorted(
    f"projects.{name.replace('_', '-')}"
    for name, function in vars(letters).items()
    if not name.startswith("_") and getattr(function, "__module__", "") == letters.__name__ and callable(function)
)


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_letter_can_be_read_and_leads_somewhere(world: World, language: str) -> None:
    everything_happens(world)
    assert sorted(set(Notice.objects.values_list("kind", flat=True))) == KINDS
    for kind in KINDS:
        found = written(kind, language)
        assert found, kind
        for letter in found:
            assert "\n" not in letter.subject
            assert "%" not in letter.subject + letter.text + letter.reason, kind
            assert letter.action is not None
            resolve(letter.action[1])


def test_what_is_no_longer_so_is_not_said(world: World) -> None:
    project = world.project()
    invitation = invite_member(project=project, email="a@example.org", by=world.student, now=NOW)
    assert len(written("projects.invited")) == 1
    revoke_invitation(invitation=invitation, now=NOW)
    assert written("projects.invited") == []
    withdraw_project(project=project, now=NOW)
    assert (written("projects.registered"), len(written("projects.withdrawn"))) == ([], 1)
    restore_project(project=project, now=NOW)
    assert written("projects.withdrawn") == []


def test_a_result_is_never_in_a_mail(world: World) -> None:
    project = world.project()
    assess(project=project, outcome="failed", extra_points=Decimal(0), feedback="Bad", by=world.staff, now=NOW)
    publish_assessments(projects=[project], now=NOW)
    (letter,) = written("projects.result")
    said = f"{letter.subject} {letter.text}".lower()
    assert "failed" not in said
    assert "bad" not in said


def test_the_receipt_names_files_and_hashes(world: World) -> None:
    submission = attempt(world, world.project())
    (letter,) = written("projects.receipt")
    assert submission.files.get().sha256 in letter.text
    assert "It is in time." in letter.text
    assert "project.zip" in letter.text.replace("\\", "")


def test_an_invitation_names_the_address_to_sign_in_with(world: World) -> None:
    invite_member(project=world.project(), email="a@example.org", by=world.student, now=NOW)
    (letter,) = written("projects.invited")
    assert "Sign in with this address (a@example.org)" in letter.text.replace("\\", "")
    assert letter.action == ("Answer the invitation", f"/amls/projects/invitations/{Invitation.objects.get().pk}/")


def test_names_can_not_write_markdown(world: World) -> None:
    world.student.user.display_name = "**Free** [points](https://evil.example.org)"
    world.student.user.save()
    invite_member(project=world.project(), email="a@example.org", by=world.student, now=NOW)
    (letter,) = written("projects.invited")
    html = render_markdown(letter.text)
    assert "<a" not in html.replace('<a href="mailto:', "")
    assert "**Free** [points](https://evil.example.org)" in unescape(html)
