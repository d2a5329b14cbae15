"""Everything at once: real threads on real connections."""

import random
import uuid
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import Count, F, Q

from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment
from amls.mail.models import Notice
from projects.deadlines import is_counting
from projects.models import Assessment, Invitation, Membership, Project, Submission, Topic, TopicSwitch
from projects.services.assessing import assess, publish_assessments
from projects.services.extensions import extend, revoke_extension
from projects.services.handin import hand_in
from projects.services.ideas import decide_idea, propose_idea
from projects.services.registration import (
    dissolve_project,
    leave_team,
    register_project,
    restore_project,
    withdraw_project,
)
from projects.services.switching import release_slots, switch_topic, take_switch_back
from projects.services.teams import (
    accept_invitation,
    invite_member,
    move_member,
    register_team,
    revoke_invitation,
)
from projects.teamrows import members_of
from tests.factories import TopicFactory
from tests.projects.conftest import DEADLINE, NOW, World
from tests.races import Act, at_once, refusals

pytestmark = pytest.mark.django_db(transaction=True)


def assert_consistent() -> None:
    """Counters equal rows, nobody is twice anywhere, and nobody is in what was withdrawn."""
    active = Count("projects", filter=Q(projects__withdrawn_at__isnull=True), distinct=True)
    held = Count("switched_from", filter=Q(switched_from__closed_at__isnull=True), distinct=True)
    wrong = Topic.objects.annotate(rows=active + held).exclude(taken=F("rows"))
    assert list(wrong.values_list("title", "taken", "rows")) == []
    assert not Topic.objects.filter(taken__gt=F("slots")).exists()
    members = Membership.objects.active()
    doubled = members.order_by().values("enrolment").annotate(count=Count("pk")).filter(count__gt=1)
    assert list(doubled) == []
    assert not members.filter(project__withdrawn_at__isnull=False).exists()
    assert not TopicSwitch.objects.holding().filter(project__withdrawn_at__isnull=False).exists()
    empty = Project.objects.active().exclude(pk__in=members.values("project"))
    assert list(empty) == []
    sizes = Count("memberships", filter=Q(memberships__left_at__isnull=True))
    assert not Project.objects.active().annotate(size=sizes).filter(size__gt=F("topic__team_max")).exists()
    open_ones = Invitation.objects.filter(state="open", project__withdrawn_at__isnull=False)
    assert list(open_ones) == []
    for project in Project.objects.all():
        attempts = list(project.submissions.order_by("attempt").values_list("attempt", flat=True))
        assert attempts == list(range(1, len(attempts) + 1))


def invite(project: Project, person: Enrolment, by: Enrolment) -> Invitation:
    return invite_member(project=project, email=person.user.email, by=by, now=NOW)


def join(world: World, project: Project, person: Enrolment) -> None:
    invitation = invite(project, person, world.student)
    accept_invitation(invitation=invitation, enrolment=person, now=NOW)


def give_in(project: Project, by: Enrolment, *, key: uuid.UUID | None = None, text: str = "print()") -> Submission:
    notebook = f'{{"nbformat": 4, "cells": [], "metadata": {{"text": "{text}"}}}}'.encode()
    return hand_in(
        project=project,
        by=by,
        uploads=[SimpleUploadedFile("work.ipynb", notebook)],
        request_key=key or uuid.uuid4(),
        began_at=NOW,
        now=NOW,
    )


def test_fifty_teams_for_the_last_slot_give_one(world: World) -> None:
    people = [world.another() for _each in range(50)]
    outcomes = at_once([
        partial(register_project, enrolment=person, topic=world.single, now=NOW) for person in people
    ])  # fmt: skip
    assert refusals(outcomes) == {"topic-full": 49}
    assert sum(isinstance(outcome, Project) for outcome in outcomes) == 1
    assert Notice.objects.filter(kind="projects.registered").count() == 1
    assert_consistent()


@pytest.mark.parametrize("_turn", range(5))
def test_one_student_on_two_topics_at_once_gets_one(world: World, _turn: int) -> None:
    outcomes = at_once([
        partial(register_project, enrolment=world.student, topic=topic, now=NOW)
        for topic in (world.topic, world.single)
    ])  # fmt: skip
    assert refusals(outcomes) == {"has-project": 1}
    assert Project.objects.count() == 1
    assert_consistent()


