"""The page on which a team ranks topics, and the desk's pages that give them."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from bs4 import BeautifulSoup, Tag
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment
from amls.held.models import HeldAct
from projects.admin.rounds import rounds_of
from projects.allocation.files import check
from projects.models import Allocation, Assignment, Membership, Project, Topic, Wish, WishList
from projects.services.handin import hand_in
from projects.services.wishes import form_team, rank_topics
from projects.tasks import allocate_topics
from tests.agreement import agree_to, do_held
from tests.cast import Cast
from tests.factories import AssignmentFactory, EnrolmentFactory, TopicFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def assignment(cast: Cast) -> Assignment:
    closes = timezone.now() + timedelta(days=7)
    return AssignmentFactory.create(
        course=cast.course, topics_given="by-wish", wishes_close_at=closes, wishes_min=2, due_at=closes + timedelta(30)
    )


@pytest.fixture
def topics(assignment: Assignment) -> list[Topic]:
    titles = ("Sparse kernels", "Größe & Gewicht", "山田's cache")
    return [TopicFactory.create(course=assignment.course, title=title, team_max=3) for title in titles]


@pytest.fixture
def team(cast: Cast, assignment: Assignment, topics: list[Topic]) -> Project:
    project = form_team(assignment=assignment, enrolment=cast.student, now=timezone.now())
    Membership.objects.create(
        project=project, assignment=assignment, enrolment=cast.other_student, joined_at=timezone.now()
    )
    return project


def signed_in(enrolment: Enrolment) -> Client:
    client = Client()
    client.force_login(enrolment.user, backend="amls.courses.accounts.AccountBackend")
    return client


def ranked(project: Project) -> list[str]:
    return list(Wish.objects.filter(wish_list__project=project).order_by("rank").values_list("topic__title", flat=True))


def sent_by(form: Tag) -> dict[str, Any]:
    """Return what a form sends, whichever button is pressed."""
    (version,) = form.select("[name=version]")
    return {"version": version["value"], "topic": [field["value"] for field in form.select("[name=topic]")]}


def press(client: Client, button: str, **headers: str) -> BeautifulSoup:
    """Send the page's form as the button with this id does, without scripts."""
    page = BeautifulSoup(client.get("/amls/wishes/").content, "html.parser")
    return send(client, page, button, **headers)


def send(client: Client, page: BeautifulSoup, button: str, **headers: str) -> BeautifulSoup:
    (form,) = page.select("form[data-wishes]")
    (pressed,) = form.select(f"#{button}")
    answer = client.post(form["action"], sent_by(form) | {pressed["name"]: pressed["value"]}, headers=headers)
    if answer.status_code == 302:
        answer = client.get(answer["Location"])
    return BeautifulSoup(answer.content, "html.parser")


def test_a_student_forms_a_team_and_ranks_with_buttons_alone(
    cast: Cast, assignment: Assignment, topics: list[Topic]
) -> None:
    client = cast.client("student")
    assert "First a team" in client.get("/amls/wishes/").content.decode()
    client.post(f"/amls/wishes/{assignment.pk}/team/", {"emails": "new@example.org"})
    project = Project.objects.get(memberships__enrolment=cast.student)
    assert project.invitations.get().email == "new@example.org"
    first, second, third = topics
    page = press(client, f"add-{first.pk}")
    assert "Rank 1 topic more" in " ".join(page.get_text().split())
    press(client, f"add-{second.pk}")
    press(client, f"add-{third.pk}")
    press(client, f"up-{third.pk}")
    press(client, f"down-{first.pk}")
    page = press(client, f"remove-{second.pk}")
    assert ranked(project) == [third.title, first.title]
    assert "Your list counts as it is." in " ".join(page.get_text().split())


