"""Everyone's standing, for the staff only."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from bs4 import BeautifulSoup
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from amls.courses.models import Enrolment, User
from amls.files.tables.meanings import EMAIL
from amls.files.tables.table import read_table
from amls.grading.models import PersonNote
from amls.grading.services import note_person
from amls.grading.tasks import TaskWish
from amls.portal.gradebook.standings import BookQuery, standings
from amls.privacy.registry import everything_about, forget_people_of
from exams.models import Exam, ExamRules
from exams.services.tasks import enter_task_points, set_exam_tasks
from projects.models import Assignment, Project
from projects.services.assessing import assess, enter_earlier_pass, publish_assessments
from projects.services.deductions import follow_late_rule
from projects.services.excuses import excuse
from projects.services.joining import team_for
from projects.services.points import give_points, team_for_points
from projects.services.teamsheets import Given
from tests.exams.people import make_students
from tests.factories import ExamFactory
from tests.projects.conftest import NOW, World, world  # noqa: F401
from tests.projects.teams import make_teams
from tests.projects.test_assignments import give as hand_in_link
from tests.projects.test_lateness import OVER, deducting
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
    by_person = {standing.enrolment.pk: standing for standing in standings(world.course, now=NOW)}
    people = [team.memberships.get().enrolment_id for team in (published, drafted)] + [world.other.pk, world.student.pk]
    assert [
        (by_person[pk].state.value, by_person[pk].draft, by_person[pk].points, by_person[pk].verdict.value)
        for pk in people
    ] == [
        ("passed", "", Decimal("3.5"), "met"),
        ("submitted", "Passed", Decimal(0), "pending"),
        ("earlier", "", Decimal(2), "met"),
        ("none", "", Decimal(0), "pending"),
    ]
    assert len(by_person) == 4
    assert [
        standing.enrolment.pk for standing in standings(world.course, now=NOW, asked=BookQuery(state="earlier"))
    ] == [world.other.pk]
    assert {
        standing.enrolment.pk for standing in standings(world.course, now=NOW, asked=BookQuery(admission="pending"))
    } == set(people[1::2])


def test_exams_of_one_name_are_told_apart_by_their_day(world: World) -> None:  # noqa: F811
    client = world.cast.client("assistant")
    for month in (7, 8):
        ExamFactory.create(
            course=world.course, title="Klausur", starts_at=datetime(2024, month, 18, 22, 30, tzinfo=UTC)
        )
    ExamFactory.create(course=world.course, title="Nachschreiben", starts_at=datetime(2024, 9, 2, 8, tzinfo=UTC))
    # In Berlin it is past midnight by then.
    first, second, third = "Klausur, Fri 19 Jul 2024", "Klausur, Mon 19 Aug 2024", "Nachschreiben"
    heads = [head["label"] for head in client.get(ADDRESS).context["heads"]]
    assert heads[-3:] == [first, second, third]
    filters = client.get("/admin/exams/registration/").context["cl"].filter_specs
    assert [label for _pk, label in filters[0].lookup_choices] == [first, second, "Nachschreiben, Mon 2 Sep 2024"]


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


def queries_of(client: Client) -> int:
    """Count the queries of the page; now and then a session's last use is written with it."""
    counts = []
    for _request in range(3):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(ADDRESS).status_code == 200
        counts.append(len(queries))
    return min(counts)