def test_register_pressed_ten_times_is_one_team_with_its_invitations(world: World) -> None:
    emails = ["a@example.org", "B@example.org"]
    outcomes = at_once([lambda: register_team(enrolment=world.student, topic=world.topic, emails=emails, now=NOW)] * 10)
    assert refusals(outcomes) == {}
    assert Project.objects.get() == outcomes[0]
    assert Invitation.objects.count() == 2
    told = Counter(Notice.objects.values_list("kind", flat=True))
    assert told == {"projects.registered": 1, "projects.invited": 2, "projects.invitation-expired": 2}
    assert_consistent()


def test_invite_pressed_twice_is_one_invitation(world: World) -> None:
    project = world.project()
    outcomes = at_once([lambda: invite(project, world.other, world.student)] * 6)
    assert refusals(outcomes) == {"invited-already": 5}
    assert Invitation.objects.count() == Notice.objects.filter(kind="projects.invited").count() == 1


def test_accept_pressed_twice_is_one_place(world: World) -> None:
    project = world.project()
    invitation = invite(project, world.other, world.student)
    outcomes = at_once([lambda: accept_invitation(invitation=invitation, enrolment=world.other, now=NOW)] * 6)
    assert outcomes == [project] * 6
    assert Membership.objects.filter(enrolment=world.other).count() == 1
    assert Notice.objects.filter(kind="projects.member-joined").count() == 2
    assert_consistent()


def test_an_invitation_is_not_accepted_after_it_was_taken_back(world: World) -> None:
    invitation = invite(world.project(), world.other, world.student)
    revoke_invitation(invitation=invitation, now=NOW)
    with pytest.raises(RuleViolation, match="took this invitation back"):
        accept_invitation(invitation=invitation, enrolment=world.other, now=NOW)
    assert not Membership.objects.filter(enrolment=world.other).exists()


@pytest.mark.parametrize("_turn", range(5))
def test_accepted_while_it_is_taken_back_it_is_one_of_the_two(world: World, _turn: int) -> None:
    invitation = invite(world.project(), world.other, world.student)
    outcomes = at_once([
        lambda: accept_invitation(invitation=invitation, enrolment=world.other, now=NOW),
        lambda: revoke_invitation(invitation=invitation, now=NOW),
    ])  # fmt: skip
    invitation.refresh_from_db()
    is_in = Membership.objects.active().filter(enrolment=world.other).exists()
    assert (is_in, invitation.state) in [(True, "accepted"), (False, "revoked")]
    assert refusals(outcomes) == ({} if is_in else {"invitation-revoked": 1})
    assert_consistent()


@pytest.mark.parametrize("_turn", range(5))
def test_two_invitations_accepted_at_once_give_one_team(world: World, _turn: int) -> None:
    leads = [world.student, world.another()]
    invitations = [invite(world.project(lead), world.other, lead) for lead in leads]
    outcomes = at_once([
        partial(accept_invitation, invitation=invitation, enrolment=world.other, now=NOW) for invitation in invitations
    ])  # fmt: skip
    assert refusals(outcomes) == {"has-project": 1}
    assert Membership.objects.active().filter(enrolment=world.other).count() == 1
    assert sorted(Invitation.objects.values_list("state", flat=True)) == ["accepted", "open"]
    assert_consistent()


def test_the_last_place_of_a_team_is_given_once(world: World) -> None:
    project = world.project()
    people = [world.other, world.another()]
    invitations = [invite(project, person, world.student) for person in people]
    Topic.objects.filter(pk=world.topic.pk).update(team_min=1, team_max=2)
    outcomes = at_once([
        partial(accept_invitation, invitation=pair[0], enrolment=pair[1], now=NOW)
        for pair in zip(invitations, people, strict=True)
    ])  # fmt: skip
    assert refusals(outcomes) == {"team-full": 1}
    assert_consistent()


def test_hand_in_pressed_twice_is_one_attempt_with_one_file(world: World) -> None:
    project, key = world.project(), uuid.uuid4()
    outcomes = at_once([lambda: give_in(project, world.student, key=key)] * 8)
    submission = Submission.objects.get()
    assert outcomes == [submission] * 8
    assert submission.files.count() == 1
    assert Notice.objects.filter(kind="projects.receipt").count() == 1


def test_other_files_under_an_old_key_are_an_attempt_of_their_own(world: World) -> None:
    project, key = world.project(), uuid.uuid4()
    first = give_in(project, world.student, key=key)
    assert give_in(project, world.student, key=key) == first
    second = give_in(project, world.student, key=key, text="better")
    assert (second.attempt, second.files.get().sha256 != first.files.get().sha256) == (2, True)


