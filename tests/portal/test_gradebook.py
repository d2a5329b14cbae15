"""Everyone's standing, for the staff only."""

import csv
import io
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from amls.files.tables.meanings import EMAIL
from amls.files.tables.table import read_table
from amls.portal.gradebook.standings import standings
from exams.models import ExamRules
from projects.services.assessing import assess, enter_earlier_pass, publish_assessments
from tests.projects.conftest import NOW, World, world  # noqa: F401
from tests.projects.desk import make_teams

pytestmark = pytest.mark.django_db
ADDRESS = "/amls/staff/gradebook/"


def test_it_joins_projects_points_and_rules(world: World) -> None:  # noqa: F811
    # Only what projects say is of interest here.
    ExamRules.objects.filter(course=world.course).update(needs_matriculation_number=False)
    published, drafted = make_teams(world, 2)
    for team in (published, drafted):
        assess(project=team, outcome="passed", extra_points=Decimal("3.5"), feedback="", by=world.staff, now=NOW)
    publish_assessments(projects=[published], now=NOW)
    enter_earlier_pass(enrolment=world.other, term="SS2023", extra_points=Decimal(2), by=world.staff)
    found = {standing.enrolment.pk: standing for standing in standings(world.course, now=NOW)}
    people = [team.memberships.get().enrolment_id for team in (published, drafted)] + [world.other.pk, world.student.pk]
    assert [(found[pk].state.value, found[pk].draft, found[pk].points, found[pk].verdict.value) for pk in people] == [
        ("passed", "", Decimal("3.5"), "met"),
        ("submitted", "Passed", Decimal(0), "pending"),
        ("earlier", "", Decimal(2), "met"),
        ("none", "", Decimal(0), "pending"),
    ]
    assert len(found) == 4
    assert [standing.enrolment.pk for standing in standings(world.course, now=NOW, state="earlier")] == [world.other.pk]
    assert {standing.enrolment.pk for standing in standings(world.course, now=NOW, verdict="pending")} == set(
        people[1::2]
    )


def test_staff_filter_and_download(world: World) -> None:  # noqa: F811
    world.other.user.display_name = "=HYPERLINK(1)"
    world.other.user.save()
    client = world.cast.client("assistant")
    assert [row.enrolment.pk for row in client.get(f"{ADDRESS}?q=HYPER").context["rows"]] == [world.other.pk]
    sent = client.get(f"{ADDRESS}?q=HYPER&format=csv")
    rows = list(csv.reader(io.StringIO(sent.content.decode("utf-8-sig"))))
    assert rows[1][:2] == ["'=HYPERLINK(1)", world.other.user.email]
    assert len(read_table(client.get(f"{ADDRESS}?format=xlsx").content, [EMAIL]).rows) == 2


@pytest.mark.parametrize("part", ["stranger", "student", "foreign lecturer"])
def test_it_is_nobody_elses(world: World, part: str) -> None:  # noqa: F811
    client = world.cast.client(part)
    assert [client.get(address).status_code for address in (ADDRESS, f"{ADDRESS}?format=csv")] == [404, 404]


def test_it_costs_the_same_with_30_teams_as_with_3(world: World) -> None:  # noqa: F811
    client = world.cast.client("assistant")
    counts = []
    for batch in (3, 27):
        make_teams(world, batch)
        client.get(ADDRESS)
        with CaptureQueriesContext(connection) as queries:
            client.get(ADDRESS)
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[0] <= 40