def test_the_first_one_up_and_the_last_one_down_change_nothing(cast: Cast, team: Project, topics: list[Topic]) -> None:
    first, second, _third = topics
    rank_topics(project=team, topics=[first.pk, second.pk], version=0, by=cast.student, now=timezone.now())
    press(cast.client("student"), f"up-{first.pk}")
    press(cast.client("student"), f"down-{second.pk}")
    assert ranked(team) == [first.title, second.title]
    assert WishList.objects.get().version == 1


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["without scripts", "htmx"])
def test_who_changes_a_list_that_a_teammate_changed_sees_both_and_chooses(
    cast: Cast, team: Project, topics: list[Topic], headers: dict[str, str]
) -> None:
    first, second, third = topics
    rank_topics(project=team, topics=[first.pk, second.pk], version=0, by=cast.student, now=timezone.now())
    mine = cast.client("student")
    seen = BeautifulSoup(mine.get("/amls/wishes/").content, "html.parser")
    press(signed_in(cast.other_student), f"add-{third.pk}")
    page = send(mine, seen, f"up-{second.pk}", **headers)
    text = " ".join(page.get_text().split())
    assert "A teammate changed the list meanwhile." in text
    assert f"Below is what {cast.other_student.user} kept." in text
    assert ranked(team) == [first.title, second.title, third.title]
    (form,) = page.select("form.warning")
    mine.post(form["action"], sent_by(form))
    assert ranked(team) == [second.title, first.title]


@pytest.mark.parametrize(
    "data",
    [
        {"topic": ["x", "0", "-1", str(10**30)]},
        {"version": "x", "up": "x"},
        {"version": str(10**30), "topic": [""], "add": str(10**30)},
    ],
)
def test_odd_input_is_refused_and_changes_nothing(cast: Cast, team: Project, data: dict[str, Any]) -> None:
    answer = cast.client("student").post("/amls/wishes/", data)
    assert answer.status_code in (302, 422)
    assert ranked(team) == []


def test_somebody_without_a_team_ranks_nothing(cast: Cast, assignment: Assignment, topics: list[Topic]) -> None:
    assert cast.client("student").post("/amls/wishes/", {"add": topics[0].pk}).status_code == 404


def test_the_topics_lead_to_the_wishes_where_they_are_given_so(cast: Cast, team: Project, topics: list[Topic]) -> None:
    address = reverse("projects:wishes_for", args=["amls", team.assignment_id])
    for page in ("/amls/projects/", topics[0].get_absolute_url()):
        answer = cast.client("student").get(page)
        assert answer.status_code == 200
    assert address in cast.client("student").get(topics[0].get_absolute_url()).content.decode()
    assert address in cast.client("student").get("/amls/projects/mine/").content.decode()


def test_staff_run_look_change_compare_and_publish(cast: Cast, team: Project, topics: list[Topic]) -> None:
    desk = cast.client("lecturer")
    rank_topics(project=team, topics=[topic.pk for topic in topics], version=0, by=cast.student, now=timezone.now())
    Assignment.objects.update(wishes_close_at=timezone.now() - timedelta(days=1))
    asked = desk.post(reverse("admin:projects_allocation_new_run"), {"assignment": team.assignment_id})
    assert "The solver is at work" in desk.get(asked["Location"]).content.decode()
    allocate_topics()
    shown = " ".join(BeautifulSoup(desk.get(asked["Location"]).content, "html.parser").get_text().split())
    assert "1 of 1 teams would get a topic" in shown
    changed = desk.post(asked["Location"], {"team": team.pk, "topic": topics[1].pk, "reason": "Asked for it"})
    shown = " ".join(BeautifulSoup(desk.get(changed["Location"]).content, "html.parser").get_text().split())
    assert "Compared with Run 1" in shown
    assert "Sparse kernels (1.) → Größe & Gewicht (2.)" in shown
    assert f"Changed by hand from Run 1 by {cast.lecturer.user}, " in shown
    assert ": Asked for it" in shown
    run = Allocation.objects.get(number=2)
    publish = reverse("admin:projects_allocation_publish", args=[run.pk])
    assert f'href="{publish}"' in desk.get(changed["Location"]).content.decode()
    agree_to(desk, reverse("admin:projects_allocation_publish", args=[run.pk]), {})
    assert not Project.objects.filter(topic__isnull=False).exists()
    # Who comes back to the page finds what waits, with its undo.
    page = desk.get(changed["Location"]).content.decode()
    assert f'action="/amls/staff/held/{HeldAct.objects.get().pk}/undo/"' in page
    assert f'href="{publish}"' not in page
    # And on that of another run, which may take its place.
    other = desk.get(asked["Location"]).content.decode()
    assert "Publish Run 2" in other
    assert f'href="{reverse("admin:projects_allocation_publish", args=[run.base_id])}"' in other
    do_held()
    team.refresh_from_db()
    assert team.topic == topics[1]
    page = cast.client("student").get("/amls/wishes/").content.decode()
    assert "The staff decided it by hand." in page
    file = signed_in(cast.other_student).get(reverse("projects:allocation_file", args=["amls", team.assignment_id]))
    assert check(file.content) == []


