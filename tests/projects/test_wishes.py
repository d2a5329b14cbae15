"""Teams rank topics together; topics are given once, to all of them in one step."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from amls.agenda.models import AgendaItem
from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment, StaffMember
from amls.mail.letters import letter_kinds
from amls.mail.models import Notice
from amls.mail.still_due import still_due_for
from projects.allocation.files import check
from projects.allocation.problem import to_bytes
from projects.hooks.privacy import forget_people
from projects.models import Allocation, Assignment, MentorLimit, Project, Topic, TopicPlacement, Wish, WishList
from projects.services.allocating import ask_allocation, change_allocation, publish_allocation
from projects.services.registration import register_project
from projects.services.teams import accept_invitation
from projects.services.wishes import form_team, keep_mentor_limit, keep_placement, rank_topics
from projects.tasks import allocate_topics
from projects.wishlists import who_has_ranked
from tests.factories import EnrolmentFactory, TopicFactory
from tests.projects.conftest import NOW, World

pytestmark = pytest.mark.django_db

WISHES_CLOSE = NOW + timedelta(days=7)
AFTER = WISHES_CLOSE + timedelta(hours=1)


@pytest.fixture
def assignment(world: World) -> Assignment:
    """The course's project, whose topics are given by wish: three of them, with a slot each."""
    return world.give_by_wish(closes_at=WISHES_CLOSE, fewest=2)


@pytest.fixture
def topics(assignment: Assignment) -> list[int]:
    titles = ("Sparse kernels", "Größe & Gewicht", "山田's cache")
    return [TopicFactory.create(course=assignment.course, title=title, team_max=3).pk for title in titles]


def team_of(assignment: Assignment, enrolment: Enrolment | None = None, *wishes: int) -> Project:
    enrolment = enrolment or EnrolmentFactory.create(course=assignment.course)
    team = form_team(assignment=assignment, enrolment=enrolment, now=NOW)
    if wishes:
        rank_topics(project=team, topics=wishes, version=0, by=enrolment, now=NOW)
    return team


def made(assignment: Assignment, world: World) -> Allocation:
    allocation = ask_allocation(assignment=assignment, by=world.staff, now=AFTER)
    allocate_topics()
    allocation.refresh_from_db()
    return allocation


def wishes_of(team: Project) -> list[int]:
    return list(Wish.objects.filter(wish_list__project=team).order_by("rank").values_list("topic", flat=True))


def test_each_member_may_change_the_list_and_what_the_other_did_is_not_lost(
    world: World, assignment: Assignment, topics: list[int]
) -> None:
    first, second, third = topics
    team = form_team(assignment=assignment, enrolment=world.student, emails=[world.other.user.email], now=NOW)
    accept_invitation(invitation=team.invitations.get(), enrolment=world.other, now=NOW)
    row = rank_topics(project=team, topics=[first, second], version=0, by=world.student, now=NOW)
    rank_topics(project=team, topics=[second, first, third], version=row.version, by=world.other, now=NOW)
    with pytest.raises(RuleViolation) as refused:
        rank_topics(project=team, topics=[third], version=row.version, by=world.student, now=NOW)
    assert refused.value.code == "changed-meanwhile"
    assert wishes_of(team) == [second, first, third]
    assert WishList.objects.get().ranked_by == world.other


def test_the_same_list_sent_twice_is_one_change(world: World, assignment: Assignment, topics: list[int]) -> None:
    team = team_of(assignment, world.student, *topics)
    again = rank_topics(project=team, topics=topics, version=0, by=world.student, now=NOW)
    assert again.version == 1


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (lambda topics: [topics[0], topics[0]], "twice"),
        (lambda topics: [topics[0], 0], "not-on-offer"),
        (lambda topics: [topics[0], 10**9], "not-on-offer"),
        (lambda topics: topics, "too-many"),
    ],
    ids=["twice", "no topic", "unknown topic", "too many"],
)
def test_a_list_that_is_none_is_refused(
    world: World, assignment: Assignment, topics: list[int], wanted: Callable[[list[int]], list[int]], code: str
) -> None:
    Assignment.objects.filter(pk=assignment.pk).update(wishes_max=2)
    team = team_of(assignment, world.student)
    with pytest.raises(RuleViolation) as refused:
        rank_topics(project=team, topics=wanted(topics), version=0, by=world.student, now=NOW)
    assert refused.value.code == code
    assert wishes_of(team) == []


def test_wishes_close_after_the_whole_minute_and_staff_may_add_late_ones(
    world: World, assignment: Assignment, topics: list[int]
) -> None:
    team = team_of(assignment, world.student)
    in_time = WISHES_CLOSE + timedelta(seconds=59)
    rank_topics(project=team, topics=topics[:2], version=0, by=world.student, now=in_time)
    with pytest.raises(RuleViolation) as refused:
        rank_topics(project=team, topics=topics, version=1, by=world.student, now=in_time + timedelta(seconds=1))
    assert refused.value.code == "wishes-closed"
    assert str(world.course.contact_email) in str(refused.value.message)
    rank_topics(project=team, topics=topics, version=1, now=AFTER, is_late=True)
    assert wishes_of(team) == topics


