"""What is held back: done once, by the database's clock, as it was seen, or not at all; taken back until then."""

# ruff: noqa: F811

from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from amls.core.violations import RuleViolation
from amls.desk.holding import WantedAct
from amls.held.kinds import held_kinds
from amls.held.models import HeldAct
from amls.held.services import ACTS, HOLD, Asked, apply_next, hold, refuse, undo
from amls.mail.hold import hold_mail, release_mail
from amls.mail.models import Notice
from projects.heldacts import TeamAct
from projects.models import Assessment, Project
from projects.publication import KIND, publication_of
from projects.services.assessing import assess
from projects.services.ideas import propose_idea
from tests.projects.conftest import NOW, World, world  # noqa: F401 - a fixture
from tests.projects.teams import make_teams
from tests.races import at_once

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
    act, _asked = hold(wanted, by=world.staff, now=NOW)
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


def test_what_was_done_before_a_loss_is_done_again_after_the_restore_and_mails_nobody(
    world: World, teams: list[Project]
) -> None:
    act = held(world, teams)
    before = Notice.objects.filter(state="due", not_before__lte=THEN).count()
    hold_mail(now=NOW)
    # No worker had a turn since the restore.
    lost_at = THEN + timedelta(minutes=2)
    assert release_mail(lost_at=lost_at, now=lost_at + timedelta(hours=3)) == before + 2
    act.refresh_from_db()
    assert (act.state, act.ended_at, published()) == ("done", lost_at, 2)
    assert apply_next(lost_at + timedelta(hours=3)) == 0
    assert set(Notice.objects.filter(kind="projects.result").values_list("state", flat=True)) == {"dropped"}


def test_what_had_not_been_done_when_all_was_lost_is_done_and_told_after_the_restore(
    world: World, teams: list[Project]
) -> None:
    held(world, teams)
    hold_mail(now=NOW)
    release_mail(lost_at=THEN - timedelta(seconds=1), now=THEN + timedelta(hours=3))
    assert published() == 0
    assert apply_next(THEN + timedelta(hours=3)) == 1
    assert Notice.objects.filter(kind="projects.result", state="due").count() == 2


def corrected(world: World, teams: list[Project], minutes: int) -> tuple[HeldAct, Asked]:
    """Correct a decision some minutes later, and ask for the publication once more."""
    later = NOW + timedelta(minutes=minutes)
    words = f"After {minutes} minutes."
    assess(project=teams[1], outcome="passed", extra_points=Decimal(2), feedback=words, by=world.staff, now=later)
    wanted = publication_of(teams, course=world.course, back="/admin/")
    assert wanted is not None
    return hold(wanted, by=world.cast.lecturer.user, now=later)


def test_what_is_asked_for_anew_takes_the_place_of_what_waits_for_five_minutes_more(
    world: World, teams: list[Project]
) -> None:
    act = held(world, teams)
    replaced, asked = corrected(world, teams, 2)
    later = NOW + timedelta(minutes=2)
    assert (replaced, asked, replaced.by) == (act, Asked.ANEW, world.cast.lecturer.user)
    assert (HeldAct.objects.get().created_at, HeldAct.objects.get().apply_at) == (later, later + HOLD)
    assert corrected(world, teams, 2)[1] is Asked.ALREADY
    assert apply_next(THEN) == 0
    assert apply_next(later + HOLD) == 1
    assert (HeldAct.objects.get().state, published(), told()) == ("done", 2, 2)
    assert not Notice.objects.filter(kind="held.refused").exists()


def test_a_worker_that_has_the_old_one_does_nothing_of_it(world: World, teams: list[Project]) -> None:
    held(world, teams)
    (slow,) = ACTS.claim(now=THEN)
    _act, asked = corrected(world, teams, 5)
    assert asked is Asked.ANEW
    assert not slow.finish(state=HeldAct.State.DONE, ended_at=THEN)
    (claim,) = ACTS.claim(now=THEN + HOLD)
    assert not slow.finish(state=HeldAct.State.DONE, ended_at=THEN), "The next claim is another one."
    assert claim.finish(state=HeldAct.State.DONE, ended_at=THEN)