def test_two_teammates_at_once_give_attempts_one_and_two(world: World) -> None:
    project = world.project()
    join(world, project, world.other)
    outcomes = at_once([
        partial(give_in, project, by, text=str(text))
        for text, by in enumerate([world.student, world.other] * 6)
    ])  # fmt: skip
    assert refusals(outcomes) == {}
    assert sorted(Submission.objects.values_list("attempt", flat=True)) == list(range(1, 13))
    assert len(set(Submission.objects.values_list("files__sha256", flat=True))) == 12
    assert Notice.objects.filter(kind="projects.receipt").count() == 24


def test_giving_up_pressed_twice_happens_once(world: World) -> None:
    project = world.project()
    outcomes = at_once([lambda: dissolve_project(project=project, by=world.student, now=NOW)] * 6)
    assert refusals(outcomes) == {}
    world.topic.refresh_from_db()
    assert world.topic.taken == 0
    assert Notice.objects.filter(kind="projects.withdrawn").count() == 1
    assert_consistent()


def test_everyone_leaves_at_once_and_the_last_one_keeps_the_project(world: World) -> None:
    project = world.project()
    people = [world.student, world.other, world.another()]
    for person in people[1:]:
        join(world, project, person)
    outcomes = at_once([partial(leave_team, project=project, enrolment=person, now=NOW) for person in people] * 2)
    project.refresh_from_db()
    assert project.is_active
    assert Membership.objects.active().filter(project=project).count() == 1
    assert set(refusals(outcomes)) == {"nobody-left"}
    assert_consistent()


def test_publish_pressed_twice_tells_once(world: World) -> None:
    projects = [world.project(), world.project(world.other)]
    for project in projects:
        assess(project=project, outcome="passed", extra_points=Decimal(1), feedback="", by=world.staff, now=NOW)
    outcomes = at_once([
        partial(publish_assessments, projects=projects[:: turn or 1], now=NOW) for turn in (1, -1) * 4
    ])  # fmt: skip
    assert sum(len(outcome) for outcome in outcomes if isinstance(outcome, list)) == 2
    assert Notice.objects.filter(kind="projects.result").count() == 2


def test_two_assessors_write_one_assessment(world: World) -> None:
    project = world.project()
    at_once([
        partial(assess, project=project, outcome="passed", extra_points=Decimal(points), feedback="", by=world.staff, now=NOW
        )
        for points in range(6)
    ])  # fmt: skip
    assert Assessment.objects.count() == 1


@pytest.mark.parametrize("_turn", range(5))
def test_switch_and_register_for_the_same_slot(world: World, _turn: int) -> None:
    project = world.project()
    outcomes = at_once([
        lambda: switch_topic(project=project, topic=world.single, by=world.student, now=NOW),
        lambda: register_project(enrolment=world.other, topic=world.single, now=NOW),
    ])  # fmt: skip
    assert refusals(outcomes) == {"topic-full": 1}
    assert_consistent()


@pytest.mark.parametrize("_turn", range(5))
def test_a_team_that_switches_while_it_is_given_up_frees_the_right_slot(world: World, _turn: int) -> None:
    project = world.project()
    topics = TopicFactory.create_batch(3, course=world.course, team_max=3)
    outcomes = at_once([
        *(partial(switch_topic, project=project, topic=topic, by=world.student, now=NOW) for topic in topics),
        lambda: dissolve_project(project=project, by=world.student, now=NOW),
        lambda: give_in(project, world.student),
        lambda: invite(project, world.other, world.student),
    ])  # fmt: skip
    assert set(refusals(outcomes)) <= {"project-withdrawn"}
    assert_consistent()
    assert sum(Topic.objects.values_list("taken", flat=True)) == 0


@pytest.mark.parametrize("_turn", range(3))
def test_a_slot_held_for_a_team_goes_back_to_it_whoever_wants_it(world: World, _turn: int) -> None:
    pair, later = TopicFactory.create(course=world.course, team_max=2), NOW + timedelta(hours=1)
    project = world.project(topic=pair)
    join(world, project, world.other)
    switch_topic(project=project, topic=world.topic, by=world.student, now=NOW)
    outcomes = at_once([
        lambda: take_switch_back(project=project, by=world.other, now=later),
        lambda: take_switch_back(project=project, by=world.student, now=later),
        *(partial(register_project, enrolment=world.another(), topic=pair, now=later) for _each in range(4)),
    ])  # fmt: skip
    assert refusals(outcomes) == {"topic-full": 4, "switch-over": 1}
    assert Project.objects.get(pk=project.pk).topic == pair
    assert_consistent()


