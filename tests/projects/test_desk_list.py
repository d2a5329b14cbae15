"""The list of projects at the desk: what it says, how it is narrowed down, what it costs."""

from datetime import timedelta
from decimal import Decimal

import pytest
from bs4 import BeautifulSoup
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from amls.agenda.services import reconcile
from amls.courses.models import Course, Role, StaffMember
from projects.hooks.audiences import not_handed_in
from projects.models import Assignment, Project
from projects.models.topics import OWN_IDEA
from projects.progress import desk_views, progress_of, state_of
from projects.queries import with_team
from projects.services.assessing import assess, assign_assessor, publish_assessments
from projects.services.extensions import extend
from projects.services.joining import team_for
from projects.services.registration import withdraw_project
from projects.states import TEAM_STATES, ProjectState
from tests.agreement import agree_to
from tests.factories import ExamFactory, TopicFactory
from tests.projects.conftest import DEADLINE, NOW, World
from tests.projects.teams import assess_url, handed_in, list_url, make_teams

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]


@pytest.fixture
def desk(world: World) -> Client:
    return world.cast.client("assistant")


def shown(client: Client, query: str = "") -> list[int]:
    answer = client.get(list_url(query))
    assert answer.status_code == 200, answer.headers.get("Location")
    return [row.pk for row in answer.context["cl"].result_list]


def decided(world: World, project: Project, outcome: str = "passed", points: str = "3.5") -> None:
    assess(project=project, outcome=outcome, extra_points=Decimal(points), feedback="Good.", by=world.staff, now=NOW)


def test_every_state_and_need_finds_its_projects(world: World, desk: Client) -> None:
    registered = world.project()
    submitted, drafted, published, withdrawn = make_teams(world, 4)
    late = world.project(world.other)
    handed_in(late, world.other, DEADLINE + timedelta(hours=1))
    decided(world, drafted)
    decided(world, published)
    publish_assessments(projects=[published], now=NOW)
    withdraw_project(project=withdrawn, now=NOW)
    extend(
        assignment=world.assignment,
        projects=[submitted],
        by=world.staff,
        reason="Ill",
        now=NOW,
        delta=timedelta(days=1),
    )
    assert {state: shown(desk, f"state={state}") for state in TEAM_STATES} == {
        "registered": [registered.pk, late.pk],
        "submitted": [submitted.pk],
        "assessed": [drafted.pk],
        "published": [published.pk],
        "withdrawn": [withdrawn.pk],
    }
    assert {need: shown(desk, f"needs={need}") for need in ("ungraded", "late", "small", "extended")} == {
        "ungraded": [registered.pk, late.pk, submitted.pk],
        "late": [late.pk],
        "small": [registered.pk, late.pk],
        "extended": [submitted.pk],
    }
    assert shown(desk) == [registered.pk, late.pk, submitted.pk, drafted.pk, published.pk]


def test_a_row_says_it_at_a_glance(world: World, desk: Client) -> None:
    (team,) = make_teams(world, 1, title="Sparse tensors")
    person = team.memberships.get().enrolment
    handed_in(team, person, DEADLINE + timedelta(hours=1))
    decided(world, team)
    assign_assessor(projects=[team], assessor=world.staff)
    text = desk.get(list_url()).content.decode()
    for words in (
        f"#{team.pk} {person.user}", "Sparse tensors", "Mon 8 Jul", "Attempt 2 of 3, Tue 7 May", "Attempt 3, Tue 9 Jul",
        "late, waits for you", str(world.staff), "Passed · 3.5", "draft",
    ):  # fmt: skip
        assert words in text, words
    assert f'href="{assess_url(team)}' in text


@pytest.mark.parametrize("term", ["Grace", "grace.h@example.org", "4711", "Topology", "#"])
def test_search_finds_names_addresses_numbers_and_topics(world: World, desk: Client, term: str) -> None:
    wanted, _other = make_teams(world, 1, title="Topology")[0], make_teams(world, 1, title="Else")[0]
    user = wanted.memberships.get().enrolment.user
    user.display_name, user.email, user.matriculation_number = "Grace Hopper", "grace.h@example.org", "4711"
    user.save()
    assert shown(desk, f"q={term if term != '#' else f'%23{wanted.pk}'}") == [wanted.pk]


