"""Points and questions at the same moment: real threads on real connections."""

from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest

from amls.core.violations import RuleViolation
from projects.models import Assignment, Excuse, Membership, PointsQuestion, Project, TaskPoints
from projects.services.assessing import publish_assessments
from projects.services.excuses import excuse
from projects.services.points import give_points, team_for_points
from projects.services.pointtable import RowWish, enter_table
from projects.services.questions import answer_question, ask_about_points
from projects.services.teamsheets import Given
from tests.projects.conftest import NOW, World
from tests.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal


@pytest.fixture
def sheet(world: World) -> Assignment:
    return Assignment.objects.create(
        course=world.course, kind="sheet", title="Blatt 8", position=8, topics_given="", grading="points", max_points=D(20),
        teaming="alone", hand_in="paper", due_at=NOW - timedelta(days=1),
    )  # fmt: skip


def published(world: World, sheet: Assignment) -> Project:
    team = team_for_points(enrolment=world.student, assignment=sheet, now=NOW)
    give_points(project=team, given={None: Given(D(12))}, by=world.staff, now=NOW)
    publish_assessments(projects=[team], now=NOW)
    return team


def test_a_question_that_is_sent_twice_at_once_is_one(world: World, sheet: Assignment) -> None:
    team = published(world, sheet)
    ask = partial(ask_about_points, project=team, task=None, by=world.student, text="Rückseite?", now=NOW)
    first, second = at_once([ask, ask])
    assert first == second == PointsQuestion.objects.get()


def test_of_two_questions_at_once_the_second_is_refused(world: World, sheet: Assignment) -> None:
    team = published(world, sheet)
    ask = partial(ask_about_points, project=team, task=None, by=world.student, now=NOW)
    outcomes = at_once([partial(ask, text="Rückseite?"), partial(ask, text="Größe?")])
    assert [outcome.code for outcome in outcomes if isinstance(outcome, RuleViolation)] == ["asked-already"]
    assert PointsQuestion.objects.count() == 1


def test_two_answers_at_once_leave_one_with_its_points(world: World, sheet: Assignment) -> None:
    team = published(world, sheet)
    question = ask_about_points(project=team, task=None, by=world.student, text="Rückseite?", now=NOW)
    answer = partial(answer_question, question=question, by=world.staff, now=NOW)
    at_once([partial(answer, answer="Ja.", points=D(14)), partial(answer, answer="Doch.", points=D(15))])
    question.refresh_from_db()
    assert (question.answer, TaskPoints.objects.get().points) in {("Ja.", D(14)), ("Doch.", D(15))}


def test_two_tables_at_once_make_one_team_for_each(world: World, sheet: Assignment) -> None:
    people = (world.student, world.other)
    wishes = {f"p{person.pk}": RowWish({None: D(7)}) for person in people}
    enter = partial(enter_table, assignment=sheet, wishes=wishes, by=world.staff, now=NOW)
    at_once([enter, enter])
    assert Membership.objects.filter(assignment=sheet).count() == 2
    assert list(TaskPoints.objects.values_list("points", flat=True)) == [D(7), D(7)]


def test_who_is_excused_twice_at_once_is_excused_once(world: World, sheet: Assignment) -> None:
    act = partial(excuse, enrolment=world.student, assignment=sheet, by=world.staff, now=NOW)
    first, second = at_once([act, act])
    assert first == second == Excuse.objects.get()
