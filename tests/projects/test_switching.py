"""Another topic by one of the team: the others read who it was, and can take it back for a day."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from amls.core.violations import RuleViolation
from amls.mail.models import Notice
from amls.mail.send import deliver_due
from projects.models import Assignment, Project, Topic, TopicSwitch
from projects.services.registration import register_project, withdraw_project
from projects.services.switching import release_slots, switch_topic, take_switch_back
from projects.services.teams import accept_invitation, invite_member
from projects.tasks import release_held_slots
from tests.factories import TopicFactory
from tests.mail.conftest import Postbox, postbox  # noqa: F401 - a fixture
from tests.projects.conftest import NOW, World

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def pair(world: World) -> Topic:
    return TopicFactory.create(course=world.course, title="Compressed joins", team_max=2)


@pytest.fixture
def team(world: World, pair: Topic) -> Project:
    project = world.project(topic=pair)
    invitation = invite_member(project=project, email=world.other.user.email, by=world.student, now=NOW)
    accept_invitation(invitation=invitation, enrolment=world.other, now=NOW)
    Notice.objects.all().delete()
    return project


def taken(*topics: Topic) -> tuple[int, ...]:
    for topic in topics:
        topic.refresh_from_db()
    return tuple(topic.taken for topic in topics)


def test_the_others_are_told_who_it_was_and_until_when(
    world: World,
    team: Project,
    pair: Topic,
    postbox: Postbox,  # noqa: F811
) -> None:
    switch_topic(project=team, topic=world.topic, by=world.student, now=NOW)
    deliver_due(now=NOW + HOUR)
    texts = {mail["To"]: mail.get_body(("plain",)).get_content() for mail in postbox.mails}
    mine, theirs = (
        next(text for to, text in texts.items() if enrolment.user.email in to)
        for enrolment in (world.student, world.other)
    )
    assert f"{world.student.user} switched your team from Compressed joins to Sparse kernels." in theirs
    assert "each of you can take it back on the project's page until Tue 7 May, 12:00 (Europe/Berlin)" in theirs
    assert "You switched your team from Compressed joins to Sparse kernels." in mine
    assert "The others can take this back until Tue 7 May, 12:00 (Europe/Berlin)" in mine


def test_a_team_takes_a_switch_back_for_a_day_whoever_wants_the_slot(world: World, team: Project, pair: Topic) -> None:
    switch_topic(project=team, topic=world.topic, by=world.student, now=NOW)
    assert taken(pair, world.topic) == (1, 1)
    with pytest.raises(RuleViolation, match="All slots of this topic are taken"):
        register_project(enrolment=world.another(), topic=pair, now=NOW + HOUR)
    client = world.cast.client("student")
    page = f"/{world.course.slug}/projects/mine/"
    assert "switch-back" not in client.get(page).content.decode()  # long after May 2024
    take_switch_back(project=team, by=world.other, now=NOW + timedelta(hours=24) - timedelta(seconds=1))
    team.refresh_from_db()
    assert (team.topic, taken(pair, world.topic)) == (pair, (1, 0))
    assert Notice.objects.filter(kind="projects.switched-back").count() == 2
    with pytest.raises(RuleViolation, match="taken back already, or its day is over"):
        take_switch_back(project=team, by=world.other, now=NOW + HOUR)


def test_also_after_registration_closed(world: World, team: Project, pair: Topic) -> None:
    switch_topic(project=team, topic=world.topic, by=world.student, now=NOW)
    Assignment.objects.update(registration_closes_at=NOW + timedelta(minutes=1))
    take_switch_back(project=team, by=world.other, now=NOW + HOUR)
    team.refresh_from_db()
    assert team.topic == pair


def test_after_a_day_the_slot_is_anybodys(world: World, team: Project, pair: Topic) -> None:
    switch_topic(project=team, topic=world.topic, by=world.student, now=NOW)
    tomorrow = NOW + timedelta(days=1)
    with pytest.raises(RuleViolation, match="its day is over"):
        take_switch_back(project=team, by=world.other, now=tomorrow)
    # Whether or not beat came by.
    register_project(enrolment=world.another(), topic=pair, now=tomorrow)
    assert taken(pair, world.topic) == (1, 1)
    assert release_slots(now=tomorrow) == 0


def test_beat_gives_slots_back(world: World, team: Project, pair: Topic) -> None:
    switch_topic(project=team, topic=world.topic, by=world.student, now=NOW)
    assert release_slots(now=NOW + HOUR) == 0
    # By its own clock, long after.
    assert release_held_slots() == 1
    assert taken(pair, world.topic) == (0, 1)
    assert release_held_slots() == 0


def test_who_switches_on_does_not_shake_off_the_topic_that_the_team_had(
    world: World, team: Project, pair: Topic
) -> None:
    third = TopicFactory.create(course=world.course, team_max=2)
    switch_topic(project=team, topic=world.topic, by=world.student, now=NOW)
    switch_topic(project=team, topic=third, by=world.student, now=NOW + 23 * HOUR)
    assert taken(pair, world.topic, third) == (1, 0, 1)
    take_switch_back(project=team, by=world.other, now=NOW + 46 * HOUR)
    team.refresh_from_db()
    assert (team.topic, taken(pair, world.topic, third)) == (pair, (1, 0, 0))


def test_choosing_the_old_topic_again_is_the_way_back(world: World, team: Project, pair: Topic) -> None:
    switch_topic(project=team, topic=world.topic, by=world.student, now=NOW)
    switch_topic(project=team, topic=pair, by=world.other, now=NOW + HOUR)
    team.refresh_from_db()
    assert (team.topic, taken(pair, world.topic)) == (pair, (1, 0))
    assert not TopicSwitch.objects.holding().exists()


def test_a_next_switch_after_the_day_holds_the_newer_topic(world: World, team: Project, pair: Topic) -> None:
    third = TopicFactory.create(course=world.course, team_max=2)
    switch_topic(project=team, topic=world.topic, by=world.student, now=NOW)
    switch_topic(project=team, topic=third, by=world.other, now=NOW + 25 * HOUR)
    assert taken(pair, world.topic, third) == (0, 1, 1)
    assert TopicSwitch.objects.holding().get().topic == world.topic


def test_a_project_given_up_gives_up_what_is_held_for_it(world: World, team: Project, pair: Topic) -> None:
    switch_topic(project=team, topic=world.topic, by=world.student, now=NOW)
    withdraw_project(project=team, now=NOW + HOUR)
    assert taken(pair, world.topic) == (0, 0)
    with pytest.raises(RuleViolation, match="withdrawn"):
        take_switch_back(project=team, by=world.other, now=NOW + HOUR)


def test_a_team_that_grew_too_large_stays(world: World, team: Project, pair: Topic) -> None:
    switch_topic(project=team, topic=world.topic, by=world.student, now=NOW)
    third = world.another()
    invitation = invite_member(project=team, email=third.user.email, by=world.student, now=NOW)
    accept_invitation(invitation=invitation, enrolment=third, now=NOW)
    with pytest.raises(RuleViolation, match="at most 2"):
        take_switch_back(project=team, by=world.other, now=NOW + HOUR)
    assert taken(pair, world.topic) == (1, 1)


def test_one_slot_is_held_for_a_team_at_most(world: World, team: Project, pair: Topic) -> None:
    row = {"project": team, "topic": pair, "switched_at": NOW, "held_until": NOW + HOUR}
    TopicSwitch.objects.create(**row)
    with pytest.raises(IntegrityError, match="topicswitch_one_slot_held"), transaction.atomic():
        TopicSwitch.objects.create(**row)


def test_only_the_team_takes_its_switch_back(world: World, team: Project, pair: Topic) -> None:
    switch_topic(project=team, topic=world.topic, by=world.student, now=NOW)
    address = f"/{world.course.slug}/projects/mine/switch-back/"
    TopicSwitch.objects.update(held_until=NOW + timedelta(days=40_000))
    assert world.cast.client("student").get(address).status_code == 405
    for part in ("stranger", "foreign lecturer", "assistant"):
        assert world.cast.client(part).post(address).status_code == 404
    assert (
        "/projects/mine/switch-back/"
        in world.cast.client("student").get(address.replace("switch-back/", "")).content.decode()
    )
    assert world.cast.client("student").post(address).status_code == 302
    team.refresh_from_db()
    assert team.topic == pair