@pytest.mark.parametrize("_turn", range(3))
def test_when_the_day_is_over_the_slot_goes_to_one_team(world: World, _turn: int) -> None:
    pair, later = TopicFactory.create(course=world.course, team_max=2), NOW + timedelta(days=1)
    project = world.project(topic=pair)
    join(world, project, world.other)
    switch_topic(project=project, topic=world.topic, by=world.student, now=NOW)
    outcomes = at_once([
        lambda: take_switch_back(project=project, by=world.other, now=later),
        lambda: release_slots(now=later),
        *(partial(register_project, enrolment=world.another(), topic=pair, now=later) for _each in range(3)),
    ])  # fmt: skip
    assert refusals(outcomes) == {"topic-full": 2, "switch-over": 1}
    assert_consistent()


@pytest.mark.parametrize("_turn", range(3))
def test_taking_back_switching_on_and_giving_up_at_once_holds_no_slot_twice(world: World, _turn: int) -> None:
    topics = TopicFactory.create_batch(3, course=world.course, team_max=2)
    project, stranger = world.project(topic=topics[0]), world.another()
    join(world, project, world.other)
    switch_topic(project=project, topic=topics[1], by=world.student, now=NOW)
    outcomes = at_once([
        lambda: take_switch_back(project=project, by=world.other, now=NOW),
        lambda: switch_topic(project=project, topic=topics[2], by=world.student, now=NOW),
        lambda: leave_team(project=project, enrolment=world.other, now=NOW),
        lambda: withdraw_project(project=project, now=NOW),
        lambda: register_project(enrolment=stranger, topic=topics[0], now=NOW),
    ])  # fmt: skip
    assert set(refusals(outcomes)) <= {"project-withdrawn", "topic-full", "switch-over"}
    assert_consistent()


@pytest.mark.parametrize("_turn", range(5))
def test_restore_and_register_for_the_same_slot(world: World, _turn: int) -> None:
    project = world.project(topic=world.single)
    withdraw_project(project=project, now=NOW)
    outcomes = at_once([
        lambda: restore_project(project=project, now=NOW),
        lambda: register_project(enrolment=world.other, topic=world.single, now=NOW),
        lambda: register_project(enrolment=world.student, topic=world.topic, now=NOW),
    ])  # fmt: skip
    assert 1 <= sum(isinstance(outcome, Project) for outcome in outcomes) <= 2
    assert_consistent()


@pytest.mark.parametrize("_turn", range(5))
def test_moved_by_staff_while_accepting_they_are_in_one_team(world: World, _turn: int) -> None:
    lead = world.another()
    first, second = world.project(), world.project(lead)
    invitation = invite(first, world.other, world.student)
    outcomes = at_once([
        lambda: accept_invitation(invitation=invitation, enrolment=world.other, now=NOW),
        lambda: move_member(enrolment=world.other, to=second, by=world.staff, now=NOW),
        lambda: move_member(enrolment=world.student, to=second, by=world.staff, now=NOW),
    ])  # fmt: skip
    assert set(refusals(outcomes)) <= {"has-project", "project-withdrawn", "invitation-revoked", "moved-meanwhile"}
    refused = any(isinstance(outcome, RuleViolation) for outcome in outcomes[1:2])
    assert [member.pk for member in members_of(first if refused else second)].count(world.other.pk) == 1
    assert_consistent()


def test_moved_twice_at_once_the_old_slot_is_given_back_once(world: World) -> None:
    project = world.project()
    topics = TopicFactory.create_batch(4, course=world.course)
    outcomes = at_once([
        *(partial(move_member, enrolment=world.student, to=topic, by=world.staff, now=NOW) for topic in topics),
        lambda: dissolve_project(project=project, by=world.student, now=NOW),
    ])  # fmt: skip
    assert set(refusals(outcomes)) <= {"moved-meanwhile"}
    assert Membership.objects.active().filter(enrolment=world.student).count() <= 1
    assert_consistent()