def test_a_topic_of_another_assignment_is_refused_by_the_database(
    world: World, assignment: Assignment, topics: list[int]
) -> None:
    team = team_of(assignment, world.student, *topics)
    with pytest.raises(IntegrityError, match="wish_topic_of_assignment"), transaction.atomic():
        Wish.objects.create(wish_list=team.wish_list, topic=TopicFactory.create(), rank=9)
    with pytest.raises(IntegrityError, match="wish_rank_once"), transaction.atomic():
        Wish.objects.filter(rank=2).update(rank=1)


def test_nobody_takes_a_topic_at_once_where_topics_are_given_by_wish(
    world: World, assignment: Assignment, topics: list[int]
) -> None:
    with pytest.raises(RuleViolation) as refused:
        register_project(enrolment=world.student, topic=Topic.objects.get(pk=topics[0]), now=NOW)
    assert refused.value.code == "by-wish"


def test_only_teams_that_ranked_too_few_are_reminded(world: World, assignment: Assignment, topics: list[int]) -> None:
    key = AgendaItem.objects.get(key__startswith="wishes.", enrolment=None).key
    without = EnrolmentFactory.create(course=assignment.course)
    team_of(assignment, world.student, *topics)
    team_of(assignment, world.other, topics[0])
    people = [world.student, world.other, without, world.cast.assistant]
    assert still_due_for(assignment.course, key, people, now=NOW) == {world.other.pk, without.pk}
    assert AgendaItem.objects.get(key=key, enrolment=world.student).is_done
    assert who_has_ranked(assignment, people) == {world.student.pk}


def test_topics_are_given_to_all_in_one_step_and_everyone_reads_why(
    world: World, assignment: Assignment, topics: list[int]
) -> None:
    first, second, _third = topics
    lucky, other = team_of(assignment, world.student, first, second), team_of(assignment, world.other, first, second)
    allocation = made(assignment, world)
    assert allocation.state == Allocation.State.DONE
    assert Project.objects.filter(topic=None).count() == 2
    publish_allocation(allocation=allocation, by=world.staff, now=AFTER)
    by_topic = {project.topic_id: project for project in Project.objects.filter(pk__in=[lucky.pk, other.pk])}
    assert by_topic.keys() == {first, second}
    assert set(Topic.objects.filter(taken=1).values_list("pk", flat=True)) == {first, second}
    letters = {
        notice.references["project"]: letter_kinds["projects.allocated"].writer(notice, AFTER)
        for notice in Notice.objects.filter(kind="projects.allocated")
    }
    assert "Sparse kernels" in letters[by_topic[first].pk].subject
    assert "Its slot went to a team with the same wish" in letters[by_topic[second].pk].text
    assert "the published seed drew another one" in letters[by_topic[second].pk].text
    assert check(to_bytes(Allocation.objects.get().to_json())) == []


def test_published_twice_it_is_once_and_another_run_never(
    world: World, assignment: Assignment, topics: list[int]
) -> None:
    team_of(assignment, world.student, *topics)
    published, other = made(assignment, world), made(assignment, world)
    publish_allocation(allocation=published, by=world.staff, now=AFTER)
    publish_allocation(allocation=published, by=world.staff, now=AFTER)
    assert Notice.objects.filter(kind="projects.allocated").count() == 1
    with pytest.raises(RuleViolation) as refused:
        publish_allocation(allocation=other, by=world.staff, now=AFTER)
    assert refused.value.code == "topics-given"
    with pytest.raises(IntegrityError, match="allocation_published_once"), transaction.atomic():
        Allocation.objects.filter(pk=other.pk).update(published_at=AFTER)


def test_nothing_is_published_before_the_wishes_close(world: World, assignment: Assignment, topics: list[int]) -> None:
    team_of(assignment, world.student, *topics)
    with pytest.raises(RuleViolation) as refused:
        publish_allocation(allocation=made(assignment, world), by=world.staff, now=WISHES_CLOSE)
    assert refused.value.code == "wishes-open"


def _another_team(world: World, assignment: Assignment, topics: list[int]) -> None:
    team_of(assignment, world.other, *topics)


def _other_wishes(world: World, assignment: Assignment, topics: list[int]) -> None:
    team = Project.objects.get()
    rank_topics(project=team, topics=topics[:2], version=1, now=AFTER, is_late=True)


def _closed_topic(world: World, assignment: Assignment, topics: list[int]) -> None:
    Topic.objects.filter(pk=topics[0]).update(is_open=False)


def _pin(world: World, assignment: Assignment, topics: list[int]) -> None:
    placement = TopicPlacement(project=Project.objects.get(), topic_id=topics[2])
    keep_placement(placement, by=world.staff, now=AFTER)


