"""A series of sheets, made in one step at the desk."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from bs4 import BeautifulSoup
from django.urls import reverse
from pytest_django import Settings

from amls.agenda.services import reconcile
from amls.core.violations import RuleViolation
from lectures.models import FreeDay
from projects.models import Assignment
from projects.services.series import make_series, plan_series
from tests.agreement import seal_in
from tests.cast import Cast
from tests.projects.conftest import NOW, World

pytestmark = pytest.mark.django_db

# Monday, 6 May 2024, 10:00 in Berlin; Whit Monday is the 20th.
FIRST = datetime(2024, 5, 6, 8, 0, tzinfo=UTC)


def test_a_week_without_class_is_left_out(world: World) -> None:
    FreeDay.objects.create(course=world.course, first=date(2024, 5, 20), last=date(2024, 5, 20), title="Whit Monday")
    reconcile(world.course, now=NOW)
    planned = plan_series(world.course, name="Sheet", first=1, last=4, due_at=FIRST, open_days=7)
    assert [plan.due_at.day for plan in planned] == [6, 13, 27, 3]
    assert planned[2].skipped == (date(2024, 5, 20),)
    assert planned[0].opens_at == FIRST - timedelta(days=7)


def test_the_hour_stays_when_the_clocks_change(world: World) -> None:
    october = datetime(2024, 10, 21, 8, 0, tzinfo=UTC)
    planned = plan_series(world.course, name="Blatt", first=0, last=1, due_at=october, open_days=None)
    assert [plan.due_at for plan in planned] == [october, datetime(2024, 10, 28, 9, 0, tzinfo=UTC)]
    assert (planned[0].title, planned[0].opens_at) == ("Blatt 0", None)


def test_all_are_made_or_none(world: World) -> None:
    planned = plan_series(world.course, name="Sheet", first=1, last=3, due_at=FIRST, open_days=None)
    make_series(course=world.course, name="Sheet", planned=planned[2:], values={}, by=world.staff, now=NOW)
    with pytest.raises(RuleViolation):
        make_series(course=world.course, name="Sheet", planned=planned, values={}, by=world.staff, now=NOW)
    assert list(Assignment.objects.filter(kind="sheet").values_list("title", flat=True)) == ["Sheet 3"]
    with pytest.raises(RuleViolation):
        plan_series(world.course, name="Sheet", first=3, last=1, due_at=FIRST, open_days=None)


def test_staff_see_the_dates_before_they_make_them(world: World, settings: Settings) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    desk = world.cast.client("assistant")
    address = reverse("admin:projects_assignment_add_series")
    data = {
        "course": world.course.pk, "name": "Übungsblatt", "first": "1", "last": "12", "due": "2024-05-06T10:00",
        "teaming": "kept", "team_max": "2", "hand_in": "files", "max_points": "20", "pass_percent": "1",
    }  # fmt: skip
    assert desk.get(address).context["form"]["pass_percent"].value() == 50
    assert desk.post(address, data | {"pass_percent": "0"}).context["form"].errors.keys() == {"pass_percent"}
    shown = desk.post(address, data)
    assert "Übungsblatt 12" in shown.text
    assert not Assignment.objects.filter(kind="sheet").exists()
    agreed = data | {"_agreed": "1", "_shown": seal_in(shown)}
    # What others did since is looked at again: another number is another series.
    assert desk.post(address, agreed | {"last": "11"}).status_code == 200
    assert not Assignment.objects.filter(kind="sheet").exists()
    assert desk.post(address, agreed).status_code == 302
    made = Assignment.objects.filter(series="Übungsblatt")
    assert (made.count(), made.last().due_at if made.last() else None) == (12, FIRST + timedelta(weeks=11))
    assert set(made.values_list("max_points", "pass_percent")) == {(Decimal(20), 1)}


def places(cast: Cast) -> list[str]:
    page = BeautifulSoup(cast.client("student").get("/amls/schedule/").content, "html.parser")
    return [link.get_text() for link in page.select(".places a")]


def test_the_menu_of_a_course_with_sheets_alone_leads_to_assignments(cast: Cast) -> None:
    assert places(cast) == ["Course", "Schedule", "My course"]
    planned = plan_series(cast.course, name="Blatt", first=1, last=2, due_at=FIRST, open_days=None)
    make_series(course=cast.course, name="Blatt", planned=planned, values={}, by=cast.lecturer.user, now=NOW)
    assert places(cast) == ["Course", "Schedule", "Assignments", "My course"]


def test_the_menu_of_a_course_with_a_project_and_sheets_leads_to_projects(world: World) -> None:
    planned = plan_series(world.course, name="Blatt", first=1, last=2, due_at=FIRST, open_days=None)
    make_series(course=world.course, name="Blatt", planned=planned, values={}, by=world.staff, now=NOW)
    assert "Projects" in places(world.cast)
