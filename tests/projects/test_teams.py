"""Invitations, moves and merges."""

from datetime import timedelta
from functools import partial

import pytest
from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction

from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment, User
from amls.mail.letters import Letter, letter_kinds
from amls.mail.models import Notice
from projects.forms.pages import TeamForm
from projects.models import Invitation, Membership, Project, SeekingNote, Topic
from projects.services.teams import (
    INVITATION_LASTS,
    accept_invitation,
    decline_invitation,
    invite_member,
    invite_seeker,
    merge_teams,
    move_member,
    revoke_invitation,
    write_seeking_note,
)
from projects.teamrows import members_of
from tests.factories import TopicFactory
from tests.projects.conftest import DEADLINE, NOW, World

pytestmark = pytest.mark.django_db


def invite(world: World, email: str = "other@example.org", project: Project | None = None) -> Invitation:
    return invite_member(project=project or world.project(), email=email, by=world.student, now=NOW)


def test_an_invitation_goes_out_by_mail_and_ends_in_time(world: World) -> None:
    invitation = invite(world, "New.Person@example.org")
    notice = Notice.objects.get(kind="projects.invited")
    assert (notice.address, notice.recipient) == ("New.Person@example.org", None)
    assert invitation.expires_at == NOW + INVITATION_LASTS
    soon = invite_member(
        project=Project.objects.get(), email="b@example.org", by=world.student, now=DEADLINE - timedelta(days=1)
    )
    assert soon.expires_at == DEADLINE + timedelta(minutes=1)


def test_accepting_joins_and_tells_the_team_once(world: World) -> None:
    invitation = invite(world)
    for _press in range(2):
        project = accept_invitation(invitation=invitation, enrolment=world.other, now=NOW)
    assert [member.pk for member in members_of(project)] == [world.student.pk, world.other.pk]
    assert Notice.objects.filter(kind="projects.member-joined").count() == 2


@pytest.mark.parametrize("state", ["declined", "revoked", "expired"])
def test_what_is_closed_is_not_accepted(world: World, state: str) -> None:
    invitation, later = invite(world), NOW
    if state == "declined":
        decline_invitation(invitation=invitation, now=NOW)
    elif state == "revoked":
        revoke_invitation(invitation=invitation, now=NOW)
    else:
        later = invitation.expires_at
    with pytest.raises(RuleViolation) as refusal:
        accept_invitation(invitation=invitation, enrolment=world.other, now=later)
    assert refusal.value.code == f"invitation-{state}"
    assert not Membership.objects.filter(enrolment=world.other).exists()


def test_declining_tells_the_team_and_frees_the_place(world: World) -> None:
    project = world.project()
    first = invite(world, "a@example.org", project)
    invite(world, "b@example.org", project)
    with pytest.raises(RuleViolation, match="at most 3"):
        invite(world, "c@example.org", project)
    decline_invitation(invitation=first, now=NOW)
    assert Notice.objects.filter(kind="projects.invitation-declined").count() == 1
    assert invite(world, "c@example.org", project).state == "open"


def test_an_address_is_invited_once_and_never_a_member(world: World) -> None:
    project = world.project()
    invite(world, "a@example.org", project)
    with pytest.raises(RuleViolation, match="invited already"):
        invite(world, "A@Example.org", project)
    with pytest.raises(RuleViolation, match="in your team already"):
        invite(world, "Student@example.org", project)
    EmailAddress.objects.create(user=world.student.user, email="second@example.org", verified=True)
    with pytest.raises(RuleViolation, match="in your team already"):
        invite(world, "second@example.org", project)


def test_switching_to_the_team_that_asks_is_one_step(world: World) -> None:
    old, new = world.project(topic=world.single), world.project(world.other)
    invitation = invite_member(project=new, email=world.student.user.email, by=world.other, now=NOW)
    with pytest.raises(RuleViolation, match="You have a project already"):
        accept_invitation(invitation=invitation, enrolment=world.student, now=NOW)
    # Somebody else was there when the page was shown on which they chose to leave.
    with pytest.raises(RuleViolation, match="nobody else is left in it"):
        accept_invitation(invitation=invitation, enrolment=world.student, now=NOW, leaves_team=True)
    old.refresh_from_db()
    assert old.is_active
    for _pressed_twice in range(2):
        accept_invitation(invitation=invitation, enrolment=world.student, now=NOW, leaves_team=True, gives_up=True)
    for row in (old, new, world.single):
        row.refresh_from_db()
    assert (old.is_active, new.memberships.count(), world.single.taken) == (False, 2, 0)