@pytest.mark.parametrize("_turn", range(3))
def test_an_extension_given_while_handing_in_late_makes_it_count(world: World, _turn: int) -> None:
    project = world.project()
    late = DEADLINE + timedelta(hours=1)
    at_once([
        lambda: hand_in(
            project=project, by=world.student, repository_url="https://example.org/r", commit="abcdef1",
            request_key=uuid.uuid4(), began_at=late, now=late,
        ),
        lambda: extend(
            assignment=world.assignment, by=world.staff, reason="ill", now=late, projects=[project], delta=timedelta(days=1)
        ),
    ])  # fmt: skip
    assert is_counting(Submission.objects.get())


def test_calendars_followed_from_all_sides_never_wait_in_a_circle(world: World) -> None:
    project = world.project()
    people = [world.student, world.other, world.another()]
    for person in people[1:]:
        join(world, project, person)

    def extended(**whom: Any) -> None:
        given = extend(
            assignment=world.assignment, by=world.staff, reason="x", now=NOW, delta=timedelta(days=1), **whom
        )
        for extension in given:
            revoke_extension(extension=extension, now=NOW)

    ideas = [
        propose_idea(
            enrolment=world.another(), assignment=world.assignment, title=f"Idea {number}", description="x", now=NOW
        )
        for number in range(3)
    ]
    for _turn in range(3):
        at_once([
            *(partial(extended, enrolment=person) for person in people),
            extended,
            lambda: extended(projects=[project]),
            lambda: leave_team(project=project, enrolment=people[2], now=NOW),
            lambda: give_in(project, world.student),
            *(partial(decide_idea, topic=idea, is_accepted=True, reason="", now=NOW) for idea in ideas),
        ])  # fmt: skip
        move_member(enrolment=people[2], to=project, by=world.staff, now=NOW)
    assert_consistent()


@pytest.mark.parametrize("seed", range(2))
def test_everything_mixed_by_24_threads_stays_consistent(world: World, seed: int) -> None:
    topics = [world.topic, world.single, *TopicFactory.create_batch(3, course=world.course, team_max=3, slots=2)]
    people = [world.another() for _each in range(10)]

    def one_thing(chance: random.Random) -> object:
        person, topic = chance.choice(people), chance.choice(topics)
        mine = Project.objects.of_member(person, world.assignment).first()
        anyone = Project.objects.filter(topic__course=world.course).order_by("pk")
        project = mine or chance.choice([*anyone, None])
        invitation = Invitation.objects.filter(email__iexact=person.user.email).order_by("?").first()
        acts: list[Act] = [lambda: register_project(enrolment=person, topic=topic, now=NOW)]
        if invitation is not None:
            acts += [lambda: accept_invitation(invitation=invitation, enrolment=person, now=NOW)] * 3
            acts += [lambda: revoke_invitation(invitation=invitation, now=NOW)]
        if project is not None:
            friend = chance.choice(people)
            acts += [
                lambda: switch_topic(project=project, topic=topic, by=person, now=NOW),
                lambda: take_switch_back(project=project, by=person, now=NOW),
                lambda: release_slots(now=NOW + timedelta(days=1)),
                lambda: leave_team(project=project, enrolment=person, now=NOW),
                lambda: invite(project, friend, person),
                lambda: invite(project, friend, person),
                lambda: dissolve_project(project=project, by=person, now=NOW),
                lambda: withdraw_project(project=project, now=NOW),
                lambda: restore_project(project=project, now=NOW + timedelta(seconds=1)),
                lambda: move_member(enrolment=friend, to=project, by=world.staff, now=NOW),
                lambda: move_member(enrolment=person, to=topic, by=world.staff, now=NOW),
                lambda: give_in(project, person, text=str(chance.random())),
                lambda: extend(
                    assignment=world.assignment, by=world.staff, reason="x", now=NOW, projects=[project],
                    delta=timedelta(days=1),
                ),
                lambda: extend(
                    assignment=world.assignment, by=world.staff, reason="x", now=NOW, enrolment=friend,
                    delta=timedelta(days=1),
                ),
                lambda: assess(
                    project=project, outcome="passed", extra_points=Decimal(1), feedback="", by=world.staff, now=NOW
                ),
                lambda: publish_assessments(projects=[project], now=NOW),
            ]  # fmt: skip
        return chance.choice(acts)()

    done: Counter[str] = Counter()

    def work(number: int) -> None:
        chance = random.Random(seed * 100 + number)
        for _each in range(12):
            try:
                one_thing(chance)
                done["done"] += 1
            except RuleViolation as violation:
                done[violation.code] += 1

    at_once([partial(work, number) for number in range(24)])
    assert done["done"] > 24
    assert done.total() == 24 * 12
    assert_consistent()