def test_rules_that_clash_are_said_in_words(cast: Cast, team: Project, topics: list[Topic]) -> None:
    desk = cast.client("lecturer")
    Topic.objects.filter(pk=topics[0].pk).update(must_be_held=True, fewest_teams=5)
    asked = desk.post(reverse("admin:projects_allocation_new_run"), {"assignment": team.assignment_id})
    allocate_topics()
    page = desk.get(asked["Location"]).content.decode()
    assert "Sparse kernels has to be held, by at least 5 teams." in page


def test_foreign_staff_neither_ask_nor_see_a_run(cast: Cast, team: Project) -> None:
    desk = cast.client("foreign lecturer")
    answer = desk.post(reverse("admin:projects_allocation_new_run"), {"assignment": team.assignment_id})
    assert answer.status_code == 404
    assert not Allocation.objects.exists()


def test_a_team_without_a_topic_is_led_to_its_wishes_and_not_to_the_hand_in(
    cast: Cast, assignment: Assignment, team: Project
) -> None:
    Assignment.objects.filter(pk=assignment.pk).update(is_main=True)
    tile = BeautifulSoup(signed_in(cast.student).get("/amls/me/").content, "html.parser").select_one(
        "section[aria-labelledby=project-tile]"
    )
    assert tile is not None
    assert [link["href"] for link in tile.select("a.btn")] == [f"/amls/wishes/{assignment.pk}/"]


def test_the_desk_shows_what_a_run_would_be_made_from(cast: Cast, team: Project, topics: list[Topic]) -> None:
    rank_topics(project=team, topics=[topics[0].pk], version=0, by=cast.student, now=timezone.now())
    page = BeautifulSoup(
        cast.client("lecturer").get(reverse("admin:projects_allocation_changelist")).content, "html.parser"
    )
    shown = " ".join(page.get_text().split())
    assert "Teams without a topic 1 (0 with a list that counts)" in shown
    assert "Students without a team 0" in shown
    foreign = cast.client("foreign lecturer").get(reverse("admin:projects_allocation_changelist")).content.decode()
    assert "No assignment of your courses gives topics by wish." in foreign


@pytest.mark.parametrize("count", [1, 3])
def test_the_board_costs_as_much_for_many_as_for_one(cast: Cast, count: int) -> None:
    rows = [
        AssignmentFactory.create(course=cast.course, title=str(number), topics_given="by-wish")
        for number in range(count)
    ]
    with CaptureQueriesContext(connection) as queries:
        assert len(rounds_of(rows)) == count
    assert len(queries) == 8


