"""What pages say while something waits: an idea that is not decided, a deadline that moved or is over."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from amls.courses.models import User
from projects.models import SeekingNote
from projects.services.extensions import extend
from projects.services.handin import pick_submission
from projects.services.ideas import propose_idea
from projects.services.teams import write_seeking_note
from tests.projects.conftest import World
from tests.projects.teams import handed_in

pytestmark = pytest.mark.django_db


def sign_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="amls.courses.accounts.AccountBackend")
    return client


@pytest.fixture
def soon(world: World) -> World:
    """The same world with the deadline in nine days by the real clock."""
    world.assignment.due_at = timezone.now() + timedelta(days=9)
    world.assignment.save()
    return world


def test_a_note_names_a_topic_only_to_who_sees_the_topic(soon: World) -> None:
    now = timezone.now()
    idea = propose_idea(
        enrolment=soon.student, assignment=soon.assignment, title="Fused joins", description="Fast", team_max=2, now=now
    )
    write_seeking_note(enrolment=soon.student, assignment=soon.assignment, topic=idea, text="Who knows CUDA?", now=now)
    for user, is_named in ((soon.other.user, False), (soon.student.user, True), (soon.staff, True)):
        page = sign_in(user).get("/amls/projects/").content.decode()
        assert "Who knows CUDA?" in page
        assert ("Fused joins" in page) is is_named, user
    SeekingNote.objects.update(topic=soon.topic)
    page = sign_in(soon.other.user).get("/amls/projects/?skill=none").content.decode()
    assert "· Sparse kernels" in page


def test_late_visitors_are_not_sent_to_a_button_that_is_gone(soon: World) -> None:
    project = soon.project()
    pick_submission(project=project, submission=handed_in(project, soon.student), now=timezone.now())
    client = sign_in(soon.student.user)
    assert "until you let another one count" in " ".join(
        client.get("/amls/projects/mine/submit/").content.decode().split()
    )
    soon.assignment.due_at = timezone.now() - timedelta(hours=1)
    soon.assignment.save()
    page = " ".join(client.get("/amls/projects/mine/submit/").content.decode().split())
    assert "late by" in page
    assert "until you let another one count" not in page
    assert "Your team picked attempt 1" in page


def test_the_home_page_says_until_when_everyone_may_hand_in(soon: World) -> None:
    soon.assignment.due_at = datetime(timezone.now().year + 1, 3, 4, 12, tzinfo=UTC)
    soon.assignment.save()
    extend(assignment=soon.assignment, by=soon.staff, reason="Outage", now=timezone.now(), delta=timedelta(days=3))
    page = Client().get("/amls/").content.decode()
    said = page.split('<section aria-labelledby="projects">')[1].split("</section>")[0]
    assert "7 Mar" in said
    assert "4 Mar" not in said
