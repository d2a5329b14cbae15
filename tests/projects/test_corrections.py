"""What people know of their points and is corrected by hand: within five minutes it is taken back where it was made."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from amls.core import clock
from amls.grading.tasks import TaskWish
from amls.held.models import HeldAct
from amls.held.services import HOLD, apply_next
from amls.mail.models import Notice
from projects.models import Assessment, Assignment, MemberAssessment, Membership, Project, TaskPoints
from projects.services.assessing import assess, publish_assessments
from projects.services.points import give_points, set_tasks, team_for_points
from projects.services.teamsheets import Given
from tests.projects.conftest import NOW, World
from tests.projects.teams import assess_url, make_teams

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture(autouse=True)
def _one_factor(settings: Settings) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False


@pytest.fixture
def desk(world: World) -> Client:
    return world.cast.client("assistant")


@pytest.fixture
def team(world: World) -> Project:
    """Two people who know their points for two tasks."""
    sheet = Assignment.objects.create(
        course=world.course, kind="sheet", title="Blatt 5", position=5, topics_given="", grading="points", max_points=D(20),
        teaming="kept", team_max=2, hand_in="paper", due_at=NOW - timedelta(days=1),
    )  # fmt: skip
    set_tasks(
        assignment=sheet, tasks=[TaskWish("Induktion", D(8)), TaskWish("Größe", D(12))], by=world.staff, now=NOW
    )  # fmt: skip
    team = team_for_points(enrolment=world.student, assignment=sheet, now=NOW)
    Membership.objects.create(project=team, assignment=sheet, enrolment=world.other, joined_at=NOW)
    given = {task.pk: Given(D(8), "knapp") for task in sheet.tasks.all()}
    own = {world.other.pk: {list(given)[1]: Given(D(12), "allein")}}
    give_points(project=team, given=given, members=own, feedback="Gut.", by=world.staff, now=NOW)
    publish_assessments(projects=[team], now=NOW)
    Notice.objects.all().delete()
    return team


def known(team: Project) -> object:
    decision = Assessment.objects.get(project=team)
    points = TaskPoints.objects.filter(assessment=decision).order_by("task", "enrolment")
    overrides = MemberAssessment.objects.filter(assessment=decision).order_by("enrolment")
    return (
        decision.outcome, decision.extra_points, decision.feedback, decision.correction, decision.corrections,
        list(points.values_list("task", "enrolment", "points", "comment")),
        list(overrides.values_list("enrolment", "outcome", "extra_points", "reason")),
    )  # fmt: skip


def undo_of(world: World) -> str:
    return reverse("held:undo", args=[world.course.slug, HeldAct.objects.latest("pk").pk])


def test_corrected_points_are_taken_back_with_comments_and_what_members_have_of_their_own(
    world: World, desk: Client, team: Project
) -> None:
    before, (first, second) = known(team), team.assignment.tasks.values_list("pk", flat=True)
    changed = {
        f"task_{first}": "1", f"comment_{first}": "", f"task_{second}": "8", f"comment_{second}": "knapp",
        "feedback": "Nein.", "correction": "Falsch gelesen", "seen": "", "save": "1",
    }  # fmt: skip
    version = desk.get(assess_url(team)).context["seen"]
    page = desk.post(assess_url(team), {**changed, "seen": version}, follow=True)
    assert known(team) != before, page.context["form"].errors
    said = page.content.decode()
    assert f'action="{undo_of(world)}"' in said
    assert "correction saved: whoever looks sees it already. The mail about it waits until" in said
    assert "nobody is told before" not in said
    assert Notice.objects.filter(kind="projects.result-changed").exists()
    assert "It is as it was, and no mail leaves." in desk.post(undo_of(world), follow=True).content.decode()
    assert known(team) == before
    assert not Notice.objects.filter(kind="projects.result-changed").exists()
    assert HeldAct.objects.get().state == "undone"


def test_a_corrected_decision_is_taken_back_unless_it_was_changed_since(world: World, desk: Client) -> None:
    (team,) = make_teams(world, 1)
    kept = {"project": team, "by": world.staff, "now": timezone.now()}
    assess(outcome="passed", extra_points=D("2.5"), feedback="Gut.", **kept)
    publish_assessments(projects=[team], now=kept["now"])
    before = known(team)
    for feedback in ("Nein.", "Doch."):
        version = desk.get(assess_url(team)).context["seen"]
        desk.post(
            assess_url(team),
            {
                "outcome": "failed",
                "extra_points": "0.0",
                "feedback": feedback,
                "seen": version,
                "save": "1",
                "correction": "Neu gelesen",
            },
        )
    first, second = HeldAct.objects.order_by("pk")
    undo = [reverse("held:undo", args=[world.course.slug, act.pk]) for act in (first, second)]
    assert "Somebody changed it since" in desk.post(undo[0], follow=True).content.decode()
    desk.post(undo[1])
    desk.post(undo[0])
    assert known(team) == before
    assert not Notice.objects.filter(kind="projects.result-changed").exists()


def test_a_draft_has_nothing_to_take_back_and_what_was_told_stands(world: World, desk: Client, team: Project) -> None:
    (other,) = make_teams(world, 1)
    desk.post(
        assess_url(other), {"outcome": "passed", "extra_points": "0.0", "feedback": "Gut.", "seen": "", "save": "1"}
    )
    assert not HeldAct.objects.exists()
    first, _second = team.assignment.tasks.values_list("pk", flat=True)
    address = reverse("projects:points", args=[world.course.slug, team.assignment_id])
    page = desk.post(address, {f"t{team.pk}-{first}": "2", "reason": "Falsch gelesen"}, follow=True)
    assert f'action="{undo_of(world)}"' in page.content.decode()
    corrected = known(team)
    assert apply_next(clock.now() + HOLD) == 1
    assert "It is too late" in desk.post(undo_of(world), follow=True).content.decode()
    assert known(team) == corrected