def test_rules_name_teams_by_their_members_and_only_topics_by_wish(
    cast: Cast, team: Project, topics: list[Topic]
) -> None:
    elsewhere = TopicFactory.create(course=cast.other_course, title="Of another course")
    page = BeautifulSoup(
        cast.client("lecturer").get(reverse("admin:projects_topicplacement_add")).content, "html.parser"
    )
    (teams,), (offered,) = page.select("select[name=project]"), page.select("select[name=topic]")
    assert str(cast.student.user) in teams.get_text()
    assert [topic.title in offered.get_text() for topic in topics] == [True] * 3
    assert elsewhere.title not in offered.get_text()


def test_a_run_that_can_not_be_published_says_why_before_it_is_tried(
    cast: Cast, team: Project, topics: list[Topic]
) -> None:
    desk = cast.client("lecturer")
    asked = desk.post(reverse("admin:projects_allocation_new_run"), {"assignment": team.assignment_id})
    allocate_topics()
    page = desk.get(asked["Location"]).content.decode()
    assert "Wishes are open until" in page
    assert "Publish …" not in page
    Assignment.objects.update(wishes_close_at=timezone.now() - timedelta(days=1))
    assert "Publish …" in desk.get(asked["Location"]).content.decode()
    Topic.objects.filter(pk=topics[0].pk).update(is_open=False)
    assert "Since this run was asked for, these changed: topics." in desk.get(asked["Location"]).content.decode()


def test_a_team_that_waits_for_its_topic_is_led_to_its_wishes_and_hands_in_nothing(
    cast: Cast, team: Project, topics: list[Topic]
) -> None:
    student = cast.client("student")
    page = student.get("/amls/projects/mine/").content.decode()
    assert "Your team has no topic yet" in page
    assert reverse("projects:submit", args=["amls"]) not in page
    with pytest.raises(RuleViolation) as refused:
        hand_in(
            project=team,
            by=cast.student,
            uploads=[],
            repository_url="https://git.example.org/team",
            commit="4f2a91c07b3d",
            request_key=uuid4(),
            began_at=timezone.now(),
            now=timezone.now(),
        )
    assert refused.value.code == "no-topic-yet"


def test_who_has_no_team_reads_that_topics_are_given_by_wish(cast: Cast, assignment: Assignment) -> None:
    alone = signed_in(EnrolmentFactory.create(course=cast.course))
    for path in ("/amls/", "/amls/me/"):
        tile = BeautifulSoup(alone.get(path).text, "html.parser").select_one("[aria-labelledby=project-tile]")
        assert tile is not None
        assert "Topics are given by wish" in tile.text
        assert "Take a topic alone" not in tile.text
        assert [link["href"] for link in tile.select(".btn")] == [f"/amls/wishes/{assignment.pk}/", "/amls/projects/"]


def test_once_wishes_are_over_no_page_asks_for_them(cast: Cast, assignment: Assignment, team: Project) -> None:
    paths = ("/amls/wishes/", "/amls/projects/mine/", "/amls/projects/", "/amls/assignments/", "/amls/", "/amls/me/")
    topic = Topic.objects.filter(assignment=assignment).first()
    assert topic is not None
    student, alone = signed_in(cast.student), signed_in(EnrolmentFactory.create(course=cast.course))
    asks = ("Rank topics together", "Rank them together", "Match me with others", "Open until", "Form a team")
    before = {
        path: student.get(path).content.decode() + alone.get(path).content.decode()
        for path in (*paths, topic.get_absolute_url())
    }
    assert [path for path, page in before.items() if not any(ask in page for ask in asks)] == []
    Assignment.objects.filter(pk=assignment.pk).update(wishes_close_at=timezone.now() - timedelta(minutes=2))
    for client in (student, alone):
        for path in (*paths, topic.get_absolute_url()):
            page = BeautifulSoup(client.get(path).content, "html.parser")
            for heading in page.find_all(["h1", "title"]):
                heading.decompose()
            assert [ask for ask in asks if ask in page.get_text(" ")] == [], path
    said = " ".join(student.get("/amls/wishes/").content.decode().split())
    assert said.count("Wishes were open until") == 2
    assert "Next the staff give the topics, and you get a mail." in said
