"""Corrections come back in the gradebook's table as spreadsheets leave it: shown by name, done, taken back."""

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment, User
from amls.files.models import TableImport
from amls.files.tables.imports import undo_import
from amls.files.tables.table import Upload
from amls.grading.tasks import TaskWish
from amls.mail.letters import letter_kinds
from amls.mail.models import Notice
from amls.portal.gradebook.corrections import CorrectionPlan, import_corrections
from exams.grading import usual_table
from exams.models import Exam, Registration, Result
from exams.services.gradetable import set_grade_table
from exams.services.points import enter_points
from exams.services.results import publish_results
from exams.services.tasks import enter_task_points, set_exam_tasks
from projects.models import Assessment, Assignment, Excuse, Project, TaskPoints
from projects.queries import assignments_of
from projects.services.assessing import publish_assessments
from projects.services.excuses import excuse
from projects.services.points import give_points, team_for_points
from projects.services.teamsheets import Given
from projects.works import works_of
from tests.exams.people import make_students
from tests.factories import ExamFactory
from tests.portal.test_gradebook import ADDRESS, give, late_pair
from tests.projects.conftest import NOW, World, world  # noqa: F401
from tests.projects.test_lateness import OVER
from tests.projects.test_points import joined, make_sheet, with_tasks

pytestmark = pytest.mark.django_db
D = Decimal
Rows = list[dict[str, Any]]


def went_out(client: Client, query: str = "") -> tuple[list[str], Rows]:
    """Download the table as XLSX, and read it as a spreadsheet program shows it."""
    content = client.get(f"{ADDRESS}?format=xlsx{query}").content
    heads, *lines = openpyxl.load_workbook(io.BytesIO(content)).active.iter_rows(values_only=True)
    return list(heads), [dict(zip(heads, line, strict=True)) for line in lines]


def as_xlsx(heads: list[str], rows: Rows) -> bytes:
    book, buffer = openpyxl.Workbook(), io.BytesIO()
    book.active.append(heads)
    for row in rows:
        book.active.append([row.get(head) for head in heads])
    book.save(buffer)
    return buffer.getvalue()


