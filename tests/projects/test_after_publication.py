"""Who is in a team once its result is published: a result is of those for whom it was published."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment
from amls.grading.points import WorkState
from projects.models import Assignment, Project
from projects.progress import waiting_in
from projects.queries import results_of
from projects.receipts import receipt_code
from projects.services.assessing import Override, assess, publish_assessments
from projects.services.handin import accept_late
from projects.services.points import give_points
from projects.services.registration import is_published_to, withdraw_project
from projects.services.teams import merge_teams, move_member
from projects.services.teamsheets import Given
from projects.states import ProjectState
from projects.works import works_of
from tests.agreement import agree_to
from tests.projects.conftest import DEADLINE, NOW, World
from tests.projects.teams import assess_url, handed_in, list_url
from tests.projects.test_letters import written
from tests.projects.test_points import make_sheet, of

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(days=1)


def decide(world: World, project: Project, **values: Any) -> None:
    given: dict[str, Any] = {
        "outcome": "passed",
        "extra_points": Decimal(3),
        "feedback": "Excellent",
        "by": world.staff,
        "now": NOW,
    }
    assess(project=project, **{**given, **values})


def published(world: World) -> Project:
    project = world.project()
    decide(world, project)
    publish_assessments(projects=[project], now=NOW)
    return project


def standing(world: World, person: Enrolment) -> tuple[ProjectState, Decimal, WorkState, bool]:
    """Return how somebody stands by the rules of admission, and in the gradebook."""
    result = results_of(world.course, [person])[person.pk]
    assignment = Assignment.objects.get(pk=world.assignment.pk)
    work = works_of([assignment], [person], now=LATER)[person.pk][assignment.pk]
    return result.state, result.extra_points, work.state, work.is_published


def test_who_joins_after_the_publication_has_no_result_until_it_is_decided_on_them(world: World) -> None:
    project = published(world)
    move_member(enrolment=world.other, to=project, by=world.staff, now=LATER)
    theirs = (ProjectState.PASSED, Decimal(3), WorkState.GRADED, True)
    assert standing(world, world.student) == theirs
    state, points, work, is_published = standing(world, world.other)
    assert (state, points, is_published) == (ProjectState.REGISTERED, Decimal(0), False)
    assert work != WorkState.GRADED
    page = world.cast.client("student").get("/amls/projects/mine/").text
    assert "Excellent" in page
    own = Enrolment.objects.get(pk=world.other.pk)
    view = world.team(own)
    assert view is not None
    assert (view.published, view.is_settled) == (None, True)
    decide(world, project, overrides={world.other.pk: Override("passed", Decimal(1), "Came later")}, now=LATER)
    assert standing(world, world.other) == (ProjectState.PASSED, Decimal(1), WorkState.GRADED, True)
    assert standing(world, world.student) == theirs


def test_a_newcomer_reads_that_the_result_is_not_theirs(world: World) -> None:
    project = published(world)
    move_member(enrolment=world.other, to=project, by=world.staff, now=LATER)
    said = [letter.text for letter in written("projects.moved")]
    assert ["not yours by that" in text for text in said].count(True) == 1
    assert len(said) == 2


def test_a_correction_is_told_to_nobody_whose_result_it_is_no_more(world: World) -> None:
    project = published(world)
    move_member(enrolment=world.other, to=project, by=world.staff, now=LATER)
    decide(world, project, extra_points=Decimal(2), now=LATER, reason="Recounted")
    # The newcomer, who has no result, reads of none that changed.
    assert len(written("projects.result-changed")) == 1
    withdraw_project(project=project, now=LATER + timedelta(minutes=1))
    assert written("projects.result-changed") == []


def test_nobody_is_moved_away_from_what_is_published_to_them(world: World) -> None:
    project, elsewhere = published(world), world.project(world.another())
    acts: tuple[Callable[[], object], ...] = (
        lambda: move_member(enrolment=world.student, to=elsewhere, by=world.staff, now=LATER),
        lambda: move_member(enrolment=world.student, to=world.single, by=world.staff, now=LATER),
        lambda: merge_teams(source=project, target=elsewhere, by=world.staff, now=LATER),
    )
    for act in acts:
        with pytest.raises(RuleViolation, match="decide differently on them there"):
            act()
    # Whoever came by mistake goes on: nothing there is theirs.
    move_member(enrolment=world.other, to=project, by=world.staff, now=LATER)
    moved = move_member(enrolment=world.other, to=elsewhere, by=world.staff, now=LATER + timedelta(hours=1))
    assert moved == elsewhere
    assert is_published_to(project.memberships.active().get())


def test_the_desk_says_before_a_move_that_the_result_does_not_come_with_it(world: World) -> None:
    project, own = published(world), world.project(world.other)
    desk = world.cast.client("assistant")
    sent = {"move": "1", "member": world.other.pk, "to": f"project-{project.pk}"}
    shown = desk.post(assess_url(own), sent).text
    assert "who joins now has none by that until you decide on them in particular" in shown
    move_member(enrolment=world.other, to=project, by=world.staff, now=LATER)
    assert "no result: joined after the publication" in desk.get(assess_url(project)).text


def test_points_of_a_sheet_are_those_of_who_was_in_the_team(world: World) -> None:
    sheet = make_sheet(world, teaming="invited", team_max=3)
    first, second = of(world, sheet), of(world, sheet, world.other)
    for team, points in ((first, "16.5"), (second, "3.25")):
        give_points(project=team, given={None: Given(Decimal(points))}, by=world.staff, now=NOW)
    publish_assessments(projects=[first, second], now=NOW)
    with pytest.raises(RuleViolation, match="would be lost"):
        move_member(enrolment=world.student, to=second, by=world.staff, now=LATER)
    late = world.another()
    move_member(enrolment=late, to=second, by=world.staff, now=LATER)

    def given(person: Enrolment) -> tuple[bool, bool]:
        work = works_of([Assignment.objects.get(pk=sheet.pk)], [person], now=LATER)[person.pk][sheet.pk]
        return work.is_published, work.is_graded

    assert (given(world.other), given(late)) == ((True, True), (False, False))
    client = Client()
    client.force_login(late.user, backend="amls.courses.accounts.AccountBackend")
    assert client.get(f"/amls/assignments/{sheet.pk}/points/").status_code == 404
    members = {late.pk: {None: Given(Decimal(7))}}
    give_points(project=second, given={}, members=members, by=world.staff, now=LATER, reason="Came later")
    assert given(late) == (True, True)


def test_what_is_handed_in_after_the_decision_is_marked_until_it_is_looked_at(world: World) -> None:
    project = world.project()
    handed_in(project, world.student)
    decide(world, project, now=NOW + timedelta(minutes=1))
    publish_assessments(projects=[project], now=NOW + timedelta(minutes=1))
    desk = world.cast.client("assistant")

    def marked() -> list[bool]:
        texts = [desk.get(list_url("needs=newer")).text, desk.get(assess_url(project)).text]
        return [f"#{project.pk} " in texts[0], 'name="stands"' in texts[1], waiting_in([world.course]).newer == 1]

    # What is decided on, and what is not decided, is not marked.
    undecided = world.another()
    handed_in(world.project(undecided), undecided)
    assert marked() == [False, False, False]
    handed_in(project, world.student, LATER)
    assert marked() == [True, True, True]
    assert "newer than its decision" in desk.get(list_url()).text
    desk.post(assess_url(project), {"stands": "1"})
    assert marked() == [False, False, False]
    assert results_of(world.course, [world.student])[world.student.pk].extra_points == 3


def test_who_hands_in_again_reads_before_that_the_result_is_published(world: World) -> None:
    project = published(world)
    Assignment.objects.filter(pk=world.assignment.pk).update(due_at=timezone.now() + timedelta(days=2))
    said = "The result of your team is published already"
    assert said in world.cast.client("student").get("/amls/projects/mine/submit/").text
    world.project(world.other)
    other = Client()
    other.force_login(world.other.user, backend="amls.courses.accounts.AccountBackend")
    assert said not in other.get("/amls/projects/mine/submit/").text
    assert project.is_active


def test_a_receipt_says_what_is_true_by_the_deadline_of_now(world: World) -> None:
    project = world.project()
    late = handed_in(project, world.student, DEADLINE + timedelta(hours=1))
    accept_late(submission=late, by=world.staff, now=DEADLINE + timedelta(hours=2))
    student = world.cast.client("student")
    address = f"/receipts/{receipt_code(late.pk)}/"
    assert "Late, and accepted by the staff." in student.get(address).text
    assert "The deadline is over." in student.get("/amls/projects/mine/").text
    Assignment.objects.filter(pk=world.assignment.pk).update(due_at=timezone.now() + timedelta(days=60))
    page = student.get(address).text
    # What it said when it was given stands, and beside it what is true now.
    assert ("Received in time." in page, "It is in time." in page) == (False, True)
    assert "Late, and accepted by the staff." not in page
    assert "The deadline is over." not in student.get("/amls/projects/mine/").text
    # Opened in time, the page of handing in has ready what it says once that is over.
    assert "The deadline is over by now" in student.get("/amls/projects/mine/submit/").text


def test_accepting_late_hand_ins_says_what_stops_counting_and_is_seen_where_they_are_assessed(world: World) -> None:
    project = world.project()
    handed_in(project, world.student)
    handed_in(project, world.student, DEADLINE + timedelta(hours=1))
    desk = world.cast.client("assistant")
    sent = {"action": "accept_late_ones", "_selected_action": [project.pk]}
    shown = desk.post(list_url(), sent)
    assert "attempt 1, which counts now, counts no longer" in shown.text
    agree_to(desk, list_url(), sent, shown)
    page = desk.get(assess_url(project)).text
    assert "Accept the late hand-ins of" in page
    other = world.project(world.other)
    assert "Accept the late hand-ins of" not in desk.get(assess_url(other)).text


def test_the_desk_says_before_a_withdrawal_that_a_published_result_goes(world: World) -> None:
    project, without = published(world), world.project(world.other)
    desk = world.cast.client("assistant")
    said = "1 of them has a published result, which its members lose until the project is brought back."
    assert said in desk.post(assess_url(project), {"withdraw": "1"}).text
    assert said not in desk.post(assess_url(without), {"withdraw": "1"}).text
