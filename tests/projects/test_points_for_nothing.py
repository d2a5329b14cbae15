"""Points for what does not count: said in the rows, when they are saved, before a table is imported, and before they are told."""

from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from django.urls import reverse
from django.utils import timezone

from amls.courses.models import Enrolment
from amls.files.tables.table import Upload
from projects.models import Assignment, TaskPoints
from projects.pointrows import points_rows
from projects.rowstates import row_states
from projects.services.excuses import excuse
from projects.services.handin import accept_late
from projects.services.joining import team_for
from projects.services.pointfile import import_task_points
from tests.projects.conftest import World
from tests.projects.test_assignments import give, sheet

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def handed_in(person: Enrolment, assignment: Assignment, ago: timedelta) -> str:
    """Hand in so long ago, and return the key of the row."""
    now = timezone.now()
    team = team_for(enrolment=person, assignment=assignment, now=now - 2 * DAY)
    give(team, person, now - ago)
    return f"t{team.pk}"


def chips(page: str, who: Enrolment) -> list[str]:
    rows = BeautifulSoup(page, "html.parser").select("table.entry tbody tr")
    row = next(row for row in rows if str(who.user) in row.get_text())
    return [" ".join(chip.get_text().split()) for chip in row.select(".chip")]


def warnings(page: str) -> str:
    main = BeautifulSoup(page, "html.parser")
    return " ".join(" ".join(row.get_text().split()) for row in main.select(".warning"))


def test_each_row_says_what_is_handed_in_where_it_is_not_one_in_time(world: World) -> None:
    due_at = timezone.now() - HOUR
    kept = sheet(world, 1, teaming="invited", due_at=due_at)
    in_time, late, nobody, excused = world.student, world.other, world.another(), world.another()
    handed_in(in_time, kept, DAY)
    handed_in(late, kept, timedelta(minutes=5))
    excuse(enrolment=excused, assignment=kept, reason="Ill", by=world.staff, now=timezone.now())
    desk = world.cast.client("assistant")
    address = reverse("projects:points", args=[world.course.slug, kept.pk])
    page = desk.get(address).content.decode()
    assert [chips(page, person) for person in (in_time, late, nobody, excused)] == [
        [], ["late, not accepted yet"], ["nothing handed in"], ["excused"]
    ]  # fmt: skip
    accept_late(
        submission=late.memberships.get(assignment=kept).project.submissions.get(), by=world.staff, now=timezone.now()
    )
    assert chips(desk.get(address).content.decode(), late) == ["late, accepted"]
    deducted = sheet(world, 2, teaming="invited", due_at=due_at, late_policy="deducted", late_percent=15)
    handed_in(late, deducted, timedelta(minutes=5))
    page = desk.get(reverse("projects:points", args=[world.course.slug, deducted.pk])).content.decode()
    assert [chips(page, person) for person in (late, nobody)] == [["late, 15 % deducted"], ["nothing handed in"]]
    on_paper = sheet(world, 3, teaming="invited", due_at=due_at, hand_in="paper")
    page = desk.get(reverse("projects:points", args=[world.course.slug, on_paper.pk])).content.decode()
    assert (row_states(on_paper, points_rows(on_paper)), chips(page, nobody)) == ({}, [])


def test_points_for_what_does_not_count_are_said_when_saved_and_before_they_are_told(world: World) -> None:
    assignment = sheet(world, 1, teaming="invited", due_at=timezone.now() - HOUR)
    in_time, late = handed_in(world.student, assignment, DAY), handed_in(world.other, assignment, timedelta(minutes=5))
    nobody, zero = world.another(), world.another()
    desk = world.cast.client("assistant")
    address = reverse("projects:points", args=[world.course.slug, assignment.pk])
    typed = {f"{in_time}-sum": "20", f"{late}-sum": "12,25", f"p{nobody.pk}-sum": "3", f"p{zero.pk}-sum": "0"}
    said = warnings(desk.post(address, typed, follow=True).content.decode())
    rows = sorted([f"{world.other.user} (late, not accepted yet)", f"{nobody.user} (nothing handed in)"])
    assert "2 rows have a result though no hand-in of them counts" in said
    assert [row in said for row in rows] == [True, True]
    assert [str(person.user) in said for person in (world.student, zero)] == [False, False]
    assert TaskPoints.objects.count() == 4
    said = warnings(desk.post(address, {"publish": "1"}).content.decode())
    assert "2 rows have a result though no hand-in of them counts" in said
    assert [row in said for row in rows] == [True, True]


def test_the_preview_of_a_table_says_so_too(world: World) -> None:
    assignment = sheet(world, 1, teaming="invited", due_at=timezone.now() - HOUR)
    handed_in(world.student, assignment, DAY)
    handed_in(world.other, assignment, timedelta(minutes=5))

    def notes(points: dict[Enrolment, str]) -> list[str]:
        lines = [f"{person.user.email};{text}" for person, text in points.items()]
        upload = Upload("\n".join(["E-Mail;Punkte", *lines]).encode(), "points.csv")
        plan = import_task_points(
            assignment=assignment, upload=upload, by=world.staff, now=timezone.now(), dry_run=True
        )
        assert len(plan.lines) == len(points)
        return list(plan.notes)

    (note,) = notes({world.student: "12", world.other: "12"})
    assert note == (
        f"1 row has a result though no hand-in of it counts: {world.other.user} (late, not accepted yet). "
        "Accept the hand-in, or take the result back."
    )
    assert notes({world.student: "12", world.other: "0"}) == []
