"""Wishes, runs and their publication at the same moment: real threads on real connections."""

from datetime import timedelta
from functools import partial

import pytest

from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment
from amls.mail.models import Notice
from projects.allocation.matching import match
from projects.models import Allocation, Assignment, Project, Topic, Wish, WishList
from projects.services.allocating import ask_allocation, publish_allocation
from projects.services.assignments import keep_assignment
from projects.services.matching import ask_for_match, make_teams, matchable, take_match_back
from projects.services.registration import leave_team
from projects.services.teams import accept_invitation
from projects.services.wishes import form_team, rank_topics
from projects.tasks import allocate_topics
from tests.factories import EnrolmentFactory, TopicFactory
from tests.projects.conftest import NOW, World
from tests.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)

WISHES_CLOSE = NOW + timedelta(days=7)
AFTER = WISHES_CLOSE + timedelta(hours=1)


@pytest.fixture
def assignment(world: World) -> Assignment:
    row = world.assignment
    row.topics_given, row.wishes_close_at, row.wishes_min = Assignment.TopicsGiven.BY_WISH, WISHES_CLOSE, 1
    keep_assignment(row, now=NOW)
    return row


@pytest.fixture
def topics(assignment: Assignment) -> list[int]:
    return [TopicFactory.create(course=assignment.course, team_max=3).pk for _ in range(3)]


def refusals(outcomes: list[object]) -> list[str]:
    return sorted(outcome.code for outcome in outcomes if isinstance(outcome, RuleViolation))


def test_of_two_members_who_change_the_list_at_once_one_is_told(
    world: World, assignment: Assignment, topics: list[int]
) -> None:
    team = form_team(assignment=assignment, enrolment=world.student, emails=[world.other.user.email], now=NOW)
    accept_invitation(invitation=team.invitations.get(), enrolment=world.other, now=NOW)
    rank_topics(project=team, topics=topics[:1], version=0, by=world.student, now=NOW)
    lists = {world.student.pk: topics[:2], world.other.pk: topics[::-1]}
    outcomes = at_once(
        [
            partial(rank_topics, project=team, topics=wanted, version=1, by=member, now=NOW)
            for member, wanted in ((world.student, topics[:2]), (world.other, topics[::-1]))
        ]
    )
    assert refusals(outcomes) == ["changed-meanwhile"]
    kept = WishList.objects.get()
    assert kept.version == 2
    ranked = list(Wish.objects.order_by("rank").values_list("topic", flat=True))
    assert ranked == lists[kept.ranked_by_id or 0]


def test_a_team_that_is_formed_twice_at_once_is_one(world: World, assignment: Assignment) -> None:
    form = partial(form_team, assignment=assignment, enrolment=world.student, now=NOW)
    outcomes = at_once([form] * 4)
    assert refusals(outcomes) == []
    assert Project.objects.filter(assignment=assignment).count() == 1


def _run(world: World, assignment: Assignment) -> Allocation:
    run = ask_allocation(assignment=assignment, by=world.staff, now=AFTER)
    allocate_topics()
    return Allocation.objects.get(pk=run.pk)


def test_topics_are_given_once_however_many_publish(world: World, assignment: Assignment, topics: list[int]) -> None:
    team = form_team(assignment=assignment, enrolment=world.student, now=NOW)
    rank_topics(project=team, topics=topics, version=0, by=world.student, now=NOW)
    runs = [_run(world, assignment), _run(world, assignment)]
    outcomes = at_once([partial(publish_allocation, allocation=run, by=world.staff, now=AFTER) for run in runs * 2])
    assert refusals(outcomes) == ["topics-given", "topics-given"]
    assert Notice.objects.filter(kind="projects.allocated").count() == 1
    assert Topic.objects.get(pk=topics[0]).taken == 1


def test_of_two_who_ask_for_a_run_one_is_told_that_it_is_being_worked_out(
    world: World, assignment: Assignment, topics: list[int]
) -> None:
    ask = partial(ask_allocation, assignment=assignment, by=world.staff, now=AFTER)
    assert refusals(at_once([ask, ask])) == ["is-running"]