def test_a_mentor_sees_their_own_topics_first(world: World, desk: Client) -> None:
    others = make_teams(world, 2)
    mentor = StaffMember.objects.create(
        course=world.course, role=Role.ASSISTANT, name="Somebody", email=world.staff.email.upper()
    )
    mine = make_teams(world, 1, mentor=mentor, position=9)
    assert shown(desk) == [mine[0].pk, *(other.pk for other in others)]
    assert shown(desk, "mentor=me") == [mine[0].pk]
    assert shown(world.cast.client("lecturer")) == [*(other.pk for other in others), mine[0].pk]


def test_a_mentor_is_known_by_name_whatever_titles_stand_before_it(world: World, desk: Client) -> None:
    world.staff.display_name = "Ada Muster"
    world.staff.save()
    names = ["M.Sc. Ada Muster", "Dr. Grada Muster"]
    mentors = [StaffMember.objects.create(course=world.course, role=Role.ASSISTANT, name=name) for name in names]
    mine, _other = (make_teams(world, 1, mentor=mentor)[0] for mentor in mentors)
    assert shown(desk, "mentor=me") == [mine.pk]


def test_a_name_of_one_word_is_no_end_of_another(world: World, desk: Client) -> None:
    world.staff.display_name = "Li"
    world.staff.save()
    mentors = [
        StaffMember.objects.create(course=world.course, role=Role.ASSISTANT, name=name) for name in ("Jun Li", "Li")
    ]
    _other, mine = (make_teams(world, 1, mentor=mentor)[0] for mentor in mentors)
    assert shown(desk, "mentor=me") == [mine.pk]


def test_the_first_exam_after_the_deadline_is_what_the_assessment_is_needed_for(world: World, desk: Client) -> None:
    make_teams(world, 1)
    ExamFactory.create(course=world.course, starts_at=DEADLINE - timedelta(days=9))
    exam = ExamFactory.create(course=world.course, starts_at=DEADLINE + timedelta(days=10))
    ExamFactory.create(course=world.course, starts_at=DEADLINE + timedelta(days=30))
    reconcile(world.course, now=NOW)
    (progress,) = progress_of([world.course], world.staff)
    assert progress.due_at == exam.starts_at
    world.assignment.assessed_by = DEADLINE + timedelta(days=5)
    world.assignment.save()
    (progress,) = progress_of([world.course], world.staff)
    assert progress.due_at == world.assignment.assessed_by


def test_mine_undecided_and_progress_towards_the_admission(world: World, desk: Client) -> None:
    teams = make_teams(world, 3)
    world.assignment.assessed_by = DEADLINE + timedelta(days=9)
    world.assignment.save()
    assign_assessor(projects=teams[:2], assessor=world.staff)
    decided(world, teams[0])
    assert shown(desk, "assessor=me&needs=ungraded") == [teams[1].pk]
    assert shown(desk, "assessor=none") == [teams[2].pk]
    (progress,) = progress_of([world.course], world.staff)
    assert (progress.decided, progress.total, progress.mine) == (1, 3, 1)
    text = desk.get(list_url()).content.decode()
    assert "1 of 3 decided" in text
    assert "1 of them is mine to decide" in text
    sheet = Assignment.objects.create(
        course=world.course, kind="sheet", title="Blatt 1", is_main=False, topics_given=""
    )
    team_for(enrolment=world.another(), assignment=sheet, now=NOW)
    for rows, standing in ((world.assignment, "1 of 3 decided"), (sheet, "0 of 1 decided")):
        assert standing in " ".join(desk.get(list_url(f"assignment={rows.pk}")).text.split())


def test_the_list_keeps_to_running_courses_unless_asked(world: World, desk: Client) -> None:
    teams = make_teams(world, 1)
    Course.objects.filter(pk=world.course.pk).update(state="archived")
    running = Course.objects.get(pk=world.cast.other_course.pk)
    running.enrolments.create(user=world.staff, role=Role.ASSISTANT)
    assert shown(desk) == []
    assert shown(desk, f"course={world.course.pk}") == [teams[0].pk]
    assert shown(desk, "course=all") == [teams[0].pk]


def count_queries(client: Client, address: str) -> int:
    client.get(address)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return len(queries)


