"""Topics taken and given back."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.utils import translation

from amls.core.violations import RuleViolation
from amls.courses.models import Course, Enrolment, User
from amls.courses.nameless import nameless_address
from amls.courses.participation import leave_course
from amls.mail.models import Notice
from projects.models import Invitation, Membership, Project, SeekingNote, Topic
from projects.services.assessing import assess, publish_assessments
from projects.services.registration import (
    dissolve_project,
    leave_team,
    register_project,
    restore_project,
    withdraw_project,
)
from projects.services.switching import switch_topic
from projects.services.teams import accept_invitation, invite_member, register_team, write_seeking_note
from projects.teamrows import members_of
from tests.factories import EnrolmentFactory, TopicFactory
from tests.projects.conftest import DEADLINE, NOW, World
from tests.projects.teams import handed_in

pytestmark = pytest.mark.django_db


def join(world: World, project: Project, enrolment: Enrolment) -> None:
    from allauth.account.models import EmailAddress

    EmailAddress.objects.get_or_create(user=enrolment.user, email=enrolment.user.email, verified=True, primary=True)
    invitation = invite_member(project=project, email=enrolment.user.email, by=world.student, now=NOW)
    accept_invitation(invitation=invitation, enrolment=enrolment, now=NOW)


def test_registering_takes_a_slot_and_tells_the_person(world: World) -> None:
    project = world.project()
    world.topic.refresh_from_db()
    assert (world.topic.taken, world.topic.free) == (1, 1)
    assert [member.pk for member in members_of(project)] == [world.student.pk]
    notice = Notice.objects.get(kind="projects.registered")
    assert (notice.recipient, notice.references["project"]) == (world.student.user, project.pk)


def test_pressed_twice_is_one_project(world: World) -> None:
    assert world.project() == world.project()
    world.topic.refresh_from_db()
    assert world.topic.taken == 1


def test_one_project_per_person_and_course(world: World) -> None:
    world.project()
    with pytest.raises(RuleViolation, match="You have a project already") as refusal:
        world.project(topic=world.single)
    assert refusal.value.code == "has-project"


def test_the_last_slot_is_not_given_twice(world: World) -> None:
    world.project(topic=world.single)
    with pytest.raises(RuleViolation, match="All slots of this topic are taken"):
        world.project(world.other, topic=world.single)


def test_a_topic_that_was_removed_meanwhile_is_said(world: World) -> None:
    topic = Topic.objects.get(pk=world.single.pk)
    world.single.delete()
    with pytest.raises(RuleViolation, match="no longer there"):
        register_project(enrolment=world.student, topic=topic, now=NOW)


@pytest.mark.parametrize(("seconds", "is_open"), [(-1, True), (0, True), (59, True), (60, False), (61, False)])
def test_the_whole_minute_of_the_deadline_counts(world: World, seconds: int, is_open: bool) -> None:
    now = DEADLINE + timedelta(seconds=seconds)
    if is_open:
        assert register_project(enrolment=world.student, topic=world.topic, now=now).is_active
    else:
        with pytest.raises(RuleViolation) as refusal:
            register_project(enrolment=world.student, topic=world.topic, now=now)
        assert refusal.value.code == "registration-closed"


def test_a_refusal_names_the_deadline_the_clock_and_whom_to_ask(world: World) -> None:
    with pytest.raises(RuleViolation) as refusal:
        register_project(enrolment=world.student, topic=world.topic, now=DEADLINE + timedelta(seconds=72))
    assert str(refusal.value.message) == (
        "Registration closed Mon 8 Jul, 23:59 (Europe/Berlin). By the server's clock it is "
        "Tue 9 Jul, 00:00:12 (Europe/Berlin). Ask amls@example.org."
    )


def test_before_it_opens_it_says_when(world: World) -> None:
    world.assignment.opens_at = NOW + timedelta(days=1)
    world.assignment.save()
    with pytest.raises(RuleViolation, match=r"Registration opens Tue 7 May, 12:00 \(Europe/Berlin\)"):
        world.project()


def test_an_archived_course_takes_nothing(world: World) -> None:
    Course.objects.filter(pk=world.course.pk).update(state="archived")
    with pytest.raises(RuleViolation, match="not running"):
        world.project()


def test_staff_and_strangers_register_nothing(world: World) -> None:
    with pytest.raises(RuleViolation, match="Only students"):
        register_project(enrolment=world.cast.assistant, topic=world.topic, now=NOW)
    foreign = EnrolmentFactory.create(course=world.cast.other_course)
    with pytest.raises(RuleViolation, match="Only students"):
        register_project(enrolment=foreign, topic=world.topic, now=NOW)


def test_registering_with_teammates_is_all_or_nothing(world: World) -> None:
    with pytest.raises(RuleViolation, match="is not an e-mail address"):
        register_team(enrolment=world.student, topic=world.topic, emails=["a@example.org", "nonsense"], now=NOW)
    assert (Project.objects.count(), Invitation.objects.count(), Notice.objects.count()) == (0, 0, 0)
    register_team(enrolment=world.student, topic=world.topic, emails=["a@example.org", "b@example.org"], now=NOW)
    assert Invitation.objects.filter(state="open").count() == 2


def test_switching_moves_the_team_and_frees_the_slot(world: World) -> None:
    project = world.project()
    new = TopicFactory.create(course=world.course, team_max=2)
    switch_topic(project=project, topic=new, by=world.student, now=NOW)
    world.topic.refresh_from_db()
    new.refresh_from_db()
    assert (world.topic.taken, new.taken) == (0, 1)
    assert Project.objects.get().topic == new


def test_a_team_that_switches_to_and_fro_reaches_its_members_ten_times(world: World) -> None:
    project, topics = world.project(), [TopicFactory.create(course=world.course) for _number in range(2)]
    for number in range(10):
        switch_topic(project=project, topic=topics[number % 2], by=world.student, now=NOW + timedelta(seconds=number))
    with pytest.raises(RuleViolation, match="switched topics 10 times today"):
        switch_topic(project=project, topic=topics[0], by=world.student, now=NOW + timedelta(hours=1))
    assert Notice.objects.filter(kind="projects.switched").count() == 10
    switch_topic(project=project, topic=topics[0], by=world.student, now=NOW + timedelta(days=1))


def test_a_switch_that_fails_keeps_what_the_team_has(world: World) -> None:
    project = world.project()
    world.project(world.other, topic=world.single)
    with pytest.raises(RuleViolation, match="All slots"):
        switch_topic(project=project, topic=world.single, by=world.student, now=NOW)
    world.topic.refresh_from_db()
    assert (Project.objects.get(pk=project.pk).topic, world.topic.taken) == (world.topic, 1)


def test_a_team_too_large_for_a_topic_stays(world: World) -> None:
    project = world.project()
    join(world, project, world.other)
    with pytest.raises(RuleViolation, match="at most 1"):
        switch_topic(project=project, topic=world.single, by=world.student, now=NOW)


def test_leaving_keeps_the_project_and_the_last_one_can_only_give_it_up(world: World) -> None:
    project = world.project()
    join(world, project, world.other)
    leave_team(project=project, enrolment=world.student, now=NOW)
    project.refresh_from_db()
    assert project.is_active
    assert [member.pk for member in members_of(project)] == [world.other.pk]
    with pytest.raises(RuleViolation, match="nobody else is left in it"):
        leave_team(project=project, enrolment=world.other, now=NOW)
    project.refresh_from_db()
    assert project.is_active
    dissolve_project(project=project, by=world.other, now=NOW)
    project.refresh_from_db()
    world.topic.refresh_from_db()
    assert (project.is_active, world.topic.taken) == (False, 0)
    # Both may take something else.
    assert world.project(topic=world.single).is_active


def test_nobody_gives_up_what_is_others_as_well(world: World) -> None:
    project = world.project()
    join(world, project, world.other)
    for person in (world.student, world.other):
        with pytest.raises(RuleViolation) as refusal:
            dissolve_project(project=project, by=person, now=NOW)
        assert refusal.value.code == "others-in-team"
    assert [member.pk for member in members_of(project)] == [world.student.pk, world.other.pk]
    # Who stays alone with an account that was deleted is the last one.
    User.objects.filter(pk=world.other.user_id).update(email=nameless_address(world.other.user_id))
    dissolve_project(project=project, by=world.student, now=NOW)
    project.refresh_from_db()
    assert not project.is_active


def test_giving_up_tells_the_last_one_and_closes_invitations(world: World) -> None:
    project = world.project()
    invite_member(project=project, email="third@example.org", by=world.student, now=NOW)
    dissolve_project(project=project, by=world.student, now=NOW)
    assert Invitation.objects.filter(state="open").count() == 0
    told = Notice.objects.filter(kind="projects.withdrawn").values_list("recipient__email", flat=True)
    assert list(told) == ["student@example.org"]


def test_once_a_result_is_published_members_change_neither_team_nor_topic(world: World) -> None:
    project, alone = world.project(), world.project(world.another(), topic=world.single)
    join(world, project, world.other)
    guest = world.another()
    asked = invite_member(project=project, email=guest.user.email, by=world.student, now=NOW)
    theirs = alone.memberships.get().enrolment
    for team in (project, alone):
        assess(project=team, outcome="passed", extra_points=Decimal(1), feedback="", by=world.staff, now=NOW)
    publish_assessments(projects=[project, alone], now=NOW)
    elsewhere = world.project(world.another())
    there = elsewhere.memberships.get().enrolment
    away = invite_member(project=elsewhere, email=world.other.user.email, by=there, now=NOW)
    for act in (
        lambda: leave_team(project=project, enrolment=world.student, now=NOW),
        lambda: dissolve_project(project=alone, by=theirs, now=NOW),
        lambda: switch_topic(project=alone, topic=world.topic, by=theirs, now=NOW),
        lambda: invite_member(project=project, email="late@example.org", by=world.student, now=NOW),
        lambda: accept_invitation(invitation=asked, enrolment=guest, now=NOW),
        lambda: accept_invitation(invitation=away, enrolment=world.other, now=NOW, leaves_team=True),
    ):
        with pytest.raises(RuleViolation, match="is published") as refusal:
            act()
        assert refusal.value.code == "result-published"
    assert [member.pk for member in members_of(project)] == [world.student.pk, world.other.pk]


def test_after_the_deadline_students_change_nothing_and_staff_may(world: World) -> None:
    project, late = world.project(), DEADLINE + timedelta(hours=1)
    for act in (
        lambda: leave_team(project=project, enrolment=world.student, now=late),
        lambda: dissolve_project(project=project, by=world.student, now=late),
        lambda: switch_topic(project=project, topic=world.single, by=world.student, now=late),
    ):
        with pytest.raises(RuleViolation, match="Registration closed"):
            act()
    withdraw_project(project=project, now=late)
    project.refresh_from_db()
    assert not project.is_active


def test_a_withdrawal_is_undone_with_everyone_in_it(world: World) -> None:
    project = world.project()
    join(world, project, world.other)
    withdraw_project(project=project, now=NOW)
    restored = restore_project(project=project, now=NOW + timedelta(minutes=1))
    assert {member.pk for member in members_of(restored)} == {world.student.pk, world.other.pk}
    world.topic.refresh_from_db()
    assert world.topic.taken == 1


def test_an_undo_never_takes_what_was_given_to_others(world: World) -> None:
    project = world.project(topic=world.single)
    withdraw_project(project=project, now=NOW)
    world.project(world.other, topic=world.single)
    with pytest.raises(RuleViolation, match="given to another team"):
        restore_project(project=project, now=NOW)


def test_leaving_the_course_leaves_no_project_behind(world: World) -> None:
    project = world.project()
    with pytest.raises(RuleViolation, match="Leave your team first"):
        leave_course(enrolment=world.student)
    dissolve_project(project=project, by=world.student, now=NOW)
    leave_course(enrolment=world.student)
    assert not Enrolment.objects.filter(pk=world.student.pk).exists()
    assert Project.objects.filter(pk=project.pk).exists()


def test_an_archived_course_sends_nobody_out_of_a_team_that_they_cannot_leave(world: World) -> None:
    project = world.project()
    Course.objects.filter(pk=world.course.pk).update(state=Course.State.ARCHIVED)
    with pytest.raises(RuleViolation, match="not running"):
        dissolve_project(project=project, by=world.student, now=NOW)
    page = world.cast.client("student").post("/amls/me/leave/", follow=True).text
    assert (
        "This course is over, and your project is kept with your enrolment. Ask the staff if you want to leave." in page
    )
    assert "Leave your team first" not in page


def test_a_note_goes_with_the_registration(world: World) -> None:
    write_seeking_note(
        enrolment=world.student, assignment=world.assignment, topic=world.topic, text="I know CUDA\nand C++", now=NOW
    )
    assert SeekingNote.objects.get().text == "I know CUDA and C++"
    world.project()
    assert SeekingNote.objects.count() == 0


def test_the_counter_equals_the_rows(world: World) -> None:
    for _turn in range(3):
        project = world.project()
        withdraw_project(project=project, now=NOW)
    world.topic.refresh_from_db()
    assert world.topic.taken == Project.objects.active().filter(topic=world.topic).count() == 0


@pytest.mark.parametrize(
    ("constraint", "write"),
    [
        ("topic_slots_kept", lambda world: Topic.objects.filter(pk=world.topic.pk).update(taken=3)),
        ("topic_team_size_valid", lambda world: Topic.objects.filter(pk=world.topic.pk).update(team_min=4)),
        ("topic_proposal_has_author", lambda world: Topic.objects.filter(pk=world.topic.pk).update(proposal="open")),
        ("membership_one_active", lambda world: Membership.objects.create(project=world.project(), assignment=world.assignment, enrolment=world.student, joined_at=NOW)),
        ("project_picked_at_a_time", lambda world: Project.objects.filter(pk=world.project().pk).update(picked=handed_in(Project.objects.get(), world.student))),
        ("project_withdrawn_after_registered", lambda world: Project.objects.filter(pk=world.project().pk).update(withdrawn_at=NOW - timedelta(days=1))),
    ],
)  # fmt: skip
def test_the_database_keeps_the_rules(world: World, constraint: str, write: object) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        write(world)  # type: ignore[operator]


def test_refusals_speak_german(world: World) -> None:
    world.project(topic=world.single)
    with translation.override("de"), pytest.raises(RuleViolation) as refusal:
        world.project(world.other, topic=world.single)
    assert "All slots" not in str(refusal.value.message)