def test_what_was_asked_for_anew_is_not_refused_for_what_changed_before(world: World, teams: list[Project]) -> None:
    old = held(world, teams)
    corrected(world, teams, 2)
    assert not refuse(act=old, why=lambda: "Somebody decided anew.", by=world.staff, now=NOW)
    assert HeldAct.objects.get().state == "waiting"


def test_a_decision_that_is_saved_as_it_was_is_not_decided_anew(world: World, teams: list[Project]) -> None:
    held(world, teams)
    later, other = NOW + timedelta(minutes=1), world.cast.lecturer.user
    assess(project=teams[1], outcome="passed", extra_points=Decimal("2.0"), feedback="", by=other, now=later)
    row = Assessment.objects.get(project=teams[1])
    assert (row.assessed_by, row.assessed_at) == (world.staff, NOW)
    assert apply_next(THEN) == 1
    assert (published(), told()) == (2, 2)


def test_of_what_contradicts_itself_the_last_waits(world: World) -> None:
    idea = propose_idea(
        enrolment=world.student, assignment=world.assignment, title="Übung", description="With data", now=NOW
    )
    made = []
    for is_accepted in (True, False):
        values = {"topic": idea.pk, "is_accepted": is_accepted, "reason": "Too large"}
        act = TeamAct("decide-idea", values, world.course, "The idea", world.staff)
        made.append(hold(act.wanted(act.tried(NOW), back="/admin/"), by=world.staff, now=NOW))
    assert [asked for _act, asked in made] == [Asked.NEW, Asked.ANEW]
    assert apply_next(THEN) == 1
    idea.refresh_from_db()
    assert (idea.proposal, HeldAct.objects.get().state) == ("declined", "done")


def test_what_comes_of_it_is_said_as_its_maker_read_the_page(world: World, teams: list[Project]) -> None:
    assert (world.staff.language, world.course.language) == ("", "en")
    with override("de"):
        act = held(world, teams)
    assert apply_next(THEN) == 1
    act.refresh_from_db()
    assert (act.title, act.outcome) == ("2 Entscheidungen veröffentlichen", "2 Entscheidungen sind veröffentlicht.")


@pytest.mark.django_db(transaction=True)
def test_two_who_ask_anew_at_once_and_a_worker_leave_one_act(world: World, teams: list[Project]) -> None:
    held(world, teams)
    course = world.course
    wanted = [
        WantedAct(course, KIND, HeldAct.objects.get().about, {"decisions": {"1": str(number)}}, "Again", "/admin/")
        for number in range(4)
    ]
    acts = [partial(hold, act, by=world.staff, now=NOW + timedelta(minutes=1)) for act in wanted]
    outcomes = at_once([*acts, lambda: apply_next(THEN)])
    waiting = HeldAct.objects.waiting().get()
    assert waiting.references in [act.references for act in wanted]
    # The worker did the first one before anybody replaced it, or nothing.
    done = HeldAct.objects.filter(state="done").count()
    assert (published(), told()) == (2 * done, 2 * done)
    assert [asked for _act, asked in outcomes[:-1]].count(Asked.NEW) == done


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


def test_staff_are_led_to_what_waits_wherever_they_begin(world: World, teams: list[Project]) -> None:
    page = reverse("held:held", args=[world.course.slug])
    home = f"/{world.course.slug}/"
    lecturer = world.cast.client("lecturer")
    assert page not in lecturer.get("/admin/").content.decode()
    held(world, teams)
    assert "1 act is held back" in lecturer.get("/admin/").content.decode()
    assert f'href="{page}">Held back <span class="chip warn">1</span>' in lecturer.get(home).content.decode()
    for part in ("student", "stranger", "foreign lecturer"):
        assert page not in world.cast.client(part).get(home).content.decode()


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