def _mentor(world: World, assignment: Assignment, topics: list[int]) -> None:
    mentor = StaffMember.objects.create(course=assignment.course, name="Łukasz Żółć", role="assistant")
    keep_mentor_limit(MentorLimit(assignment=assignment, mentor=mentor, most=1), by=world.staff, now=AFTER)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (_another_team, "teams or their wishes"),
        (_other_wishes, "teams or their wishes"),
        (_closed_topic, "topics"),
        (_pin, "rules for teams and topics"),
        (_mentor, "limits of mentors"),
    ],
)
def test_a_run_is_not_published_after_what_it_was_made_from_changed(
    world: World,
    assignment: Assignment,
    topics: list[int],
    change: Callable[[World, Assignment, list[int]], None],
    what: str,
) -> None:
    team_of(assignment, world.student, *topics)
    allocation = made(assignment, world)
    change(world, assignment, topics)
    with pytest.raises(RuleViolation) as refused:
        publish_allocation(allocation=allocation, by=world.staff, now=AFTER)
    assert refused.value.code == "changed-since"
    assert what in str(refused.value.message)
    assert not Notice.objects.filter(kind="projects.allocated").exists()


def test_a_topic_that_was_closed_after_it_was_ranked_is_not_given_and_its_team_told(
    world: World, assignment: Assignment, topics: list[int]
) -> None:
    team = team_of(assignment, world.student, *topics)
    Topic.objects.filter(pk=topics[0]).update(is_open=False)
    # It may stay on a list that is changed otherwise.
    rank_topics(project=team, topics=[topics[0], topics[2], topics[1]], version=1, by=world.student, now=NOW)
    allocation = made(assignment, world)
    assert allocation.given() == {team.pk: topics[2]}
    assert [reason["why"] for reason in dict(allocation.reasons)[team.pk]] == ["closed"]


def test_a_list_that_is_too_short_does_not_count(world: World, assignment: Assignment, topics: list[int]) -> None:
    team = team_of(assignment, world.student, topics[0])
    assert made(assignment, world).given() == {}
    Topic.objects.exclude(pk=topics[0]).update(is_open=False)
    assert made(assignment, world).given() == {team.pk: topics[0]}


def test_rules_that_clash_are_named_and_nothing_can_be_published(
    world: World, assignment: Assignment, topics: list[int]
) -> None:
    for enrolment in (world.student, world.other):
        placement = TopicPlacement(project=team_of(assignment, enrolment), topic_id=topics[0])
        keep_placement(placement, by=world.staff, now=NOW)
    allocation = made(assignment, world)
    assert allocation.state == Allocation.State.CLASH
    assert [rule["kind"] for rule in allocation.clash] == ["pin", "pin", "slots"]
    with pytest.raises(RuleViolation) as refused:
        publish_allocation(allocation=allocation, by=world.staff, now=AFTER)
    assert refused.value.code == "no-result"


def test_a_change_by_hand_is_a_run_of_its_own_that_anyone_can_check(
    world: World, assignment: Assignment, topics: list[int]
) -> None:
    team = team_of(assignment, world.student, *topics)
    allocation = made(assignment, world)
    changed = change_allocation(allocation=allocation, team=team.pk, topic=topics[1], by=world.staff, now=AFTER)
    assert (allocation.given(), changed.given()) == ({team.pk: topics[0]}, {team.pk: topics[1]})
    assert check(to_bytes(changed.to_json())) == []
    back = change_allocation(allocation=changed, team=team.pk, topic=topics[0], by=world.staff, now=AFTER)
    assert back.changes == []
    publish_allocation(allocation=changed, by=world.staff, now=AFTER)
    assert Project.objects.get(pk=team.pk).topic_id == topics[1]


def test_a_change_by_hand_that_breaks_a_rule_is_not_published(
    world: World, assignment: Assignment, topics: list[int]
) -> None:
    first = team_of(assignment, world.student, *topics)
    other = team_of(assignment, world.other, topics[1], topics[0])
    allocation = made(assignment, world)
    assert allocation.given() == {first.pk: topics[0], other.pk: topics[1]}
    changed = change_allocation(allocation=allocation, team=other.pk, topic=topics[0], by=world.staff, now=AFTER)
    with pytest.raises(RuleViolation) as refused:
        publish_allocation(allocation=changed, by=world.staff, now=AFTER)
    assert refused.value.code == "rule-broken"


def test_all_runs_draw_by_the_same_seed(world: World, assignment: Assignment, topics: list[int]) -> None:
    team_of(assignment, world.student, *topics)
    assert made(assignment, world).seed == made(assignment, world).seed


def test_a_run_that_another_worker_left_is_taken_over_and_given_up_in_the_end(
    world: World, assignment: Assignment, topics: list[int]
) -> None:
    ask_allocation(assignment=assignment, by=world.staff, now=AFTER)
    Allocation.objects.update(attempts=3)
    allocate_topics()
    assert Allocation.objects.get().state == Allocation.State.FAILED


def test_purging_the_course_leaves_no_wish(world: World, assignment: Assignment, topics: list[int]) -> None:
    team_of(assignment, world.student, *topics)
    publish_allocation(allocation=made(assignment, world), by=world.staff, now=AFTER)
    forget_people([assignment.course_id])
    assert not any(model.objects.exists() for model in (Wish, WishList, Allocation, Project))
