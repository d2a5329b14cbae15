"""Everyone's standing, for the staff only."""

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from amls.courses.models import Enrolment
from amls.files.tables.meanings import EMAIL
from amls.files.tables.table import read_table
from amls.portal.gradebook.standings import columns_of, marks_of, standings
from exams.models import ExamRules
from projects.models import Assignment
from projects.services.assessing import assess, enter_earlier_pass, publish_assessments
from projects.services.points import Given, excuse, give_points, team_for_points
from tests.exams.people import make_students
from tests.projects.conftest import NOW, World, world  # noqa: F401
from tests.projects.desk import make_teams
from tests.projects.test_points import make_sheet

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
    assert [row.enrolment.pk for row, _marks in client.get(f"{ADDRESS}?q=HYPER").context["rows"]] == [world.other.pk]
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


def give(world: World, sheet: Assignment, enrolment: Enrolment, points: str, *, publish: bool = True) -> None:  # noqa: F811
    team = team_for_points(enrolment=enrolment, assignment=sheet, now=NOW)
    give_points(project=team, given={None: Given(Decimal(points))}, by=world.staff, now=NOW)
    if publish:
        publish_assessments(projects=[team], now=NOW)


def test_every_assignment_has_a_column_and_its_sum_adds_up(world: World) -> None:  # noqa: F811
    first, second = make_sheet(world, 1), make_sheet(world, 2)
    third = world.another()
    give(world, first, world.student, "7.25")
    give(world, first, world.other, "0")
    give(world, second, world.student, "12.5")
    give(world, second, world.other, "3.5", publish=False)
    excuse(enrolment=third, assignment=second, by=world.staff, now=NOW)
    columns, later = columns_of(world.course), NOW + timedelta(days=60)

    def shown(sort: str) -> list[tuple[int, list[tuple[object, str]], Decimal, Decimal]]:
        rows = standings(world.course, now=later, columns=columns, sort=sort)
        return [
            (
                row.enrolment.pk,
                [(mark.value, mark.kind) for mark in marks_of(row, columns)],
                row.sum.points,
                row.sum.most,
            )
            for row in rows
        ]

    assert shown("-sum") == [
        (world.student.pk, [(Decimal("7.25"), ""), (Decimal("12.5"), "")], Decimal("19.75"), Decimal(40)),
        (world.other.pk, [(Decimal(0), ""), (Decimal("3.5"), "draft")], Decimal(0), Decimal(20)),
        (third.pk, [("missing", "missing"), ("excused", "excused")], Decimal(0), Decimal(20)),
    ]
    # Whoever has no points there comes last, whichever way it is sorted.
    assert [pk for pk, *_rest in shown(f"a{first.pk}")] == [world.other.pk, world.student.pk, third.pk]
    assert [pk for pk, *_rest in shown(f"-a{first.pk}")] == [world.student.pk, world.other.pk, third.pk]
    for odd in ("a", "-", "e999", "zz", "a-1", "sum;", "²"):
        assert len(shown(odd)) == 3


def test_the_table_that_goes_out_tells_missing_excused_and_zero_apart(world: World) -> None:  # noqa: F811
    sheet = make_sheet(world, 1)
    give(world, sheet, world.student, "0")
    excuse(enrolment=world.other, assignment=sheet, by=world.staff, now=NOW)
    missing = world.another()
    client = world.cast.client("assistant")
    sent = client.get(f"{ADDRESS}?format=csv")
    rows = list(csv.DictReader(io.StringIO(sent.content.decode("utf-8-sig"))))
    cells = {row["e-mail"]: (row["Blatt 1"], row["sum of points"]) for row in rows}
    assert cells == {
        world.student.user.email: ("0.00", "0"), world.other.user.email: ("excused", "0"), missing.user.email: ("missing", "0"),
    }  # fmt: skip


def test_600_people_and_15_sheets_cost_as_many_queries_as_few(world: World) -> None:  # noqa: F811
    client = world.cast.client("assistant")
    counts = []
    for people, sheets in ((2, 1), (25, 8)):
        make_students(world.course, people, prefix=f"g{people}")
        for number in range(sheets):
            sheet = make_sheet(world, people + number)
            for student in Enrolment.objects.filter(course=world.course, role="student").order_by("pk")[:3]:
                give(world, sheet, student, "5")
        client.get(ADDRESS)
        with CaptureQueriesContext(connection) as queries:
            client.get(ADDRESS)
        counts.append(len(queries))
    assert counts[0] == counts[1]
