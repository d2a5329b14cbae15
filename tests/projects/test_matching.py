"""Who has nobody is matched with others: by size and common wishes, and by the seed; staff change wishes late."""

import html
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.db import IntegrityError, transaction
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment
from amls.mail.letters import letter_kinds
from amls.mail.models import Notice
from projects.allocation.matching import MatchInput, common_wishes, match, match_from_json, match_to_json
from projects.allocation.problem import Team, to_bytes
from projects.hooks.privacy import forget_people
from projects.models import (
    Assignment,
    MatchRequest,
    Membership,
    Project,
    TeamMatching,
    Topic,
    TopicPlacement,
    Wish,
    WishChange,
)
from projects.services.allocating import ask_allocation, publish_allocation
from projects.services.matching import ask_for_match, make_teams, matchable, take_match_back, usual_team_size
from projects.services.teams import accept_invitation, invite_member
from projects.services.wishes import change_wishes, keep_placement, rank_topics, seed_of
from projects.tasks import allocate_topics
from tests.agreement import agree_to, do_held, seal_in
from tests.factories import EnrolmentFactory, TopicFactory
from tests.projects.conftest import NOW, World

WISHES_CLOSE = NOW + timedelta(days=7)
AFTER = WISHES_CLOSE + timedelta(hours=1)


# ── the teams, as a pure function ──


@st.composite
def problems(draw: st.DrawFn, *, largest_part: int = 1) -> MatchInput:
    topics = list(range(10, 10 + draw(st.integers(1, 5))))
    teams = [
        Team(key, draw(st.integers(1, largest_part)), tuple(draw(st.permutations(topics)))[: draw(st.integers(0, 5))])
        for key in range(1, draw(st.integers(0, 9)) + 1)
    ]
    room = {topic: draw(st.integers(1, 4)) for topic in topics}
    return MatchInput(tuple(teams), room, draw(st.integers(1, 4)), draw(st.sampled_from(["", "4f1c", "größe"])))