def test_it_costs_the_same_with_9_teams_as_with_3(world: World) -> None:  # noqa: F811
    client = world.cast.client("assistant")
    counts = []
    for batch in (3, 6):
        make_teams(world, batch)
        counts.append(queries_of(client))
    assert counts == [17, 17]


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
    later = NOW + timedelta(days=60)

    def shown(sort: str) -> list[tuple[int, list[tuple[object, str]], Decimal, Decimal]]:
        rows = standings(world.course, now=later, asked=BookQuery(sort=sort))
        return [
            (
                row.enrolment.pk,
                [(cell.points, cell.kind) for cell in row.cells],
                row.sum.points,
                row.sum.most,
            )
            for row in rows
        ]

    assert shown("-sum") == [
        (world.student.pk, [(Decimal("7.25"), "graded"), (Decimal("12.5"), "graded")], Decimal("19.75"), Decimal(40)),
        (world.other.pk, [(Decimal(0), "graded"), (Decimal("3.5"), "draft")], Decimal(0), Decimal(20)),
        (third.pk, [(None, "missing"), (None, "excused")], Decimal(0), Decimal(20)),
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
        counts.append(queries_of(client))
    assert counts == [19, 19]


def test_each_column_sorts_and_each_filter_narrows(world: World) -> None:  # noqa: F811
    first, second, third = make_sheet(world, 1), make_sheet(world, 2), world.another()
    give(world, first, world.student, "7.25")
    give(world, second, world.student, "12.5", publish=False)
    give(world, first, world.other, "3")
    excuse(enrolment=third, assignment=first, by=world.staff, now=NOW)
    note_person(enrolment=third, text="Zieht um, Größe unklar", by=world.staff, now=NOW)
    User.objects.filter(pk=world.other.user_id).update(matriculation_number="0004711")
    later = NOW + timedelta(days=60)

    def people(**asked: str) -> list[int]:
        return [row.enrolment.pk for row in standings(world.course, now=later, asked=BookQuery(**asked))]

    student, other, moving = world.student.pk, world.other.pk, third.pk
    assert sorted(people()) == sorted([student, other, moving])
    assert people(work="excused") == [moving]
    assert people(work="draft") == [student]
    assert people(work="missing", column=f"a{first.pk}") == []
    assert set(people(work="missing", column=f"a{second.pk}")) == set()
    assert set(people(work="graded")) == {student, other}
    assert people(search="4711") == [other]
    assert people(sort="note")[0] == moving
    assert people(sort="number")[0] == other
    assert people(sort=f"-a{first.pk}") == [student, other, moving]
    for key in ("name", "number", "project", "extra", "admission", "sum", "note", f"a{first.pk}"):
        assert sorted(people(sort=key)) == sorted(people(sort=f"-{key}")) == sorted([student, other, moving]), key


def test_the_page_says_in_words_what_is_missing_excused_and_a_draft_and_adds_up(world: World) -> None:  # noqa: F811
    sheet, exercise = make_sheet(world, 1), make_sheet(world, 2, counts=False)
    world.other.user.display_name = "<b>Łukasz</b> Żółć"
    world.other.user.save()
    give(world, sheet, world.student, "7.25")
    give(world, sheet, world.other, "12.5")
    give(world, exercise, world.student, "3", publish=False)
    excuse(enrolment=world.other, assignment=exercise, by=world.staff, now=NOW)
    page = BeautifulSoup(world.cast.client("assistant").get(ADDRESS).content, "html.parser")
    rows = {
        row.th.a.text: [cell.get_text(" ", strip=True) for cell in row.find_all("td")]
        for row in page.select("tbody tr")
    }
    assert rows[str(world.student.user)][-3:] == ["7.25", "3 draft", "7.25 / 20"]
    assert rows["<b>Łukasz</b> Żółć"][-3:] == ["12.5", "excused", "12.5 / 20"]
    total, mean = (
        [cell.get_text(" ", strip=True) for cell in row.find_all("td")][-3:] for row in page.select("tfoot tr")
    )
    assert total == ["19.75", "", "19.75 / 40"]
    assert mean == ["9.88 (2)", "", ""]
    heads = [head.get_text(" ", strip=True) for head in page.select("thead th")]
    assert heads[-3:] == ["Blatt 1 of 20", "Blatt 2 of 20", "Sum of assignments"]


def test_a_note_is_the_staffs_alone_and_goes_with_the_person(world: World) -> None:  # noqa: F811
    address = f"{ADDRESS}{world.student.pk}/"
    staff = world.cast.client("assistant")
    for text in ("Kommt aus Aalto, 山田太郎 kennt ihn", "  "):
        assert staff.post(address, {"note": text}).status_code == 302
        shown = staff.get(ADDRESS).content.decode()
        assert ("山田太郎" in shown) is bool(text.strip())
    assert staff.post(address, {"note": "x" * 2001}).status_code == 422
    staff.post(address, {"note": "Krank am 8. Juli"})
    assert PersonNote.objects.get().written_by == world.staff
    for part in ("stranger", "student", "foreign lecturer"):
        client = world.cast.client(part)
        assert (client.get(address).status_code, client.post(address, {"note": "x"}).status_code) == (404, 404)
    told = json.dumps(list(everything_about(world.student.user)), default=str)
    assert "Krank am" not in told
    forget_people_of([world.course.pk])
    assert not PersonNote.objects.exists()


def exam_of(world: World, *tasks: tuple[str, str], people: list[Enrolment]) -> Exam:  # noqa: F811
    exam = ExamFactory.create(course=world.course, title="Klausur")
    wishes = [TaskWish(title, Decimal(most)) for title, most in tasks]
    set_exam_tasks(exam_pk=exam.pk, tasks=wishes, by=None, now=NOW)
    for person in people:
        exam.registrations.create(
            course=world.course, enrolment=person, state="attended", created_at=NOW, changed_at=NOW, arrived_at=NOW
        )
    return exam


def test_tasks_of_an_exam_stand_beside_its_sum_and_fold_where_there_is_no_room(world: World) -> None:  # noqa: F811
    exam = exam_of(world, ("Joins", "30"), ("Größe <b>", "10.5"), people=[world.student, world.other])
    joins, size = exam.tasks.all()
    first, second = exam.registrations.order_by("pk")
    points = {first.pk: {joins.pk: Decimal(20), size.pk: Decimal("2.5")}, second.pk: {joins.pk: Decimal(24)}}
    enter_task_points(exam_pk=exam.pk, points=points, by=None, now=NOW)
    client = world.cast.client("assistant")

    def heads(query: str = "") -> list[str]:
        page = BeautifulSoup(client.get(f"{ADDRESS}{query}").content, "html.parser")
        return [head.get_text(" ", strip=True) for head in page.select("thead th")]

    assert heads()[-3:] == [
        "Klausur of 40.5 fold tasks", "Klausur: Joins of 30", "Klausur: Größe <b> of 10.5"
    ]  # fmt: skip
    shown = BeautifulSoup(client.get(f"{ADDRESS}?sort=-x{joins.pk}").content, "html.parser")
    rows = [[cell.get_text(" ", strip=True) for cell in row.find_all(["th", "td"])] for row in shown.select("tbody tr")]
    assert [row[-3:] for row in rows] == [["–", "24 draft", "–"], ["22.5 draft", "20 draft", "2.5 draft"]]
    assert rows[0][0].startswith(str(world.other.user))
    assert heads("?tasks=0")[-1] == "Klausur of 40.5 2 tasks"
    for number in range(1, 12):
        make_sheet(world, number)
    assert heads()[-2:] == ["Klausur of 40.5 2 tasks", "Sum of assignments"]
    assert heads("?tasks=1")[-2:] == ["Klausur: Größe <b> of 10.5", "Sum of assignments"]
    assert heads(f"?column=e{exam.pk}")[-3:-1] == ["Klausur: Joins of 30", "Klausur: Größe <b> of 10.5"]
    person = client.get(f"{ADDRESS}{world.student.pk}/").content.decode()
    assert "Größe &lt;b&gt;" in person


def test_exams_with_tasks_cost_as_many_queries_with_30_people_as_with_3(world: World) -> None:  # noqa: F811
    client, counts = world.cast.client("assistant"), []
    for batch, tasks in ((3, 1), (27, 4)):
        people = make_students(world.course, batch, prefix=f"e{batch}")
        exam = exam_of(world, *((f"Aufgabe {number}", "10") for number in range(tasks)), people=people)
        first = exam.tasks.first()
        assert first is not None
        points = {row.pk: {first.pk: Decimal(3)} for row in exam.registrations.all()}
        enter_task_points(exam_pk=exam.pk, points=points, by=None, now=NOW)
        counts.append(queries_of(client))
    assert counts == [17, 17]


def late_pair(world: World) -> Assignment:  # noqa: F811
    """Let two people hand in late, each in a team of one, and give 20 and 10 points, of which a tenth is deducted."""
    assignment = deducting(world, teaming="alone", team_max=1, counts=True)
    for person, points in ((world.student, "20"), (world.other, "10")):
        team = team_for(enrolment=person, assignment=assignment, now=NOW)
        hand_in_link(team, person, OVER)
        give_points(project=team, given={None: Given(Decimal(points))}, by=world.staff, now=OVER)
        publish_assessments(projects=[team], now=OVER)
    return assignment


def test_a_deduction_is_said_where_the_points_stand(world: World) -> None:  # noqa: F811
    assignment, in_time = late_pair(world), make_sheet(world, 2)
    give(world, in_time, world.student, "7.25")
    client = world.cast.client("assistant")
    page = BeautifulSoup(client.get(ADDRESS).content, "html.parser")
    rows = {
        row.th.a.text: [cell.get_text(" ", strip=True) for cell in row.find_all("td")]
        for row in page.select("tbody tr")
    }
    assert rows[str(world.student.user)][-3:] == ["18 (20 − 2, late)", "7.25", "25.25 / 40"]
    assert rows[str(world.other.user)][-3:-1] == ["9 (10 − 1, late)", "missing"]
    legend = "18 (20 − 2, late): 20 points were earned, 2 of them are deducted for being late."
    assert legend in page.select_one("caption").get_text(" ", strip=True)
    person = client.get(f"{ADDRESS}{world.student.pk}/").content.decode()
    assert "18 (20 − 2, late)" in person
    table = list(csv.DictReader(io.StringIO(client.get(f"{ADDRESS}?format=csv").content.decode("utf-8-sig"))))
    said = {row["e-mail"]: (row["Sheet 1"], row["deducted for being late"]) for row in table}
    assert said == {
        world.student.user.email: ("18.00", "Sheet 1: 18 (20 − 2, late)"),
        world.other.user.email: ("9.00", "Sheet 1: 9 (10 − 1, late)"),
    }
    Assignment.objects.filter(pk=assignment.pk).update(late_policy="accepted", late_percent=0)
    follow_late_rule(Assignment.objects.get(pk=assignment.pk), now=OVER)
    assert "(20" not in client.get(ADDRESS).content.decode()
    assert b"deducted" not in client.get(f"{ADDRESS}?format=csv").content


def test_what_stands_in_a_row_of_the_table_and_not_in_its_sum_is_named(world: World) -> None:  # noqa: F811
    first, second, bonus = (make_sheet(world, number) for number in (1, 2, 3))
    Assignment.objects.filter(pk=bonus.pk).update(counts=False)
    give(world, first, world.student, "17.25")
    give(world, second, world.student, "16.5", publish=False)
    give(world, bonus, world.student, "3")
    client = world.cast.client("assistant")
    table = list(csv.DictReader(io.StringIO(client.get(f"{ADDRESS}?format=csv").content.decode("utf-8-sig"))))
    rows = {row["e-mail"]: row for row in table}
    row = rows[world.student.user.email]
    assert [row[name] for name in ("Blatt 1", "Blatt 2", "Blatt 3", "sum of points")] == [
        "17.25",
        "16.50",
        "3.00",
        "17.25",
    ]
    assert (row["not published yet"], row["not in the sum"]) == ("Blatt 2: 16.5", "Blatt 2: 16.5; Blatt 3: 3")
    other = rows[world.other.user.email]
    assert (other["not published yet"], other["not in the sum"]) == ("", "")
    # Where everything counts there is no such column.
    Assignment.objects.filter(pk=bonus.pk).update(counts=True)
    publish_assessments(projects=list(Project.objects.filter(assignment=second)), now=NOW)
    assert b"not in the sum" not in client.get(f"{ADDRESS}?format=csv").content