def test_the_deadline_while_the_solver_runs_lets_no_late_wish_in(
    world: World, assignment: Assignment, topics: list[int]
) -> None:
    team = form_team(assignment=assignment, enrolment=world.student, now=NOW)
    rank_topics(project=team, topics=topics, version=0, by=world.student, now=NOW)
    ask_allocation(assignment=assignment, by=world.staff, now=WISHES_CLOSE)
    last = partial(
        rank_topics,
        project=team,
        topics=topics[::-1],
        version=1,
        by=world.student,
        now=WISHES_CLOSE + timedelta(seconds=59),
    )
    late = partial(
        rank_topics,
        project=team,
        topics=topics[1:],
        version=1,
        by=world.student,
        now=WISHES_CLOSE + timedelta(minutes=1),
    )
    outcomes = at_once([allocate_topics, last, late])
    assert refusals(outcomes) == ["wishes-closed"]
    # The run was made from what was there before: it gives nothing that nobody wishes for any more.
    with pytest.raises(RuleViolation) as refused:
        publish_allocation(allocation=Allocation.objects.get(), by=world.staff, now=AFTER)
    assert refused.value.code == "changed-since"
    publish_allocation(allocation=_run(world, assignment), by=world.staff, now=AFTER)
    team.refresh_from_db()
    assert team.topic_id == topics[2]


@pytest.mark.parametrize("_round", range(3))
def test_a_member_who_leaves_while_topics_are_given_is_before_or_after_it(
    world: World, assignment: Assignment, topics: list[int], _round: int
) -> None:
    team = form_team(assignment=assignment, enrolment=world.student, emails=[world.other.user.email], now=NOW)
    accept_invitation(invitation=team.invitations.get(), enrolment=world.other, now=NOW)
    rank_topics(project=team, topics=topics, version=0, by=world.student, now=NOW)
    run = _run(world, assignment)
    outcomes = at_once(
        [
            partial(publish_allocation, allocation=run, by=world.staff, now=AFTER),
            partial(leave_team, project=team, enrolment=world.other, now=AFTER),
        ]
    )
    team.refresh_from_db()
    told = Notice.objects.filter(kind="projects.allocated").count()
    assert (team.topic_id, told) in {(topics[0], 2), (None, 0)}
    assert refusals(outcomes) == ([] if told else ["changed-since"])


def test_a_topic_that_is_closed_while_it_is_ranked_is_not_given(
    world: World, assignment: Assignment, topics: list[int]
) -> None:
    teams = [
        form_team(assignment=assignment, enrolment=EnrolmentFactory.create(course=assignment.course), now=NOW)
        for _ in range(2)
    ]
    close = partial(Topic.objects.filter(pk=topics[0]).update, is_open=False)
    ranks = [partial(rank_topics, project=team, topics=topics, version=0, now=NOW) for team in teams]
    at_once([close, *ranks])
    assert topics[0] not in _run(world, assignment).given().values()


def test_teams_that_two_of_the_staff_make_at_once_are_made_once(
    world: World, assignment: Assignment, topics: list[int]
) -> None:
    people = [world.student, world.other, EnrolmentFactory.create(course=assignment.course)]
    for person in people:
        ask_for_match(enrolment=person, assignment=assignment, now=NOW)
    pool = matchable(assignment, largest=3)
    make = partial(
        make_teams, assignment=assignment, teams=match(pool.problem), seen=pool.problem, by=world.staff, now=NOW
    )
    assert refusals(at_once([make] * 3)) in (["changed-meanwhile"] * 2, ["project-withdrawn"] * 2)
    assert Project.objects.active().count() == 1
    assert Notice.objects.filter(kind="projects.matched").count() == 3


@pytest.mark.parametrize("_round", range(3))
def test_who_changes_their_mind_while_teams_are_made_is_matched_or_nobody_is(
    world: World, assignment: Assignment, topics: list[int], _round: int
) -> None:
    for person in (world.student, world.other):
        ask_for_match(enrolment=person, assignment=assignment, now=NOW)
    pool = matchable(assignment, largest=2)
    outcomes = at_once(
        [
            partial(
                make_teams,
                assignment=assignment,
                teams=match(pool.problem),
                seen=pool.problem,
                by=world.staff,
                now=NOW,
            ),
            partial(take_match_back, enrolment=world.student, assignment=assignment),
            partial(rank_topics, project=_team(world.other), topics=topics, version=0, by=world.other, now=NOW),
        ]
    )
    is_matched = refusals(outcomes[:1]) == []
    assert is_matched or refusals(outcomes[:1]) == ["changed-meanwhile"]
    assert Project.objects.active().count() == (1 if is_matched else 2)
    assert Notice.objects.filter(kind="projects.matched").count() == (2 if is_matched else 0)


def _team(enrolment: Enrolment) -> Project:
    return Project.objects.get(memberships__enrolment=enrolment, memberships__left_at=None)