def test_the_list_costs_the_same_with_9_projects_as_with_3(world: World, desk: Client) -> None:
    make_teams(world, 3)
    few = count_queries(desk, list_url())
    filtered = count_queries(desk, list_url("state=submitted&needs=ungraded&q=person"))
    make_teams(world, 6)
    assert len(shown(desk)) == 9
    assert (count_queries(desk, list_url()), few) == (QUERIES, QUERIES)
    assert count_queries(desk, list_url("state=submitted&needs=ungraded&q=person")) == filtered


# Session, person, courses, filters' choices, count, page with members, attempts and files, deadlines, progress.
QUERIES = 17


def test_the_assessment_page_costs_the_same_in_a_list_of_9_as_of_3(world: World, desk: Client) -> None:
    first = make_teams(world, 3)[0]
    address = f"{assess_url(first)}?_changelist_filters=needs%3Dungraded"
    few = count_queries(desk, address)
    make_teams(world, 6)
    assert count_queries(desk, address) == few
    assert few <= 45


def test_stages_follow_from_the_rows(world: World) -> None:
    (team,) = make_teams(world, 1)

    def stage() -> ProjectState:
        return state_of(desk_views(with_team(Project.objects.filter(pk=team.pk)))[team.pk])

    assert stage() == ProjectState.SUBMITTED
    decided(world, team, "", "0")
    assert stage() == ProjectState.SUBMITTED
    decided(world, team, "failed", "0")
    assert stage() == ProjectState.ASSESSED


@pytest.mark.parametrize("part", ["anonymous", "stranger", "student", "foreign lecturer"])
def test_nobody_else_sees_or_writes(world: World, part: str) -> None:
    (team,) = make_teams(world, 1)
    client = world.cast.client(part)
    addresses = [
        assess_url(team),
        reverse("admin:projects_project_zip", args=[team.pk]),
        reverse("admin:projects_project_change", args=[team.pk]),
    ]
    for address in addresses:
        assert client.get(address).status_code in ((404,) if part == "foreign lecturer" else (302,)), address
        assert client.post(address, {"withdraw": "1"}).status_code in (302, 404)
    agree_to(client, list_url(), {"action": "withdraw_all", "_selected_action": [team.pk]})
    team.refresh_from_db()
    assert team.is_active


def test_who_waits_for_an_answer_to_a_late_hand_in_is_not_told_that_nothing_was_handed_in(world: World) -> None:
    for enrolment, at in ((world.student, None), (world.other, DEADLINE + timedelta(hours=1))):
        project = world.project(enrolment)
        if at is not None:
            handed_in(project, enrolment, at)
    assert list(not_handed_in(world.course)) == [world.student]


def test_the_track_of_own_ideas_is_named_in_the_readers_language(world: World, desk: Client) -> None:
    TopicFactory.create(
        course=world.course,
        track=OWN_IDEA,
        title="Größe in Łódź",
        proposal="open",
        proposed_by=world.student,
        proposed_at=NOW,
    )
    for address in ("/admin/projects/topic/", "/admin/projects/project/"):
        page = desk.get(address, headers={"accept-language": "de"}).text
        assert "Eigene Idee" in page
        assert OWN_IDEA not in BeautifulSoup(page, "html.parser").get_text(), address
    listed = BeautifulSoup(desk.get("/admin/projects/topic/", {"track": OWN_IDEA}).text, "html.parser")
    assert [row.th.get_text(strip=True) for row in listed.select("#result_list tbody tr")] == ["Größe in Łódź"]


def test_teams_of_a_sheet_are_told_apart_where_something_is_done_to_many(world: World, desk: Client) -> None:
    sheet = Assignment.objects.create(
        course=world.course,
        kind="sheet",
        title="Blatt 1",
        is_main=False,
        topics_given="",
        due_at=timezone.now() + timedelta(days=9),
    )
    teams = [team_for(enrolment=person, assignment=sheet, now=NOW) for person in (world.student, world.other)]
    chosen = {"_selected_action": [team.pk for team in teams]}
    asked = desk.post(list_url("course=all"), {"action": "extend_all", **chosen})
    names = [
        f"#{team.pk} Blatt 1: {person.user}" for team, person in zip(teams, (world.student, world.other), strict=True)
    ]
    assert sorted(asked.context["rows"]) == sorted(names)
    shown = desk.post(
        list_url("course=all"), {"action": "extend_all", "_confirmed": "1", "days": "2", "reason": "Grippe", **chosen}
    )
    assert [said.rpartition(": ")[0] for said in shown.context["outcome"]] == [
        name.replace(": ", ", ") for name in names
    ]