def test_a_switch_to_a_team_that_is_full_keeps_the_old_one(world: World) -> None:
    old, new = world.project(), world.project(world.other)
    invitation = invite_member(project=new, email=world.student.user.email, by=world.other, now=NOW)
    Topic.objects.filter(pk=world.topic.pk).update(team_min=1, team_max=1)
    with pytest.raises(RuleViolation, match="full by now"):
        accept_invitation(invitation=invitation, enrolment=world.student, now=NOW, leaves_team=True)
    old.refresh_from_db()
    assert (old.is_active, old.memberships.filter(left_at__isnull=True).count()) == (True, 1)


def test_who_switches_leaves_a_team_of_others_whole(world: World) -> None:
    old, new = world.project(), world.project(world.another())
    joining = invite_member(project=old, email="other@example.org", by=world.student, now=NOW)
    accept_invitation(invitation=joining, enrolment=world.other, now=NOW)
    invitation = invite_member(project=new, email=world.student.user.email, by=new.memberships.get().enrolment, now=NOW)
    accept_invitation(invitation=invitation, enrolment=world.student, now=NOW, leaves_team=True)
    old.refresh_from_db()
    assert old.is_active
    assert [membership.enrolment for membership in old.memberships.filter(left_at__isnull=True)] == [world.other]
    left = Notice.objects.filter(kind="projects.member-left").values_list("recipient__email", flat=True)
    assert list(left) == ["other@example.org"]


def test_whom_the_staff_move_reads_from_where_and_the_others_that_it_was_the_staff(world: World) -> None:
    old, new = world.project(), world.project(world.another(), topic=world.single)
    invitation = invite_member(project=old, email="other@example.org", by=world.student, now=NOW)
    accept_invitation(invitation=invitation, enrolment=world.other, now=NOW)
    Topic.objects.filter(pk=world.single.pk).update(team_max=2)
    move_member(enrolment=world.other, to=Project.objects.get(pk=new.pk), by=world.staff, now=NOW)

    def letter(kind: str, person: Enrolment) -> Letter | None:
        notice = Notice.objects.get(kind=kind, recipient=person.user)
        return letter_kinds[kind].writer(notice, NOW)

    moved, left = letter("projects.moved", world.other), letter("projects.member-left", world.student)
    assert moved is not None
    assert left is not None
    assert moved.text == (
        "The course's staff put you into the project **Compressed I/O**. You are no longer in **Sparse kernels**."
    )
    assert left.subject == "Change in your project's team: Sparse kernels"


def test_nobody_is_in_two_teams(world: World) -> None:
    invitation = invite(world)
    world.project(world.other, topic=world.single)
    with pytest.raises(RuleViolation, match="You have a project already"):
        accept_invitation(invitation=invitation, enrolment=world.other, now=NOW)
    invitation.refresh_from_db()
    assert invitation.state == "open"


def test_a_seeker_is_invited_without_showing_the_address(world: World) -> None:
    note = write_seeking_note(
        enrolment=world.other, assignment=world.assignment, topic=world.topic, text="I know Spark", now=NOW
    )
    project = world.project()
    invitation = invite_seeker(project=project, note=note, by=world.student, now=NOW)
    assert (invitation.label, note.name) == (world.other.user.display_name, world.other.user.display_name)
    User.objects.filter(pk=world.other.user_id).update(display_name="")
    note, invitation = SeekingNote.objects.get(), Invitation.objects.get()
    assert (invitation.label, note.name) == ("somebody without a name", "somebody without a name")
    with pytest.raises(RuleViolation) as refusal:
        invite_seeker(project=project, note=note, by=world.student, now=NOW)
    assert "@" not in str(refusal.value.message)
    accept_invitation(invitation=invitation, enrolment=world.other, now=NOW)
    assert not SeekingNote.objects.exists()


