"""What is done to many teams at once is what would be done to one after the other, in as many queries as for two."""

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from amls.agenda.services import reconcile
from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment
from amls.held.models import HeldAct
from amls.held.services import apply_next
from projects.models import Assessment, Extension, Project, Topic, TopicSwitch
from projects.services.assessing import assess, assign_assessor, pass_undecided, publish_assessments
from projects.services.extensions import extend, request_extension
from projects.services.registration import restore_projects, withdraw_projects
from projects.services.teams import invite_member
from tests.agreement import seal_in
from tests.projects.conftest import DEADLINE, NOW, World
from tests.projects.teams import list_url, make_teams
from tests.projects.test_extensions import team_of_two

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)
# What says nothing of what was done: keys, and when the test wrote it.
PASSING = {"id", "pgh_id", "pgh_context_id", "pgh_created_at", "pgh_obj_id"}
TABLES = (
    "agenda.AgendaItem", "mail.Notice", "projects.Assessment", "projects.AssessmentEvent", "projects.Extension",
    "projects.ExtensionEvent", "projects.ExtensionRequest", "projects.ExtensionRequestEvent", "projects.Invitation",
    "projects.InvitationEvent", "projects.Membership", "projects.MembershipEvent", "projects.Project",
    "projects.ProjectEvent", "projects.Topic", "projects.TopicSwitch",
)  # fmt: skip

# What tells the teams, and so is done five minutes after it was agreed to.
HELD = {"publish", "withdraw_all"}

# Rows by the words that they are named by, and their keys.
Names = dict[tuple[str, int], str]


def state(*, names: Names) -> dict[str, list[str]]:
    """Return every row that a bulk action may touch, without keys that are drawn anew each time."""
    tables = {}
    for table in TABLES:
        rows = [
            {name: value for name, value in row.items() if name not in PASSING}
            for row in apps.get_model(table)._default_manager.values()
        ]
        tables[table] = sorted(_without_new_keys(str(sorted(row.items())), names) for row in rows)
    tables["revisions"] = [
        str(enrolment) for enrolment in Enrolment.objects.order_by("pk").values_list("pk", "revision")
    ]
    return tables


def _without_new_keys(text: str, names: Names) -> str:
    for (words, pk), name in names.items():
        text = re.sub(rf"\b((?:{words})'?: ?){pk}\b", rf"\1{name}", text)
    return text


def after(act: Callable[[], object]) -> dict[str, list[str]]:
    """Return what is there after an act, which is rolled back."""
    with transaction.atomic():
        act()
        names = {
            (words, pk): f"of {project}"
            for words, model in (("extended|extension", Extension), ("result|assessment", Assessment))
            for pk, project in model.objects.values_list("pk", "project")
        }
        left = state(names=names)
        transaction.set_rollback(True)
    return left


@pytest.fixture
def teams(world: World) -> list[Project]:
    """Teams with all that an action meets: two members, an invitation, a request, a held slot, drafts, a longer time."""
    reconcile(world.course, now=NOW)
    first = team_of_two(world)
    others = make_teams(world, 5)
    invited, asked, switched, drafted, decided = others
    invite_member(project=invited, email="lukasz.zolc@example.org", by=invited.memberships.get().enrolment, now=NOW)
    request_extension(project=asked, by=asked.memberships.get().enrolment, reason="Umzug", wanted_until=None, now=NOW)
    TopicSwitch.objects.create(
        project=switched, topic=world.single, by=switched.memberships.get().enrolment, switched_at=NOW,
        held_until=NOW + timedelta(days=1),
    )  # fmt: skip
    Topic.objects.filter(pk=world.single.pk).update(taken=1)
    for project, outcome in ((drafted, ""), (decided, "failed")):
        points = Decimal("1.5") if outcome == "" else Decimal(0)
        assess(project=project, outcome=outcome, extra_points=points, feedback="Größe", by=world.staff, now=NOW)
    extend(
        assignment=world.assignment, projects=[decided], by=world.staff, reason="Ill", now=NOW, delta=timedelta(days=9)
    )
    return [first, *others]


def test_extending_at_once_is_extending_one_after_the_other(world: World, teams: list[Project]) -> None:
    def give(projects: list[Project]) -> None:
        until = DEADLINE + timedelta(days=2)
        extend(
            assignment=world.assignment, projects=projects, by=world.staff, reason=" Outage\n", now=LATER, due_at=until
        )

    def one_by_one() -> None:
        for team in teams[:-1]:
            give([team])
        with pytest.raises(RuleViolation, match="There is time until"):
            give(teams[-1:])

    at_once = after(lambda: give(teams))
    assert at_once == after(one_by_one)
    assert len(at_once["projects.Extension"]) == 1 + 5


def test_withdrawing_and_restoring_at_once_is_doing_it_one_after_the_other(world: World, teams: list[Project]) -> None:
    def withdraw(*groups: list[Project]) -> None:
        for group in groups:
            withdraw_projects(projects=group, now=LATER)

    def restore(*groups: list[Project]) -> None:
        withdraw(teams)
        for group in groups:
            restored = restore_projects(projects=group, now=LATER + timedelta(minutes=1))
            assert sorted(restored.projects) == sorted(project.pk for project in group)

    singles = [[team] for team in teams]
    assert after(lambda: withdraw(teams)) == after(lambda: withdraw(*singles))
    assert after(lambda: restore(teams)) == after(lambda: restore(*singles))