def as_german_csv(heads: list[str], rows: Rows) -> bytes:
    """Write as Excel in German does: semicolons, decimal commas, the old encoding."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";", lineterminator="\r\n")
    writer.writerow(heads)
    for row in rows:
        values = [row.get(head) for head in heads]
        writer.writerow(
            [str(value).replace(".", ",") if isinstance(value, float) else ("" if value is None else value) for value in values]
        )  # fmt: skip
    return buffer.getvalue().encode("cp1252", errors="replace")


def bring(world: World, content: bytes, *, reason: str = "", dry_run: bool = False) -> CorrectionPlan:  # noqa: F811
    return import_corrections(
        course=world.course,
        upload=Upload(content, "Punkte.xlsx"),
        by=world.staff,
        reason=reason,
        now=NOW,
        dry_run=dry_run,
    )


def points_of(world: World, sheet: Assignment, person: Enrolment, now: datetime = NOW) -> Decimal | None:  # noqa: F811
    return works_of(assignments_of(world.course), [person], now=now)[person.pk][sheet.pk].points


def of(rows: Rows, person: Enrolment) -> dict[str, Any]:
    return next(row for row in rows if row["e-mail"] == person.user.email)


@pytest.fixture
def sheet(world: World) -> Assignment:  # noqa: F811
    made = make_sheet(world, 1)
    give(world, made, world.student, "7.25")
    give(world, made, world.other, "3.5", publish=False)
    return made


@pytest.mark.parametrize("write", [as_xlsx, as_german_csv])
def test_what_comes_back_as_it_went_out_changes_nothing(
    world: World,  # noqa: F811
    sheet: Assignment,
    write: Callable[[list[str], Rows], bytes],
) -> None:
    third = world.another()
    excuse(enrolment=third, assignment=sheet, by=world.staff, now=NOW)
    # That encoding has none of these letters.
    User.objects.filter(pk=third.user_id).update(display_name="Łķżş Żşćż")
    User.objects.filter(pk=world.other.user_id).update(display_name="Łukasz Żółć")
    plan = bring(world, write(*went_out(world.cast.client("assistant"))))
    assert (plan.lines, plan.problems, plan.unchanged, plan.can_be_done) == ([], [], 3, False)


@pytest.mark.parametrize("write", [as_xlsx, as_german_csv])
def test_changed_cells_are_shown_by_name_then_corrected_with_a_reason_and_taken_back(
    world: World,  # noqa: F811
    sheet: Assignment,
    write: Callable[[list[str], Rows], bytes],
) -> None:
    third = world.another()
    heads, rows = went_out(world.cast.client("assistant"))
    of(rows, world.student)["Blatt 1"] = 8.5
    of(rows, world.other)["Blatt 1"] = "entschuldigt"
    of(rows, third)["Blatt 1"] = 12.25
    content = write(heads, rows)
    shown = bring(world, content, dry_run=True)
    assert {line.subject: list(line.changes) for line in shown.lines} == {
        str(world.student.user): [("Blatt 1", "7.25", "8.5")],
        str(world.other.user): [("Blatt 1", "3.5", "excused")],
        str(third.user): [("Blatt 1", "–", "12.25")],
    }
    assert shown.needs_reason
    assert points_of(world, sheet, world.student) == D("7.25")
    with pytest.raises(RuleViolation) as refused:
        bring(world, content)
    assert refused.value.code == "no-reason"
    done = bring(world, content, reason="Übersehene Rückseite")
    assert done.seal == shown.seal
    assert [points_of(world, sheet, person) for person in (world.student, third)] == [D("8.5"), D("12.25")]
    assert Excuse.objects.get().enrolment == world.other
    told = Notice.objects.filter(kind="projects.result-changed")
    assert [notice.recipient for notice in told] == [world.student.user]
    undoing = undo_import(table_import=TableImport.objects.get(), by=world.staff, now=NOW)
    assert (undoing.done, undoing.problems) == (3, [])
    people = (world.student, world.other, third)
    assert [points_of(world, sheet, person) for person in people] == [D("7.25"), D("3.5"), None]
    assert not Excuse.objects.exists()


def test_a_team_that_the_table_made_goes_when_it_is_taken_back(world: World, sheet: Assignment) -> None:  # noqa: F811
    alone, standing = world.another(), world.another()
    theirs = team_for_points(enrolment=standing, assignment=sheet, now=NOW - timedelta(hours=1))
    teams = set(Project.objects.filter(assignment=sheet))
    heads, rows = went_out(world.cast.client("assistant"))
    for person in (alone, standing):
        of(rows, person)["Blatt 1"] = 12.25
    bring(world, as_xlsx(heads, rows))
    assert len(set(Project.objects.filter(assignment=sheet)) - teams) == 1
    undoing = undo_import(table_import=TableImport.objects.get(), by=world.staff, now=NOW)
    assert (undoing.done, undoing.problems) == (2, [])
    assert set(Project.objects.filter(assignment=sheet)) == teams
    assert not theirs.assessment.task_points.exists()


def test_who_changed_it_meanwhile_contradicts_and_only_that_row_stays(world: World, sheet: Assignment) -> None:  # noqa: F811
    heads, rows = went_out(world.cast.client("assistant"))
    of(rows, world.student)["Blatt 1"] = 9
    of(rows, world.other)["Blatt 1"] = 4
    team = team_for_points(enrolment=world.student, assignment=sheet, now=NOW)
    give_points(project=team, given={None: Given(D(8))}, by=world.staff, now=NOW, reason="Nachgezählt")
    plan = bring(world, as_xlsx(heads, rows), reason="Liste")
    (problem,) = plan.problems
    assert "it was 7.25 in the table that went out and is 8 by now, and the file says 9" in problem.text
    assert [line.subject for line in plan.lines] == [str(world.other.user)]
    assert (points_of(world, sheet, world.student), points_of(world, sheet, world.other)) == (D(8), D(4))


def test_what_others_changed_meanwhile_is_not_undone_by_an_untouched_cell(world: World, sheet: Assignment) -> None:  # noqa: F811
    heads, rows = went_out(world.cast.client("assistant"))
    of(rows, world.other)["Blatt 1"] = 4
    team = team_for_points(enrolment=world.student, assignment=sheet, now=NOW)
    give_points(project=team, given={None: Given(D(8))}, by=world.staff, now=NOW, reason="Nachgezählt")
    assert bring(world, as_xlsx(heads, rows)).problems == []
    assert points_of(world, sheet, world.student) == D(8)


def test_a_bad_row_blocks_itself_alone(world: World, sheet: Assignment) -> None:  # noqa: F811
    people = make_students(world.course, 9, prefix="odd")
    heads, rows = went_out(world.cast.client("assistant"))
    odd = ["4,12E+05", '="7,5x"', "2024-05-03", "3. Mai", 57.699999999999996, -1, 20.25, 3.1, "zwölf"]
    for person, value in zip(people, odd, strict=True):
        of(rows, person)["Blatt 1"] = value
    of(rows, world.other)["Blatt 1"] = '="00004"'
    twice = {**of(rows, world.student), "Blatt 1": 1}
    stranger = {
        **of(rows, world.student),
        "name": "山田太郎",
        "e-mail": "taro@example.jp",
        "matriculation number": None,
    }
    unknown = {"name": "Łukasz Żółć", "e-mail": "lukasz@example.org", "Blatt 1": 5}
    plan = bring(world, as_xlsx(heads, [*rows, twice, stranger, unknown]))
    assert [(line.subject, list(line.changes)) for line in plan.lines] == [
        (str(world.other.user), [("Blatt 1", "3.5", "4")])
    ]
    assert len(plan.problems) == len(odd) + 3
    said = " ".join(problem.text for problem in plan.problems)
    for words in (
        "is a date",
        "stands in the file twice",
        "Nobody in this course has 'taro@example.jp'",
        "lukasz@example.org",
    ):
        assert words in said
    assert points_of(world, sheet, world.student) == D("7.25")


def test_a_shortened_number_is_no_matter_where_the_stamp_says_who_it_is(world: World, sheet: Assignment) -> None:  # noqa: F811
    User.objects.filter(pk=world.other.user_id).update(matriculation_number="412000")
    heads, rows = went_out(world.cast.client("assistant"))
    of(rows, world.other).update({"matriculation number": "4,12E+05", "Blatt 1": 4})
    assert bring(world, as_xlsx(heads, rows)).problems == []
    assert points_of(world, sheet, world.other) == D(4)


def test_stamps_that_were_moved_or_touched_are_refused(world: World, sheet: Assignment) -> None:  # noqa: F811
    heads, rows = went_out(world.cast.client("assistant"))
    stamp = heads[-1]
    mine, theirs = of(rows, world.student), of(rows, world.other)
    mine[stamp], theirs[stamp] = theirs[stamp], mine[stamp]
    moved = bring(world, as_xlsx(heads, rows))
    assert len(moved.problems) == 2
    assert all("its cells were moved" in problem.text for problem in moved.problems)
    theirs[stamp], mine[stamp] = mine[stamp].replace("3.5", "4.5"), None
    theirs["Blatt 1"] = 4.5
    touched = bring(world, as_xlsx(heads, rows))
    assert ["not as it was given out" in problem.text for problem in touched.problems] == [True]
    assert points_of(world, sheet, world.other) == D("3.5")


def test_a_table_of_the_staffs_own_needs_no_stamp(world: World, sheet: Assignment) -> None:  # noqa: F811
    content = f"E-Mail;Blatt 1\n{world.other.user.email};4,75\n".encode()
    plan = bring(world, content)
    assert plan.notes == ["This table has no stamps: what was changed here since it went out can't be told."]
    assert points_of(world, sheet, world.other) == D("4.75")


def test_a_member_of_a_team_is_corrected_alone_until_all_have_the_same(world: World, sheet: Assignment) -> None:  # noqa: F811
    pair = make_sheet(world, 2, teaming="kept", team_max=2)
    team = team_for_points(enrolment=world.student, assignment=pair, now=NOW)
    joined(world, team, world.other)
    give_points(project=team, given={None: Given(D(10), "Gut")}, by=world.staff, now=NOW)
    for points, own in ((12, 1), (10, 0)):
        heads, rows = went_out(world.cast.client("assistant"))
        of(rows, world.other)["Blatt 2"] = points
        assert bring(world, as_xlsx(heads, rows)).problems == []
        assert [points_of(world, pair, person) for person in (world.student, world.other)] == [D(10), D(points)]
        rows_now = team.assessment.task_points.all()
        assert rows_now.filter(enrolment__isnull=False).count() == own
        assert rows_now.get(enrolment=None).comment == "Gut"


def test_an_assignment_shown_alone_has_a_column_for_each_task(world: World) -> None:  # noqa: F811
    sheet = make_sheet(world, 1)
    first, _second = with_tasks(sheet, world, "8", "12")
    team = team_for_points(enrolment=world.student, assignment=sheet, now=NOW)
    give_points(project=team, given={first: Given(D(3), "Beweis fehlt")}, by=world.staff, now=NOW)
    client = world.cast.client("assistant")
    heads, rows = went_out(client)
    of(rows, world.student)["Blatt 1"] = 11
    (problem,) = bring(world, as_xlsx(heads, rows)).problems
    assert "has tasks" in problem.text
    heads, rows = went_out(client, f"&column=a{sheet.pk}")
    of(rows, world.student).update({"Blatt 1: Aufgabe 1": 4.5, "Blatt 1: Aufgabe 2": 12, "Blatt 1": 99})
    plan = bring(world, as_xlsx(heads, rows))
    assert [change for line in plan.lines for change in line.changes] == []
    of(rows, world.student)["Blatt 1"] = 16.5
    plan = bring(world, as_xlsx(heads, rows))
    assert [list(line.changes) for line in plan.lines] == [
        [("Blatt 1: Aufgabe 1", "3", "4.5"), ("Blatt 1: Aufgabe 2", "–", "12")]
    ]
    assert points_of(world, sheet, world.student) == D("16.5")
    assert team.assessment.task_points.get(task=first).comment == "Beweis fehlt"


def test_exams_are_corrected_by_the_service_of_exams(world: World, sheet: Assignment) -> None:  # noqa: F811
    exam = ExamFactory.create(course=world.course, title="Klausur")
    listed = exam.registrations.create(
        course=world.course, enrolment=world.student, state="attended", created_at=NOW, changed_at=NOW, arrived_at=NOW
    )
    enter_points(exam_pk=exam.pk, points={listed.pk: D("57.7")}, by=world.staff, now=NOW)
    heads, rows = went_out(world.cast.client("assistant"))
    head = next(head for head in heads if head.startswith("Klausur"))
    of(rows, world.student)[head] = 60.5
    of(rows, world.other)[head] = 12
    plan = bring(world, as_xlsx(heads, rows))
    assert [list(line.changes) for line in plan.lines] == [[(head, "57.7", "60.5")]]
    assert ["does not stand on the list of this exam" in problem.text for problem in plan.problems] == [True]
    listed.result.refresh_from_db()
    assert (listed.result.points, listed.result.correction) == (D("60.5"), "")
    set_grade_table(exam_pk=exam.pk, steps=usual_table(exam.max_points).steps, now=NOW)
    publish_results(exam_pk=exam.pk, by=world.staff, now=NOW)
    heads, rows = went_out(world.cast.client("assistant"))
    of(rows, world.student)[head] = 71.25
    plan = bring(world, as_xlsx(heads, rows), reason="Blatt übersehen")
    assert plan.notes == ["Published points of 1 person change: they get a mail with your reason."]
    (notice,) = Notice.objects.filter(kind="exams.result-changed")
    letter = letter_kinds[notice.kind].writer(notice, NOW)
    assert letter is not None
    assert (notice.recipient, "Reason: Blatt übersehen" in letter.text) == (world.student.user, True)


def test_what_is_taken_back_in_time_leaves_no_trace_on_pages(world: World) -> None:  # noqa: F811
    exam = ExamFactory.create(course=world.course, title="Klausur")
    listed = exam.registrations.create(
        course=world.course, enrolment=world.student, state="attended", created_at=NOW, changed_at=NOW, arrived_at=NOW
    )
    enter_points(exam_pk=exam.pk, points={listed.pk: D("57.5")}, by=world.staff, now=NOW)
    set_grade_table(exam_pk=exam.pk, steps=usual_table(exam.max_points).steps, now=NOW)
    publish_results(exam_pk=exam.pk, by=world.staff, now=NOW)
    pair = make_sheet(world, 1, teaming="kept", team_max=2)
    team = team_for_points(enrolment=world.student, assignment=pair, now=NOW)
    joined(world, team, world.other)
    give_points(project=team, given={None: Given(D(10))}, by=world.staff, now=NOW)
    publish_assessments(projects=[team], now=NOW)

    def said() -> list[str]:
        result, decision = Result.objects.get(), Assessment.objects.get()
        return [
            result.correction, decision.correction, *map(decision.correction_for, (world.student.pk, world.other.pk)),
        ]  # fmt: skip

    def corrected(points: dict[Enrolment, int], reason: str) -> TableImport:
        heads, rows = went_out(world.cast.client("assistant"))
        head = next(head for head in heads if head.startswith("Klausur"))
        for person, value in points.items():
            of(rows, person)["Blatt 1"] = value
        of(rows, world.student)[head] = 50 + points[world.student]
        assert bring(world, as_xlsx(heads, rows), reason=reason).problems == []
        return TableImport.objects.latest("pk")

    assert said() == ["", "", "", ""]
    made = corrected({world.student: 12}, "Blatt übersehen")
    assert said() == ["Blatt übersehen", "Blatt übersehen", "Blatt übersehen", ""]
    undone = undo_import(table_import=made, by=world.staff, now=NOW + timedelta(minutes=2))
    assert (undone.problems, said()) == ([], ["", "", "", ""])
    page = world.cast.client("student").get(f"/{world.course.slug}/exams/").content.decode()
    assert ("57.5" in page, "Corrected" in page) == (True, False)
    # What stood there before stands there again, each member's own; once people are told it says that it was taken back.
    corrected({world.student: 12, world.other: 13}, "Nachgezählt")
    made = corrected({world.student: 14}, "Verzählt")
    undo_import(table_import=made, by=world.staff, now=NOW + timedelta(minutes=2))
    assert said() == ["Nachgezählt"] * 4
    made = corrected({world.student: 15}, "Verzählt")
    undo_import(table_import=made, by=world.staff, now=NOW + timedelta(minutes=6))
    taken_back = "The import of a file was taken back."
    # Each of the team reads all the reasons that they were told, the newest last.
    assert said() == [taken_back, taken_back, f"Nachgezählt · Verzählt · {taken_back}", "Nachgezählt"]


@pytest.mark.parametrize(
    "title", ["Name", "E-Mail", "Notiz", "state", "Blatt 1 (Bonus)", "BLATT 1", "***", "Summe der Punkte"]
)
def test_an_assignment_may_be_called_like_another_column(world: World, sheet: Assignment, title: str) -> None:  # noqa: F811
    other = make_sheet(world, 2, title=title)
    give(world, other, world.other, "2", publish=False)
    heads, rows = went_out(world.cast.client("assistant"))
    assert len(set(heads)) == len(heads)
    for head in heads:
        if head.startswith(title) and of(rows, world.other)[head] == 2:
            of(rows, world.other)[head] = 6
    plan = bring(world, as_xlsx(heads, rows))
    assert (plan.table.is_clear, plan.problems, len(plan.lines)) == (True, [], 1)
    assert points_of(world, other, world.other) == D(6)
    assert points_of(world, sheet, world.other) == D("3.5")


_ODD = st.one_of(
    st.text(max_size=12), st.floats(), st.decimals(), st.integers(), st.none(), st.booleans(), st.datetimes(),
    st.sampled_from(["4,12E+05", '="00123"', "57.699999999999996", "1.234,5", "−3", "٣", "½", "7,50", "excused", "x", "-", "2024-05-03", "=1+1"]),
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(_ODD, min_size=2, max_size=2))
def test_whatever_a_cell_holds_it_is_points_a_word_or_a_problem(
    world: World,  # noqa: F811
    sheet: Assignment,
    values: list[Any],
) -> None:
    heads = ["e-mail", "Blatt 1"]
    people = (world.student, world.other)
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerows([heads, *([person.user.email, value] for person, value in zip(people, values, strict=True))])
    try:
        plan = bring(world, buffer.getvalue().encode("utf-8", "replace"), reason="Probe", dry_run=True)
    except RuleViolation as violation:
        # A quotation mark or a line's end may break the table itself.
        if violation.field != "file":
            raise
        return
    for line in plan.lines:
        for _head, _before, after in line.changes:
            assert after in ("–", "excused") or (0 <= D(after) <= 20 and D(after) % D("0.25") == 0)
    assert len(plan.lines) + len(plan.problems) + plan.unchanged <= 2


def test_ten_thousand_rows_of_strangers_are_named_and_stop_nobody(world: World, sheet: Assignment) -> None:  # noqa: F811
    lines = [f"fremd{number}@example.org;4,12E+05;57.699999999999996" for number in range(10_000)]
    content = "\n".join(["E-Mail;Matrikelnummer;Blatt 1", *lines, f"{world.other.user.email};;4"])
    plan = bring(world, content.encode())
    assert (len(plan.problems), [line.subject for line in plan.lines]) == (10_000, [str(world.other.user)])


def test_the_staff_see_the_changes_agree_and_take_them_back(world: World, sheet: Assignment) -> None:  # noqa: F811
    client = world.cast.client("assistant")
    heads, rows = went_out(client)
    of(rows, world.student)["Blatt 1"] = 8.5
    file = io.BytesIO(as_xlsx(heads, rows))
    file.name = "Punkte.xlsx"
    page = f"{ADDRESS}import/"
    shown = client.post(page, {"file": file})
    assert (shown.status_code, points_of(world, sheet, world.student)) == (200, D("7.25"))
    preview = shown.context["preview"]
    sent = {"kept": preview["kept"], "_shown": preview["seal"], "_agreed": "1"}
    assert client.post(page, {**sent, "reason": ""}).status_code == 422
    assert points_of(world, sheet, world.student) == D("7.25")
    assert client.post(page, {**sent, "reason": "Rückseite"}).status_code == 302
    assert points_of(world, sheet, world.student) == D("8.5")
    made = TableImport.objects.get()
    assert client.post("/amls/staff/imports/", {"undo": made.pk}).status_code == 302
    assert points_of(world, sheet, world.student) == D("7.25")
    for part in ("stranger", "student", "foreign lecturer"):
        assert world.cast.client(part).post(page, {}).status_code == 404


def exam_with_tasks(world: World, *people: Enrolment) -> tuple[Exam, list[Registration]]:  # noqa: F811
    exam = ExamFactory.create(course=world.course, title="Klausur")
    tasks = [TaskWish("Joins", D(30)), TaskWish("Größe", D("10.5"))]
    set_exam_tasks(exam_pk=exam.pk, tasks=tasks, by=None, now=NOW)
    return exam, [
        exam.registrations.create(
            course=world.course, enrolment=person, state="attended", created_at=NOW, changed_at=NOW, arrived_at=NOW
        )
        for person in people
    ]


def test_tasks_of_an_exam_go_out_and_come_back_beside_its_sum(world: World) -> None:  # noqa: F811
    third = world.another()
    exam, listed = exam_with_tasks(world, world.student, world.other, third)
    joins, size = exam.tasks.all()
    given = {listed[0].pk: {joins.pk: D(20), size.pk: D("2.5")}, listed[1].pk: {joins.pk: D(12)}}
    enter_task_points(exam_pk=exam.pk, points=given, by=world.staff, now=NOW)
    enter_points(exam_pk=exam.pk, points={listed[2].pk: D(17)}, by=world.staff, now=NOW)
    heads, rows = went_out(world.cast.client("assistant"))
    total, *tasks = (head for head in heads if head.startswith("Klausur"))
    assert [[of(rows, row.enrolment)[head] for head in (total, *tasks)] for row in listed] == [
        [22.5, 20, 2.5],
        [None, 12, None],
        [17, None, None],
    ]
    assert bring(world, as_xlsx(heads, rows)).lines == []
    of(rows, world.student).update({tasks[1]: 10.5, total: 1})
    of(rows, world.other)[tasks[1]] = 10.75
    of(rows, third)[total] = 18.5
    plan = bring(world, as_xlsx(heads, rows))
    assert {line.subject: list(line.changes) for line in plan.lines} == {
        str(world.student.user): [(tasks[1], "2.5", "10.5"), (total, "22.5", "30.5")],
        str(third.user): [(total, "17", "18.5")],
    }
    assert ["10.75" in problem.text for problem in plan.problems] == [True]
    undone = undo_import(table_import=TableImport.objects.get(), by=world.staff, now=NOW)
    assert (undone.done, undone.problems) == (2, [])
    of(rows, world.student).update({tasks[1]: 2.5, total: 22.5})
    of(rows, world.other)[tasks[1]] = None
    of(rows, third)[total] = 17
    assert bring(world, as_xlsx(heads, rows)).lines == []


def test_a_typed_sum_returns_when_the_tasks_that_replaced_it_are_taken_back(world: World) -> None:  # noqa: F811
    exam, (listed,) = exam_with_tasks(world, world.student)
    enter_points(exam_pk=exam.pk, points={listed.pk: D(17)}, by=world.staff, now=NOW)
    heads, rows = went_out(world.cast.client("assistant"))
    total, *tasks = (head for head in heads if head.startswith("Klausur"))
    of(rows, world.student).update(dict(zip(tasks, (8, 10), strict=True)))
    (line,) = bring(world, as_xlsx(heads, rows)).lines
    assert list(line.changes) == [(tasks[0], "–", "8"), (tasks[1], "–", "10"), (total, "17", "18")]
    assert undo_import(table_import=TableImport.objects.get(), by=world.staff, now=NOW).problems == []
    assert Result.objects.get(registration=listed).points == D(17)


@pytest.mark.parametrize("count", [3, 30])
def test_many_corrections_cost_as_many_queries_as_few(world: World, sheet: Assignment, count: int) -> None:  # noqa: F811
    people = make_students(world.course, count, prefix="q")
    parted = make_sheet(world, 2)
    with_tasks(parted, world, "8", "12")
    exam, listed = exam_with_tasks(world, *people)
    for person in people[::3]:
        give(world, sheet, person, "1")
    enter_points(exam_pk=exam.pk, points={row.pk: D(17) for row in listed[::3]}, by=world.staff, now=NOW)
    heads, rows = went_out(world.cast.client("assistant"), f"&column=a{parted.pk}")
    whole, all_rows = went_out(world.cast.client("assistant"))
    for place, person in enumerate(people):
        row = of(all_rows, person) | of(rows, person)
        row |= dict(zip((head for head in heads if head.startswith("Blatt 2: ")), (4.5, place % 12), strict=True))
        row |= {head: 3 for head in whole if head.startswith("Klausur") and place % 3}
        row |= {head: 20 for head in whole if head.startswith("Klausur") and not place % 3 and ":" not in head}
        row |= {"Blatt 1": "excused" if place % 3 == 2 else 7.25, heads[-1]: None}
        all_rows[all_rows.index(of(all_rows, person))] = row
    columns = list(dict.fromkeys([*whole[:-1], *(head for head in heads if head.startswith("Blatt 2: "))]))
    content = as_xlsx(columns, all_rows)
    with CaptureQueriesContext(connection) as queries:
        plan = bring(world, content, reason="Zweitkorrektur")
    assert (len(plan.lines), list(plan.problems)) == (count, [])
    assert len(queries) == 117


def test_points_of_which_some_are_deducted_are_not_taken_for_what_was_earned(world: World) -> None:  # noqa: F811
    assignment = late_pair(world)
    heads, rows = went_out(world.cast.client("assistant"))
    assert bring(world, as_xlsx(heads, rows)).lines == []
    of(rows, world.student)["Sheet 1"] = 19
    of(rows, world.other)["Sheet 1"] = "excused"
    plan = bring(world, as_xlsx(heads, rows), reason="recounted")
    (problem,) = plan.problems
    assert "of 20 points 2 are deducted for being late. Change on the page of the team what is earned" in problem.text
    assert points_of(world, assignment, world.student, OVER) == D(18)
    assert [line.subject for line in plan.lines] == [str(world.other.user)]
    # What comes back is what was earned, of which as much is deducted as before.
    undone = undo_import(table_import=TableImport.objects.get(), by=world.staff, now=NOW)
    assert (undone.done, points_of(world, assignment, world.other, OVER)) == (1, D(9))
    assert not Excuse.objects.exists()


def test_points_that_are_given_by_the_table_are_taken_back_also_where_some_are_deducted(world: World) -> None:  # noqa: F811
    assignment = late_pair(world)
    Assessment.objects.filter(project__memberships__enrolment=world.other).update(outcome="", published_at=None)
    TaskPoints.objects.filter(assessment__project__memberships__enrolment=world.other).delete()
    heads, rows = went_out(world.cast.client("assistant"))
    of(rows, world.other)["Sheet 1"] = 20
    assert bring(world, as_xlsx(heads, rows)).problems == []
    assert points_of(world, assignment, world.other, OVER) == D(18)
    undone = undo_import(table_import=TableImport.objects.get(), by=world.staff, now=NOW)
    assert (undone.problems, points_of(world, assignment, world.other, OVER)) == ([], None)