@given(problems())
def test_there_are_as_few_teams_as_possible_and_they_are_as_equal_as_possible(problem: MatchInput) -> None:
    teams = match(problem)
    assert sorted(key for team in teams for key in team) == sorted(team.key for team in problem.teams)
    assert len(teams) == -(-len(problem.teams) // problem.largest)
    sizes = [len(team) for team in teams]
    assert max(sizes, default=0) - min(sizes, default=0) <= 1


@given(problems(largest_part=4))
def test_nobody_is_torn_from_their_team_and_no_team_grows_too_large(problem: MatchInput) -> None:
    size = {team.key: team.size for team in problem.teams}
    teams = match(problem)
    assert sorted(key for team in teams for key in team) == sorted(size)
    assert all(len(team) == 1 or sum(size[key] for key in team) <= problem.largest for team in teams)


@given(problems(largest_part=3), st.randoms(use_true_random=False))
def test_the_order_in_which_people_are_named_changes_nothing(problem: MatchInput, random: Random) -> None:
    shuffled = list(problem.teams)
    random.shuffle(shuffled)
    other = match_from_json(match_to_json(MatchInput(tuple(shuffled), problem.room, problem.largest, problem.seed)))
    assert match(other) == match(problem)
    assert to_bytes(match_to_json(other)) == to_bytes(match_to_json(problem))


@given(problems(largest_part=3))
def test_a_new_team_wishes_only_for_what_one_of_them_wished_for_and_has_room_for(problem: MatchInput) -> None:
    by_key = {team.key: team for team in problem.teams}
    for keys in match(problem):
        wishes = common_wishes(problem, keys, most=3)
        size = sum(by_key[key].size for key in keys)
        wished = {topic for key in keys for topic in by_key[key].wishes}
        assert len(set(wishes)) == len(wishes) <= 3
        assert all(topic in wished and problem.room[topic] >= size for topic in wishes)


def test_who_wishes_for_the_same_comes_together_and_its_best_common_wish_is_first() -> None:
    room = dict.fromkeys(range(1, 7), 2)
    teams = (Team(1, 1, (1, 2, 3)), Team(2, 1, (4, 5, 6)), Team(3, 1, (3, 2, 1)), Team(4, 1, (6, 5, 4)))
    for seed in ("", "a", "b", "c"):
        problem = MatchInput(teams, room, 2, seed)
        assert sorted(sorted(team) for team in match(problem)) == [[1, 3], [2, 4]]
    # Ranks 1 and 2 are as good together as 3 and 1: the draw decides, and nothing else is on their list.
    assert set(common_wishes(problem, (1, 3), most=10)) == {1, 2, 3}
    assert common_wishes(MatchInput((Team(1, 1, (1, 2)), Team(2, 1, (3, 2))), room, 2), (1, 2), most=2)[0] == 2


# ── people, and the teams that the staff make of them ──


@pytest.fixture
def assignment(world: World) -> Assignment:
    return world.give_by_wish(closes_at=WISHES_CLOSE, fewest=2)


@pytest.fixture
def topics(assignment: Assignment) -> list[int]:
    titles = ("Sparse kernels", "Größe & Gewicht", "山田's cache", "Ștefan's tensors")
    return [TopicFactory.create(course=assignment.course, title=title, team_max=2).pk for title in titles]


def person(assignment: Assignment, name: str, *wishes: int) -> Enrolment:
    enrolment = EnrolmentFactory.create(course=assignment.course, user__display_name=name)
    ask_for_match(enrolment=enrolment, assignment=assignment, now=NOW)
    if wishes:
        project = Project.objects.get(memberships__enrolment=enrolment)
        rank_topics(project=project, topics=wishes, version=0, by=enrolment, now=NOW)
    return enrolment


@pytest.fixture
def people(assignment: Assignment, topics: list[int]) -> list[Enrolment]:
    first, second, third, fourth = topics
    return [
        person(assignment, "Łukasz Żółć", first, second),
        person(assignment, "Şahin Öz", third, fourth),
        person(assignment, "Ștefan Ionescu", second, first),
        person(assignment, "山田太郎", fourth, third),
    ]


def make(assignment: Assignment, world: World, *, largest: int = 2) -> TeamMatching:
    pool = matchable(assignment, largest=largest)
    teams = match(pool.problem)
    return make_teams(assignment=assignment, teams=teams, seen=pool.problem, by=world.staff, now=NOW)


def team_of(enrolment: Enrolment) -> set[str]:
    project = Project.objects.active().get(memberships__enrolment=enrolment, memberships__left_at=None)
    members = Membership.objects.active().filter(project=project)
    return set(members.values_list("enrolment__user__display_name", flat=True))


@pytest.mark.django_db
def test_people_with_the_same_wishes_get_one_team_and_read_who_they_are(
    world: World, assignment: Assignment, topics: list[int], people: list[Enrolment]
) -> None:
    matching = make(assignment, world)
    assert team_of(people[0]) == {"Łukasz Żółć", "Ștefan Ionescu"}
    assert team_of(people[1]) == {"Şahin Öz", "山田太郎"}
    assert Project.objects.active().count() == 2
    assert not MatchRequest.objects.exists()
    project = Project.objects.active().get(memberships__enrolment=people[0], memberships__left_at=None)
    wished = Wish.objects.filter(wish_list__project=project).order_by("rank").values_list("topic", flat=True)
    assert set(wished) == set(topics[:2])
    (notice,) = Notice.objects.filter(recipient=people[0].user, kind="projects.matched")
    letter = letter_kinds["projects.matched"].writer(notice, NOW)
    assert letter is not None
    assert "Ștefan Ionescu" in letter.text
    assert people[0].user.email not in letter.text
    assert "Sparse kernels" in letter.text
    # Nobody reads that their team was given up, as it was only joined to another one.
    assert not Notice.objects.filter(kind__in=["projects.withdrawn", "projects.member-left"]).exists()
    assert matching.seed == seed_of(assignment)
    assert matching.teams == [list(team) for team in match(match_from_json(matching.inputs))]


@pytest.mark.django_db
def test_topics_are_drawn_by_the_seed_by_which_people_were_matched(
    world: World, assignment: Assignment, people: list[Enrolment]
) -> None:
    matching = make(assignment, world)
    run = ask_allocation(assignment=assignment, by=world.staff, now=AFTER)
    assert run.seed == matching.seed
    allocate_topics()
    publish_allocation(allocation=run, by=world.staff, now=AFTER)
    assert Project.objects.active().filter(topic=None).count() == 0
    with pytest.raises(RuleViolation) as refused:
        ask_for_match(enrolment=world.student, assignment=assignment, now=AFTER)
    assert refused.value.code == "topics-given"


@pytest.mark.django_db
def test_only_who_wishes_so_is_matched_and_a_team_only_when_each_of_it_does(
    world: World, assignment: Assignment, topics: list[int]
) -> None:
    alone = person(assignment, "Größe")
    left = person(assignment, "Left again")
    take_match_back(enrolment=left, assignment=assignment)
    ask_for_match(enrolment=world.student, assignment=assignment, now=NOW)
    mine = Project.objects.get(memberships__enrolment=world.student)
    invite_member(project=mine, email=world.other.user.email, by=world.student, now=NOW)
    accept_invitation(invitation=mine.invitations.get(), enrolment=world.other, now=NOW)
    assert [team.size for team in matchable(assignment, largest=3).problem.teams] == [1]
    ask_for_match(enrolment=world.other, assignment=assignment, now=NOW)
    Topic.objects.filter(pk=topics[0]).update(team_max=3)
    assert sorted(team.size for team in matchable(assignment, largest=3).problem.teams) == [1, 2]
    make(assignment, world, largest=3)
    assert len(team_of(alone)) == 3
    assert team_of(left) == {"Left again"}


@pytest.mark.django_db
def test_who_is_left_over_stays_alone_and_goes_on_waiting(
    world: World, assignment: Assignment, topics: list[int]
) -> None:
    lonely = person(assignment, "Ștefan", *topics)
    make(assignment, world)
    assert MatchRequest.objects.get().enrolment == lonely
    assert not Notice.objects.filter(kind="projects.matched").exists()


@pytest.mark.django_db
def test_who_is_given_a_topic_is_not_matched_and_what_is_excluded_stays_so(
    world: World, assignment: Assignment, topics: list[int], people: list[Enrolment]
) -> None:
    pinned, excluded = (Project.objects.get(memberships__enrolment=people[number]) for number in (1, 2))
    keep_placement(TopicPlacement(project=pinned, topic_id=topics[3]), now=NOW)
    keep_placement(TopicPlacement(project=excluded, topic_id=topics[0], kind="excluded"), now=NOW)
    make(assignment, world)
    assert team_of(people[1]) == {"Şahin Öz"}
    team = Project.objects.active().get(memberships__enrolment=people[2], memberships__left_at=None)
    assert TopicPlacement.objects.get(kind="excluded").project == team


@pytest.mark.django_db
def test_the_staff_put_people_elsewhere_and_see_it_before_it_is_done(
    world: World, assignment: Assignment, people: list[Enrolment]
) -> None:
    desk = world.cast.client("lecturer")
    address = reverse("admin:projects_allocation_match", args=[assignment.pk])
    page = BeautifulSoup(desk.get(address).content, "html.parser")
    assert len(page.select("section.desk-card")) == 2
    keys = [Project.objects.get(memberships__enrolment=enrolment).pk for enrolment in people]
    put = {f"team-{key}": str(number) for key, number in zip(keys, (1, 1, 2, 2), strict=True)}
    # What was not shown is not done.
    answer = desk.post(address, {"largest": "2", "_agreed": "1", "_shown": seal_in(desk.get(address)), **put})
    assert "Look at it again" in answer.content.decode()
    assert not TeamMatching.objects.exists()
    agree_to(desk, address, {"largest": "2", "put": "1", **put})
    assert not TeamMatching.objects.exists()
    do_held()
    assert team_of(people[0]) == {"Łukasz Żółć", "Şahin Öz"}


@pytest.mark.django_db
def test_teams_that_are_too_large_or_not_all_are_refused(
    world: World, assignment: Assignment, people: list[Enrolment]
) -> None:
    pool = matchable(assignment, largest=2)
    keys = sorted(pool.members)
    attempt = partial(make_teams, assignment=assignment, seen=pool.problem, by=world.staff, now=NOW)
    for teams, code in ((([*keys],), "team-full"), ((keys[:2],), "not-in-one-team")):
        with pytest.raises(RuleViolation) as refused:
            attempt(teams=teams)
        assert refused.value.code == code
    person(assignment, "New since")
    with pytest.raises(RuleViolation) as refused:
        attempt(teams=match(pool.problem))
    assert refused.value.code == "changed-meanwhile"
    assert Project.objects.active().count() == 5


@pytest.mark.django_db
def test_the_database_knows_one_wish_to_be_matched_of_a_person_in_their_course(
    world: World, assignment: Assignment
) -> None:
    ask_for_match(enrolment=world.student, assignment=assignment, now=NOW)
    ask_for_match(enrolment=world.student, assignment=assignment, now=NOW)
    request = MatchRequest.objects.get()
    for enrolment, name in ((world.student, "matchrequest_once"), (EnrolmentFactory.create(), "of_its_course")):
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            MatchRequest.objects.create(enrolment=enrolment, assignment=request.assignment, asked_at=NOW)


@pytest.mark.django_db
def test_a_student_asks_and_takes_it_back_on_the_page_of_wishes(
    world: World, assignment: Assignment, topics: list[int]
) -> None:
    Assignment.objects.update(wishes_close_at=None, due_at=None)
    client = world.cast.client("student")
    address = reverse("projects:wishes_match", args=["amls", assignment.pk])
    client.post(address)
    assert MatchRequest.objects.get().enrolment == world.student
    assert "You wish to be matched with others" in client.get("/amls/wishes/").content.decode()
    client.post(address, {"back": "1"})
    assert not MatchRequest.objects.exists()
    assert "Nobody to work with?" in client.get("/amls/wishes/").content.decode()
    assert world.cast.client("stranger").post(address).status_code == 404


@pytest.mark.django_db
def test_the_size_of_most_topics_is_proposed(world: World, assignment: Assignment, topics: list[int]) -> None:
    assert usual_team_size(assignment) == 2
    Topic.objects.filter(pk__in=topics[:3]).update(team_max=4)
    assert usual_team_size(assignment) == 4


# ── late wishes ──


@pytest.mark.django_db
def test_staff_change_wishes_after_the_deadline_and_the_team_reads_why(
    world: World, assignment: Assignment, topics: list[int]
) -> None:
    ask_for_match(enrolment=world.student, assignment=assignment, now=NOW)
    project = Project.objects.get()
    desk = world.cast.client("lecturer")
    address = reverse("admin:projects_allocation_team_wishes", args=[assignment.pk, project.pk])
    assert desk.post(address, {"version": "0", "topic": [topics[1], ""], "reason": ""}).status_code == 422
    assert not Wish.objects.exists()
    desk.post(address, {"version": "0", "topic": [topics[1], "", topics[0]], "reason": "Was ill *all* week"})
    change = WishChange.objects.get()
    assert (change.before, change.after) == ([], [topics[1], topics[0]])
    assert list(Wish.objects.order_by("rank").values_list("topic", flat=True)) == [topics[1], topics[0]]
    assert "Was ill *all* week" in desk.get(address).content.decode()
    (notice,) = Notice.objects.filter(kind="projects.wishes-changed")
    letter = letter_kinds["projects.wishes-changed"].writer(notice, AFTER)
    assert letter is not None
    assert r"Was ill \*all\* week" in letter.text
    shown = desk.get(reverse("admin:projects_allocation_wishes", args=[assignment.pk])).content.decode()
    assert "Größe &amp; Gewicht" in shown
    foreign = world.cast.client("foreign lecturer")
    assert foreign.get(address).status_code == 404
    assert foreign.get(reverse("admin:projects_allocation_match", args=[assignment.pk])).status_code == 404


@pytest.mark.django_db
def test_wishes_that_a_colleague_changed_meanwhile_stay_until_they_were_read(
    world: World, assignment: Assignment, topics: list[int]
) -> None:
    ask_for_match(enrolment=world.student, assignment=assignment, now=NOW)
    project = Project.objects.get()
    address = reverse("admin:projects_allocation_team_wishes", args=[assignment.pk, project.pk])
    ours, theirs = world.cast.client("assistant"), world.cast.client("lecturer")
    mine, yours = [str(topics[0])], [str(topics[1]), str(topics[0])]
    older = version_in(ours.get(address))
    sent = {"version": version_in(theirs.get(address)), "topic": yours, "reason": "Ill"}
    assert theirs.post(address, sent).status_code == 302
    # What is refused for another reason does not count as seen.
    wrong = ours.post(address, {"version": older, "topic": mine, "reason": ""})
    assert version_in(wrong) == older
    both = ours.post(address, {"version": version_in(wrong), "topic": mine, "reason": "Late"})
    titles = dict(Topic.objects.values_list("pk", "title"))
    there = f"{titles[topics[1]]} · {titles[topics[0]]}"
    assert both.status_code == 422
    assert f"{world.cast.lecturer.user} entered {there} meanwhile." in html.unescape(both.content.decode())
    assert list(Wish.objects.order_by("rank").values_list("topic", flat=True)) == [topics[1], topics[0]]
    (chosen,) = BeautifulSoup(both.content, "html.parser").select("option[value][selected]")
    assert chosen["value"] == mine[0]
    sent = {"version": version_in(both), "topic": mine, "reason": "Late"}
    assert ours.post(address, sent).status_code == 302
    assert list(Wish.objects.values_list("topic", flat=True)) == [topics[0]]


def version_in(answer: Any) -> str:
    """Return which list a page says that it shows."""
    (field,) = BeautifulSoup(answer.content, "html.parser").select('input[name="version"]')
    return str(field["value"])


@pytest.mark.django_db
def test_late_wishes_are_refused_once_the_topics_are_given_or_the_list_is_another_one(
    world: World, assignment: Assignment, topics: list[int]
) -> None:
    ask_for_match(enrolment=world.student, assignment=assignment, now=NOW)
    project = Project.objects.get()
    change = partial(change_wishes, project=project, reason="Ill", by=world.staff, now=AFTER)
    change(topics=topics[:2], version=0)
    # Sent twice it is one change; from another version it is refused.
    change(topics=topics[:2], version=0)
    assert WishChange.objects.count() == 1
    with pytest.raises(RuleViolation) as refused:
        change(topics=topics, version=0)
    assert refused.value.code == "changed-meanwhile"
    assert f"{world.staff} entered Sparse kernels · Größe & Gewicht meanwhile." in str(refused.value.message)
    run = ask_allocation(assignment=assignment, by=world.staff, now=AFTER)
    allocate_topics()
    publish_allocation(allocation=run, by=world.staff, now=AFTER)
    with pytest.raises(RuleViolation) as refused:
        change(topics=topics, version=1)
    assert refused.value.code == "topics-given"


@pytest.mark.django_db
def test_what_is_kept_of_matching_and_late_wishes_goes_with_the_courses_people(
    world: World, assignment: Assignment, topics: list[int], people: list[Enrolment]
) -> None:
    make(assignment, world)
    project = Project.objects.active().first()
    assert project is not None
    change_wishes(project=project, topics=topics, version=2, reason="Ill", by=world.staff, now=NOW)
    ask_for_match(enrolment=world.student, assignment=assignment, now=NOW)
    forget_people([assignment.course_id])
    for model in (MatchRequest, TeamMatching, WishChange, Project):
        assert not model.objects.exists()
