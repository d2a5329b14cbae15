"""How late hand-ins are taken: kept until the staff accept them, refused, or with a deduction for each begun day."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from bs4 import BeautifulSoup
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from amls.core.clock import deadline_closes_at
from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment
from amls.files.models import TableImport
from amls.files.tables.imports import undo_import
from amls.mail.letters import letter_kinds
from amls.mail.models import Notice
from projects.addresses import address_of
from projects.deadlines import is_counting, standing_of
from projects.lateness import lateness_of, said_of_lateness
from projects.models import Assessment, Assignment, Project, Submission
from projects.receipts import receipt_code
from projects.services.assessing import publish_assessments
from projects.services.assignments import keep_assignment
from projects.services.extensions import extend, revoke_extension
from projects.services.handin import accept_late, pick_submission, withdraw_submission
from projects.services.joining import team_for
from projects.services.points import give_points
from projects.services.teamsheets import Given
from projects.works import works_of
from tests.markup import shows
from tests.projects.conftest import NOW, World
from tests.projects.test_assignments import give, pair, sheet

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]
D = Decimal
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
DUE = NOW + timedelta(days=3)
OVER = deadline_closes_at(DUE)


def deducting(world: World, **values: object) -> Assignment:
    told = {"due_at": DUE, "late_policy": "deducted", "late_percent": 10, "late_cutoff_hours": 72, "max_points": 20}
    return sheet(world, 1, **(told | values))


def points_of(person: Enrolment, assignment: Assignment, at: datetime) -> Decimal | None:
    return works_of([assignment], [person], now=at)[person.pk][assignment.pk].points


def assessed(world: World, project: Project, points: str, at: datetime, reason: str = "") -> Assessment:
    return give_points(project=project, given={None: Given(D(points))}, by=world.staff, now=at, reason=reason)


def test_refused_is_all_that_begins_after_the_deadline_and_its_grace(world: World) -> None:
    strict = sheet(world, 1, due_at=DUE, late_policy="refused")
    lenient = sheet(world, 2, due_at=DUE, late_policy="refused", grace_minutes=5)
    team = team_for(enrolment=world.student, assignment=strict, now=NOW)
    assert is_counting(give(team, world.student, OVER - timedelta(seconds=1)))
    with pytest.raises(RuleViolation, match=r"The deadline was .*\. Your upload began") as refusal:
        give(team, world.student, OVER)
    assert refusal.value.code == "deadline-over"
    kept = give(
        team_for(enrolment=world.student, assignment=lenient, now=NOW),
        world.student,
        OVER + 5 * MINUTE - timedelta(seconds=1),
    )
    stands = standing_of(kept)
    assert (stands.is_counting, stands.is_in_time, stands.percent) == (True, True, 0)
    with pytest.raises(RuleViolation, match="with the time of grace hand-ins were taken until"):
        give(kept.project, world.student, OVER + 5 * MINUTE)


def test_so_much_is_deducted_for_each_begun_day_until_a_last_moment(world: World) -> None:
    team = team_for(enrolment=world.student, assignment=deducting(world), now=NOW)
    moments = [
        OVER - timedelta(seconds=1),
        OVER,
        OVER + DAY - timedelta(seconds=1),
        OVER + DAY,
        OVER + 3 * DAY - timedelta(seconds=1),
    ]
    rows = [give(team, world.student, moment) for moment in moments]
    stands = [standing_of(row) for row in rows]
    assert [row.percent for row in stands] == [0, 10, 10, 20, 30]
    assert [row.is_counting for row in stands] == [True] * 5
    with pytest.raises(RuleViolation, match="late hand-ins were taken until"):
        give(team, world.student, OVER + 3 * DAY)


def test_earned_deducted_and_counted_are_said_to_team_and_staff(world: World) -> None:
    assignment = deducting(world)
    team = pair(world, assignment)
    give(team, world.student, OVER + DAY)
    assessed(world, team, "11.25", OVER + 4 * DAY)
    row = Assessment.objects.get()
    # 9 of 20 don't pass; 11.25 would.
    assert (row.late_percent, row.outcome, points_of(world.student, assignment, OVER + 4 * DAY)) == (20, "failed", D(9))
    publish_assessments(projects=[team], now=OVER + 4 * DAY)
    for address in (address_of(assignment), address_of(assignment, "my_points")):
        page = world.cast.client("student").get(address).content.decode()
        assert shows(page, "earned 11.25, deducted 2.25: 20 % for being late")
        assert shows(page, "9 of 20 points")
    table = world.cast.client("assistant").get(reverse("projects:points", args=[world.course.slug, assignment.pk]))
    assert "11.25 − 2.25 = 9" in table.content.decode()
    told = world.cast.client("assistant").get(
        reverse("projects:points", args=[world.course.slug, assignment.pk]), {"format": "csv"}
    )
    assert b"deducted for being late" in b"".join(told)
    # What is rounded, is rounded for the team.
    assessed(world, team, "7.75", OVER + 5 * DAY, "recounted")
    assert points_of(world.other, assignment, OVER + 5 * DAY) == D("6.25")


def test_staff_waive_it_for_one_team(world: World) -> None:
    assignment = deducting(world)
    team = team_for(enrolment=world.student, assignment=assignment, now=NOW)
    theirs = team_for(enrolment=world.other, assignment=assignment, now=NOW)
    rows = [give(team, world.student, OVER), give(theirs, world.other, OVER)]
    for project in (team, theirs):
        assessed(world, project, "10", OVER + DAY)
    publish_assessments(projects=[team, theirs], now=OVER + DAY)
    accept_late(submission=rows[0], by=world.staff, now=OVER + 2 * DAY)
    at = OVER + 2 * DAY
    assert (points_of(world.student, assignment, at), points_of(world.other, assignment, at)) == (D(10), D(9))
    assert Assessment.objects.get(project=team).outcome == "passed"
    assert Assessment.objects.get(project=theirs).outcome == "failed"
    told = Notice.objects.filter(kind="projects.result-changed").values_list("recipient", flat=True)
    assert list(told) == [world.student.user.pk]
    letter = letter_kinds["projects.late-accepted"].writer(Notice.objects.get(kind="projects.late-accepted"), at)
    assert letter is not None
    assert "Nothing is deducted for that." in letter.text


def test_an_extension_moves_what_is_late_and_takes_it_back(world: World) -> None:
    assignment = deducting(world)
    team = team_for(enrolment=world.student, assignment=assignment, now=NOW)
    give(team, world.student, OVER)
    assessed(world, team, "10", OVER + DAY)
    given = extend(
        assignment=assignment, by=world.staff, reason="x", enrolment=world.student, delta=2 * DAY, now=OVER + DAY
    )
    assert points_of(world.student, assignment, OVER + DAY) == D(10)
    revoke_extension(extension=given[0], now=OVER + DAY)
    assert points_of(world.student, assignment, OVER + DAY) == D(9)
    extend(by=world.staff, reason="x", projects=[team], delta=DAY, now=OVER + DAY)
    assert points_of(world.student, assignment, OVER + DAY) == D(10)


def test_what_comes_after_the_decision_deducts_nothing_until_points_are_given_for_it(world: World) -> None:
    assignment = deducting(world)
    team = team_for(enrolment=world.student, assignment=assignment, now=NOW)
    first = give(team, world.student, DUE)
    assessed(world, team, "10", OVER)
    publish_assessments(projects=[team], now=OVER)
    late = give(team, world.student, OVER + MINUTE)
    keep_assignment(Assignment.objects.get(pk=assignment.pk), now=OVER + MINUTE)
    assert points_of(world.student, assignment, OVER + MINUTE) == D(10)
    # The team may go back to what was in time as long as a new one counts by itself.
    pick_submission(project=team, submission=first, now=OVER + MINUTE)
    pick_submission(project=team, submission=None, now=OVER + MINUTE)
    with pytest.raises(RuleViolation, match="can no longer be changed"):
        pick_submission(project=team, submission=first, now=OVER + 3 * DAY)
    # A correction is one of what was decided on, whatever came meanwhile; also afterwards, when the rule is worked out anew.
    assessed(world, team, "9.5", OVER + 3 * DAY, "miscounted")
    keep_assignment(Assignment.objects.get(pk=assignment.pk), now=OVER + 3 * DAY)
    assert points_of(world.student, assignment, OVER + 3 * DAY) == D("9.5")
    give_points(
        project=team, given={None: Given(D(10))}, by=world.staff, now=OVER + 3 * DAY, reason="new", is_for_newest=True
    )
    assert points_of(world.student, assignment, OVER + 3 * DAY) == D(9)
    withdraw_submission(submission=late, now=OVER + 3 * DAY)
    assert points_of(world.student, assignment, OVER + 3 * DAY) == D(10)


def test_points_for_a_late_attempt_after_the_result_are_asked_for_and_taken_back_with_its_deduction(
    world: World,
) -> None:
    now = timezone.now()
    assignment = deducting(world, due_at=now - timedelta(hours=2))
    team = team_for(enrolment=world.student, assignment=assignment, now=now)
    assessed(world, team, "20", now - timedelta(hours=3))
    publish_assessments(projects=[team], now=now - timedelta(hours=3))
    give(team, world.student, now - timedelta(hours=1))
    client = world.cast.client("assistant")
    path = reverse("projects:points", args=[assignment.course.slug, assignment.pk])
    key = f"t{team.pk}"

    def points() -> tuple[Decimal | None, int]:
        return points_of(world.student, assignment, now), Assessment.objects.get(project=team).late_percent

    def row() -> dict[str, str]:
        page = BeautifulSoup(client.get(path).content, "html.parser")
        names = (f"{key}-sum", f"{key}-seen", f"{key}-shown")
        return {name: str(page.select_one(f"[name='{name}']")["value"]) for name in names}  # type: ignore[index]

    shown = BeautifulSoup(client.get(path).content, "html.parser")
    assert [box["name"] for box in shown.select("input[type=checkbox]")] == [f"{key}-newest"]
    assert shows(str(shown), "These points are for the new attempt: 10 % are deducted for being late.")
    client.post(path, {**row(), f"{key}-sum": "19.5", "reason": "miscounted"})
    assert points() == (D("19.5"), 0)
    client.post(path, {**row(), f"{key}-newest": "1", "reason": "the new one is as good"})
    assert points() == (D("17.75"), 10)
    assert f"{key}-newest" not in client.get(path).content.decode()
    made = TableImport.objects.order_by("-pk")[0]
    undo_import(table_import=made, by=world.staff, now=timezone.now())
    assert points() == (D("19.5"), 0)
    keep_assignment(Assignment.objects.get(pk=assignment.pk), now=timezone.now())
    assert points() == (D("19.5"), 0)
    desk = reverse("admin:projects_project_assess", args=[team.pk])
    page = BeautifulSoup(client.get(desk).content, "html.parser")
    assert [box["name"] for box in page.select("#assess input[type=checkbox][name=newest]")] == ["newest"]
    sent = {"task_sum": "19.5", "comment_sum": "", "feedback": "", "correction": "of the new one", "save": "1"}
    sent["seen"] = str(page.select_one("[name=seen]")["value"])  # type: ignore[index]
    client.post(desk, {**sent, "newest": "1"})
    assert points() == (D("17.75"), 10)
    undo_import(table_import=TableImport.objects.order_by("-pk")[0], by=world.staff, now=timezone.now())
    assert points() == (D("19.5"), 0)


def test_a_change_of_the_rule_is_shown_with_whom_it_concerns_before_it_is_saved(world: World) -> None:
    assignment = deducting(world, late_percent=10)
    team = team_for(enrolment=world.student, assignment=assignment, now=NOW)
    give(team, world.student, OVER)
    assessed(world, team, "10", OVER + DAY)
    publish_assessments(projects=[team], now=OVER + DAY)
    client, path = world.cast.client("assistant"), f"/admin/projects/assignment/{assignment.pk}/change/"

    def ask(**values: str) -> str:
        page = BeautifulSoup(client.get(path).content, "html.parser")
        sent = {
            row["name"]: row.get("value", "")
            for row in page.select("#assignment_form input[name]")
            if row.get("type") not in ("checkbox", "submit", "file")
        }
        sent |= {row["name"]: "on" for row in page.select("#assignment_form input[type=checkbox][checked]")}
        sent |= {
            row["name"]: chosen["value"]
            for row in page.select("#assignment_form select[name]")
            if (chosen := row.select_one("option[selected]"))
        }
        sent |= {row["name"]: row.text for row in page.select("#assignment_form textarea[name]")}
        answer = client.post(path, {**sent, **values})
        return answer.content.decode()

    more = ask(late_percent="25")
    named = f"Worse for 1 team: more is deducted for being late than before. {world.student.user} (9 → 7.5 points)."
    assert shows(more, named)
    # What didn't count before and counts now, with a deduction, is better off, and not worse as well.
    late = lateness_of(assignment)[team.pk]
    kept_before = {team.pk: replace(late, attempt=None, percent=0, points=None)}
    (said,) = said_of_lateness(kept_before, {team.pk: late})
    assert said.startswith("Better for 1 team:")
    assert shows(more, "1 of these knows its points already, and gets a mail.")
    kept = ask(late_policy="accepted", late_percent="0")
    assert shows(kept, "Worse for 1 team: what it handed in counts no longer unless you accept it.")
    assert Assignment.objects.get(pk=assignment.pk).late_percent == 10
    assert Assessment.objects.get().late_percent == 10


def test_students_read_before_they_hand_in_what_late_means_and_on_the_receipt(world: World) -> None:
    now = timezone.now()
    assignment = deducting(world, due_at=now + timedelta(hours=2))
    client = world.cast.client("student")
    rule = "For each begun day (24 hours) after the deadline 10 % of the points are deducted."
    for name in ("mine", "submit"):
        assert shows(client.get(address_of(assignment, name)).content.decode(), rule), name
    Assignment.objects.filter(pk=assignment.pk).update(due_at=now - timedelta(hours=2))
    page = client.get(address_of(assignment, "submit")).content.decode()
    assert shows(page, "It counts, and 10 % of its points are deducted.")
    row = give(team_for(enrolment=world.student, assignment=assignment, now=now), world.student, now)
    receipt = client.get(f"/receipts/{receipt_code(row.pk)}/")
    said = (
        receipt if receipt.status_code == 200 else client.get(reverse("projects:receipt", args=[receipt_code(row.pk)]))
    ).content.decode()
    assert shows(said, "Received late. It counts, and 10 % of its points are deducted.")
    letter = letter_kinds["projects.receipt"].writer(Notice.objects.get(kind="projects.receipt"), now)
    assert letter is not None
    assert "It counts, and **10 %** of its points are deducted." in letter.text
    refusing = sheet(world, 2, due_at=now - timedelta(hours=2), late_policy="refused", grace_minutes=30)
    closed = client.get(address_of(refusing, "submit")).content.decode()
    assert shows(closed, "With the time of grace hand-ins were taken until")
    assert "data-handin" not in closed


def test_a_receipt_goes_on_saying_what_it_said_and_beside_it_what_is_true_now(world: World) -> None:
    now = timezone.now()
    assignment = deducting(world, due_at=now - timedelta(hours=2))
    row = give(team_for(enrolment=world.student, assignment=assignment, now=now), world.student, now)
    notice = Notice.objects.get(kind="projects.receipt")
    client, path = world.cast.client("student"), reverse("projects:receipt", args=[receipt_code(row.pk)])
    code = f"/receipts/{receipt_code(row.pk)}/"
    path = code if client.get(code).status_code == 200 else path

    def read() -> tuple[str, str, str]:
        page = BeautifulSoup(client.get(path).content, "html.parser")
        letter = letter_kinds["projects.receipt"].writer(notice, now)
        assert letter is not None
        beside = page.select_one("#by-now")
        said = page.select_one(".moment p")
        assert said is not None
        by_now = " ".join(beside.text.split()) if beside is not None else ""
        return " ".join(said.text.split()), by_now, letter.text

    first = "Received late. It counts, and 10 % of its points are deducted."
    said, beside, mail = read()
    assert (said, beside) == (first, "")
    changed = Assignment.objects.get(pk=assignment.pk)
    changed.late_percent = 25
    keep_assignment(changed, now=now)
    assert (read()[0], read()[2]) == (said, mail)
    assert read()[1].startswith("That was said when it was given. What is true now:")
    assert read()[1].endswith(": It counts, and 25 % of its points are deducted.")
    accept_late(submission=row, by=world.staff, now=now)
    assert (read()[0], read()[2]) == (said, mail)
    assert read()[1].endswith(": Late, and accepted by the staff.")
    withdraw_submission(submission=row, now=now)
    assert (read()[0], read()[2]) == (said, mail)
    assert read()[1].endswith(": This attempt was withdrawn.")
    # A receipt of which nothing was kept when it was given says what is true now, as it did.
    Submission.objects.filter(pk=row.pk).update(receipt_said=None)
    assert read()[:2] == ("This attempt was withdrawn.", "")


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"late_policy": "x"}, "assignment_late_policy_valid"),
        ({"grace_minutes": 5}, "assignment_grace_of_refused"),
        ({"late_policy": "refused", "grace_minutes": 1441}, "assignment_grace_of_refused"),
        ({"late_percent": 10}, "assignment_deduction_valid"),
        ({"late_policy": "deducted"}, "assignment_deduction_valid"),
        ({"late_policy": "deducted", "late_percent": 101}, "assignment_deduction_valid"),
        ({"late_policy": "deducted", "late_percent": 10, "grading": "passed"}, "assignment_deduction_valid"),
        ({"late_policy": "deducted", "late_percent": 10, "late_cutoff_hours": 0}, "assignment_deducted_is_taken"),
    ],
)
def test_the_database_knows_how_the_rule_holds_together(world: World, values: dict[str, object], name: str) -> None:
    row = sheet(world, 1)
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Assignment.objects.filter(pk=row.pk).update(**values)


def test_at_most_everything_is_deducted(world: World) -> None:
    team = team_for(enrolment=world.student, assignment=deducting(world, late_percent=60), now=NOW)
    row = give(team, world.student, OVER + 2 * DAY)
    assert standing_of(row).percent == 100
    assessed(world, team, "10", OVER + 3 * DAY)
    with pytest.raises(IntegrityError, match="assessment_late_percent_valid"), transaction.atomic():
        Assessment.objects.update(late_percent=101)
    assert Submission.objects.count() == 1