def test_invitations_of_one_day_are_few_however_they_end(world: World) -> None:
    project = world.project()
    for _time in range(2):
        revoke_invitation(invitation=invite(world, "a@example.org", project), now=NOW)
    with pytest.raises(RuleViolation, match="many invitations for one day"):
        invite(world, "A@example.org", project)
    for number in range(18):
        revoke_invitation(invitation=invite(world, f"b{number}@example.org", project), now=NOW)
    with pytest.raises(RuleViolation, match="many invitations for one day"):
        invite(world, "c@example.org", project)
    assert Notice.objects.filter(kind="projects.invited").count() == 20
    # Another team asks the same person, and then one more.
    for number, allowed in enumerate((True, True, True, True, False)):
        by = world.another()
        other = world.project(by, topic=TopicFactory.create(course=world.course, team_max=2))
        act = partial(invite_member, project=other, email="a@example.org", by=by, now=NOW)
        if allowed:
            assert act().state == "open", number
        else:
            with pytest.raises(RuleViolation, match="many invitations for one day"):
                act()
    tomorrow = NOW + timedelta(days=1)
    assert invite_member(project=project, email="a@example.org", by=world.student, now=tomorrow).state == "open"


def test_notes_have_a_length(world: World) -> None:
    for text in ("  ", "x" * 301):
        with pytest.raises(RuleViolation, match="300 characters"):
            write_seeking_note(enrolment=world.student, assignment=world.assignment, topic=None, text=text, now=NOW)


def test_staff_move_a_student_and_an_empty_team_is_withdrawn(world: World) -> None:
    old, target = world.project(topic=world.single), world.project(world.other)
    move_member(enrolment=world.student, to=target, by=world.staff, now=DEADLINE + timedelta(days=1))
    old.refresh_from_db()
    world.single.refresh_from_db()
    assert (old.is_active, world.single.taken) == (False, 0)
    assert {member.pk for member in members_of(target)} == {world.student.pk, world.other.pk}


def test_staff_move_a_student_to_a_topic_of_their_own(world: World) -> None:
    project = world.project()
    accept_invitation(invitation=invite(world, project=project), enrolment=world.other, now=NOW)
    own = move_member(enrolment=world.other, to=world.single, by=world.staff, now=NOW)
    assert [member.pk for member in members_of(own)] == [world.other.pk]
    assert [member.pk for member in members_of(project)] == [world.student.pk]


def test_a_full_team_takes_nobody(world: World) -> None:
    target = world.project(world.other, topic=world.single)
    with pytest.raises(RuleViolation, match="full"):
        move_member(enrolment=world.student, to=target, by=world.staff, now=NOW)
    foreign = TopicFactory.create(course=world.cast.other_course)
    with pytest.raises(RuleViolation, match="another course"):
        move_member(enrolment=world.student, to=foreign, by=world.staff, now=NOW)


def test_teams_below_the_minimum_are_merged(world: World) -> None:
    target, source = world.project(), world.project(world.other)
    assert set(Project.objects.below_minimum()) == {target, source}
    merge_teams(source=source, target=target, by=world.staff, now=NOW)
    assert {member.pk for member in members_of(target)} == {world.student.pk, world.other.pk}
    world.topic.refresh_from_db()
    assert (world.topic.taken, list(Project.objects.below_minimum())) == (1, [])


@pytest.mark.parametrize(
    ("constraint", "values"),
    [
        ("invitation_closed_unless_open", {"state": "accepted"}),
        ("invitation_state_valid", {"state": "x", "closed_at": NOW}),
    ],
)
def test_the_database_keeps_the_rules(world: World, constraint: str, values: dict[str, object]) -> None:
    invitation = invite(world)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Invitation.objects.filter(pk=invitation.pk).update(**values)
    copy = Invitation.objects.get(pk=invitation.pk)
    copy.pk, copy.email = None, copy.email.upper()
    with pytest.raises(IntegrityError, match="invitation_one_open"), transaction.atomic():
        copy.save()


def test_an_address_may_come_as_mail_programs_copy_it(world: World) -> None:
    project = world.project()
    assert invite(world, "Şahin Größe <sahin@example.org>", project).email == "sahin@example.org"
    with pytest.raises(RuleViolation, match="is not an e-mail address"):
        invite(world, "Şahin Größe <>", project)


def test_several_addresses_may_come_as_mail_programs_copy_them() -> None:
    typed = "Şahin Größe <sahin@example.org>, b@example.org; c@example.org\nŁukasz <l@example.org>"
    form = TeamForm({"emails": typed})
    assert form.is_valid()
    assert sorted(form.addresses()) == ["b@example.org", "c@example.org", "l@example.org", "sahin@example.org"]