def test_of_the_restored_only_as_many_come_back_as_there_are_slots(world: World) -> None:
    teams = make_teams(world, 3)
    withdraw_projects(projects=teams, now=LATER)
    Topic.objects.filter(projects=teams[0]).update(slots=2)
    restored = restore_projects(projects=[teams[2], teams[0], teams[1]], now=LATER)
    assert set(restored.projects) == {teams[2].pk, teams[0].pk}
    assert {pk: refusal.code for pk, refusal in restored.refused.items()} == {teams[1].pk: "topic-full"}
    assert Topic.objects.get(projects=teams[0]).taken == 2


def test_who_has_another_project_since_keeps_the_old_one_gone(world: World) -> None:
    (team,) = make_teams(world, 1)
    person = team.memberships.get().enrolment
    withdraw_projects(projects=[team], now=LATER)
    other = world.project(person)
    restored = restore_projects(projects=[team], now=LATER)
    assert (restored.projects, [refusal.code for refusal in restored.refused.values()]) == ({}, ["has-project"])
    assert list(Project.objects.active()) == [other]


def test_passing_at_once_is_passing_one_after_the_other(world: World, teams: list[Project]) -> None:
    def one_by_one() -> None:
        for team in teams:
            draft = Assessment.objects.filter(project=team).first()
            if draft is None or draft.outcome == "":
                assess(
                    project=team, outcome="passed", by=world.staff, now=LATER,
                    extra_points=draft.extra_points if draft else Decimal(0), feedback=draft.feedback if draft else "",
                )  # fmt: skip

    assert after(lambda: pass_undecided(projects=teams, by=world.staff, now=LATER)) == after(one_by_one)


def test_assigning_and_publishing_at_once_is_doing_it_one_after_the_other(world: World, teams: list[Project]) -> None:
    pass_undecided(projects=teams, by=world.staff, now=NOW)

    def act(*groups: list[Project]) -> None:
        for group in groups:
            assign_assessor(projects=group, assessor=world.staff)
            publish_assessments(projects=group, now=LATER)

    assert after(lambda: act(teams)) == after(lambda: act(*[[team] for team in teams]))


@pytest.mark.parametrize(
    ("action", "values", "cost"),
    [
        # Five of them see whether each team's deadline becomes what was shown, two keep how it is taken back,
        ("extend_all", {"days": "1", "reason": "Outage"}, (26, 6)),
        # and four who gets each, whose teams are named by their people.
        ("assign", {"assessor": "staff"}, (10, 0)),
        ("split", {"assessors": "staff"}, (11, 0)),
        ("pass_all", {}, (13, 0)),
        # Whether one that waits is overtaken is asked before another is held back.
        ("publish", {}, (9, 15)),
        # It is tried and rolled back to see whom it tells, and then held back.
        ("withdraw_all", {}, (30, 29)),
    ],
)
def test_an_action_costs_the_same_for_three_teams_and_for_nine(
    world: World, settings: Settings, action: str, values: dict[str, Any], cost: tuple[int, int]
) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    desk = world.cast.client("assistant")
    values = {name: world.staff.pk if value == "staff" else value for name, value in values.items()}
    reconcile(world.course, now=NOW)
    assert [spent(world, desk, action, values, count) for count in (3, 9)] == [cost, cost]


def spent(world: World, desk: Client, action: str, values: dict[str, Any], count: int) -> tuple[int, int]:
    """Return the queries of agreeing to what is shown, and of doing it five minutes later where it is held back."""
    teams = make_teams(world, count)
    if action == "publish":
        pass_undecided(projects=teams, by=world.staff, now=NOW)
    data = {"action": action, "_selected_action": [team.pk for team in teams], "_confirmed": "1", **values}
    data |= {"_agreed": "1", "_shown": seal_in(desk.post(list_url(), data))}
    with CaptureQueriesContext(connection) as agreeing:
        assert desk.post(list_url(), data).status_code == 302
    done = {
        "extend_all": Extension.objects.filter(project__in=teams),
        "publish": Assessment.objects.filter(project__in=teams, published_at__isnull=False),
        "pass_all": Assessment.objects.filter(project__in=teams, outcome="passed"),
        "withdraw_all": Project.objects.filter(pk__in=[team.pk for team in teams], withdrawn_at__isnull=False),
    }.get(action, Project.objects.filter(assessor=world.staff, pk__in=[team.pk for team in teams]))
    waiting = HeldAct.objects.waiting().first()
    held = {"extend_all": (True, count)}.get(action, (True, 0) if action in HELD else (False, count))
    assert (waiting is not None, done.count()) == held
    if waiting is None:
        return queries_in(agreeing), 0
    with CaptureQueriesContext(connection) as doing:
        assert apply_next(waiting.apply_at) == 1
    assert done.count() == count
    return queries_in(agreeing), queries_in(doing)


def queries_in(captured: CaptureQueriesContext) -> int:
    """Return how many queries there were, at most 30 at the desk; steps within the transaction are none."""
    return sum("SAVEPOINT" not in query["sql"] for query in captured.captured_queries)
