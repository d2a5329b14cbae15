"""What is held back: done once, by the database's clock, as it was seen, or not at all; taken back until then."""

# ruff: noqa: F811

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse

from amls.core.violations import RuleViolation
from amls.held.kinds import held_kinds
from amls.held.models import HeldAct
from amls.held.services import ACTS, HOLD, apply_next, hold, undo
from amls.mail.models import Notice
from projects.models import Assessment, Project
from projects.publication import publication_of
from projects.services.assessing import assess
from tests.projects.conftest import NOW, World, world  # noqa: F401 - a fixture
from tests.projects.teams import make_teams

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]
THEN = NOW + HOLD


@pytest.fixture
def teams(world: World) -> list[Project]:
    made = make_teams(world, 2)
    for team in made:
        assess(project=team, outcome="passed", extra_points=Decimal(2), feedback="", by=world.staff, now=NOW)
    return made


def held(world: World, teams: list[Project]) -> HeldAct:
    wanted = publication_of(teams, course=world.course, back="/admin/")
    assert wanted is not None
    act, _is_new = hold(wanted, by=world.staff, now=NOW)
    return act


def published() -> int:
    return Assessment.objects.filter(published_at__isnull=False).count()


def told() -> int:
    return Notice.objects.filter(kind="projects.result").count()


def test_it_waits_five_minutes_and_is_then_done_once(world: World, teams: list[Project]) -> None:
    act = held(world, teams)
    assert held(world, teams) == act, "Pressed twice it is one act."
    assert apply_next(THEN - timedelta(seconds=1)) == 0
    assert (published(), told()) == (0, 0)
    # A worker that was down does it later.
    assert apply_next(THEN + timedelta(hours=3)) == 1
    act.refresh_from_db()
    assert (act.state, act.outcome, published(), told()) == ("done", "2 decisions are published.", 2, 2)
    assert apply_next(THEN + timedelta(days=1)) == 0
    with pytest.raises(RuleViolation, match="It is too late"):
        undo(act=act, now=THEN + timedelta(days=1))
    assert told() == 2


def test_what_is_taken_back_never_happens_and_may_be_asked_for_again(world: World, teams: list[Project]) -> None:
    act = held(world, teams)
    undo(act=act, now=NOW)
    with pytest.raises(RuleViolation, match="taken back already"):
        undo(act=act, now=NOW)
    assert apply_next(THEN) == 0
    assert (published(), told()) == (0, 0)
    assert held(world, teams) != act
    assert apply_next(THEN) == 1
    assert (published(), told()) == (2, 2)


def test_what_changed_since_it_was_seen_is_not_done_by_half_and_its_maker_hears_why(
    world: World, teams: list[Project]
) -> None:
    act = held(world, teams)
    later = NOW + timedelta(minutes=1)
    assess(project=teams[1], outcome="failed", extra_points=Decimal(0), feedback="", by=world.staff, now=later)
    assert apply_next(THEN) == 1
    act.refresh_from_db()
    assert (act.state, published(), told()) == ("refused", 0, 0)
    whose = teams[1].memberships.get().enrolment.user
    assert act.outcome == (
        f"Somebody decided anew meanwhile: {teams[1].title}: {whose}. Look at it, and publish again."
    )
    assert Notice.objects.get(kind="held.refused").recipient == world.staff
    assert apply_next(THEN) == 0


def test_a_worker_that_dies_leaves_nothing_half_done_and_another_does_it(world: World, teams: list[Project]) -> None:
    act = held(world, teams)
    (dead,) = ACTS.claim(now=THEN)
    assert apply_next(THEN) == 0, "It is the other worker's as long as its lease runs."
    with pytest.raises(RuleViolation, match="being done just now"):
        undo(act=act, now=THEN)
    assert apply_next(THEN + ACTS.lease) == 1
    assert not dead.finish(state=HeldAct.State.DONE, ended_at=THEN), "What woke up late marks nothing."
    assert (published(), told()) == (2, 2)


def test_what_fails_is_tried_again_and_given_up_in_words(world: World, teams: list[Project]) -> None:
    act = held(world, teams)

    def fail(_act: HeldAct, _now: object) -> str:
        raise ZeroDivisionError

    with held_kinds.replaced({act.kind: fail}):
        for attempt in range(6):
            assert apply_next(THEN + attempt * ACTS.lease) == 1
    act.refresh_from_db()
    assert (act.state, published()) == ("refused", 0)
    assert Notice.objects.filter(kind="held.refused").count() == 1


def test_only_one_of_a_kind_waits_whoever_writes_it(world: World, teams: list[Project]) -> None:
    act = held(world, teams)
    act.pk = None
    with pytest.raises(IntegrityError, match="heldact_one_waiting"):
        act.save()


def test_any_of_the_staff_takes_it_back_and_nobody_else(world: World, teams: list[Project]) -> None:
    act = held(world, teams)
    address = reverse("held:undo", args=[world.course.slug, act.pk])
    for part in ("student", "stranger", "foreign lecturer"):
        assert world.cast.client(part).post(address).status_code == 404
    page = reverse("held:held", args=[world.course.slug])
    assert "Take back: Publish 2 decisions" in world.cast.client("lecturer").get(page).content.decode()
    answer = world.cast.client("lecturer").post(address)
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
    act.refresh_from_db()
    assert act.state == "undone"
    assert Client().post(address).status_code == 302
