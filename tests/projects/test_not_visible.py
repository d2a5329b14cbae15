"""Before an assignment is visible nobody but the staff finds, reads or takes anything of it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.urls import reverse
from django.utils import timezone

from amls.agenda.models import AgendaItem
from amls.agenda.services import reconcile
from amls.core.violations import RuleViolation
from amls.mail.models import Notice
from projects.models import Assignment, Invitation, Project, SeekingNote, Topic
from projects.services.ideas import propose_idea
from projects.services.joining import team_for
from projects.services.matching import ask_for_match
from projects.services.registration import register_project
from projects.services.teams import invite_member, write_seeking_note
from projects.services.wishes import form_team
from tests.factories import AssignmentFactory, TopicFactory
from tests.projects.conftest import World

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
OUTSIDERS = ("anonymous", "stranger", "student", "foreign lecturer")


@pytest.fixture
def later(world: World) -> Topic:
    """Return a topic of a second project, which students see in three days."""
    now = timezone.now()
    assignment = AssignmentFactory.create(
        course=world.course, is_main=False, title="Second project", due_at=now + 9 * DAY, visible_from=now + 3 * DAY
    )
    return TopicFactory.create(course=world.course, assignment=assignment, title="Quokka kernels", slots=3)


def hide_main(world: World) -> None:
    """Let the course's project be visible in three days."""
    soon = timezone.now() + 3 * DAY
    Assignment.objects.filter(pk=world.assignment.pk).update(visible_from=soon, due_at=soon + DAY)


def show(topic: Topic) -> None:
    """Let the topic's assignment be visible by now."""
    Assignment.objects.filter(pk=topic.assignment_id).update(visible_from=timezone.now() - DAY)


def test_the_search_finds_a_topic_once_its_assignment_is_visible(world: World, later: Topic) -> None:
    def finders() -> set[tuple[str, str]]:
        return {
            (part, page)
            for part in (*OUTSIDERS, "assistant")
            for page in ("/search/", "/amls/search/")
            if later.get_absolute_url() in world.cast.client(part).get(page, {"q": "quokka", "all": ""}).text
        }

    staff = {("assistant", "/search/"), ("assistant", "/amls/search/")}
    assert finders() == staff
    show(later)
    assert finders() == staff | {(part, page) for part in OUTSIDERS for page in ("/search/", "/amls/search/")}


def test_a_topics_page_is_a_404_until_its_assignment_is_visible(world: World, later: Topic) -> None:
    def readers() -> set[str]:
        pages = {part: world.cast.client(part).get(later.get_absolute_url()) for part in (*OUTSIDERS, "assistant")}
        assert {page.status_code for page in pages.values()} <= {200, 404}
        return {part for part, page in pages.items() if page.status_code == 200}

    assert readers() == {"assistant"}
    show(later)
    assert readers() == {*OUTSIDERS, "assistant"}


def test_nobody_takes_a_topic_or_switches_to_it_before(world: World, later: Topic) -> None:
    client = world.cast.client("student")
    sent = {"topic": later.pk, "emails": "", "text": "Looking"}
    assert client.get(reverse("projects:register", args=["amls"]), {"topic": later.pk}).status_code == 404
    assert client.post(reverse("projects:register", args=["amls"]), sent).status_code == 404
    assert client.post(reverse("projects:seek", args=["amls"]), sent).status_code == 404
    world.project()
    assert client.post(reverse("projects:switch", args=["amls"]), sent).status_code == 404
    assert not Project.objects.filter(assignment=later.assignment).exists()
    assert not SeekingNote.objects.exists()
    assert Notice.objects.filter(kind="projects.registered").count() == 1
    show(later)
    assert client.post(reverse("projects:register", args=["amls"]), sent).status_code == 302
    assert Project.objects.filter(assignment=later.assignment).count() == 1


def test_what_students_do_for_an_assignment_is_refused_until_it_is_visible(world: World, later: Topic) -> None:
    assignment, now = later.assignment, timezone.now()
    wished = AssignmentFactory.create(
        course=world.course, is_main=False, title="Third", topics_given="by-wish", due_at=now + 9 * DAY,
        visible_from=now + 3 * DAY,
    )  # fmt: skip
    sheet = AssignmentFactory.create(
        course=world.course, is_main=False, title="Sheet", kind="sheet", topics_given="", due_at=now + 9 * DAY,
        visible_from=now + 3 * DAY,
    )  # fmt: skip
    acts: list[Callable[[], object]] = [
        lambda: register_project(enrolment=world.student, topic=later, now=now),
        lambda: write_seeking_note(enrolment=world.student, assignment=assignment, topic=later, text="Me", now=now),
        lambda: propose_idea(
            enrolment=world.student, assignment=assignment, title="Own", description="x", team_max=2, now=now
        ),
        lambda: form_team(assignment=wished, enrolment=world.student, now=now),
        lambda: ask_for_match(enrolment=world.student, assignment=wished, now=now),
        lambda: team_for(enrolment=world.student, assignment=sheet, now=now),
    ]
    codes = []
    for act in acts:
        with pytest.raises(RuleViolation) as refused:
            act()
        codes.append(refused.value.code)
    assert codes == ["registration-not-open"] * 5 + ["not-open"]


def test_a_project_that_is_hidden_says_nothing_of_itself_on_a_students_pages(world: World) -> None:
    now = timezone.now()
    Assignment.objects.filter(pk=world.assignment.pk).update(due_at=now + 9 * DAY)
    world.assignment.refresh_from_db()
    idea = propose_idea(
        enrolment=world.student, assignment=world.assignment, title="Own idea", description="x", team_max=2, now=now
    )
    team = register_project(enrolment=world.other, topic=world.topic, now=now)
    EmailAddress.objects.create(user=world.student.user, email="student@example.org", verified=True)
    invitation = invite_member(project=team, email="student@example.org", by=world.other, now=now)
    client = world.cast.client("student")
    invited = reverse("projects:invitation", args=["amls", invitation.pk])
    pages = ["/amls/", "/amls/me/", "/amls/projects/mine/", "/amls/projects/propose/"]
    told = {world.topic.title, "Own idea", invited, "Choose a topic"}

    def said() -> set[str]:
        return {text for page in pages for text in told if text in client.get(page, follow=True).text}

    assert said() == told
    assert client.get(invited).status_code == 200
    hide_main(world)
    assert said() == set()
    assert client.get(invited).status_code == client.post(invited, {"accept": ""}).status_code == 404
    assert client.post(reverse("projects:take_back", args=["amls", idea.pk])).status_code == 404
    assert Invitation.objects.get().state == Invitation.State.OPEN
    assert "This course has no projects." in client.get("/amls/projects/mine/").text
    # Its staff go on.
    assert world.topic.title in world.cast.client("assistant").get(world.topic.get_absolute_url()).text


def test_the_time_for_wishes_is_in_calendars_once_the_assignment_is_visible(world: World) -> None:
    now = timezone.now()
    wished = AssignmentFactory.create(
        course=world.course, is_main=False, title="Second project", topics_given="by-wish", due_at=now + 9 * DAY,
        wishes_close_at=now + 5 * DAY, visible_from=now + 3 * DAY,
    )  # fmt: skip

    def dated() -> bool:
        reconcile(world.course, now=now)
        return AgendaItem.objects.filter(key=f"wishes.assignment:{wished.pk}", is_removed=False).exists()

    assert not dated()
    Assignment.objects.filter(pk=wished.pk).update(visible_from=now - DAY)
    assert dated()
